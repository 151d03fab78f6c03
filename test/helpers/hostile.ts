import type { Server } from 'node:http'
import type { FastifyHttpOptions, FastifyInstance } from 'fastify'
import t from 'tap'
import type { Test } from 'tap'
import type { WsPluginOptions } from '../../types/index.ts'
import { buildApp, listen } from './app.ts'
import { RawClient } from './raw-client.ts'
import type { HttpReply } from './raw-client.ts'
import { ServerSockets } from './server-sockets.ts'

const key = 'dGhlIHNhbXBsZSBub25jZQ=='

/** The headers that an upgrade needs, line by line. */
export const needed = {
  host: 'Host: app.example.com',
  connection: 'Connection: Upgrade',
  upgrade: 'Upgrade: websocket',
  version: 'Sec-WebSocket-Version: 13',
  key: `Sec-WebSocket-Key: ${key}`
} as const

/** A request as bytes, one byte a character: what is written is what is sent. */
export function requestBytes (lines: readonly string[], behind: string | Buffer = ''): Buffer {
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), Buffer.from(behind)])
}

/** An upgrade as bytes, its headers followed by others, or without some of its own. */
export function upgradeBytes (others: readonly string[] = [], { line = 'GET / HTTP/1.1', without = [] as Array<keyof typeof needed>, behind = '' as string | Buffer } = {}): Buffer {
  const own = Object.entries(needed).filter(([name]) => !(without as string[]).includes(name)).map(([, header]) => header)
  return requestBytes([line, ...own, ...others], behind)
}

export interface HostileServer {
  readonly app: FastifyInstance
  readonly port: number
  readonly sockets: ServerSockets
  /** The reply to these bytes on a connection of their own. */
  readonly reply: (bytes: Buffer | string) => Promise<HttpReply>
}

interface HostileOptions {
  readonly plugin?: WsPluginOptions
  readonly server?: FastifyHttpOptions<Server>
  /** Default: an echo at `/`, and `GET /rest` */
  readonly routes?: (app: FastifyInstance, t: Test) => void
}

function echoAndRest (app: FastifyInstance): void {
  app.ws('/', message => message)
  app.get('/rest', async () => 'rest')
}

/** A test against a server, after which nothing is left of its clients: no socket, no connection. */
export function hostile (title: string, body: (t: Test, server: HostileServer) => Promise<void>, { plugin, server, routes = echoAndRest }: HostileOptions = {}): void {
  void t.test(title, async t => {
    const app = await buildApp(t, plugin, server)
    routes(app, t)
    const sockets = new ServerSockets(app)
    const port = await listen(app)
    const reply = async (bytes: Buffer | string): Promise<HttpReply> => {
      const client = await RawClient.connect(port)
      client.write(bytes)
      return await client.reply()
    }
    await body(t, { app, port, sockets, reply })
    RawClient.dropAll()
    await sockets.open(0)
    while (app.wsConnections.size > 0) await new Promise(resolve => setImmediate(resolve))
  })
}
