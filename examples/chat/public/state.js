/** What this tab knows. Its name and rooms outlive a reload; another tab is somebody else. */

export const lobby = 'lobby'

export const state = {
  username: sessionStorage.getItem('username') ?? '',
  /** The room that is shown, which the URL names. */
  current: roomInUrl() ?? lobby,
  /** The rooms that we are in, by name. */
  rooms: new Map(),
  /** The rooms that there are: `{ room, members }`. */
  directory: []
}
for (const name of [...JSON.parse(sessionStorage.getItem('rooms') ?? `["${lobby}"]`), state.current]) enter(name)

export function enter (name) {
  if (!state.rooms.has(name)) state.rooms.set(name, { messages: new Map(), members: [], typing: new Map(), unread: 0 })
}

export function currentRoom () {
  return state.rooms.get(state.current)
}

export function remember () {
  sessionStorage.setItem('username', state.username)
  sessionStorage.setItem('rooms', JSON.stringify([...state.rooms.keys()]))
  if (roomInUrl() !== state.current) location.hash = state.current
}

export function roomInUrl () {
  const name = location.hash.slice(1)
  return isRoomName(name) ? name : null
}

export function isRoomName (name) {
  return /^[a-z0-9][a-z0-9-]{0,23}$/.test(name)
}
