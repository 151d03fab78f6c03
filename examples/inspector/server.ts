import type { Socket } from 'node:net'
import { Type } from '@sinclair/typebox'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify from 'fastify'
import type { FastifyInstance, FastifyServerOptions } from 'fastify'
import typedWs from 'fastify-typed-ws'
import type { Connection } from 'fastify-typed-ws'
import { truncateReason } from '../../lib/protocol/close.ts'
import { servePages } from '../support/pages.ts'
import { runAsProgram } from '../support/run.ts'
import { framesOf, maxPayload } from './experiments.ts'
import { cutIntoFrames } from './fragments.ts'
import { observer, Page } from './messages.ts'
import { Accept, Client } from './observations.ts'
import { sendByHand } from './raw-client.ts'
import { stepsOfAccept, watchConnections } from './socket-tap.ts'
import { Watches } from './watches.ts'

/** How long a page may say nothing, in milliseconds: who has left for lunch comes back to a page that connects again. */
const idleTimeout = 30 * 60_000

/** A browser's inspected connection, and the socket below it. */
interface Inspected {
  readonly connection: Connection<string | Buffer>
  readonly socket: Socket
}

/** Shows a WebSocket at work: one connection is watched below the plugin, and a second one tells the page what was seen. */
export async function build (options: FastifyServerOptions = {}): Promise<FastifyInstance> {
  const app = Fastify(options).withTypeProvider<TypeBoxTypeProvider>()
  await app.register(typedWs, { limits: { connections: 1_000 }, idleTimeout })
  await servePages(app, 'inspector')

  const watches = new Watches()
  const inspected = new Map<string, Inspected>()
  watchConnections(app.server, page => watches.of(page))

  app.get('/accept', {
    schema: { querystring: Type.Object({ key: Type.String({ maxLength: 200 }) }), response: { 200: Accept } }
  }, async request => stepsOfAccept(request.query.key))

  // What is inspected: every message comes back as it was sent.

  for (const [path, perMessageDeflate] of [['/inspected', false], ['/inspected/compressed', { threshold: 0 }]] as const) {
    app.ws(path, {
      schema: { querystring: Type.Object({ page: Page, client: Client }) },
      codec: 'raw',
      maxPayload,
      perMessageDeflate,
      limits: { messages: { perSecond: 50, burst: 200 } },
      onOpen (connection, request) {
        const { page, client } = request.query
        if (client === 'browser') inspected.set(page, { connection, socket: request.raw.socket })
        return { page }
      },
      onClose (connection) {
        const { page } = connection.data
        if (inspected.get(page)?.connection === connection) inspected.delete(page)
      }
    }, message => message)
  }

  // Who inspects: is told what was seen, and says what the server is to do.

  app.ws('/observer', {
    schema: { querystring: Type.Object({ page: Page }), ...observer },
    limits: { messages: { perSecond: 20, burst: 40 } },
    onOpen (connection, request) {
      const { page } = request.query
      const { localAddress = '127.0.0.1', localPort = 0 } = request.raw.socket
      const watch = watches.open(page, connection)
      return { page, watch, server: { host: localAddress, port: localPort } }
    },
    onClose: connection => watches.close(connection.data.page, connection.data.watch)
  }, {
    ping (_message, { data }) {
      // One that is not answered is seen, too.
      inspected.get(data.page)?.connection.ping().catch(() => {})
    },

    /** The plugin sends a message in one frame. These are written below it, all at once, so that nothing can come between them. */
    fragments ({ text, parts }, { data }) {
      const { connection, socket } = inspected.get(data.page) ?? {}
      if (connection?.readyState !== 1) return
      for (const frame of cutIntoFrames(text, parts)) socket?.write(frame)
    },

    close ({ code, reason }, { data }) {
      inspected.get(data.page)?.connection.close(code, truncateReason(reason))
    },

    async experiment ({ name }, { data }) {
      await sendByHand(data.server, `/inspected?page=${data.page}&client=raw`, framesOf(name))
    }
  })

  return app
}

await runAsProgram(import.meta.url, build)
