import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import Fastify from 'fastify'
import type { FastifyInstance, FastifyServerOptions } from 'fastify'
import typedWs from 'fastify-typed-ws'
import type { Adapter } from 'fastify-typed-ws'
import { servePages } from '../support/pages.ts'
import { contract, Name, Said } from './messages.ts'
import type { PersonData, StatusMessage } from './messages.ts'

export interface BoardOptions {
  /** What pages call this process. */
  readonly name: string
  readonly adapter: Adapter
  /** Ends this process at once: that is what the page is for. */
  readonly kill: () => void
  readonly restartRedis: () => void
}

/** One of the processes: a board that everybody writes on, whichever process he is connected to. */
export async function buildBoard ({ name: process, adapter, kill, restartRedis }: BoardOptions, options: FastifyServerOptions = {}): Promise<FastifyInstance> {
  const app = Fastify(options).withTypeProvider<TypeBoxTypeProvider>()
  await app.register(typedWs, {
    adapter,
    maxPayload: 4 * 1024,
    // What is said while Redis is restarted waits for it.
    adapterTimeout: 10_000,
    // A process that was killed is missed after three seconds.
    nodes: { interval: 1_000, timeout: 3_000 },
    drain: { timeout: 2_000, spread: 100 }
  })
  await servePages(app, 'cluster')

  const board = app.rooms.declare('board', {
    send: Said,
    history: { size: 1_000, ttl: 600_000 },
    presence: { data: connection => connection.data, notify: true }
  }).room('board')

  const status = (): StatusMessage => ({ type: 'status', state: app.rooms.status.state, nodes: app.rooms.status.nodes.length })

  app.ws('/board', {
    schema: { querystring: Type.Object({ name: Name }), ...contract },
    onOpen (connection, { query }): PersonData {
      connection.send(status())
      return { name: query.name, process }
    }
  }, {
    async join ({ since }, connection) {
      const result = await connection.join('board', { since })
      return { type: 'joined', me: connection.id, process, ...result, members: await board.members<PersonData>() }
    },

    /** Answered when the history has it: what is not answered is to be said again. */
    async say ({ text }, connection) {
      await board.send({ type: 'said', from: connection.data, text, time: new Date().toISOString() })
      return { type: 'taken' }
    },

    kill,
    'restart-redis': restartRedis
  })

  // All that a page is told here is of its own process.
  const tell = (): void => {
    for (const connection of app.wsConnections) connection.send(status())
  }
  subscribe('fastify-typed-ws:adapter', tell)
  app.addHook('onClose', async () => { unsubscribe('fastify-typed-ws:adapter', tell) })

  return app
}
