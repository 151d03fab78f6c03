import { Type } from '@sinclair/typebox'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify from 'fastify'
import type { FastifyInstance, FastifyServerOptions } from 'fastify'
import typedWs from 'fastify-typed-ws'
import { servePages } from '../support/pages.ts'
import { runAsProgram } from '../support/run.ts'
import { CostsSchema, Figures } from './figures.ts'
import type { Transport } from './figures.ts'
import { Log, News, Said, Words } from './log.ts'

declare module 'fastify' {
  interface FastifyContextConfig { transport?: Transport }
}

/** How long a long-polling request is held, in milliseconds. */
const holdFor = 20_000
/** How often a page is told its figures, in milliseconds. */
const figuresEvery = 200

const Page = Type.String({ pattern: '^[0-9a-f]{16}$' })
const Since = Type.Object({ page: Page, since: Type.Integer({ minimum: 0 }) })
const Sender = Type.Object({ page: Page })

/** One chat by three transports. */
export async function build (options: FastifyServerOptions = {}): Promise<FastifyInstance> {
  const app = Fastify(options).withTypeProvider<TypeBoxTypeProvider>()
  await app.register(typedWs)
  await servePages(app, 'transports')

  const figures = new Figures()
  app.addHook('onResponse', async request => {
    const { page } = request.query as { page?: unknown }
    const transport = request.routeOptions.config.transport ?? null
    figures.onRequest(request.raw.socket, String(page), transport)
  })

  // Polling: the client asks again and again; the answer is empty most of the time.
  const polled = new Log()

  app.get('/polling', {
    config: { transport: 'polling' },
    schema: { querystring: Since, response: { 200: News } }
  }, async request => polled.since(request.query.since))

  app.post('/polling', {
    config: { transport: 'polling' },
    schema: { querystring: Sender, body: Words, response: { 201: Said } }
  }, async (request, reply) => reply.code(201).send(polled.say(request.body)))

  // Long-polling: the client asks, and the server answers once it has something to say.
  const longPolled = new Log()
  app.addHook('preClose', async () => longPolled.close())

  app.get('/long-polling', {
    config: { transport: 'long-polling' },
    schema: { querystring: Since, response: { 200: News } }
  }, async request => await longPolled.next(request.query.since, holdFor))

  app.post('/long-polling', {
    config: { transport: 'long-polling' },
    schema: { querystring: Sender, body: Words, response: { 201: Said } }
  }, async (request, reply) => reply.code(201).send(longPolled.say(request.body)))

  // WebSocket: one request opens it; from then on both sides send whenever they like.
  const pushed = new Log()

  app.ws('/websocket', {
    schema: { querystring: Sender, receive: Words, send: Said },
    async onOpen (connection, request) {
      const { socket } = request.raw
      figures.onOpen(socket, request.query.page)
      await connection.join('everybody')
      return { socket }
    },
    onClose: connection => figures.onClose(connection.data.socket)
  }, words => {
    void app.room('everybody').send(pushed.say(words))
  })

  // The figures belong to no transport. The same URL answers a GET, and tells by WebSocket what changes.

  app.get('/figures', {
    schema: { querystring: Sender, response: { 200: CostsSchema } }
  }, async request => figures.of(request.query.page))

  app.ws('/figures', {
    schema: { querystring: Sender, send: CostsSchema },
    onOpen (connection, request) {
      const { page } = request.query
      const timer = setInterval(() => connection.send(figures.of(page)), figuresEvery)
      connection.signal.addEventListener('abort', () => clearInterval(timer))
    }
  }, () => {})

  return app
}

await runAsProgram(import.meta.url, build)
