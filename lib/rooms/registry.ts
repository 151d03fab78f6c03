import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import type { Adapter, Envelope } from '../../types/adapter.ts'
import type { WsBroadcastEvent } from '../../types/channels.ts'
import type { Connection } from '../../types/connection.ts'
import type { JoinOptions, JoinResult, Room, RoomDeclaration, RoomFamily, RoomRegistry, RoomSender, SendOptions } from '../../types/rooms.ts'
import { channels } from '../channels.ts'
import { checkClose } from '../connection/close-state.ts'
import { ServerConnection } from '../connection/connection.ts'
import type { Membership } from '../connection/membership.ts'
import { FST_ERR_WS_ROOM_NAME } from '../errors.ts'
import { resolveSlowConsumer } from '../options.ts'
import { Broadcast } from '../messages/broadcast.ts'
import type { SendContract } from '../messages/send-contract.ts'
import { closeCode } from '../protocol/close.ts'
import { Declarations } from './declarations.ts'
import type { Declaration } from './declarations.ts'
import { Members } from './members.ts'
import { NamedRoom, RoomExcept } from './room.ts'
import { Subscriptions } from './subscriptions.ts'

/** The longest name of a room, in characters. */
const maxNameLength = 256

/** A room without history has nothing to recover. */
const joined: JoinResult = Object.freeze({ recovered: false, replayed: 0 })

/** Makes the contract of a declared schema. */
type Compile = (pattern: string, schema: unknown) => SendContract

/** All rooms of this process, and its connections' way to them. */
export class Registry implements RoomRegistry, Membership {
  /** The id of this process, unique in the cluster. */
  readonly node: string
  readonly #instance: FastifyInstance
  readonly #adapter: Adapter
  readonly #subscriptions: Subscriptions
  readonly #declarations = new Declarations()
  readonly #members = new Members()
  readonly #log: FastifyBaseLogger
  /** null until the start: before it, shared schemas and compilers may still be added. */
  #compile: Compile | null = null

  constructor (node: string, adapter: Adapter, instance: FastifyInstance) {
    this.node = node
    this.#instance = instance
    this.#adapter = adapter
    this.#subscriptions = new Subscriptions(adapter)
    this.#log = instance.log
  }

  async start (compile: Compile): Promise<void> {
    this.#compile = compile
    for (const declaration of this.#declarations) {
      if (declaration.schema !== undefined) declaration.contract = compile(declaration.pattern, declaration.schema)
    }
    await this.#adapter.start({ node: this.node, log: this.#log, onEnvelope: (room, envelope) => this.#onEnvelope(room, envelope) })
  }

  async stop (): Promise<void> {
    await this.#adapter.stop()
  }

  /* As the application sees it. */

  get size (): number {
    return this.#members.rooms.size
  }

  has (name: string): boolean {
    return this.#members.rooms.has(name)
  }

