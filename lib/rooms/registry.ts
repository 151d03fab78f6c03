import type { FastifyInstance } from 'fastify'
import type { Adapter, AdapterState, Envelope, HistoryEvent, HistorySettings } from '../../types/adapter.ts'
import type { WsBroadcastEvent, WsGapEvent } from '../../types/channels.ts'
import type { Connection } from '../../types/connection.ts'
import type { JoinOptions, JoinResult, Room, RoomDeclaration, RoomFamily, RoomRegistry, RoomSender, RoomsStatus, SendOptions } from '../../types/rooms.ts'
import { channels } from '../channels.ts'
import { checkClose } from '../connection/close-state.ts'
import { ServerConnection } from '../connection/connection.ts'
import type { Counters } from '../connection/counters.ts'
import type { Membership } from '../connection/membership.ts'
import type { MemoryBudget, MemoryHolder } from '../connection/memory-budget.ts'
import { FST_ERR_WS_HISTORY, FST_ERR_WS_ROOM_NAME, FST_ERR_WS_SEND_INVALID } from '../errors.ts'
import { resolveSlowConsumer } from '../options.ts'
import type { ResolvedNodes } from '../options.ts'
import { Broadcast } from '../messages/broadcast.ts'
import type { SendContract } from '../messages/send-contract.ts'
import { closeCode } from '../protocol/close.ts'
import { resolveHistory, resolvePresence } from '../room-options.ts'
import { AdapterLink } from './adapter-link.ts'
import { CalmLog } from './calm-log.ts'
import { Appends } from './history/appends.ts'
import { roomChannel, roomOf } from './channels.ts'
import { Cluster } from './cluster/cluster.ts'
import { Declarations } from './declarations.ts'
import type { Declaration } from './declarations.ts'
import { Delivery } from './delivery.ts'
import { Feeds } from './history/feeds.ts'
import { feedEventOf } from './history/shared-events.ts'
import { memoryAdapter } from './memory-adapter.ts'
import { Members } from './members.ts'
import { NamedRoom, RoomExcept } from './room.ts'
import { Subscriptions } from './subscriptions.ts'

/** The longest name of a room, in characters. */
const maxNameLength = 256

/** A room without history has nothing to recover. */
const joined: JoinResult = Object.freeze({ recovered: false, replayed: 0, eventId: null })

/** Makes the contract of a declared schema. */
type Compile = (pattern: string, schema: unknown) => SendContract

/** What the registry needs of the server. */
export interface RegistryOptions {
  /** The id of this process, unique in the cluster. */
  readonly node: string
  /** null: there are no other processes */
  readonly adapter: Adapter | null
  /** How long what needs the adapter waits for it, in milliseconds. */
  readonly adapterTimeout: number
  readonly nodes: ResolvedNodes
  readonly counters: Pick<Counters, 'adapter' | 'history'>
  /** That of the process. */
  readonly budget: Pick<MemoryBudget<MemoryHolder>, 'change'>
  /** The open connections with this key. */
  readonly connectionsOf: (key: string) => Iterable<ServerConnection>
}

/** All rooms of this process, and its connections' way to them. */
export class Registry implements RoomRegistry, Membership {
  readonly cluster: Cluster
  readonly #instance: FastifyInstance
  readonly #link: AdapterLink
  readonly #subscriptions: Subscriptions
  readonly #declarations = new Declarations()
  readonly #members = new Members()
  readonly #counters: RegistryOptions['counters']
  readonly #log: CalmLog
  readonly #delivery: Delivery
  /** Both null where the adapter keeps no history. */
  readonly #feeds: Feeds | null
  readonly #appends: Appends | null
  /** null until the start: before it, shared schemas and compilers may still be added. */
  #compile: Compile | null = null

