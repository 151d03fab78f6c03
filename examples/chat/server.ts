import Fastify from 'fastify'
import type { FastifyInstance, FastifyServerOptions } from 'fastify'
import typedWs from 'fastify-typed-ws'
import { runAsProgram } from '../support/run.ts'
import { chatRoutes } from './routes.ts'

export async function build (options: FastifyServerOptions = {}): Promise<FastifyInstance> {
  const app = Fastify(options)
  await app.register(typedWs, { maxPayload: 16 * 1024 })
  await app.register(chatRoutes)
  return app
}

await runAsProgram(import.meta.url, build)
