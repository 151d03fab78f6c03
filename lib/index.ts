/**
 * WebSocket routes for Fastify: the plugin, what handlers get, and the types of both.
 *
 * To each Fastify instance the plugin adds
 *
 * * `app.ws(url, options, handler)`, a {@link WsRouteMethod}: declares a WebSocket route. It honours encapsulation and `prefix`, and may share its URL with a REST route
 * * `app.room(name)`, a {@link Room}, and `app.rooms`, the {@link RoomRegistry} of this process
 * * `app.wsConnections`, the {@link WsConnections} of this process
 * * `app.wsRoutes`, each declared route as a {@link WsRoute}
 * * `app.wsStats()`, the counters of this process: {@link WsStats}
 * * `app.wsReadiness()`, whether new clients should come here: {@link WsReadiness}
 * * `app.injectWS(url, options)`, a test connection without the network: {@link InjectOptions}, {@link InjectedConnection}. Rejects with FST_ERR_WS_INJECT_REJECTED
 *   when the upgrade is refused; the error carries `response`
 *
 * and to each request `request.wsExpiresAt`: until when an upgrade request's credentials are good, a Date or milliseconds since 1970.
 *
 * @module fastify-typed-ws
 */
import { defineContract } from './client/define-contract.ts'
import { plugin } from './plugin.ts'
import { memoryAdapter, MemoryHub } from './rooms/memory-adapter.ts'

/** What `require` answers is the plugin itself, as Fastify's users expect: what else is exported hangs on it. @hidden */
const required = Object.assign(plugin, { plugin, defineContract, memoryAdapter, MemoryHub })

export { plugin as default, plugin, defineContract, memoryAdapter, MemoryHub, required as 'module.exports' }
export type * from '../types/index.ts'
