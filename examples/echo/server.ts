import Fastify from 'fastify'
import type { FastifyInstance, FastifyServerOptions } from 'fastify'
import typedWs from 'fastify-typed-ws'
import { servePages } from '../support/pages.ts'
import { runAsProgram } from '../support/run.ts'

/** Sends every message back as it came, text or binary. */
export async function build (options: FastifyServerOptions = {}): Promise<FastifyInstance> {
  const app = Fastify(options)
  await app.register(typedWs)
  await servePages(app, 'echo')

  app.ws('/echo', { codec: 'raw' }, message => message)

  return app
}

await runAsProgram(import.meta.url, build)
