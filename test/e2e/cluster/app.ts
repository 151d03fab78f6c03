import Fastify from 'fastify'
import type { FastifyInstance, FastifyServerOptions } from 'fastify'
import { Type } from '@sinclair/typebox'
import typedWs from '../../../lib/index.ts'
import type { Connection, HistoryOption, WsPluginOptions } from '../../../types/index.ts'
import { Join, Leave, Said, Say } from './messages.ts'
import type { Refused } from './messages.ts'

export interface ClusterAppOptions {
  readonly history?: HistoryOption
  readonly fastify?: FastifyServerOptions
}

/** One server of a cluster, as an application has it: rooms `room:*` with history, all others without. */
export async function clusterApp (options: WsPluginOptions, { history, fastify = {} }: ClusterAppOptions = {}): Promise<FastifyInstance> {
  const app = Fastify(fastify)
  await app.register(typedWs, options)
  app.rooms.declare('room:*', { send: Said, history: history ?? true })
  app.rooms.declare('*', { send: Said })
  // Messages of one connection are sent on before the one before has been taken.
  app.ws('/', { concurrency: 16, schema: { receive: Type.Union([Join, Leave, Say]) } }, {
    join: async ({ room, since }, connection: Connection) => {
      try {
        return { type: 'joined', ...await connection.join(room, { since }) }
      } catch (error) {
        return refused(error)
      }
    },
    leave: async ({ room }, connection: Connection) => {
      await connection.leave(room)
      return { type: 'done' }
    },
    say: async ({ room, publisher, n }) => {
      try {
        await app.room(room).send({ type: 'said', room, publisher, n })
        return { type: 'done' }
      } catch (error) {
        return refused(error)
      }
    }
  })
  return app
}

function refused (error: unknown): Omit<Refused, 'id'> {
  const { code = String(error) } = error as { code?: string }
  return { type: 'refused', code }
}
