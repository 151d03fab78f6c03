import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import type { CloseInfo, Connection, SlowConsumerOption, WsCommonOptions, WsPluginOptions } from '../../types/index.ts'
import { buildApp, deferred, listen, logLines } from './app.ts'
import type { ReadFrame } from './bytes.ts'
import { RawClient } from './raw-client.ts'

/** More than the operating system takes for a client that does not read: the message of which the rest stays with the server. */
const plug = 'x'.repeat(12_000_000)

export interface CrowdOptions {
  plugin?: WsPluginOptions
  route?: WsCommonOptions
  /** Of the room that all are in. */
  slowConsumer?: SlowConsumerOption
  onOpen?: () => Promise<void>
  handler?: (message: unknown, connection: Connection) => unknown
}

/** One client of a crowd, and the server's end of it. */
export interface Member {
  readonly client: RawClient
  readonly connection: Connection
  /** Settles when `onClose` runs. */
  readonly closed: Promise<CloseInfo>
  /** How often it ran. */
  closes: number
}

/** Clients over TCP on the route `/`, all in the room `crowd`. */
export class Crowd {
  readonly app: FastifyInstance
  readonly lines: Array<Record<string, unknown>>
  readonly #port: number
  readonly #opened: Array<(connection: Connection) => void>

  private constructor (app: FastifyInstance, port: number, lines: Array<Record<string, unknown>>, opened: Array<(connection: Connection) => void>) {
    this.app = app
    this.lines = lines
    this.#port = port
    this.#opened = opened
  }

  static async gather (t: Test, { plugin, route, slowConsumer, onOpen = async () => {}, handler = () => {} }: CrowdOptions = {}): Promise<Crowd> {
    const { lines, stream } = logLines()
    const app = await buildApp(t, plugin, { logger: { stream } })
    const opened: Array<(connection: Connection) => void> = []
    app.rooms.declare('crowd', slowConsumer === undefined ? {} : { slowConsumer })
    app.ws('/', {
      ...route,
      async onOpen (connection) {
        void connection.join('crowd')
        opened.shift()?.(connection)
        await onOpen()
      },
      onClose (connection, info) { onCloses.get(connection)?.(info) }
    }, handler)
    return new Crowd(app, await listen(app), lines, opened)
  }

  async join (headers: Record<string, string> = {}): Promise<Member> {
    const begun = deferred<Connection>()
    const { promise: closed, resolve } = deferred<CloseInfo>()
    this.#opened.push(begun.resolve)
    const client = await RawClient.open(this.#port, '/', { headers })
    const member: Member = { client, connection: await begun.promise, closed, closes: 0 }
    onCloses.set(member.connection, info => {
      member.closes++
      resolve(info)
    })
    return member
  }

  /** A member that has stopped reading, and has the start of a message on its way. */
  async joinStuck (headers: Record<string, string> = {}): Promise<Member> {
    const member = await this.join(headers)
    member.client.socket.pause()
    member.connection.send(plug)
    await immediate()
    return member
  }
}

const onCloses = new WeakMap<object, (info: CloseInfo) => void>()

export const immediate = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

/** Reads on: the messages that waited behind the first, up to this one. */
export async function readUntil ({ client }: Member, last: unknown): Promise<unknown[]> {
  const messages = []
  for (let frame = await readOn(client); ; frame = await client.frame()) {
    const message: unknown = JSON.parse(frame.payload.toString())
    messages.push(message)
    if (JSON.stringify(message) === JSON.stringify(last)) return messages
  }
}

/** Reads on: the first frame behind the message that was on its way, which must be whole. */
export async function readOn (client: RawClient): Promise<ReadFrame> {
  client.socket.resume()
  const first = await client.frame()
  if (first.payload.length !== plug.length + 2) throw new Error('the message on its way is torn')
  return client.frame()
}

/** Waits for what comes about in a few turns of the event loop. */
export async function until (isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise(resolve => setTimeout(resolve, 2))
}
