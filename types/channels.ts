import type { FastifyInstance } from 'fastify'
import type { IncomingMessage } from 'node:http'
import type { Http2ServerRequest } from 'node:http2'
import type { CloseInfo, Connection, Traffic } from './connection.ts'

/**
 * What is published on `node:diagnostics_channel`. Where a name stands for a TracingChannel, all of its events carry the same object, to which
 * fields are added as they become known. `instance` is the instance that the route was declared on; of upgrades, broadcasts and connections
 * that were shed it is the one that the plugin was registered on. `instance.server` tells servers apart.
 */
export interface WsChannels {
  /** TracingChannel: from the request to the 101 (200 over HTTP/2) or another reply. `start` may run the hooks in a store. */
  'fastify-typed-ws:upgrade': WsUpgradeEvent
  /** TracingChannel: a message's handler, from its call until its promise has settled. */
  'fastify-typed-ws:message': WsMessageEvent
  /** TracingChannel: a message to a room, until the adapter has taken it. */
  'fastify-typed-ws:broadcast': WsBroadcastEvent
  /** A message was refused: not JSON, or not valid. */
  'fastify-typed-ws:invalid': WsInvalidEvent
  /** A connection has ended; `onClose` has run. */
  'fastify-typed-ws:close': WsCloseEvent
  /** A client went over its rate. */
  'fastify-typed-ws:limited': WsLimitedEvent
  /** A message found no room in `budget.connection`, or replaced an earlier one. Before the connection is closed, where it is. */
  'fastify-typed-ws:slow-consumer': WsSlowConsumerEvent
  /** A connection is closed because `budget.process` is spent. */
  'fastify-typed-ws:shed': WsShedEvent
  /** A connection is closed because a message was larger than `maxPayload`. */
  'fastify-typed-ws:too-big': WsTooBigEvent
  /** The adapter became unavailable, or is ready again. */
  'fastify-typed-ws:adapter': WsAdapterEvent
  /** A message of a room with history did not follow the one before it. */
  'fastify-typed-ws:gap': WsGapEvent
}

/** What `fastify-typed-ws:upgrade` tells. `error` comes before `asyncStart` where the client went before it had a reply. */
export interface WsUpgradeEvent {
  readonly request: IncomingMessage | Http2ServerRequest
  readonly instance: FastifyInstance
  /** The status of the reply; set before `asyncStart`, absent where the client went before. */
  statusCode?: number
  /** Set before `asyncStart` where it was accepted; `onOpen` has not run yet. */
  connection?: Connection
  /** The route's URL as it was declared, with its prefix. Set with `connection`. */
  route?: string
  error?: unknown
}

/** What `fastify-typed-ws:message` tells. */
export interface WsMessageEvent {
  readonly connection: Connection
  readonly instance: FastifyInstance
  /** The route's URL as it was declared, with its prefix. */
  readonly route: string
  /** The value of the discriminator; undefined where there is none. */
  readonly type: string | number | boolean | undefined
  /** The message's `id`, which its reply repeats. */
  readonly id: string | number | undefined
  readonly message: unknown
  /** What the handler answered; set before `end`, or before `asyncStart` where that was a promise. */
  result?: unknown
  /** What it threw or rejected with; set before `error`. */
  error?: unknown
}

/** What `fastify-typed-ws:broadcast` tells. */
export interface WsBroadcastEvent {
  readonly instance: FastifyInstance
  readonly room: string
  readonly message: unknown
  /** How many connections of this process are in the room. */
  readonly size: number
  error?: unknown
}

/** What `fastify-typed-ws:invalid` tells. */
export interface WsInvalidEvent {
  readonly connection: Connection
  readonly instance: FastifyInstance
  readonly route: string
  readonly error: Error & { readonly code: string, readonly closeCode: number }
}

/** What `fastify-typed-ws:close` tells. */
export interface WsCloseEvent {
  readonly connection: Connection
  readonly instance: FastifyInstance
  readonly route: string
  readonly info: CloseInfo
  readonly traffic: Traffic
}

/** What `fastify-typed-ws:limited` tells. */
export interface WsLimitedEvent {
  readonly connection: Connection
  readonly instance: FastifyInstance
  readonly route: string
  readonly policy: 'slow' | 'error' | 'close'
}

/** What `fastify-typed-ws:slow-consumer` tells. */
export interface WsSlowConsumerEvent {
  readonly connection: Connection
  readonly instance: FastifyInstance
  readonly route: string
  readonly policy: 'close' | 'drop-newest' | 'drop-oldest' | 'keep-latest'
  /** What became of the message, or of its receiver. */
  readonly outcome: 'closed' | 'dropped' | 'replaced'
  readonly bufferedAmount: number
}

/** What `fastify-typed-ws:shed` tells. Sizes in bytes. */
export interface WsShedEvent {
  readonly connection: Connection
  readonly instance: FastifyInstance
  readonly route: string
  /** What it held, in bytes. */
  readonly held: number
  /** What all connections of the server hold. */
  readonly total: number
  /** `budget.process` */
  readonly limit: number
}

/** What `fastify-typed-ws:too-big` tells. */
export interface WsTooBigEvent {
  readonly connection: Connection
  readonly instance: FastifyInstance
  readonly route: string
  readonly maxPayload: number
}

/** What `fastify-typed-ws:adapter` tells. */
export interface WsAdapterEvent {
  readonly instance: FastifyInstance
  readonly state: 'ready' | 'unavailable'
  /** How long the state before it lasted, in milliseconds. */
  readonly lasted: number
  readonly error: Error | null
}

/** What `fastify-typed-ws:gap` tells. */
export interface WsGapEvent {
  readonly instance: FastifyInstance
  readonly room: string
  /** Whether the history had what was missing. Where it had not, members were sent `{ type: 'gap', room, eventId }`. */
  readonly filled: boolean
  /** How many messages the history had. */
  readonly messages: number
}
