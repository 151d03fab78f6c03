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
  instance.decorate('injectWS', function (this: FastifyInstance, url: string, injectOptions = {}) {
    return inject(this, url, injectOptions)
  })

  instance.addHook('onReady', async () => {
    refuseOthers(instance)
    // Rooms only serialize: the compiler that Fastify may have set up by now does that as ours would.
    await server.start(ownCompilers(instance, {}))
  })
  instance.addHook('preClose', async () => { await server.stop() })
}

/** Two plugins that handle the upgrades of one server would both write to its sockets. */
function refuseOthers (instance: FastifyInstance): void {
  if (instance.hasDecorator('websocketServer')) throw new FST_ERR_WS_CONFLICT('@fastify/websocket')
}

export const plugin = fp(register, { fastify: '5.x', name: 'fastify-typed-ws' })
