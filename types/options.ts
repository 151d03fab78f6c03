import type {
  FastifyRequest, FastifySchema, FastifySchemaCompiler, FastifySerializerCompiler, FastifyTypeProvider, RawServerBase, RawServerDefault,
  RawRequestDefaultExpression, RawReplyDefaultExpression, RouteShorthandOptions
} from 'fastify'
import type { Options as AjvOptions } from '@fastify/ajv-compiler'
import type { Adapter } from './adapter.ts'
import type { CodecOption, Payload } from './codec.ts'
import type { CloseInfo, Connection } from './connection.ts'
import type { Infer, Received, Replies, RepliesToReceived, Sent, WsHandler, WsHandlerFunction, WsSchema } from './schema.ts'

/**
 * Which pages may connect, by the `Origin` header of the upgrade request. Requests without one come from no
 * browser and pass.
 *
 * * `'same-origin'`: scheme, host and port of the request itself (with `trustProxy`, those the proxy saw).
 * * a list of origins such as `'https://example.com'` or `'https://*.example.com'` (one or more labels).
 * * a function of the origin and the request.
 * * `{ dangerouslyAllowAny: true }`: every page of the web may act with the cookies of its visitors.
 */
export type OriginOption =
  | 'same-origin'
  | string
  | readonly string[]
  | ((origin: string, request: FastifyRequest) => boolean | Promise<boolean>)
  | { readonly dangerouslyAllowAny: true }

/** The server's subprotocols; the client's first one among them is chosen. A function may choose by itself. */
export type SubprotocolsOption =
  | readonly string[]
  | ((offered: readonly string[], request: FastifyRequest) => string | null)

/**
 * What becomes of a message that is not JSON or not valid: `'reply'` answers an error message, `'close'` closes
 * with 1003, 1007 or 1008, a function decides. The handler never sees it in any case.
 */
export type OnInvalidOption = 'reply' | 'close' | ((error: InvalidMessageError, connection: Connection, payload: Payload) => void)

/**
 * Compression of messages (RFC 7692). `true` stands for the defaults, `false` for none.
 *
 * * `threshold`: shorter messages are sent as they are. Default: 1,024 bytes.
 * * `contextTakeover`: messages may refer back to earlier ones: smaller where they are alike, for up to `2 * 2 ** windowBits` bytes
 *   either way of each connection that uses it. Default: false.
 * * `windowBits`: how far they refer back, as the base-2 logarithm of bytes, 8 to 15. Default: 12, which is 4 KiB.
 * * `memLevel`, `level`: as of `node:zlib`. Default: 5 and 5.
 */
export type DeflateOption = boolean | {
  readonly threshold?: number
  readonly contextTakeover?: boolean
  readonly windowBits?: number
  readonly memLevel?: number
  readonly level?: number
}

/**
 * What becomes of a message to a client that does not read, once `budget.connection` bytes wait for it.
 *
 * * `'close'`: the client is closed with 1013; it may connect again.
 * * `'drop-newest'`: this message is not sent to it.
 * * `'drop-oldest'`: the oldest that may be dropped make room.
 * * `keep-latest`: a message takes the place of an earlier one with the same `key` while that waits, whatever the budget; else as `'drop-oldest'`.
 *   A `key` that answers neither a string nor a number replaces nothing.
 */
export type SlowConsumerOption<Message = unknown> =
  | 'close' | 'drop-newest' | 'drop-oldest'
  | { readonly policy: 'keep-latest', readonly key: (message: Message) => string | number | undefined }

/**
 * Pings, by which connections that are gone without a word are found. Durations in milliseconds.
 *
 * * `interval`: how often each client is pinged, at least 10. Default: 25,000.
 * * `timeout`: how long it may take to send anything after that, at most the interval. Default: 20,000, or the interval where that is shorter.
 * * `notify`: with each ping the client is sent a `HeartbeatNotice`, as browsers do not show pings to a page: it then notices, too, that a server is gone without
 *   a word. Default: false.
 */
