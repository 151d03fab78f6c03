import type { FastifySchema, FastifyTypeProvider, FastifyTypeProviderDefault } from 'fastify'
import type { DiscriminatorOf, LiteralOf } from './union.ts'

/**
 * The schema of a WebSocket route: that of the upgrade request (`querystring`, `params`, `headers`, checked before
 * the 101) and those of its messages, in AsyncAPI's words as seen from the server.
 */
export interface WsSchema extends Omit<FastifySchema, 'body' | 'response'> {
  /** What the server receives. A union of objects with a common literal property is dispatched by that property. */
  receive?: unknown
  /** What the server sends. Undeclared fields never leave. */
  send?: unknown
  /**
   * What each message of `receive` is answered with, by the literal that tells it from the others. Its handler has to answer it, and it is encoded by this
   * schema; `send` need not repeat it.
   */
  replies?: { readonly [literal: string]: unknown }
  /* What documents say of the route; the names are those of @fastify/swagger. */
  summary?: string
  description?: string
  tags?: readonly string[]
  /** What a client has to show: any of these, each by the names of security schemes. */
  security?: ReadonlyArray<{ readonly [scheme: string]: readonly string[] }>
  /** Leaves the route out of documents. */
  hide?: boolean
  deprecated?: boolean
  operationId?: string
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

/** What a route answers, by the literal of the message. */
export type Replies<Provider extends FastifyTypeProvider, Schema extends WsSchema> =
  Schema extends { replies: infer ReplySchemas extends object }
    ? { [Literal in keyof ReplySchemas]: InferSent<Provider, ReplySchemas[Literal]> }
    : {}

/** What the keys of `replies` are held against; where messages have no type, at start-up only. */
export type RepliesToReceived<Provider extends FastifyTypeProvider, Schema extends WsSchema> =
  Schema extends { replies: infer ReplySchemas extends object }
    ? unknown extends Received<Provider, Schema>
      ? unknown
      : { readonly replies?: { readonly [Literal in keyof ReplySchemas]: `${Literal & (string | number)}` extends `${LiteralOf<Received<Provider, Schema>>}` ? unknown : never } }
    : unknown

/**
 * The contract of a route, for a client: types only, as its type provider reads the schemas. Those of TypeBox need none: `typeof schema` is a contract.
 *
 * ```ts
 * export type Chat = ContractOf<typeof chatSchema, JsonSchemaToTsProvider>
 * ```
 */
export type ContractOf<Schema extends WsSchema, Provider extends FastifyTypeProvider = FastifyTypeProviderDefault> = {
  receive: Received<Provider, Schema>
  send: Sent<Provider, Schema>
  replies: Replies<Provider, Schema>
}

/** What a handler may answer: a message to send back, or nothing; at once or later. */
export type Reply<SentMessage> = SentMessage | void | Promise<SentMessage | void>

/** What the handler of one type answers: the reply that is declared for it, else anything of `send`, or nothing. */
type ReplyOf<Literal, SentMessage, ReplyMessages> = Literal extends keyof ReplyMessages
  ? ReplyMessages[Literal] | Promise<ReplyMessages[Literal]>
  : Reply<SentMessage>

/** Handles every message of a route. */
export type WsHandlerFunction<This, Message, Conn, SentMessage> =
  (this: This, message: Message, connection: Conn) => Reply<SentMessage>

type HandlersBy<Key extends PropertyKey, This, Message, Conn, SentMessage, ReplyMessages> = Key extends keyof Message
  ? {
      [Literal in Message[Key] & (string | number)]:
      (this: This, message: Extract<Message, Record<Key, Literal>>, connection: Conn) => ReplyOf<Literal, SentMessage, ReplyMessages>
    }
  : never

/** One handler a message type, keyed by the discriminator's literals; a missing or extra key is an error. */
export type WsHandlerMap<This, Message, Conn, SentMessage, ReplyMessages = {}> =
  HandlersBy<DiscriminatorOf<Message>, This, Message, Conn, SentMessage, ReplyMessages>

/**
 * A function for all messages, or an object of them. A conditional type, so that TypeScript knows the messages
 * before it looks at what a function returns: literals in replies would widen otherwise.
 */
export type WsHandler<This, Message, Conn, SentMessage, ReplyMessages = {}> = unknown extends Message
  ? WsHandlerFunction<This, Message, Conn, SentMessage>
  : WsHandlerFunction<This, Message, Conn, SentMessage | ReplyMessages[keyof ReplyMessages]> | WsHandlerMap<This, Message, Conn, SentMessage, ReplyMessages>
