import { connect } from '/client/index.js'
import { OwnStatus } from './own-status.js'
import { people, somebody, urlOf } from './people.js'
import { at, appendNotice, clearNotices, Crowd, renderCounts, renderRoom, renderState } from './view.js'
import { Visitors } from './visitors.js'

/** How soon the list is read again when a notice listed only some, in milliseconds. */
const readAgain = 400
const visitorsAtOnce = 25

const me = somebody(new URLSearchParams(location.search).get('name') ?? people[Math.floor(Math.random() * people.length)])
const socket = connect(urlOf(me), { reconnect: { cap: 5_000 } })
const crowd = new Crowd()
const visitors = new Visitors(visitors => {
  at.visitors.textContent = visitors.connected < visitors.size ? `${visitors.connected} of ${visitors.size} connected` : String(visitors.size)
  at.bring.disabled = visitors.isFull
  at['send-away'].disabled = visitors.size === 0
})

let current = null
let isAnnounced = false
let timer = null

const status = new OwnStatus(status => {
  at['my-status'].textContent = status
  tellStatus(status)
})

/* What the server tells. */

socket.onState(({ state }) => renderState(state))
socket.on('counts', ({ counts }) => renderCounts(counts))
socket.on('error', ({ message }) => appendNotice(message, 'bad'))

socket.on('presence', ({ room, count, joined, left, more = 0 }) => {
  if (room !== `document:${current}`) return
  // One's own coming is told, too, when the list has it already.
  const come = joined.filter(({ id }) => !crowd.has(id) || (id === crowd.me && !isAnnounced)).length
  isAnnounced ||= joined.some(({ id }) => id === crowd.me)
  for (const { id } of left) crowd.remove(id)
  for (const { id, data } of joined) crowd.put(id, data)
  crowd.setCount(count)
  appendNotice(textOf({ come, changed: joined.length - come, gone: left.length, more, count }))
  // Of those who are not listed nobody knows who came, and who left.
  if (more > 0 || crowd.knowsTooFew) readSoon()
})

function textOf ({ come, changed, gone, more, count }) {
  const parts = [[come, 'came'], [gone, 'left'], [changed, 'changed'], [more, 'more, not listed']]
  return `${parts.flatMap(([number, word]) => number > 0 ? `${number} ${word}` : []).join(', ')} · ${count} here`
}

function readSoon () {
  timer ??= setTimeout(() => {
    timer = null
    read().catch(error => appendNotice(error.message, 'bad'))
  }, readAgain)
}

async function read () {
  const { room, count, members } = await socket.request({ type: 'who', room: current })
  if (room !== current) return
  crowd.setAll(members, count)
  appendNotice(`The list was read again: ${members.length} of ${count}`)
}

function tellStatus (status) {
  if (socket.state === 'open') socket.send({ type: 'status', status })
}

/* What the user does. */

function open (name) {
  if (name === current) return
  if (current !== null) socket.leave(current)
  current = name
  renderRoom(name)
  crowd.clear()
  clearNotices()
  socket.join(name, ({ room, me, count, members }) => {
    if (room !== current) return
    crowd.me = me
    isAnnounced = false
    crowd.setAll(members, count)
    // Each connection begins as an active one.
    if (status.current !== 'active') tellStatus(status.current)
  }).catch(error => {
    // Another document may be opened before the server answers.
    if (error.code !== 'WS_CLIENT_LEFT') appendNotice(error.message, 'bad')
  })
}

for (const button of at.documents) button.onclick = () => open(button.dataset.document)
at.notes.oninput = () => status.type()
at.bring.onclick = () => visitors.bring(visitorsAtOnce, current)
at['send-away'].onclick = () => visitors.sendAway()

at.me.textContent = me.name
open('plan')