export type HeartbeatOption = false | {
  readonly interval?: number
  readonly timeout?: number
  readonly notify?: boolean
}

/**
 * How much may come in a second: a token bucket. Once its tokens are spent, the policy of `limits.exceed` holds until there are some again.
 *
 * * `perSecond`: what is added in a second.
 * * `burst`: the most that it holds, so what may come at once. Default: what is added in a second.
 */
export type RateOption = number | { readonly perSecond: number, readonly burst?: number }

/** What one client, or all that share a key, may send. */
export interface RateLimits {
  /** Messages. */
  readonly messages?: RateOption
  /** Bytes as they come from the network, all frames and their headers counted. */
  readonly bytes?: RateOption
}

/**
 * What becomes of a client that sends more than its rate.
 *
 * * `'slow'`: nothing is read from it until its rate allows more; nothing is lost, and TCP slows it.
 * * `'error'`: its messages are answered with an error message, and not handled.
 * * `'close'`: it is closed with 1008.
 */
export type ExceedOption = 'slow' | 'error' | 'close'

/**
 * How many connections, and how much of each. Default: no limits, except for 1,000 rooms. Connections are counted before the 101, in this process. Those of
 * the plugin hold for all routes together, those of a route for itself beside them; of everything else a route's own value wins.
 */
export interface LimitsOption extends RateLimits {
  /** All connections: 503. */
  readonly connections?: number
  /** Of one address, `request.ip`; IPv6 addresses with the same first 64 bits are one: 429. */
  readonly connectionsPerIp?: number
  /** With the same `limitKey`: 429. */
  readonly connectionsPerKey?: number
  /** What all connections with the same `limitKey` may send together. */
  readonly perKey?: RateLimits
  /** Default: `'slow'`. */
  readonly exceed?: ExceedOption
  /** How many rooms one connection may be in. Default: 1,000. */
  readonly rooms?: number
}

/** Limits of a route. */
export interface RouteLimitsOption extends LimitsOption {
  /** The most bytes of a message by its type, the discriminator's value: for those that need less than `maxPayload`. */
  readonly payload?: { readonly [type: string]: number }
}

/** What `app.close()` does to connections. Durations in milliseconds. */
export interface DrainOption {
  /**
   * How long clients and handlers may take, all in all; then those that are left are dropped. A handler that runs has all of it, and the close frame follows
   * its reply. Default: 5,000.
   */
  readonly timeout?: number
  /** Over which time the close frames are spread, so that not all clients come back at once. Up to 100 connections are closed at once. Default: 1,000, or a fifth of `timeout`. */
  readonly spread?: number
  /** How long nothing is closed yet where the server listens, while upgrades are refused already: for a load balancer to notice. Default: 0. */
  readonly delay?: number
}

/** How processes know of each other. Durations in milliseconds; the same in all of them. */
export interface NodesOption {
  /** How often each tells the others that it is alive. Default: 2,000. */
  readonly interval?: number
  /** After how long a silence it is taken for dead, and its members for gone; at least twice the interval. Default: 6,000, or three times the interval where that is more. */
  readonly timeout?: number
}

/** Memory, in bytes. */
export interface ConnectionBudget {
  /** How much may wait for a client that does not read, behind the message that is being written. Default: 1 MiB. */
  readonly connection?: number
}

/** Memory, in bytes. */
export interface BudgetOption extends ConnectionBudget {
  /**
   * How much all connections of the server may hold together, both ways. When it is nearly spent, those that hold most are closed with 1013.
   * Default: 256 MiB.
   */
  readonly process?: number
}

/** Why a message was refused. */
export interface InvalidMessageError extends Error {
  readonly code: string
  /** The close code of `onInvalid: 'close'`. */
  readonly closeCode: number
  /** What the validator found. */
  readonly errors: readonly unknown[]
}

