import { connect } from '/client/index.js'
import { Cursors } from './cursors.js'
import { element } from './element.js'
import { Ink } from './ink.js'
import { Meter } from './meter.js'
import { Pen } from './pen.js'
import { People } from './people.js'

const at = Object.fromEntries([...document.querySelectorAll('[id]')].map(found => [found.id, found]))
const colourNames = ['Ink', 'Orange', 'Yellow', 'Green', 'Blue', 'Violet']
const widths = { Thin: 6, Medium: 14, Thick: 36 }
const protocols = { msgpack: 'MessagePack', json: 'JSON' }
/** How often the table of bytes is written anew, in milliseconds. */
const bytesEvery = 500

const protocol = new URLSearchParams(location.search).get('protocol') === 'json' ? 'json' : 'msgpack'
/** By it the server knows which strokes are this page's own. */
const key = [...crypto.getRandomValues(new Uint8Array(16))].map(byte => byte.toString(16).padStart(2, '0')).join('')
const anyColour = Math.floor(Math.random() * colourNames.length)

const meter = new Meter()
const ink = new Ink(at.canvas, colour => window.getComputedStyle(document.documentElement).getPropertyValue(`--pen-${colour}`))
const cursors = new Cursors(at.cursors)
const people = new People(at.people)
let me = null
let board = boardOfAddress()

const client = connect('/whiteboard', {
  protocols: [protocol],
  codec: meter.codec(protocol),
  // What is drawn without a connection would not be seen by anybody.
  queue: { size: 10 },
  rooms: { join: room => ({ type: 'join', room, name: at.name.value, colour: pen().colour, key }) }
})

client.onState(({ state, retryIn }) => {
  at.connection.dataset.state = state
  if (state !== 'open') leaveDrawing()
  if (state === 'connecting') at.connection.textContent = 'Connecting…'
  if (state === 'waiting') at.connection.textContent = retryIn === null ? 'Offline' : `Not connected; again in ${Math.ceil(retryIn / 1000)} s`
  if (state === 'closed') at.connection.textContent = 'Closed by the server'
})

client.on('drew', stroke => {
  ink.add(stroke)
  people.paint(stroke.by, stroke.colour)
  pointed(stroke.by, ...stroke.points.slice(-2))
  showHint()
})
client.on('pointed', ({ by, x, y }) => pointed(by, x, y))
client.on('removed', ({ strokes }) => {
  ink.remove(strokes)
  showHint()
})
client.on('cleared', () => {
  ink.replace([])
  showHint()
})
client.on('presence', notice => {
  for (const by of people.change(notice)) cursors.remove(by)
})
client.on('error', ({ message }) => { at.connection.textContent = message })

const surface = new Pen(at.canvas, {
  isReady: () => me !== null,
  onDraw (stroke, points) {
    const drawn = { stroke, ...pen(), points }
    ink.add({ by: me, ...drawn })
    people.paint(me, drawn.colour)
    client.send({ type: 'draw', ...drawn })
    showHint()
  },
  onPoint: (x, y) => client.send({ type: 'point', x, y })
})

function join () {
  at['board-name'].textContent = board
  client.join(board, ({ by, people: present, strokes }) => {
    me = by
    ink.replace(strokes)
    people.replace(by, present)
    at.board.dataset.state = 'open'
    at.undo.disabled = at.clear.disabled = false
    at.connection.textContent = 'Connected'
    showHint()
  }).catch(error => {
    if (error.code !== 'WS_CLIENT_LEFT') at.connection.textContent = error.message
  })
}

/** Until the board is joined again. */
function leaveDrawing () {
  me = null
  surface.lift()
  cursors.clear()
  at.board.dataset.state = 'lost'
  at.undo.disabled = at.clear.disabled = true
}

function change (next) {
  client.leave(board)
  leaveDrawing()
  board = next
  join()
}

function pointed (by, x, y) {
  const person = people.find(by)
  if (person !== undefined) cursors.show(by, person.name, person.colour, x, y)
}

function showHint () {
  at.hint.hidden = !ink.isEmpty
}

/** What is chosen. */
function pen () {
  const chosen = new FormData(at.tools)
  return { colour: Number(chosen.get('colour')), width: Number(chosen.get('width')) }
}

function choice (group, name, value, label, isChosen, className = '') {
  const input = element('input', { type: 'radio', name, value, 'aria-label': label, title: label })
  input.checked = isChosen
  group.append(element('label', { class: `swatch ${className}` }, input, element('i')))
}

function boardOfAddress () {
  const name = location.hash.slice(1)
  return /^[a-z0-9][a-z0-9-]{0,23}$/.test(name) ? name : 'lobby'
}

function showBytes () {
  const { figures } = meter
  if (figures.length === 0) return
  at.bytes.replaceChildren(...figures.map(({ type, number, msgpack, json }) => {
    const cells = { msgpack: element('td', {}, average(msgpack, number)), json: element('td', {}, average(json, number)) }
    cells[protocol].dataset.spoken = ''
    return element('tr', {}, element('th', { scope: 'row' }, type), element('td', {}, number.toLocaleString('en')), cells.msgpack, cells.json)
  }))
  const sum = name => figures.reduce((total, each) => total + each[name], 0)
  const [msgpack, json] = [sum('msgpack'), sum('json')]
  at.saved.textContent = `${msgpack.toLocaleString('en')} bytes as MessagePack, ${json.toLocaleString('en')} as JSON: ${Math.round((1 - msgpack / json) * 100)}\u00a0% less.`
}

function average (bytes, number) {
  return (bytes / number).toLocaleString('en', { maximumFractionDigits: 0 })
}

for (const [colour, name] of colourNames.entries()) choice(at.palette, 'colour', colour, name, colour === anyColour, `pen-${colour}`)
for (const [label, width] of Object.entries(widths)) choice(at.widths, 'width', width, label, label === 'Medium')

at.name.value = localStorage.getItem('name') ?? `Guest ${100 + Math.floor(Math.random() * 900)}`
at.name.onchange = () => {
  at.name.value = at.name.value.trim() || 'Guest'
  localStorage.setItem('name', at.name.value)
  change(board)
}
at.undo.onclick = () => client.send({ type: 'undo' })
at.clear.onclick = () => client.send({ type: 'clear' })
at.tools.onsubmit = event => event.preventDefault()
at.protocol.textContent = protocols[protocol]
const other = protocol === 'json' ? 'msgpack' : 'json'
at['other-protocol'].textContent = `Speak ${protocols[other]}`
const showLinks = () => {
  at['other-protocol'].href = `?protocol=${other}${location.hash}`
  at['new-board'].href = `#${Math.random().toString(36).slice(2, 8)}`
}

window.addEventListener('hashchange', () => {
  showLinks()
  if (boardOfAddress() !== board) change(boardOfAddress())
})
window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => ink.redraw())
setInterval(showBytes, bytesEvery)

showLinks()
leaveDrawing()
join()