  * [Symbol.iterator] (): Iterator<Room> {
    // A copy, as in NamedRoom: a body that moves members to new rooms must end.
    for (const name of [...this.#members.rooms.keys()]) yield new NamedRoom(name, this)
  }

  declare (pattern: string, declaration: RoomDeclaration<unknown, never>): RoomFamily {
    const { send, slowConsumer } = declaration
    const contract = send === undefined ? null : this.#compile?.(pattern, send)
    this.#declarations.add(pattern, send, slowConsumer === undefined ? null : resolveSlowConsumer(slowConsumer), contract)
    return { pattern, room: name => this.room(name) }
  }

  /** @throws FST_ERR_WS_ROOM_NAME */
  room (name: string): Room {
    checkName(name)
    return new NamedRoom(name, this)
  }

  /* As connections see it. */

  /** A closed connection joins nothing: it would never leave. */
  join (connection: ServerConnection, room: string, _options: JoinOptions): Promise<JoinResult> {
    checkName(room)
    if (connection.readyState === 3) return Promise.resolve(joined)
    const isFirst = this.#members.add(room, connection)
    const result = (isFirst ? this.#subscriptions.want(room) : this.#subscriptions.ready(room)).then(() => joined)
    result.catch(error => this.#log.warn({ err: error, room }, 'room was not subscribed to'))
    return result
  }

  leave (connection: ServerConnection, room: string): Promise<void> {
    checkName(room)
    return this.#members.delete(room, connection) ? this.#subscriptions.drop(room) : Promise.resolve()
  }

  leaveAll (connection: ServerConnection): readonly string[] {
    const rooms = [...this.#members.roomsOf(connection)]
    for (const room of rooms) void this.leave(connection, room)
    return rooms
  }

  roomsOf (connection: ServerConnection): ReadonlySet<string> {
    return this.#members.roomsOf(connection)
  }

  to (connection: ServerConnection, room: string): RoomSender {
    checkName(room)
    return new RoomExcept(room, connection, this)
  }

  /* As rooms see it. */

  membersOf (room: string): ReadonlySet<ServerConnection> {
    return this.#members.of(room)
  }

  /**
   * Delivers to the members here at once, and hands it to the adapter for those elsewhere.
   *
   * @param undeclared the contract where the room has none of its own
   */
  send (room: string, message: unknown, undeclared: SendContract, options: SendOptions): Promise<void> {
    if (!channels.broadcast.hasSubscribers) return this.#send(room, message, undeclared, options)
    const event: WsBroadcastEvent = { instance: this.#instance, room, message, size: this.#members.of(room).size }
    const sent = channels.broadcast.tracePromise(() => this.#send(room, message, undeclared, options), event)
    // Its failure is in the log already.
    sent.catch(ignore)
    return sent
  }

  #send (room: string, message: unknown, undeclared: SendContract, { except }: SendOptions): Promise<void> {
    const declaration = this.#declarations.for(room)
    const broadcast = Broadcast.of(message, declaration?.contract ?? undeclared)
    const excluded = exceptOf(except).map(connection => connection.id)
    const failure = this.#deliver(room, declaration, broadcast, excluded)
    const published = this.#publish(room, broadcast.toEnvelope(this.node, excluded))
    if (failure !== null) throw failure
    return published
  }

  close (room: string, code: number = closeCode.normal, reason = ''): Promise<void> {
    checkClose(code, reason)
    for (const member of this.#members.of(room)) member.close(code, reason)
    return this.#publish(room, { kind: 'close', node: this.node, code, reason })
  }

  #publish (room: string, envelope: Envelope): Promise<void> {
    const published = this.#hand(room, envelope)
    published.catch(error => this.#log.warn({ err: error, room }, 'room message was not published'))
    return published
  }

  /** An adapter that throws has failed as one that rejects. */
  async #hand (room: string, envelope: Envelope): Promise<void> {
    await this.#adapter.publish(room, envelope)
  }

  #onEnvelope (room: string, envelope: Envelope): void {
    if (envelope.kind === 'close') {
      for (const member of this.#members.of(room)) member.close(envelope.code, envelope.reason)
      return
    }
    const failure = this.#deliver(room, this.#declarations.for(room), Broadcast.from(envelope), envelope.except)
    if (failure !== null) this.#log.error({ err: failure, room }, 'room message could not be encoded')
  }

  /** A codec that can't encode the message costs its own members the message, and nobody else. */
  #deliver (room: string, declaration: Declaration | null, broadcast: Broadcast, except: readonly string[]): unknown {
    let failure: unknown = null
    const slowConsumer = declaration === null ? null : declaration.slowConsumer
    const members = this.#members.of(room)
    let left = members.size
    for (const member of members) {
      // Whoever leaves and joins meanwhile stands at the end again, and has had the message.
      if (left-- === 0) break
      if (except.length > 0 && except.includes(member.id)) continue
      try {
        member.deliver(broadcast, room, slowConsumer)
      } catch (error) {
        failure = error
      }
    }
    return failure
  }
}

function checkName (name: string): void {
  if (typeof name !== 'string' || name === '' || name.length > maxNameLength) throw new FST_ERR_WS_ROOM_NAME()
}

const noOne: readonly Connection[] = []

function exceptOf (except: SendOptions['except']): readonly Connection[] {
  if (except === undefined) return noOne
  return except instanceof ServerConnection ? [except] : except as readonly Connection[]
}

function ignore (): void {}