/** Options of the plugin that a route may override. Durations in milliseconds, sizes in bytes. */
export interface WsCommonOptions {
  /** The largest message that is received. Default: Fastify's `bodyLimit` (1 MiB). */
  maxPayload?: number
  /** Default: `'same-origin'`. */
  origin?: OriginOption
  /** Default: the keys of `codec` when that is a map, else none. */
  subprotocols?: SubprotocolsOption
  /** Default: `'json'`. */
  codec?: CodecOption
  /** Default: `'reply'`. */
  onInvalid?: OnInvalidOption
  /** How many messages of one connection may be handled at the same time. Default: 1, so in order. */
  concurrency?: number
  /** `connection.writable` is false while so many bytes wait, or more. Default: 65,536. */
  highWaterMark?: number
  /**
   * How long the peer may take for its part of the closing handshake, and each handler once it has begun. That of the plugin is also how long it may keep a
   * session of HTTP/2 that is closed or, once the server ends, take for the rest of a request. Default: 5,000.
   */
  closeTimeout?: number
  /** Pings. Default: every 25 s; a client that sends nothing within 20 s after one is dropped. */
  heartbeat?: HeartbeatOption
  /** How long a client may send no message; it is then closed with 4408. Pongs are no messages. Default: `false`, for ever. */
  idleTimeout?: number | false
  /**
   * How long a connection may last; it is then closed with 1001, and the client connects again, perhaps elsewhere. Each ends at random in the last
   * tenth of it. Default: `false`, for ever.
   */
  maxLifetime?: number | false
  /** How long before it expires a client is warned, see `request.wsExpiresAt`. Default: 60,000. `false` for no warning. */
  expiryWarning?: number | false
  /** How many connections, and how much of each. */
  limits?: LimitsOption
  /**
   * What the connections of one user, tenant or token have in common; it becomes `connection.key`. Called before the 101, or the 200 over HTTP/2, after all
   * hooks that come before the handler. Without one, or for `undefined`, nothing is counted by key.
   */
  limitKey?: (request: FastifyRequest) => string | undefined | Promise<string | undefined>
  /** Compression of messages. Default: `false`. */
  perMessageDeflate?: DeflateOption
  /** For clients that do not read: of what the route sends, and of rooms that declare nothing else. Default: `'close'`. */
  slowConsumer?: SlowConsumerOption
  /** How much memory connections may hold. */
  budget?: ConnectionBudget
}

/** Options of `app.register(typedWs, …)`. */
export interface WsPluginOptions extends WsCommonOptions {
  budget?: BudgetOption
  /**
   * How long an upgrade may take, from its first byte to the 101. It also caps the server's `headersTimeout`.
   * Default: 10,000.
   */
  handshakeTimeout?: number
  /** What `app.close()` does to connections. */
  drain?: DrainOption
  /** Carries rooms between processes. Default: none, in memory. */
  adapter?: Adapter
  /** How long a message to a room with history, or a join of one, waits for an adapter that is unavailable or slow, and an answer of the other processes. At most 60,000. Default: 5,000. */
  adapterTimeout?: number
  /** How processes know of each other, where there is an adapter. */
  nodes?: NodesOption
  /** For the validators of messages, as `Fastify({ ajv })` is for those of requests. Nothing is coerced or removed. */
  ajv?: Pick<AjvOptionsOfFastify, 'customOptions' | 'plugins'>
}

type AjvOptionsOfFastify = {
  customOptions?: AjvOptions
  plugins?: Array<AjvPlugin | [AjvPlugin, unknown]>
}
type AjvPlugin = (ajv: never, options?: never) => unknown

/** The types of the upgrade request, as its schemas describe them. */
export interface UpgradeGeneric<Provider extends FastifyTypeProvider, Schema extends WsSchema> {
  Querystring: Schema extends { querystring: infer Part } ? Infer<Provider, Part> : unknown
  Params: Schema extends { params: infer Part } ? Infer<Provider, Part> : unknown
  Headers: Schema extends { headers: infer Part } ? Infer<Provider, Part> : unknown
}

