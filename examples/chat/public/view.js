import { element } from './element.js'
import { avatar, dress, renderMessage } from './messages.js'
import { currentRoom, lobby, state } from './state.js'

/** The elements of the page, by id. */
export const at = Object.fromEntries([...document.querySelectorAll('[id]')].map(found => [found.id, found]))

const statusTexts = {
  connecting: () => 'Connecting…',
  open: () => `Connected · ${currentRoom().members.length} here`,
  waiting: () => 'Connection lost, coming back…',
  closed: () => 'Closed by the server'
}

export function renderConversation () {
  const room = currentRoom()
  room.unread = 0
  at['room-title'].textContent = titleOf(state.current)
  at['history-link'].href = `rooms/${state.current}/history`
  at.message.placeholder = `Write to ${titleOf(state.current)}`

  // All of it at once is nothing that a screen reader should read out.
  at.log.setAttribute('aria-busy', 'true')
  const messages = [...room.messages.values()]
  at.messages.replaceChildren(...messages.flatMap((said, index) => renderMessage(said, messages[index - 1], state.username)))
  at.empty.hidden = messages.length > 0
  scrollToEnd()
  window.requestAnimationFrame(() => at.log.setAttribute('aria-busy', 'false'))
  renderPeople()
  renderTyping()
}

export function appendMessage (said, before) {
  const wasAtEnd = isAtEnd()
  at.empty.hidden = true
  at.messages.append(...renderMessage(said, before, state.username))
  if (wasAtEnd || said.username === state.username) scrollToEnd()
  else at['to-end'].hidden = false
}

/** @param does `open(name)`, `leave(name)` */
export function renderRooms (does) {
  const listed = new Map(state.directory.map(({ room, members }) => [room, members]))
  for (const name of state.rooms.keys()) if (!listed.has(name)) listed.set(name, 0)
  const focused = document.activeElement?.dataset.room
  at['room-list'].replaceChildren(...[...listed].map(([name, members]) => roomItem(name, members, does)))
  if (focused !== undefined) at['room-list'].querySelector(`[data-room="${focused}"]`)?.focus()
  const unread = [...state.rooms.values()].reduce((sum, room) => sum + room.unread, 0)
  document.title = `${unread > 0 ? `(${unread}) ` : ''}${titleOf(state.current)} · Chat`
}

function roomItem (name, members, does) {
  const unread = state.rooms.get(name)?.unread ?? 0
  const button = element('button', { type: 'button', class: 'room', 'data-room': name }, element('span', { class: 'room-name' }, titleOf(name)))
  if (name === state.current) button.setAttribute('aria-current', 'page')
  if (unread > 0) button.append(element('span', { class: 'badge' }, String(unread), hidden(' unread')))
  else if (members > 0) button.append(element('span', { class: 'count' }, String(members), hidden(' here')))
  button.onclick = () => does.open(name)

  const item = element('li', {}, button)
  if (name === state.current && name !== lobby) {
    const leave = element('button', { type: 'button', class: 'leave', 'aria-label': `Leave ${titleOf(name)}` }, '×')
    leave.onclick = () => does.leave(name)
    item.append(leave)
  }
  return item
}

export function renderPeople () {
  const { members } = currentRoom()
  at['people-list'].replaceChildren(...members.map(name => {
    const item = element('li', {}, avatar(name), element('span', { class: 'person' }, name))
    if (name === state.username) item.append(element('span', { class: 'you' }, 'you'))
    return item
  }))
  at['people-count'].textContent = String(members.length)
  renderStatus(at.status.dataset.state)
}

/** @param connection `'connecting'`, `'open'`, `'waiting'` or `'closed'` */
export function renderStatus (connection) {
  at.status.dataset.state = connection
  at.retry.hidden = connection !== 'waiting'
  const text = statusTexts[connection]()
  // A status that is written again is read out again.
  if (at['status-text'].textContent !== text) at['status-text'].textContent = text
}

export function renderTyping () {
  const names = [...currentRoom().typing.keys()]
  const who = names.length > 2 ? 'Several people are' : names.length === 2 ? `${names[0]} and ${names[1]} are` : `${names[0]} is`
  at.typing.textContent = names.length === 0 ? '' : `${who} typing`
}

export function renderMe () {
  at['my-name'].textContent = state.username
  dress(at['my-avatar'], state.username || '?')
}

export function isAtEnd () {
  return at.log.scrollHeight - at.log.scrollTop - at.log.clientHeight < 80
}

export function scrollToEnd () {
  at.log.scrollTop = at.log.scrollHeight
  at['to-end'].hidden = true
}

export function fitComposer () {
  at.message.style.height = 'auto'
  at.message.style.height = `${at.message.scrollHeight}px`
}

/** On a narrow window the panels are popovers. */
export function hidePanels () {
  for (const panel of [at.rooms, at.people]) if (panel.matches(':popover-open')) panel.hidePopover()
}

export function askName () {
  at.username.value = state.username
  at.welcome.showModal()
  at.username.select()
}

function titleOf (room) {
  const words = room.replaceAll('-', ' ')
  return words[0].toUpperCase() + words.slice(1)
}

function hidden (text) {
  return element('span', { class: 'visually-hidden' }, text)
}
