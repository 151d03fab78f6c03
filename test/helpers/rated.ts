import { setImmediate as immediate } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import type { CloseInfo, Connection, RouteLimitsOption, WsCommonOptions, WsPluginOptions } from '../../types/index.ts'
import { buildApp, listen } from './app.ts'
import { text } from './bytes.ts'
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
    const app = await buildApp(t, { limitKey: request => request.headers.user?.toString(), ...plugin })
    const rated = new Rated(app)
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

  /** Settles once nothing is left of them. */
  async gone (): Promise<void> {
    while (this.app.wsConnections.size > 0) await immediate()
  }
}

/** What is spent does not come back while a test runs. */
export const never = (burst: number): { perSecond: number, burst: number } => ({ perSecond: 0.001, burst })

export const message = (value: unknown): Buffer => text(JSON.stringify(value))
export const numbers = (count: number): Buffer => Buffer.concat(Array.from({ length: count }, (_, i) => message(i)))
export const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

export async function messages (client: RawClient, count: number): Promise<unknown[]> {
  const all = []
  for (let i = 0; i < count; i++) all.push(await client.message<unknown>())
  return all
}

/** A round trip of another connection: what the server was to do at once is done. */
export async function roundTrip (rated: Rated): Promise<void> {
  const other = await rated.open({}, '/unlimited')
  other.send('round')
  await other.message()
  await other.close(1000)
}

/** A connection from which nothing is read any more: of ten messages it has handled four. */
export async function throttled (t: Test, more: object = {}): Promise<{ rated: Rated, client: RawClient }> {
  const rated = await Rated.start(t, { limits: { messages: never(3) }, ...more })
  const client = await rated.open()
  client.write(numbers(10))
  t.same(await messages(client, 4), upTo(4))
  return { rated, client }
}