type RestOptions<Provider extends FastifyTypeProvider, Schema extends WsSchema, RawServer extends RawServerBase> = Omit<
  RouteShorthandOptions<RawServer, RawRequestDefaultExpression<RawServer>, RawReplyDefaultExpression<RawServer>, UpgradeGeneric<Provider, Schema>>,
  'schema' | 'exposeHeadRoute' | 'bodyLimit' | 'validatorCompiler' | 'serializerCompiler'
>

type ValidatorCompiler = FastifySchemaCompiler<FastifySchema>
type SerializerCompiler = FastifySerializerCompiler<FastifySchema>

/** Options of `app.ws(url, options, handler)`: those of a REST route, those of a connection, and its life. */
export interface WsRouteOptions<
  This, Provider extends FastifyTypeProvider, Schema extends WsSchema, Data, RawServer extends RawServerBase = RawServerDefault
> extends Omit<WsCommonOptions, 'slowConsumer'>, RestOptions<Provider, Schema, RawServer> {
  schema?: Schema & RepliesToReceived<Provider, Schema>
  limits?: RouteLimitsOption
  /** For clients that do not read: of what the route sends, and of rooms that declare nothing else. Default: the plugin's. */
  slowConsumer?: SlowConsumerOption<Sent<Provider, Schema>>
  /**
   * As of a REST route; it makes the validators of messages too.
   * A method, so that it may ask for the schemas of one library, as TypeBoxValidatorCompiler does.
   */
  validatorCompiler? (...part: Parameters<ValidatorCompiler>): ReturnType<ValidatorCompiler>
  /** As of a REST route; it makes the serializers of messages too. */
  serializerCompiler? (...part: Parameters<SerializerCompiler>): ReturnType<SerializerCompiler>
  /**
   * Runs after the 101, or the 200 over HTTP/2, and before the first message is handled; messages that arrive meanwhile wait.
   * What it returns, or resolves to, becomes `connection.data`. When it throws, the connection closes with 1011.
   * Write it before `onClose`: TypeScript infers from left to right.
   */
  onOpen? (
    this: This,
    connection: Connection<Sent<Provider, Schema>>,
    request: FastifyRequest<UpgradeGeneric<Provider, Schema>, RawServer>
  ): Data | Promise<Data>
  /**
   * Runs `expiryWarning` milliseconds before the connection expires, and tells the client so in a message of its own. Without it the client gets
   * `{ type: 'expiring', expiresAt }`, the time in ISO 8601.
   */
  onExpiring? (this: This, connection: Connection<Sent<Provider, Schema>, Data>, expiresAt: Date): unknown
  /**
   * Runs exactly once for each `onOpen` that succeeded, when the connection has ended and its handlers have settled,
   * or one of them has not within `closeTimeout`.
   */
  onClose? (this: This, connection: Connection<Sent<Provider, Schema>, Data>, info: CloseInfo): unknown
}

/** `app.ws`. */
export interface WsRouteMethod<Instance, Provider extends FastifyTypeProvider, RawServer extends RawServerBase = RawServerDefault> {
  (url: string, handler: WsHandlerFunction<Instance, unknown, Connection, unknown>): Instance
  /*
   * Without `onOpen`, data is unknown. A narrower default would be what `onOpen` must return while TypeScript reports
   * an error of the handlers, and the error would stand at `onOpen`.
   */
  <const Schema extends WsSchema = WsSchema, Data = unknown> (
    url: string,
    options: WsRouteOptions<Instance, Provider, Schema, Data, RawServer>,
    handler: WsHandler<
      Instance,
      Received<Provider, Schema>,
      Connection<Sent<Provider, Schema>, Data>,
      Sent<Provider, Schema>,
      Replies<Provider, Schema>
    >
  ): Instance
}
