import { connect } from '/client/index.js'
import { currentRoom, enter, isRoomName, lobby, remember, roomInUrl, state } from './state.js'
import {
  appendMessage, askName, at, fitComposer, hidePanels, isAtEnd, renderConversation, renderMe, renderPeople, renderRooms,
  renderStatus, renderTyping, scrollToEnd
} from './view.js'

/** How long somebody is shown as typing after the last sign of it, and how often we give one, in milliseconds. */
const typingShown = 4000
const typingTold = 2000

/** The name that the server knows us by. */
let toldName = ''
let typingToldAt = 0

/** From when there is a name. */
let socket = null

function start () {
  socket = connect('/chat', {
    reconnect: { cap: 15_000 },
    // Asked before each attempt: the name may be another one by then.
    authenticate () {
      toldName = state.username
      return { query: { username: toldName } }
    }
  })
  socket.onState(change => onState(change.state))
  socket.on('said', onSaid)
  socket.on('members', onMembers)
  socket.on('typing', onTyping)
  socket.on('rooms', onRooms)
  socket.on('error', ({ message }) => notice(message))
  for (const name of state.rooms.keys()) join(name)
}

function isOpen () {
  return socket?.state === 'open'
}

/* What the server tells. */

function onState (connection) {
  renderStatus(connection)
  if (connection === 'open') tellName()
}

function onSaid (said) {
  const room = state.rooms.get(said.room)
  if (room === undefined || room.messages.has(said.key)) return
  const before = [...room.messages.values()].at(-1)
  room.messages.set(said.key, said)
  stopTyping(said.room, said.username)
  if (said.room === state.current) appendMessage(said, before)
  if (said.room === state.current && !document.hidden) return
  room.unread++
  showRooms()
}

function onMembers ({ room, members }) {
  if (!state.rooms.has(room)) return
  state.rooms.get(room).members = members
  if (room === state.current) renderPeople()
}

function onTyping ({ room, username }) {
  const typing = state.rooms.get(room)?.typing
  if (typing === undefined) return
  clearTimeout(typing.get(username))
  typing.set(username, setTimeout(() => stopTyping(room, username), typingShown))
  if (room === state.current) renderTyping()
}

function stopTyping (room, username) {
  const typing = state.rooms.get(room)?.typing
  if (typing === undefined) return
  clearTimeout(typing.get(username))
  typing.delete(username)
  if (room === state.current) renderTyping()
}

function onRooms ({ rooms }) {
  state.directory = rooms
  showRooms()
}

/* What the user does. */

/** Over this connection, and over each later one: what was said meanwhile comes with the answer. */
async function join (name) {
  try {
    await socket.join(name, ({ members, history }) => onJoined(name, members, history))
  } catch (error) {
    // A room may be left before the server answers.
    if (error.code !== 'WS_CLIENT_LEFT') refused(name, error)
  }
}

function onJoined (name, members, history) {
  const room = state.rooms.get(name)
  if (room === undefined) return
  room.members = members
  for (const said of history) room.messages.set(said.key, said)
  room.messages = new Map([...room.messages].sort(([, a], [, b]) => a.time.localeCompare(b.time)))
  if (name === state.current) renderConversation()
}

function refused (name, error) {
  state.rooms.delete(name)
  if (name === state.current) open(lobby)
  else remember()
  notice(error.message)
}

function open (name) {
  if (!state.rooms.has(name)) {
    enter(name)
    if (socket !== null) join(name)
  }
  state.current = name
  remember()
  hidePanels()
  renderConversation()
  showRooms()
}

function leave (name) {
  state.rooms.delete(name)
  socket.leave(name)
  open(lobby)
}

function say () {
  const text = at.message.value.trim()
  // What can't be sent now stays in the field.
  if (text === '' || !isOpen()) return
  socket.send({ type: 'say', room: state.current, message: text })
  at.message.value = ''
  typingToldAt = 0
  fitComposer()
  scrollToEnd()
}

function tellTyping () {
  if (at.message.value.trim() === '' || !isOpen() || Date.now() - typingToldAt < typingTold) return
  typingToldAt = Date.now()
  socket.send({ type: 'typing', room: state.current })
}

function takeName (name) {
  const isFirst = state.username === ''
  state.username = name
  remember()
  renderMe()
  renderConversation()
  if (isFirst) start()
  else tellName()
}

function tellName () {
  if (toldName === state.username || !isOpen()) return
  toldName = state.username
  socket.send({ type: 'rename', username: toldName })
}

function notice (text) {
  at.typing.textContent = text
}

function showRooms () {
  renderRooms({ open, leave })
}

/* Who listens to what. */

at.composer.onsubmit = event => {
  event.preventDefault()
  say()
}
at.message.onkeydown = event => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
  event.preventDefault()
  say()
}
at.message.oninput = () => {
  fitComposer()
  tellTyping()
}
at['new-room'].onsubmit = event => {
  event.preventDefault()
  const name = at['new-room-name'].value.trim().toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '')
  if (!isRoomName(name)) return
  at['new-room-name'].value = ''
  open(name)
}
at['welcome-form'].onsubmit = event => {
  event.preventDefault()
  const name = at.username.value.trim()
  if (name === '') return
  at.welcome.close()
  takeName(name)
  at.message.focus()
}
// The first name can't be declined.
at.welcome.oncancel = event => { if (state.username === '') event.preventDefault() }
at.rename.onclick = askName
at.retry.onclick = () => socket?.retry()
at['to-end'].onclick = scrollToEnd
at.log.onscroll = () => { if (isAtEnd()) at['to-end'].hidden = true }
window.onresize = () => { if (document.activeElement === at.message) scrollToEnd() }
window.onhashchange = () => {
  const name = roomInUrl()
  if (name !== null && name !== state.current) open(name)
}
document.addEventListener('visibilitychange', () => {
  if (document.hidden) return
  currentRoom().unread = 0
  showRooms()
})

remember()
renderMe()
renderConversation()
showRooms()
if (state.username === '') askName()
else start()
