import fp from 'fastify-plugin'
import type { FastifyInstance } from 'fastify'
import type { WsPluginOptions } from '../types/options.ts'
import { FST_ERR_WS_ALREADY_REGISTERED, FST_ERR_WS_CONFLICT } from './errors.ts'
import { resolvePluginOptions } from './options.ts'
import { ownCompilers } from './route/compilers.ts'
import { upgradeConstraint } from './route/constraint.ts'
import { inject } from './route/inject.ts'
import type { MessageHandler } from './connection/route-context.ts'
import type { Handlers } from './messages/receive-contract.ts'
import { declareRoute } from './route/route.ts'
import type { AnyRouteOptions } from './route/route.ts'
import { WsServer } from './route/ws-server.ts'

/** Servers whose upgrades this plugin handles. */
const claimed = new WeakSet<object>()

async function register (instance: FastifyInstance, options: WsPluginOptions): Promise<void> {
  if (claimed.has(instance.server)) throw new FST_ERR_WS_ALREADY_REGISTERED()
  refuseOthers(instance)
  const resolved = resolvePluginOptions(options, instance)
  claimed.add(instance.server)

  const server = new WsServer(instance, resolved)
  instance.addConstraintStrategy(upgradeConstraint())
  instance.decorate('ws', function (this: FastifyInstance, url: string, ...args: [unknown] | [unknown, unknown]) {
    const [routeOptions, handlers] = args.length === 1 ? [{}, args[0]] : args
    declareRoute(server, this, url, routeOptions as AnyRouteOptions, handlers as Handlers<MessageHandler>)
    return this
  } as FastifyInstance['ws'])
  instance.decorate('rooms', { getter: () => server.rooms })
  instance.decorate('room', (name: string) => server.rooms.room(name))
  instance.decorate('wsConnections', { getter: () => server.connections })
  // A copy: what tools do with their list is not done to that of others.
  instance.decorate('wsRoutes', { getter: () => [...server.routes] })
  instance.decorate('wsStats', () => server.stats)
  instance.decorate('wsReadiness', () => server.readiness)
  instance.decorateRequest('wsExpiresAt', null)
  instance.decorate('injectWS', function (this: FastifyInstance, url: string, injectOptions = {}) {
    return inject(this, url, injectOptions)
  })

  letOthersLoad(instance)
  instance.addHook('onReady', async () => {
    refuseOthers(instance)
    // Rooms only serialize: the compiler that Fastify may have set up by now does that as ours would.
    await server.start(ownCompilers(instance, {}))
  })
  instance.addHook('preClose', async () => { await server.stop() })
}

/**
 * Two plugins that handle the upgrades of one server would both write to its sockets. In this scope the other one's decorator
 * tells, in others the tree of plugins.
 */
function refuseOthers (instance: FastifyInstance): void {
  if (instance.hasDecorator('websocketServer') || instance.printPlugins().includes(' @fastify/websocket ')) {
    throw new FST_ERR_WS_CONFLICT('@fastify/websocket')
  }
}

/**
 * @fastify/websocket after this plugin would end the process, since both have an `injectWS` and it throws where nobody catches.
 * It may load, so that `ready()` says what is wrong.
 */
function letOthersLoad (instance: FastifyInstance): void {
  const { decorate } = instance
  instance.decorate = function (this: FastifyInstance, ...args: [name: string, ...never[]]) {
    return args[0] === 'injectWS' && this.hasDecorator('websocketServer') ? this : Reflect.apply(decorate, this, args)
  } as FastifyInstance['decorate']
}

/**
 * Declares `app.ws`, and all that goes with it: `await app.register(typedWs, options)`. Once a server, on the root instance or above the routes.
 *
 * @throws FST_ERR_WS_OPTION, FST_ERR_WS_ALREADY_REGISTERED, FST_ERR_WS_CONFLICT
 */
export const plugin = fp(register, { fastify: '5.x', name: 'fastify-typed-ws' })
