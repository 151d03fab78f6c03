import type { FastifyTypeProvider } from 'fastify'
import type { AdapterState } from './adapter.ts'
import type { Connection } from './connection.ts'
import type { SlowConsumerOption } from './options.ts'
import type { InferSent } from './schema.ts'

/**
 * The messages of rooms by name or pattern. Add yours, so that `app.room('chat:1').send(…)` is checked:
 *
 * ```ts
 * declare module 'fastify-typed-ws' {
 *   interface Rooms { [chat: `chat:${string}`]: Static<typeof Said> }
 * }
 * ```
 */
export interface Rooms {}

/** The messages of the room `Name`: those of `Rooms`, else `Otherwise`. */
export type RoomMessage<Name extends string, Otherwise = unknown> =
  Name extends keyof Rooms ? Rooms[Name] : Otherwise

/** Options of `connection.join`. */
export interface JoinOptions {
  /**
   * The `eventId` of the last message that the client has, or that of an earlier join: asks for those that it missed. It may come from the client as it is;
   * what is none recovers nothing.
   */
  since?: string | null | undefined
}

/** What `connection.join` resolves with. */
export interface JoinResult {
  /** Whether everything since `since` was replayed; `false` without `since`, and for a room without history. */
  readonly recovered: boolean
  /** How many messages were replayed. */
  readonly replayed: number
  /** Where the client is in the history: `since` of its next join, when no message comes in between. null for a room without history. */
  readonly eventId: string | null
}

/** Somebody in a room, in whatever process. */
export interface Member<Data = unknown> {
  /** The connection's `id`. */
  readonly id: string
  /** The connection's `key`. */
  readonly key?: string
  /** The process that it is connected to. */
  readonly node: string
  /** What the room's `presence` made of the connection. */
  readonly data: Data
}

/** A page of members, in the order of their ids. */
export interface MembersOptions {
  /** The most that are listed. Default: all. */
  limit?: number
  /** Lists those behind the member with this id. */
  after?: string
}

/** Those in a room that a message can be sent to. */
export interface RoomSender<Message = unknown> {
  /**
   * Sends to the members in this process at once, and to those in others through the adapter. In a room with history all members, of this process too, get it
   * when it has its place there.
   * The promise settles when the adapter has taken the message; one that nobody awaits never becomes an unhandledRejection. It rejects with
   * FST_ERR_WS_ADAPTER_UNAVAILABLE when other processes are not reached, and in a room with history with FST_ERR_WS_ROOM_UNAVAILABLE when nobody knows within
   * `adapterTimeout` whether the message is kept: it may be.
   *
   * @throws FST_ERR_WS_SEND_INVALID at once, when the message is none that the room's schema declares, or is no object in a room with history
   */
  send (message: Message, options?: SendOptions): Promise<void>
}

/** Options of `room.send`. */
export interface SendOptions {
  /** Connections that must not receive it. */
  except?: Connection | readonly Connection[]
}

/** A named group of connections. It holds no state of its own: ask for it wherever it is needed. */
export interface Room<Message = unknown> extends RoomSender<Message>, Iterable<Connection> {
  readonly name: string
  /** How many connections of this process are in it. */
  readonly size: number
  /** Whether this connection is in it. */
  has (connection: Connection): boolean
  /**
   * How many connections of the whole cluster are in it. Rooms with `presence` that have members here mostly know; for others every process is asked.
   *
   * @throws FST_ERR_WS_ROOM_UNAVAILABLE when one of them that is alive does not answer within `adapterTimeout`, or `nodes.timeout` and an interval where that is longer
   */
  count (): Promise<number>
  /**
   * Who of the whole cluster is in it, in the order of their ids; `data` is undefined without `presence`. Asks as `count()` does.
   *
   * @throws FST_ERR_WS_ROOM_UNAVAILABLE as of `count()`
   */
  members<Data = unknown> (options?: MembersOptions): Promise<Array<Member<Data>>>
  /** Closes every connection in it, in the whole cluster. */
  close (code?: number, reason?: string): Promise<void>
  /**
   * All connections of the whole cluster with this `key` (see `limitKey`) join it. Answers how many are in it now.
   *
   * @throws FST_ERR_WS_ROOM_UNAVAILABLE as of `count()`
   */
  join (key: string): Promise<number>
  /**
   * All connections of the whole cluster with this `key` leave it. Answers how many did.
   *
   * @throws FST_ERR_WS_ROOM_UNAVAILABLE as of `count()`
   */
  leave (key: string): Promise<number>
}

/** How much of a room's messages is kept, for those who come back. */
export interface HistoryOption {
  /** How many messages, 1 to 10,000. Default: 100. */
  readonly size?: number
  /** How long each of them, in milliseconds. Default: 300,000, five minutes. */
  readonly ttl?: number
}

/** Whom joins and leaves are told to, and how often. */
export interface PresenceNotices {
  /** What happened in so many milliseconds is told at once. Default: 250. */
  readonly interval?: number
  /** The most members that one notice lists; of more it tells the number. Default: 100. */
  readonly limit?: number
}

/** Who is in a room. */
export interface PresenceOption {
  /** What others see of a connection: it becomes `member.data`, and has to be JSON. Called when it joins. Default: nothing. */
  readonly data?: (connection: Connection) => unknown
  /** Tells the members of joins and leaves by a `PresenceNotice`. Default: `false`. */
  readonly notify?: boolean | PresenceNotices
}

/** What `app.rooms.declare` says of the rooms of a pattern. */
export interface RoomDeclaration<Schema = unknown, Message = unknown> {
  /** What is sent to rooms of this pattern; undeclared fields never leave. */
  send?: Schema
  /** What becomes of messages to members that do not read. Default: what their route says. */
  slowConsumer?: SlowConsumerOption<Message>
  /** Keeps messages for those who come back; each then has an `eventId`. `true` stands for the defaults. Default: `false`. */
  history?: boolean | HistoryOption
  /** Keeps every process that has members told of those elsewhere. `true` tells nothing but who they are; a function is `data`. Default: `false`. */
  presence?: boolean | PresenceOption | ((connection: Connection) => unknown)
}

/** The rooms of one pattern. */
export interface RoomFamily<Message = unknown> {
  readonly pattern: string
  /** The room of a name that the pattern fits. */
  room (name: string): Room<Message>
}

/** Whether rooms reach the other processes. */
export interface RoomsStatus {
  readonly state: AdapterState
  /** Since when. */
  readonly since: Date
  /** Why it is unavailable, where that is known. */
  readonly error: Error | null
  /** The ids of the processes that are alive, this one first. */
  readonly nodes: readonly string[]
  /** Messages to rooms with history that the adapter has not taken yet. */
  readonly waiting: number
}

/** All groups of this process: iterable over the rooms that have members here. */
export interface RoomRegistry<Provider extends FastifyTypeProvider = FastifyTypeProvider> extends Iterable<Room> {
  readonly status: RoomsStatus
  /** How many rooms have members in this process. */
  readonly size: number
  /** Whether a room has members in this process. */
  has (name: string): boolean
  /**
   * Declares what rooms of a pattern carry: a name, or a prefix with `*` at its end. The longest pattern that fits a name counts.
   *
   * @throws FST_ERR_WS_ROOM_PATTERN, FST_ERR_WS_ROOM_DECLARED, FST_ERR_WS_OPTION; FST_ERR_WS_HISTORY where the adapter keeps none
   */
  declare<const Schema = unknown> (pattern: string, declaration: RoomDeclaration<Schema, InferSent<Provider, Schema>>): RoomFamily<InferSent<Provider, Schema>>
}
