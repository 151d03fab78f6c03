import type { ServerHttp2Session } from 'node:http2'
import { setImmediate as turn } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import type { WsPluginOptions } from '../../types/index.ts'
import { buildApp } from './app.ts'
import { Http2Client } from './http2-client.ts'
import { RawHttp2Client } from './raw-http2-client.ts'

/** A Fastify instance on HTTP/2 in cleartext, with the plugin; closed, and its clients dropped, when the test ends. */
export async function buildHttp2App (t: Test, options: WsPluginOptions = {}, serverOptions: object = {}): Promise<FastifyInstance> {
  const app = await buildApp(t, options, { http2: true, ...serverOptions } as object)
  t.after(async () => {
    // Node 20 ends the process where a session is destroyed within the turn in which one of its streams was reset, and others are open.
    await turn()
    Http2Client.dropAll()
    RawHttp2Client.dropAll()
  })
  return app
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
