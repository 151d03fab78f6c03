import { createHash, timingSafeEqual } from 'node:crypto'
import { Type } from '@sinclair/typebox'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify from 'fastify'
import type { FastifyInstance, FastifyReply, FastifyRequest, FastifyServerOptions } from 'fastify'
import typedWs from 'fastify-typed-ws'
import wsMetrics from 'fastify-typed-ws/metrics'
import closeWithGrace from 'close-with-grace'
import { Registry } from 'prom-client'
import { servePages } from '../support/pages.ts'
import { runAsProgram } from '../support/run.ts'
import { declareDemo } from './demo.ts'
import { Report, Reporter } from './report.ts'

/** How often dashboards are told, in milliseconds. */
const reportEvery = 1_000

export interface OpsOptions {
  /** What a dashboard has to know. Default: `OPS_TOKEN` of the environment; without one, any page of this server may look. */
  readonly token?: string | undefined
}

/** A server that shows what it does: in its log, to load balancers, and on a page. */
export async function build ({ logger, ...options }: FastifyServerOptions = {}, { token = process.env.OPS_TOKEN }: OpsOptions = {}): Promise<FastifyInstance> {
  const app = Fastify({ ...options, logger: typeof logger === 'object' && { ...logger, redact } }).withTypeProvider<TypeBoxTypeProvider>()
  await app.register(typedWs, {
    limits: { connections: 10_000 },
    budget: { connection: 256 * 1024, process: 64 * 1024 * 1024 }
  })
  await servePages(app, 'observability')
  declareDemo(app)

  // For load balancers. Their questions come every few seconds, and are no news.
  app.get('/ready', { logLevel: 'warn' }, async (_request, reply) => {
    const readiness = app.wsReadiness()
    return reply.code(readiness.ready ? 200 : 503).send(readiness)
  })

  // For Prometheus. Where others than it can reach it, a scope of its own with a guard is the place for it.
  await app.register(wsMetrics, { register: new Registry(), endpoint: '/metrics' })

  // For dashboards: one report for all, and only the latest for those that read slowly.
  const dashboards = app.rooms.declare('dashboards', { send: Report, slowConsumer: { policy: 'keep-latest', key: () => 'report' } })
  const reporter = new Reporter(app)

  app.ws('/ops', {
    schema: { querystring: Type.Object({ token: Type.Optional(Type.String()) }), send: Report },
    onRequest: async (request, reply) => token === undefined || knows(request, token) ? undefined : refuse(reply),
    // They only listen.
    maxPayload: 1,
    async onOpen (connection) {
      connection.send(reporter.report())
      await connection.join('dashboards')
    }
  }, () => {})

  const timer = setInterval(() => {
    reporter.measure()
    const room = dashboards.room('dashboards')
    if (room.size > 0) void room.send(reporter.report())
  }, reportEvery)
  app.addHook('onClose', async () => clearInterval(timer))

  return app
}

/** Browsers can't set headers of a WebSocket, so the token is in the URL, which is in the log: there it is blotted out. */
const redact = {
  paths: ['req.url'],
  censor: (url: unknown) => String(url).replace(/([?&]token=)[^&]*/g, '$1[redacted]')
}

/** Takes equally long for every wrong token. */
function knows ({ query }: FastifyRequest, token: string): boolean {
  const given = typeof query === 'object' && query !== null && 'token' in query ? String(query.token) : ''
  return timingSafeEqual(digest(given), digest(token))
}

function digest (text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

function refuse (reply: FastifyReply): FastifyReply {
  return reply.code(401).send({ statusCode: 401, error: 'Unauthorized', message: 'the token of this dashboard is another one' })
}

await runAsProgram(import.meta.url, build, {
  logLevel: 'info',
  endOnSignal (app) {
    // Longer than `drain.timeout`: whoever is left then is dropped by app.close() itself.
    closeWithGrace({ delay: 10_000, logger: app.log }, async ({ signal, err }) => {
      if (err !== undefined) app.log.error({ err }, 'ends after an error')
      else app.log.info(`ends on ${signal}`)
      await app.close()
    })
  }
})
