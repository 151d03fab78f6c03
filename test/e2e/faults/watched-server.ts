import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import Fastify from 'fastify'
import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import typedWs from '../../../lib/index.ts'
import type { CloseInfo, Connection, WsPluginOptions } from '../../../types/index.ts'
import { deferred, listen } from '../../helpers/app.ts'
import { RawClient } from '../../helpers/raw-client.ts'
import { ServerSockets } from '../../helpers/server-sockets.ts'
import { selfSigned } from '../../helpers/tls.ts'

/** Where everybody is. */
export const crowd = 'crowd'

/** A server that tells what becomes of one client, beside a bystander who is to notice nothing. */
export class WatchedServer {
  readonly app: FastifyInstance
  readonly sockets: ServerSockets
  port = 0
  /** The client's connections, from the beginning of `onOpen`. */
  readonly opened: Connection[] = []
  /** What `onClose` was told. */
  readonly ends: CloseInfo[] = []
  readonly #onEnd = deferred()
  readonly #onHold = deferred()
  readonly #released = deferred()

  private constructor (app: FastifyInstance) {
    this.app = app
    this.sockets = new ServerSockets(app)
  }

  static async start (t: Test, { tls = false, ...options }: { tls?: boolean } & WsPluginOptions = {}): Promise<WatchedServer> {
    // To Fastify's types, a server of HTTPS is another than one of HTTP; to a WebSocket they are the same.
    const app = (tls ? Fastify({ https: selfSigned() }) : Fastify()) as FastifyInstance
    const server = new WatchedServer(app)
    t.after(() => {
      RawClient.dropAll()
      return app.close()
    })
    // A client that is merely behind is not closed for it, unless a test says so.
    await app.register(typedWs, { perMessageDeflate: true, budget: { connection: 64 * 1024 * 1024 }, ...options })
    server.#declareRoutes()
    server.port = await listen(app)
    return server
  }

  /** The client's connection. */
  get connection (): Connection {
    return this.opened[0]
  }

  /** The client's socket: the latest. */
  get socket (): Socket {
    return this.sockets.all[this.sockets.all.length - 1]
  }

  /** Settles when something of the application's waits for `release`. */
  get holding (): Promise<void> {
    return this.#onHold.promise
  }

  /** Settles when `onClose` has run. */
  get ended (): Promise<void> {
    return this.#onEnd.promise
  }

  release (): void {
    this.#released.resolve()
  }

  #hold (): Promise<void> {
    this.#onHold.resolve()
    return this.#released.promise
  }

  #declareRoutes (): void {
    const { app } = this
    const onOpen = (connection: Connection): void => {
      this.opened.push(connection)
      void connection.join(crowd)
    }
    const onClose = (_connection: Connection, info: CloseInfo): void => {
      this.ends.push(info)
      this.#onEnd.resolve()
    }
    app.ws('/', { onOpen, onClose }, async message => {
      if (message === 'hold') await this.#hold()
      return message
    })
    app.ws('/hook', { onRequest: () => this.#hold(), onOpen, onClose }, () => {})
    app.ws('/opening', {
      onOpen: async connection => {
        onOpen(connection)
        await this.#hold()
      },
      onClose
    }, () => {})
    app.ws('/bystander', { onOpen: connection => { void connection.join(crowd) } }, message => message)
  }
}

/** Settles when a condition that has no event of its own holds. Other processes, which are to make it so, run meanwhile. */
export async function until (condition: () => boolean): Promise<void> {
  while (!condition()) await delay(1)
}
