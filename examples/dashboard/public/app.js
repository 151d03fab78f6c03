import { connect } from '/client/index.js'
import { Tile } from './tile.js'

/** How often tiles are drawn, and figures, and the time that a rate is of, in milliseconds. */
const [drawEvery, figuresEvery, ratesOf] = [80, 500, 3_000]
const stateTexts = { connecting: 'Connecting…', open: 'Connected', waiting: 'Lost, coming back…', closed: 'Closed' }
const notes = {
  false: 'Some 1,000 readings a second, in one room a group. Whoever reads too slowly gets the latest of each machine, not all that there were, and slows nobody else.',
  true: 'This page takes nothing for 1.5 seconds at a time. What waits for it is replaced by what is newer, so that it jumps to the present: the straight, red lines are where it skipped. Open a second tab: it misses nothing.'
}

const at = Object.fromEntries([...document.querySelectorAll('[id]')].map(found => [found.id, found]))
const groupButtons = [...document.querySelectorAll('[data-group]')]
const serverFigures = [...document.querySelectorAll('[data-figure]')]

/** Of the machines that are shown, by name. */
const tiles = new Map()
/** Of the time since figures were shown last, and of as much before as shows a slow page's bursts as one. */
let counts = { received: 0, skipped: 0 }
const before = []
let skippedInAll = 0
let isSlow = false

const socket = connect('/dashboard', { reconnect: { cap: 5_000 } })

socket.onState(({ state }) => {
  at.app.dataset.state = state
  at.state.textContent = stateTexts[state]
  // The server has forgotten it with the connection; groups are joined again by themselves.
  if (state === 'open' && isSlow) tellLine()
})

socket.on('reading', reading => {
  const tile = tiles.get(reading.machine)
  // Of a group that was left a moment ago.
  if (tile === undefined) return
  const skipped = tile.add(reading)
  counts.received++
  counts.skipped += skipped
  skippedInAll += skipped
})

socket.on('figures', figures => {
  for (const figure of serverFigures) figure.textContent = figures[figure.dataset.figure].toLocaleString('en')
})

/* What the user does. */

function show (group) {
  socket.join(group, ({ readings }) => {
    for (const reading of readings) {
      const tile = new Tile(group, reading)
      tiles.set(reading.machine, tile)
    }
    arrange()
  }).catch(error => {
    // A group may be hidden before the server answers.
    if (error.code !== 'WS_CLIENT_LEFT') tell(error)
  })
}

function hide (group) {
  socket.leave(group)
  for (const [machine, tile] of tiles) if (tile.group === group) tiles.delete(machine)
  arrange()
}

/** Groups in the order of their buttons, whichever answered first. */
function arrange () {
  const shown = groupButtons.flatMap(({ dataset }) => [...tiles.values()].filter(({ group }) => group === dataset.group))
  at.tiles.replaceChildren(...shown.map(({ item }) => item))
  at.empty.hidden = groupButtons.some(isPressed)
}

function isPressed (button) {
  return button.getAttribute('aria-pressed') === 'true'
}

async function tellLine () {
  try {
    await socket.request({ type: 'line', isNarrow: isSlow })
  } catch (error) {
    tell(error)
  }
}

function tell (error) {
  at.note.textContent = error.message
}

for (const button of groupButtons) {
  button.onclick = () => {
    button.setAttribute('aria-pressed', String(!isPressed(button)))
    if (isPressed(button)) show(button.dataset.group)
    else hide(button.dataset.group)
  }
  show(button.dataset.group)
}

at.slow.onclick = () => {
  isSlow = !isSlow
  at.slow.setAttribute('aria-checked', String(isSlow))
  at.note.textContent = notes[isSlow]
  tellLine()
}

/* What is drawn. */

function showFigures () {
  before.push(counts)
  counts = { received: 0, skipped: 0 }
  if (before.length * figuresEvery > ratesOf) before.shift()
  const rate = name => Math.round(before.reduce((sum, each) => sum + each[name], 0) / (before.length * figuresEvery / 1000))
  at.rate.textContent = rate('received').toLocaleString('en')
  at.skipped.textContent = rate('skipped').toLocaleString('en')
  at['skipped-all'].textContent = skippedInAll.toLocaleString('en')
  at.skipped.parentElement.dataset.tone = rate('skipped') > 0 ? 'bad' : ''
  const age = Math.max(...[...tiles.values()].map(tile => tile.age))
  at.age.textContent = tiles.size === 0 ? '–' : age < 1000 ? `${Math.round(age)} ms` : `${(age / 1000).toFixed(1)} s`
}

function draw () {
  if (document.hidden) return
  const style = window.getComputedStyle(at.tiles)
  const colors = Object.fromEntries(['drawn', 'hole', 'hot'].map(name => [name, style.getPropertyValue(`--${name}`)]))
  for (const tile of tiles.values()) tile.draw(colors)
}

at.note.textContent = notes[isSlow]
setInterval(draw, drawEvery)
setInterval(showFigures, figuresEvery)
