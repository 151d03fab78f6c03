import type { ServerHttp2Session } from 'node:http2'
import { setImmediate as turn } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import type { Test } from 'tap'
import type { WsPluginOptions } from '../../types/index.ts'
import { buildApp, listen } from './app.ts'
import { Http2Client } from './http2-client.ts'
import type { ConnectHeaders } from './http2-client.ts'
import type { HttpReply } from './raw-client.ts'
import { RawHttp2Client } from './raw-http2-client.ts'
import { selfSigned } from './tls.ts'

const certificate = selfSigned()

/** The ways in which Fastify serves HTTP/2: in cleartext, by prior knowledge; by TLS; and by TLS beside HTTP/1.1. */
const ways = {
  h2c: { http2: true },
  'h2 alone': { http2: true, https: certificate },
  'h2 beside HTTP/1.1': { http2: true, https: { ...certificate, allowHTTP1: true } }
} as const

export type Http2Way = keyof typeof ways

/** A Fastify instance on HTTP/2, in cleartext where nothing else is said, with the plugin; closed, and its clients dropped, when the test ends. */
export async function buildHttp2App (t: Test, options: WsPluginOptions = {}, serverOptions: object = {}): Promise<FastifyInstance> {
  const app = await buildApp(t, options, { ...ways.h2c, ...serverOptions } as object)
  t.after(async () => {
    // Node 20 ends the process where a session is destroyed within the turn in which one of its streams was reset, and others are open.
    await turn()
    Http2Client.dropAll()
    RawHttp2Client.dropAll()
  })
  return app
}

/** A server of HTTP/2, in one of these ways. */
export class Http2Server {
  readonly way: Http2Way
  readonly isSecure: boolean
  readonly #t: Test

  constructor (t: Test, way: Http2Way) {
    this.#t = t
    this.way = way
    this.isSecure = way !== 'h2c'
  }

  get scheme (): string {
    return this.isSecure ? 'https' : 'http'
  }

  /** An app with the plugin. */
  build (options: WsPluginOptions = {}, serverOptions: object = {}): Promise<FastifyInstance> {
    return buildHttp2App(this.#t, options, { ...serverOptions, ...ways[this.way] })
  }

  /** Listens, and begins a session. */
  async connect (app: FastifyInstance): Promise<Http2Client> {
    return await this.join(await listen(app))
  }

  /** Begins a session with a server that listens. */
  async join (port: number): Promise<Http2Client> {
    return await Http2Client.connect(port, { secure: this.isSecure })
  }
}

/** One test of each way. */
export function onHttp2 (title: string, test: (t: Test, server: Http2Server) => Promise<void>): void {
  for (const way of Object.keys(ways) as Http2Way[]) t.test(`${title} (${way})`, t => test(t, new Http2Server(t, way)))
}

/** The reply to an extended CONNECT that is not accepted. */
export function refusal (client: Http2Client, path: string, headers: ConnectHeaders = {}): Promise<HttpReply> {
  return client.reply(client.request(path, headers))
}

/** The server's ends of sessions: none must be left of those whose client has gone. */
export class ServerSessions {
  readonly #open = new Set<ServerHttp2Session>()

  constructor (app: FastifyInstance) {
    app.server.on('session', (session: ServerHttp2Session) => {
      this.#open.add(session)
      session.once('close', () => this.#open.delete(session))
    })
  }

  /** The open ones, oldest first. */
  get all (): ServerHttp2Session[] {
    return [...this.#open]
  }
}
