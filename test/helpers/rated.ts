import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Test } from 'tap'
import { upgradeOf } from '../../lib/route/upgrade.ts'
import type { CloseInfo, Connection, RouteLimitsOption, WsCommonOptions, WsPluginOptions } from '../../types/index.ts'
import { buildApp, listen } from './app.ts'
import { RawClient } from './raw-client.ts'

export interface RatedOptions extends WsCommonOptions {
  plugin?: WsPluginOptions
  limits?: RouteLimitsOption
  handler?: (message: unknown, connection: Connection) => unknown
}

/** A server whose route `/` has limits, and answers what it is sent, if not said otherwise. */
export class Rated {
  readonly app: FastifyInstance
  /** What was handled so far. */
  readonly handled: unknown[] = []
  readonly connections: Connection[] = []
  /** How connections ended. */
  readonly closes: CloseInfo[] = []
  #port = 0
  #wake: () => void = () => {}

  private constructor (app: FastifyInstance) {
    this.app = app
  }

  static async start (t: Test, { plugin, handler = message => message, ...route }: RatedOptions): Promise<Rated> {
    const app = await buildApp(t, plugin)
    const rated = new Rated(app)
    app.addHook('preHandler', async request => rated.#setKey(request))
    app.ws('/', {
      ...route,
      onOpen (connection) { rated.connections.push(connection) },
      onClose (_connection, info) {
        rated.closes.push(info)
        rated.#wake()
      }
    }, (message, connection) => {
      rated.handled.push(message)
      rated.#wake()
      return handler(message, connection)
    })
    app.ws('/unlimited', { limits: { messages: Infinity, bytes: Infinity, perKey: { messages: Infinity, bytes: Infinity } } }, message => message)
    app.ws('/plain', message => message)
    rated.#port = await listen(app)
    return rated
  }

  open (headers: Record<string, string> = {}, path = '/'): Promise<RawClient> {
    return RawClient.open(this.#port, path, { headers })
  }

  get limited (): number {
    return this.app.wsStats().messages.limited
  }

  /** Settles once that is so, at a message or an end. */
  async until (isSo: () => boolean): Promise<void> {
    while (!isSo()) await new Promise<void>(resolve => { this.#wake = resolve })
  }

  #setKey (request: FastifyRequest): void {
    const upgrade = upgradeOf(request.raw)
    const { user } = request.headers
    if (upgrade !== null && typeof user === 'string') upgrade.key = user
  }
}
