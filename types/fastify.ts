import type {
  FastifyBaseLogger, FastifyTypeProvider, RawReplyDefaultExpression, RawRequestDefaultExpression,
  RawServerBase
} from 'fastify'
import type { Connection } from './connection.ts'
import type { InjectedConnection, InjectOptions } from './inject.ts'
import type { WsRouteMethod } from './options.ts'
import type { Room, RoomMessage, RoomRegistry } from './rooms.ts'
import type { WsStats } from './stats.ts'

declare module 'fastify' {
  interface FastifyInstance<
    RawServer extends RawServerBase,
    RawRequest extends RawRequestDefaultExpression<RawServer>,
    RawReply extends RawReplyDefaultExpression<RawServer>,
    Logger extends FastifyBaseLogger,
    TypeProvider extends FastifyTypeProvider
  > {
    /** Declares a WebSocket route. Honours encapsulation and `prefix`, and may share its URL with a REST route. */
    ws: WsRouteMethod<FastifyInstance<RawServer, RawRequest, RawReply, Logger, TypeProvider>, TypeProvider>
    /** All rooms of this process. */
    rooms: RoomRegistry<TypeProvider>
    /** The room of a name, whether anybody is in it or not. */
    room<const Name extends string> (name: Name): Room<RoomMessage<Name>>
    /** This process's open connections. */
    wsConnections: Iterable<Connection> & { readonly size: number }
    /** Counters of this process's connections, rooms and memory. */
    wsStats (): WsStats
    /**
     * A test connection through the real request path, without the network.
     *
     * @throws FST_ERR_WS_INJECT_REJECTED when the upgrade is refused; it carries `response`
     */
    injectWS (url: string, options?: InjectOptions): Promise<InjectedConnection>
  }
}

export {}
