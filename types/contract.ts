import type { ErrorMessage, ExpiringNotice, GapNotice, HeartbeatNotice, PresenceNotice } from './notices.ts'
import type { DiscriminatorOf, LiteralOf } from './union.ts'

/**
 * What a client and a route say to each other, as the server sees it: what it receives, what it sends, and what it answers to which message. Schemas of TypeBox,
 * or types:
 *
 * ```ts
 * const socket = connect<typeof chatSchema>('/chat')
 * const other = connect<{ receive: Say | Join, send: Said, replies: { join: Joined } }>('/chat')
 * ```
 */
export interface Contract {
  receive?: unknown
  send?: unknown
  replies?: object
}

/** What a contract is made of at run time: schemas. All else of a route's `schema` may stand beside them. */
export interface ContractSchemas {
  readonly receive?: unknown
  readonly send?: unknown
  readonly replies?: { readonly [literal: string]: unknown }
}

/** The type of a TypeBox schema; what is none is the type itself. */
export type TypeOf<Schema> = Schema extends { static: infer Static } ? Static : Schema

/** What a client sends. */
export type ClientMessage<C extends Contract> = C extends { receive: infer Receive } ? TypeOf<Receive> : unknown

type Answers<C extends Contract> = C extends { replies: infer ReplySchemas } ? { [Literal in keyof ReplySchemas]: TypeOf<ReplySchemas[Literal]> } : {}

/** What a client is sent by the application, replies among it. */
export type ServerMessage<C extends Contract> =
  | (C extends { send: infer Send } ? TypeOf<Send> : unknown)
  | Answers<C>[keyof Answers<C>]

/** What the literal of a message is answered with. */
type AnswerTo<C extends Contract, Literal> =
  { [Key in keyof Answers<C>]: `${Key & (string | number)}` extends `${Literal & (string | number)}` ? Answers<C>[Key] : never }[keyof Answers<C>]

/** What `request(message)` resolves with: the reply that is declared for it; without declared replies, anything that the server sends. */
export type ReplyTo<C extends Contract, Message> = keyof Answers<C> extends never
  ? ServerMessage<C>
  : AnswerTo<C, LiteralOf<ClientMessage<C>> & Message[DiscriminatorOf<ClientMessage<C>> & keyof Message]>

/** The messages that are answered: those with a declared reply; without declared replies, all. */
export type Requests<C extends Contract> = keyof Answers<C> extends never
  ? ClientMessage<C>
  : ClientMessage<C> extends infer Message
    ? Message extends unknown
      ? [ReplyTo<C, Message>] extends [never] ? never : Message
      : never
    : never

/** What this package says by itself, by its type. */
interface Notices {
  /** `room`: the server refused to let the client in again. */
  error: ErrorMessage & { readonly room?: string }
  expiring: ExpiringNotice
  heartbeat: HeartbeatNotice
  gap: GapNotice
  presence: PresenceNotice
}

/** The fields of a message that no request has: a generic parameter would let them pass. */
export type Undeclared<C extends Contract, Message> = unknown extends Requests<C>
  ? unknown
  : { readonly [Field in Exclude<keyof Message, Requests<C> extends infer Request ? Request extends unknown ? keyof Request : never : never>]: never }

/** The types of messages that a client can listen for; without a contract, any. */
export type TypeOfMessage<C extends Contract> = unknown extends ServerMessage<C> ? string | number : LiteralOf<ServerMessage<C>> | keyof Notices

/** The message of a type. A message of a room with history also has an `eventId`. */
export type MessageOfType<C extends Contract, Type> =
  [Extract<ServerMessage<C>, Record<DiscriminatorOf<ServerMessage<C>>, Type>>] extends [never]
    ? Type extends keyof Notices ? Notices[Type] : { readonly [field: string]: unknown }
    : Extract<ServerMessage<C>, Record<DiscriminatorOf<ServerMessage<C>>, Type>> & { readonly eventId?: string }
