import Fastify from 'fastify'
import typedWs from 'fastify-typed-ws'
import { chatRoutes } from '../chat/routes.ts'
import { runAsProgram } from '../support/run.ts'
import type { ServerOptions } from '../support/run.ts'
import { selfSigned } from '../support/self-signed.ts'
import { connectionRoutes } from './routes.ts'
import { TcpConnections } from './tcp-connections.ts'

/** The chat over HTTP/2, without a line of it changed, and beside it a page that shows what its WebSockets share. */
export async function build (options: Partial<ServerOptions> = {}) {
  const app = Fastify({
    ...options,
    http2: true,
    https: {
      ...selfSigned(),
      // Clients that do not speak HTTP/2 are served, too, and so are browsers that open a WebSocket before anything else.
      allowHTTP1: true,
      // Browsers that are told nothing open 100 streams: as many WebSockets, and then not even a page loads any more.
      settings: { maxConcurrentStreams: 256 }
    }
  })
  await app.register(typedWs, { maxPayload: 16 * 1024 })
  const tcpConnections = new TcpConnections()
  app.addHook('onRequest', async ({ raw }) => tcpConnections.onRequest(raw))
  await app.register(connectionRoutes, { prefix: '/connections', tcpConnections })
  await app.register(chatRoutes)
  return app
}

await runAsProgram(import.meta.url, build, { page: '/connections/' })
