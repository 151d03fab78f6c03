import type { FastifyTypeProvider } from 'fastify'
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

export interface JoinOptions {
  /** The `eventId` of the last message that the client has: asks for those that it missed. */
  since?: string | undefined
}

export interface JoinResult {
  /** Whether everything since `since` was replayed; `false` for a room without history. */
  recovered: boolean
  /** How many messages were replayed. */
  replayed: number
}

/** Those in a room that a message can be sent to. */
export interface RoomSender<Message = unknown> {
  /**
   * Sends to the members in this process at once, and to those in others through the adapter.
   * The promise settles when the adapter has taken the message; one that nobody awaits never becomes an unhandledRejection.
   *
   * @throws FST_ERR_WS_SEND_INVALID at once, when the message is none that the room's schema declares
   */
  send (message: Message, options?: SendOptions): Promise<void>
}

export interface SendOptions {
  /** Connections that must not receive it. */
  except?: Connection | readonly Connection[]
}

/** A named group of connections. It holds no state of its own: ask for it wherever it is needed. */
export interface Room<Message = unknown> extends RoomSender<Message>, Iterable<Connection> {
  readonly name: string
  /** How many connections of this process are in it. */
  readonly size: number
  has (connection: Connection): boolean
  /** Closes every connection in it, in the whole cluster. */
  close (code?: number, reason?: string): Promise<void>
}

export interface RoomDeclaration<Schema = unknown, Message = unknown> {
  /** What is sent to rooms of this pattern; undeclared fields never leave. */
  send?: Schema
  /** What becomes of messages to members that do not read. Default: what their route says. */
  slowConsumer?: SlowConsumerOption<Message>
}

/** The rooms of one pattern. */
export interface RoomFamily<Message = unknown> {
  readonly pattern: string
  room (name: string): Room<Message>
}

/** All groups of this process: iterable over the rooms that have members here. */
export interface RoomRegistry<Provider extends FastifyTypeProvider = FastifyTypeProvider> extends Iterable<Room> {
  /** How many rooms have members in this process. */
  readonly size: number
  has (name: string): boolean
  /**
   * Declares what rooms of a pattern carry: a name, or a prefix with `*` at its end. The longest pattern that fits a name counts.
   *
   * @throws FST_ERR_WS_ROOM_PATTERN, FST_ERR_WS_ROOM_DECLARED
   */
  declare<const Schema = unknown> (pattern: string, declaration: RoomDeclaration<Schema, InferSent<Provider, Schema>>): RoomFamily<InferSent<Provider, Schema>>
}
