import type { FastifySchema, FastifyTypeProvider } from 'fastify'

/**
 * The schema of a WebSocket route: that of the upgrade request (`querystring`, `params`, `headers`, checked before
 * the 101) and those of its messages, in AsyncAPI's words as seen from the server.
 */
export interface WsSchema extends Omit<FastifySchema, 'body' | 'response'> {
  /** What the server receives. A union of objects with a common literal property is dispatched by that property. */
  receive?: unknown
  /** What the server sends. Undeclared fields never leave. */
  send?: unknown
}

/** The type that a schema describes: its own `static` (TypeBox), else what the instance's type provider says. */
export type Infer<Provider extends FastifyTypeProvider, Schema> =
  Schema extends { static: infer Static }
    ? Static
    : (Provider & { schema: Schema })['validator']

/** As `Infer`, for what is sent. */
export type InferSent<Provider extends FastifyTypeProvider, Schema> =
  Schema extends { static: infer Static }
    ? Static
    : (Provider & { schema: Schema })['serializer']

/** The messages that a route receives. */
export type Received<Provider extends FastifyTypeProvider, Schema extends WsSchema> =
  Schema extends { receive: infer Receive } ? Infer<Provider, Receive> : unknown

/** The messages that a route sends. */
export type Sent<Provider extends FastifyTypeProvider, Schema extends WsSchema> =
  Schema extends { send: infer Send } ? InferSent<Provider, Send> : unknown

type IsUnion<T, Whole = T> = T extends unknown ? ([Whole] extends [T] ? false : true) : never

type IsLiteral<T> =
  [T] extends [string] ? (string extends T ? false : true)
    : [T] extends [number] ? (number extends T ? false : true)
        : false

/** `true` when `Literal` names exactly one member of the union. */
type NamesOneMember<Message, Key extends PropertyKey, Literal> =
  [Extract<Message, Record<Key, Literal>>] extends [never]
    ? false
    : IsUnion<Extract<Message, Record<Key, Literal>>> extends false ? true : false

type NamesEachMember<Message, Key extends keyof Message> =
  IsLiteral<Message[Key]> extends true
    ? false extends { [Literal in Message[Key] & (string | number)]: NamesOneMember<Message, Key, Literal> }[Message[Key] & (string | number)]
      ? false
      : true
    : false

/** The properties that all members declare; an index signature (`additionalProperties`) is none. */
type KeysOf<Message> = keyof { [Key in keyof Message as string extends Key ? never : number extends Key ? never : Key]: unknown }

/** The properties that tell the members of a union apart: a distinct string or number literal in each. */
export type DiscriminatorOf<Message, Key = KeysOf<Message>> = [Message] extends [object]
  ? Key extends keyof Message
    ? NamesEachMember<Message, Key> extends true ? Key : never
    : never
  : never

/** What a handler may answer: a message to send back, or nothing; at once or later. */
export type Reply<SentMessage> = SentMessage | void | Promise<SentMessage | void>

/** Handles every message of a route. */
export type WsHandlerFunction<This, Message, Conn, SentMessage> =
  (this: This, message: Message, connection: Conn) => Reply<SentMessage>

type HandlersBy<Key extends PropertyKey, This, Message, Conn, SentMessage> = Key extends keyof Message
  ? {
      [Literal in Message[Key] & (string | number)]:
      (this: This, message: Extract<Message, Record<Key, Literal>>, connection: Conn) => Reply<SentMessage>
    }
  : never

/** One handler a message type, keyed by the discriminator's literals; a missing or extra key is an error. */
export type WsHandlerMap<This, Message, Conn, SentMessage> =
  HandlersBy<DiscriminatorOf<Message>, This, Message, Conn, SentMessage>

/**
 * A function for all messages, or an object of them. A conditional type, so that TypeScript knows the messages
 * before it looks at what a function returns: literals in replies would widen otherwise.
 */
export type WsHandler<This, Message, Conn, SentMessage> = unknown extends Message
  ? WsHandlerFunction<This, Message, Conn, SentMessage>
  : WsHandlerFunction<This, Message, Conn, SentMessage> | WsHandlerMap<This, Message, Conn, SentMessage>
