import type { ErrorMessage } from '../../types/notices.ts'
import { pauseBefore } from './backoff.ts'
import type { Pauses } from './backoff.ts'
import { WsClientError } from './error.ts'
import { Listeners } from './listeners.ts'
import type { Fields, Outgoing } from './outgoing.ts'

/** What rooms need of the client that they belong to. */
export interface RoomsOwner {
  isOpen (): boolean
  deliver (message: unknown): void
  /** The connection can't be relied on. */
  drop (reason: string): void
}

/** The words for it, as `RoomsOptions` of any contract. */
export interface RoomWords {
  readonly join?: (room: string, since: string | undefined) => unknown
  readonly leave?: (room: string) => unknown
  readonly roomOf?: (message: never) => string | undefined
}

interface RoomsSettings extends Pauses {
  readonly requestTimeout: number
  readonly rooms?: RoomWords
}

type OnJoined = (reply: never) => void

/** Refusals that may be none a moment later. */
const passing = /^FST_ERR_WS_(ROOM_UNAVAILABLE|RATE_LIMIT)$/

class Room {
  readonly name: string
  readonly listeners = new Listeners<never>()
  readonly joined: Promise<Fields>
  resolve: (reply: Fields) => void = () => {}
  reject: (error: unknown) => void = () => {}
  /** Whether it was ever answered: from then on it is joined over each connection. */
  isJoined = false
  /** The `eventId` to go on from. */
  since: string | undefined
  /** What came of it and was not answered yet: what it is worth says the answer. null where it was answered. */
  held: Map<string, Fields> | null = new Map()
  /** Until the answer is due, or the next attempt. */
  timer: ReturnType<typeof setTimeout> | undefined
  failures = 0

  constructor (name: string) {
    this.name = name
    this.joined = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
  }
}

/** The rooms that were joined, and where in their histories they are. */
export class Rooms {
  readonly #owner: RoomsOwner
  readonly #outgoing: Outgoing
  readonly #options: RoomsSettings
  readonly #words: Required<RoomWords>
  readonly #rooms = new Map<string, Room>()

  constructor (owner: RoomsOwner, outgoing: Outgoing, options: RoomsSettings) {
    this.#owner = owner
    this.#outgoing = outgoing
    this.#options = options
    this.#words = {
      join: (room, since) => ({ type: 'join', room, ...since !== undefined && { since } }),
      leave: room => ({ type: 'leave', room }),
      roomOf: ({ room = this.#rooms.size === 1 ? [...this.#rooms.keys()][0] : undefined }: Fields) => room as string,
      ...options.rooms
    }
  }

  join (name: string, onJoined?: OnJoined): Promise<Fields> {
    const known = this.#rooms.get(name)
    const room = known ?? new Room(name)
    if (onJoined !== undefined) room.listeners.add(onJoined)
    if (known === undefined) {
      this.#rooms.set(name, room)
      this.#ask(room)
    }
    return room.joined
  }

  leave (name: string): void {
    const room = this.#rooms.get(name)
    if (room === undefined) return
    this.#forget(room, new WsClientError('WS_CLIENT_LEFT', 'the room was left'), true)
    if (this.#owner.isOpen()) this.#outgoing.send(this.#words.leave(name))
  }

  /** There is a connection. */
  onOpen (): void {
    for (const room of [...this.#rooms.values()]) this.#ask(room)
  }

  /** It was lost, and the next one asks anew. Answers whether a room waits for that. */
  onLost (): boolean {
    let isAwaited = false
    for (const { timer, held } of this.#rooms.values()) {
      clearTimeout(timer)
      if (held) isAwaited = true
    }
    return isAwaited
  }

  /** Keeps a message of a room whose join is not yet answered, and answers whether it does. Of others it remembers the place. */
  holds (message: Fields): boolean {
    const { eventId, type } = message
    if (typeof eventId !== 'string') return false
    const name = type === 'gap' ? message.room : this.#words.roomOf(message as never)
    const room = this.#rooms.get(name as string)
    if (room === undefined) return false
    if (room.held === null) {
      room.since = eventId
      return false
    }
    // One that comes again is where it comes last: it was replayed.
    const key = `${type} ${eventId}`
    room.held.delete(key)
    room.held.set(key, message)
    return true
  }

  clear (error: Error): void {
    for (const room of [...this.#rooms.values()]) this.#forget(room, error, true)
  }

  #ask (room: Room): void {
    if (!this.#owner.isOpen()) return
    // What came before and was not answered is worth nothing, and comes again.
    room.held = new Map()
    room.timer = setTimeout(() => this.#owner.drop('no answer to a join'), this.#options.requestTimeout)
    try {
      this.#outgoing.ask(this.#words.join(room.name, room.since), (error, reply) => this.#onSettled(room, error, reply))
    } catch (error) {
      this.#forget(room, error)
    }
  }

  #onSettled (room: Room, error: unknown, reply: Fields): void {
    // Where the connection was lost, the next one asks again.
    if (this.#rooms.get(room.name) !== room || !this.#owner.isOpen()) return
    clearTimeout(room.timer)
    if (error === null) return this.#onAnswer(room, reply)
    const { code } = error as WsClientError
    // A handler that fails the first time may always fail: whoever joins should see that.
    if (passing.test(code) || (room.isJoined && code === 'FST_ERR_WS_INTERNAL')) room.timer = setTimeout(() => this.#ask(room), pauseBefore(room.failures++, this.#options))
    else this.#forget(room, error)
  }

  #onAnswer (room: Room, reply: Fields): void {
    room.failures = 0
    room.isJoined = true
    const { eventId, recovered } = reply
    if (eventId) room.since = String(eventId)
    else if (recovered === false) room.since = undefined
    let held: Fields[] = []
    for (const message of room.held?.values() ?? []) {
      // Up to the place of the answer it was for whoever was in the room before: the answer stands for it.
      if (recovered !== true && isUpTo(message.eventId, room.since)) held = []
      else held.push(message)
    }
    room.held = null
    room.resolve(reply)
    room.listeners.tell(reply as never)
    for (const message of held) {
      if (this.#rooms.get(room.name) !== room) return
      room.since = message.eventId as string
      this.#owner.deliver(message)
    }
  }

  /** @param isMeant the application wanted that: it need not be told if it does not listen */
  #forget (room: Room, error: unknown, isMeant = false): void {
    clearTimeout(room.timer)
    this.#rooms.delete(room.name)
    if (isMeant) room.joined.catch(() => {})
    else if (room.isJoined) {
      const { code, message, errors } = error as ErrorMessage
      this.#owner.deliver({ type: 'error', code, message, errors, room: room.name })
    }
    room.reject(error)
  }
}

/** Whether something has a place at another one, or before it. Of two histories that can't be said, nor of places in other words. */
function isUpTo (eventId: unknown, place: unknown): boolean {
  const [epoch, offset] = `${eventId}`.split('-')
  const [itsEpoch, itsOffset] = `${place}`.split('-')
  return epoch === itsEpoch && +offset <= +itsOffset
}
