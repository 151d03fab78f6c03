import type { HistorySettings } from '../types/adapter.ts'
import type { Connection } from '../types/connection.ts'
import type { PresenceNotices, RoomDeclaration } from '../types/rooms.ts'
import { checkFields, checkWhole, maxDelay } from './check-option.ts'
import { FST_ERR_WS_OPTION } from './errors.ts'

/** A room's `presence` with nothing left to guess. */
export interface ResolvedPresence {
  /** null: others see nothing but who it is */
  readonly data: ((connection: Connection) => unknown) | null
  /** null: members are told of nobody */
  readonly notify: Readonly<Required<PresenceNotices>> | null
}

/** Every default, with its unit. */
export const roomDefaults = Object.freeze({
  history: Object.freeze({
    /** messages */
    size: 100,
    /** milliseconds */
    ttl: 300_000
  }),
  notify: Object.freeze({
    /** milliseconds */
    interval: 250,
    /** members */
    limit: 100
  })
})

/** A node reads a history in one piece. */
const largestHistory = 10_000

/** @throws FST_ERR_WS_OPTION */
export function resolveHistory (option: RoomDeclaration['history'] = false): HistorySettings | null {
  if (option === false) return null
  if (option === true) return roomDefaults.history
  checkFields('history', option, Object.keys(roomDefaults.history))
  const { size = roomDefaults.history.size, ttl = roomDefaults.history.ttl } = option
  checkWhole('history.size', size, 1, largestHistory)
  checkWhole('history.ttl', ttl, 1, maxDelay)
  return { size, ttl }
}

/** @throws FST_ERR_WS_OPTION */
export function resolvePresence (option: RoomDeclaration['presence'] = false): ResolvedPresence | null {
  if (option === false) return null
  if (option === true) return { data: null, notify: null }
  if (typeof option === 'function') return { data: option, notify: null }
  checkFields('presence', option, ['data', 'notify'])
  const { data = null, notify = false } = option
  if (data !== null && typeof data !== 'function') throw new FST_ERR_WS_OPTION('presence.data', 'must be a function')
  return { data, notify: resolveNotices(notify) }
}

/** @throws FST_ERR_WS_OPTION */
function resolveNotices (option: boolean | PresenceNotices): ResolvedPresence['notify'] {
  if (option === false) return null
  if (option === true) return roomDefaults.notify
  checkFields('presence.notify', option, Object.keys(roomDefaults.notify))
  const { interval = roomDefaults.notify.interval, limit = roomDefaults.notify.limit } = option
  checkWhole('presence.notify.interval', interval, 1, maxDelay)
  checkWhole('presence.notify.limit', limit, 0, largestHistory)
  return { interval, limit }
}