  constructor (instance: FastifyInstance, { node, adapter, adapterTimeout: timeout, nodes, counters, budget, connectionsOf }: RegistryOptions) {
    this.#instance = instance
    this.#log = new CalmLog(instance.log)
    this.#delivery = new Delivery(this.#members, this.#declarations, this.#log)
    this.#counters = counters
    this.#link = new AdapterLink(node, adapter ?? memoryAdapter(), instance, counters.adapter, {
      onEnvelope: (channel, envelope) => this.#onEnvelope(channel, envelope),
      onEvent: (channel, event) => this.#onEvent(channel, event),
      onState: state => this.#onState(state)
    })
    this.#subscriptions = new Subscriptions(this.#link)
    const { history } = this.#link
    this.#appends = history === null ? null : new Appends(history, timeout)
    this.#feeds = history === null
      ? null
      : new Feeds({
        history,
        timeout,
        counters: counters.history,
        budget,
        deliver: (room, connection, { broadcast }) => this.#delivery.toMember(room, broadcast, connection),
        deliverToAll: (room, { broadcast, except }, isBehind) => this.#delivery.toAll(room, broadcast, except, isBehind),
        onGap: (room, filled, messages, eventId) => this.#onGap(room, filled, messages, eventId),
        refuse: (room, connection) => { void this.leave(connection, room) },
        onReadFailed: (room, error) => {
          if (this.#link.state === 'ready') this.#log.warn({ err: error, room }, 'history of a room was not read')
        },
        isReady: () => this.#link.state === 'ready'
      })
    // One that has crashed is found dead by then: whoever asks has an answer all the same.
    const answerTimeout = Math.max(timeout, nodes.timeout + nodes.interval)
    this.cluster = new Cluster({
      node,
      log: instance.log,
      isAlone: adapter === null,
      membersOf: room => this.#members.of(room),
      connectionsOf,
      tell: (channel, body) => this.#link.publish(channel, { kind: 'control', payload: JSON.stringify(body) }),
      tellMembers: (room, message) => this.#tellMembers(room, message),
      subscribe: channel => this.#subscriptions.want(channel),
      unsubscribe: channel => this.#subscriptions.drop(channel)
    }, { ...nodes, answerTimeout })
  }

  /** What members may be sent beside the messages of rooms, as far as those are declared. */
  get notices (): Array<'gap' | 'presence'> {
    const declarations = [...this.#declarations]
    return [
      ...(declarations.some(({ history }) => history !== null) ? ['gap' as const] : []),
      ...(declarations.some(({ presence }) => presence !== null && presence.notify !== null) ? ['presence' as const] : [])
    ]
  }

  async start (compile: Compile): Promise<void> {
    this.#compile = compile
    for (const declaration of this.#declarations) {
      if (declaration.schema !== undefined) declaration.contract = compile(declaration.pattern, declaration.schema)
    }
    await this.#link.start()
    this.#feeds?.start()
    await this.cluster.start()
  }

  async stop (): Promise<void> {
    this.#feeds?.stop()
    // What was sent last, such as by onClose, is still to be taken.
    await this.#appends?.stop(this.#link.state === 'unavailable')
    await this.cluster.stop()
    await this.#link.stop()
  }

  /* As the application sees it. */

  get size (): number {
    return this.#members.rooms.size
  }

  get status (): RoomsStatus {
    const { state, since, error } = this.#link
    return { state, since, error, nodes: this.cluster.nodes, waiting: this.#appends === null ? 0 : this.#appends.size }
  }

  has (name: string): boolean {
    return this.#members.rooms.has(name)
  }

  * [Symbol.iterator] (): Iterator<Room> {
    // A copy, as in NamedRoom: a body that moves members to new rooms must end.
    for (const name of [...this.#members.rooms.keys()]) yield new NamedRoom(name, this)
  }

  declare (pattern: string, declaration: RoomDeclaration<unknown, never>): RoomFamily {
    const { send: schema, slowConsumer } = declaration
    const history = resolveHistory(declaration.history)
    if (history !== null && this.#link.history === null) throw new FST_ERR_WS_HISTORY(pattern)
    const added: Declaration = {
      pattern,
      schema,
      slowConsumer: slowConsumer === undefined ? null : resolveSlowConsumer(slowConsumer),
      history,
      presence: resolvePresence(declaration.presence),
      contract: schema === undefined ? null : this.#compile?.(pattern, schema) ?? null
    }
    this.#declarations.add(added)
    if (history !== null) this.#follow(added, history)
    return { pattern, room: name => this.room(name) }
  }

  /** Who had joined before the room had a history gets what comes out of it, as all others do. */
  #follow (declaration: Declaration, history: HistorySettings): void {
    for (const [room, members] of this.#members.rooms) {
      if (this.#declarations.for(room) !== declaration) continue
      const subscribed = this.#subscriptions.ready(roomChannel(room))
      for (const member of members) this.#feeds?.join(room, history, member, null, subscribed, false).catch(error => this.#onNotJoined(room, error))
    }
  }

  /** @throws FST_ERR_WS_ROOM_NAME */
  room (name: string): Room {
    checkName(name)
    return new NamedRoom(name, this)
  }

  /* As connections see it. */

  /** A closed connection joins nothing: it would never leave. */
  join (connection: ServerConnection, room: string, { since }: JoinOptions): Promise<JoinResult> {
    checkName(room)
    if (connection.readyState === 3) return Promise.resolve(joined)
    const declaration = this.#declarations.for(room)
    const history = declaration?.history ?? null
    const channel = roomChannel(room)
    const isMember = this.#members.of(room).has(connection)
    const isFirst = this.#members.add(room, connection)
    const subscribed = isFirst ? this.#subscriptions.want(channel) : this.#subscriptions.ready(channel)
    const result = history === null || this.#feeds === null
      ? subscribed.then(() => joined)
      : this.#feeds.join(room, history, connection, since, subscribed, isMember)
    result.catch(error => this.#onNotJoined(room, error))
    if (declaration !== null && declaration.presence !== null) this.cluster.onJoined(connection, room, declaration.presence)
    return result
  }

  leave (connection: ServerConnection, room: string): Promise<void> {
    checkName(room)
    if (!this.#members.of(room).has(connection)) return Promise.resolve()
    const isLast = this.#members.delete(room, connection)
    this.#feeds?.leave(room, connection)
    this.cluster.onLeft(connection, room)
    if (!isLast) return Promise.resolve()
    this.#feeds?.drop(room)
    return this.#subscriptions.drop(roomChannel(room))
  }

  leaveAll (connection: ServerConnection): readonly string[] {
    const rooms = [...this.#members.roomsOf(connection)]
    for (const room of rooms) void this.leave(connection, room)
    return rooms
  }

  countOf (connection: ServerConnection): number {
    return this.#members.countOf(connection)
  }

  isIn (connection: ServerConnection, room: string): boolean {
    return this.#members.of(room).has(connection)
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
   * Delivers to the members here at once, and hands it to the adapter for those elsewhere; with history, to the history, which brings it to all.
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
    if (declaration !== null && declaration.history !== null && this.#appends !== null) {
      return this.#append(room, broadcast, excluded, declaration.history)
    }
    const failure = this.#delivery.deliver(room, declaration, broadcast, excluded, null)
    const published = this.#link.publishMessage(roomChannel(room), broadcast.content, excluded)
    if (failure !== null) throw failure
    return published
  }

  #append (room: string, broadcast: Broadcast, except: readonly string[], history: HistorySettings): Promise<void> {
    const { kind, payload } = broadcast.content
    // A serializer of the application's may put white space around it.
    const json = kind === 'json' && typeof payload === 'string' ? payload.trim() : ''
    if (!json.startsWith('{')) throw new FST_ERR_WS_SEND_INVALID('a message of a room with history is an object: it has an eventId')
    const envelope = this.#link.signMessage({ kind, payload: json }, except)
    const appended = this.#appends?.add(roomChannel(room), envelope, history) ?? Promise.resolve()
    appended.then(() => { this.#counters.adapter.published++ }, error => {
      this.#counters.adapter.failed++
      if (this.#link.state === 'ready') this.#log.warn({ err: error, room }, 'room message was not taken')
    })
    return appended
  }

  close (room: string, code: number = closeCode.normal, reason = ''): Promise<void> {
    checkClose(code, reason)
    for (const member of this.#members.of(room)) member.close(code, reason)
    return this.#link.publish(roomChannel(room), { kind: 'close', code, reason })
  }

  /* As the adapter sees it. */

  #onEnvelope (channel: string, envelope: Envelope): void {
    if (envelope.kind === 'control') {
      this.cluster.onControl(channel, envelope.node, envelope.payload)
      return
    }
    const room = roomOf(channel)
    if (room === null) return
    if (envelope.kind === 'close') {
      for (const member of this.#members.of(room)) member.close(envelope.code, envelope.reason)
    } else {
      this.#delivery.toAll(room, Broadcast.from(envelope), envelope.except, null)
    }
  }

  #onEvent (channel: string, event: HistoryEvent): void {
    const room = roomOf(channel)
    if (room === null || this.#feeds === null || this.#feeds.onEvent(room, event)) return
    // Where another process declares a history and this one does not, its members get what comes.
    const { broadcast, except } = feedEventOf(event)
    this.#delivery.toAll(room, broadcast, except, null)
  }

  #onState (state: AdapterState): void {
    this.cluster.onState(state)
    if (state !== 'ready') return
    this.#appends?.retry()
    this.#feeds?.recover()
  }

  #onNotJoined (room: string, error: unknown): void {
    // That it is away is in the log already, and all clients try again until it is back.
    if (this.#link.state === 'ready') this.#log.warn({ err: error, room }, 'room was not joined')
  }

  #onGap (room: string, filled: boolean, messages: number, eventId: string): void {
    this.#counters.history[filled ? 'gaps' : 'broken']++
    const event: WsGapEvent = { instance: this.#instance, room, filled, messages }
    if (channels.gap.hasSubscribers) channels.gap.publish(event)
    if (!filled) this.#log.warn({ room, eventId }, 'messages of a room are lost: its history has them no longer')
  }

  #tellMembers (room: string, message: object): void {
    this.#delivery.toAll(room, Broadcast.own(message), noIds, null)
  }
}

/** Carriers take UTF-8, in which all lone surrogates are the same: names that differ in them only would be one room there. */
function checkName (name: string): void {
  if (typeof name !== 'string' || name === '' || name.length > maxNameLength || !name.isWellFormed()) throw new FST_ERR_WS_ROOM_NAME()
}

const noOne: readonly Connection[] = []
const noIds: readonly string[] = []

function exceptOf (except: SendOptions['except']): readonly Connection[] {
  if (except === undefined) return noOne
  return except instanceof ServerConnection ? [except] : except as readonly Connection[]
}

function ignore (): void {}
