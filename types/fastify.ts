import type {
  FastifyBaseLogger, FastifyTypeProvider, RawReplyDefaultExpression, RawRequestDefaultExpression,
  RawServerBase
} from 'fastify'
import type { Connection } from './connection.ts'
import type { InjectedConnection, InjectOptions } from './inject.ts'
import type { Notice } from './notices.ts'
import type { WsRouteMethod } from './options.ts'
import type { Room, RoomMessage, RoomRegistry } from './rooms.ts'
import type { WsSchema } from './schema.ts'
import type { WsReadiness, WsStats } from './stats.ts'

/** A WebSocket route, as tools that document an API see it. */
export interface WsRoute {
  /** With the prefixes of its scopes, and parameters as Fastify writes them: `/rooms/:room`. */
  readonly url: string
  readonly schema: WsSchema | null
  /** The route's own `config`. */
  readonly config: unknown
  /** What else than the URL chooses it: `host`, `version`, or strategies of the application. */
  readonly constraints: Readonly<Record<string, unknown>>
  /** The server's subprotocols; null where a function chooses. */
  readonly subprotocols: readonly string[] | null
  /** The content types of its messages by subprotocol; by `''` that of connections without one, which is that of all where `codec` is no map. */
  readonly contentTypes: Readonly<Record<string, string>>
  /** What this package may send its clients by itself, as far as the rooms that are declared so far tell. */
  readonly notices: ReadonlyArray<Notice['type']>
  /** The content type of these. */
  readonly noticeContentType: string
  /** The largest message that it takes, in bytes. */
  readonly maxPayload: number
  /** The schemas that `$ref`s may name, by `$id`: those of `addSchema` in its scope. */
  readonly sharedSchemas: Readonly<Record<string, unknown>>
  /** What OpenAPI documents say of the upgrade request: the schema that Fastify has, a copy of the route's. Tools may add to it once the application is ready. */
  readonly operation: WsOperation
}

/** The schema of an upgrade request, as @fastify/swagger reads it. */
export interface WsOperation extends WsSchema {
  response?: unknown
  externalDocs?: { readonly url: string, readonly description?: string }
}

/** The open connections of a process. */
export interface WsConnections extends Iterable<Connection> {
  readonly size: number
  /** Those for which the predicate holds: `app.wsConnections.filter(({ key }) => key === user)`. */
  filter (predicate: (connection: Connection) => boolean): Connection[]
}

declare module 'fastify' {
  interface FastifyRequest {
    /**
     * Until when an upgrade request's credentials are good: a Date, or milliseconds since 1970. A hook of the upgrade sets it; the connection is
     * closed with 4401 then, unless `connection.renew()` says otherwise.
     */
    wsExpiresAt: Date | number | null
  }

  interface FastifyInstance<
    RawServer extends RawServerBase,
    RawRequest extends RawRequestDefaultExpression<RawServer>,
    RawReply extends RawReplyDefaultExpression<RawServer>,
    Logger extends FastifyBaseLogger,
    TypeProvider extends FastifyTypeProvider
  > {
    /** Declares a WebSocket route. Honours encapsulation and `prefix`, and may share its URL with a REST route. */
    ws: WsRouteMethod<FastifyInstance<RawServer, RawRequest, RawReply, Logger, TypeProvider>, TypeProvider, RawServer>
    /** All rooms of this process. */
    rooms: RoomRegistry<TypeProvider>
    /** The room of a name, whether anybody is in it or not. */
    room<const Name extends string> (name: Name): Room<RoomMessage<Name>>
    /** This process's open connections. */
    wsConnections: WsConnections
    /** All WebSocket routes that are declared so far. */
    readonly wsRoutes: readonly WsRoute[]
    /** Counters of this process's connections, rooms and memory. */
    wsStats (): WsStats
    /** Whether new clients should come here, for the readiness route that a load balancer asks. */
    wsReadiness (): WsReadiness
    /**
     * A test connection through the real request path, without the network: over HTTP/2 where the server speaks it, else over HTTP/1.1.
     *
     * @throws FST_ERR_WS_INJECT_REJECTED when the upgrade is refused; it carries `response`
     */
    injectWS (url: string, options?: InjectOptions): Promise<InjectedConnection>
  }
}
