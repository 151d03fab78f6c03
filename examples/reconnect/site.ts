import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import Fastify from 'fastify'
import type { FastifyInstance, FastifyServerOptions } from 'fastify'
import typedWs from 'fastify-typed-ws'
import type { Adapter, Room } from 'fastify-typed-ws'
import { servePages } from '../support/pages.ts'
import { contract, feed, Payment, Said } from './messages.ts'
import type { BalanceData, KillMessage } from './messages.ts'

export interface SiteOptions {
  readonly adapter: Adapter
  /** How it stands, by what this process knows. */
  readonly balance: () => BalanceData
  /** Ends this process at once: that is what the page is for. */
  readonly kill: (how: KillMessage) => void
}

/** The server that is killed: its page, and a feed that others write, too. */
export async function buildSite ({ adapter, balance, kill }: SiteOptions, options: FastifyServerOptions = {}): Promise<FastifyInstance> {
  const app = Fastify(options).withTypeProvider<TypeBoxTypeProvider>()
  await app.register(typedWs, { adapter, maxPayload: 4 * 1024, drain: { timeout: 2_000, spread: 100 } })
  await servePages(app, 'reconnect')
  const room = declareFeed(app)

  app.ws('/feed', { schema: contract }, {
    async join ({ since }, connection) {
      return { type: 'joined', pid: process.pid, ...await connection.join(feed, { since }) }
    },

    balance: () => ({ type: 'balance', ...balance() }),

    /** Answered when the history has it: of what is not answered nobody knows, until it is in the feed. */
    async say ({ key, text }) {
      await room.send({ type: 'said', key, text })
      return { type: 'taken' }
    },

    drop: (_message, connection) => connection.terminate(),
    kill
  })

  return app
}

/** In each process that writes it. Its history is long enough for an absence of minutes. */
export function declareFeed (app: FastifyInstance): Room {
  return app.withTypeProvider<TypeBoxTypeProvider>().rooms.declare(feed, {
    send: Type.Union([Payment, Said]),
    history: { size: 1_000, ttl: 600_000 }
  }).room(feed)
}
