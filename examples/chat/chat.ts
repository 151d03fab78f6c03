import { randomUUID } from 'node:crypto'
import createError from '@fastify/error'
import { Type } from '@sinclair/typebox'
import type { FastifyInstance } from 'fastify'
import type { Connection, RoomFamily } from 'fastify-typed-ws'
import { History } from './history.ts'
import { Members, Rooms, Said, Typing } from './messages.ts'
import type { RoomsMessage, SaidMessage, WordsMessage } from './messages.ts'

/** Errors with a status below 500 are told to the client, as in REST. */
const NotInRoom = createError<[string]>('CHAT_NOT_IN_ROOM', 'join %s first', 403)
const TooManyRooms = createError('CHAT_TOO_MANY_ROOMS', 'leave a room first', 403)

/** Who sits at a connection; a client of the lecture has no name until it says something. */
export interface Person { username: string | null }

export const lobby = 'lobby'
const alwaysListed = [lobby, 'homework', 'off-topic']
const roomsEach = 10

/**
 * A room of the chat is two rooms of the registry: `room:…` carries what is said, `presence:…` who is there and who
 * types, so that the clients of the lecture hear words only. Everybody with the page is in `directory`.
 */
export class Chat {
  readonly #app: FastifyInstance
  readonly #history = new History<SaidMessage>(100, 1000)
  readonly #said: RoomFamily<SaidMessage>

  constructor (app: FastifyInstance) {
    this.#app = app
    this.#said = app.rooms.declare('room:*', { send: Said })
    app.rooms.declare('presence:*', { send: Type.Union([Members, Typing]) })
    app.rooms.declare('directory', { send: Rooms })
  }

  say (room: string, { username, message }: WordsMessage): SaidMessage {
    const said: SaidMessage = { type: 'said', key: randomUUID(), room, username, message, time: new Date().toISOString() }
    this.#history.add(room, said)
    void this.#said.room(`room:${room}`).send(said)
    return said
  }

  historyOf (room: string): SaidMessage[] {
    return [...this.#history.of(room)]
  }

  membersOf (room: string): string[] {
    const people = [...this.#app.room(`room:${room}`)].map(connection => connection.data as Person | undefined)
    const names = new Set(people.flatMap(person => person?.username ?? []))
    return [...names].sort((a, b) => a.localeCompare(b))
  }

  list (): RoomsMessage {
    const inUse = roomsOf([...this.#app.rooms].map(({ name }) => name))
    const names = new Set([...alwaysListed, ...inUse.sort()])
    return { type: 'rooms', rooms: [...names].map(room => ({ room, members: this.membersOf(room).length })) }
  }

  /** Tells everybody who is where after that changed for these rooms. */
  announce (rooms: readonly string[]): void {
    for (const room of rooms) {
      void this.#app.room(`presence:${room}`).send({ type: 'members', room, members: this.membersOf(room) })
    }
    void this.#app.room('directory').send(this.list())
  }

  async enter (room: string, connection: Connection): Promise<void> {
    const rooms = roomsOf(connection.rooms)
    if (rooms.length >= roomsEach && !rooms.includes(room)) throw new TooManyRooms()
    await Promise.all([connection.join(`room:${room}`), connection.join(`presence:${room}`)])
    this.announce([room])
  }

  async leave (room: string, connection: Connection): Promise<void> {
    await Promise.all([connection.leave(`room:${room}`), connection.leave(`presence:${room}`)])
    this.announce([room])
  }

  /** @throws CHAT_NOT_IN_ROOM */
  mustBeIn (room: string, connection: Connection): void {
    if (!connection.rooms.has(`room:${room}`)) throw new NotInRoom(room)
  }
}

/** Rooms of the chat among those of the registry. */
export function roomsOf (names: Iterable<string>): string[] {
  return [...names].flatMap(name => name.startsWith('room:') ? name.slice('room:'.length) : [])
}
