import type { AddressInfo, Socket } from 'node:net'
import Fastify from 'fastify'
import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import { WebSocket } from 'undici'
import { connect } from '../../lib/client/index.ts'
import typedWs, { memoryAdapter, MemoryHub } from '../../lib/index.ts'
import type { Client, ClientOptions, ClientState, StateChange } from '../../types/client.ts'
import type { Connection, WsPluginOptions } from '../../types/index.ts'

/** What clients say to a `ChatServer`. */
export type Said = { type: string, room?: string, since?: string, text?: string, code?: number, reason?: string, id?: string | number }

type Answer = (message: Said, connection: Connection) => unknown

/** Rooms `h:*` and `long:*` have a history, which outlives the server. */
export class ChatServer {
  app: FastifyInstance
  port = 0
  /** What was received, by all its lives. */
  readonly received: Said[] = []
  /** How many connections there were. */
  connections = 0
  /** Of upgrade requests. */
  readonly urls: string[] = []
  /** In place of what it answers otherwise; nothing for that. */
  answer: Answer = () => undefined
  onOpen: (connection: Connection) => void = () => {}
  readonly #options: WsPluginOptions
  readonly #hub = new MemoryHub()
  readonly #sockets = new Set<Socket>()

  readonly #decorate: (app: FastifyInstance) => void

  /** @param decorate adds what else the server serves */
  constructor (options: WsPluginOptions = {}, decorate: (app: FastifyInstance) => void = () => {}) {
    this.#options = options
    this.#decorate = decorate
    this.app = Fastify()
  }

  static async start (t: Test, ...args: ConstructorParameters<typeof ChatServer>): Promise<ChatServer> {
    const server = new ChatServer(...args)
    t.after(() => server.kill())
    await server.start()
    return server
  }

  get url (): string {
    return `ws://127.0.0.1:${this.port}/`
  }

  /** On the port that it had before. */
  async start (): Promise<void> {
    const app = this.app = Fastify()
    await app.register(typedWs, { ...this.#options, adapter: memoryAdapter(this.#hub) })
    this.#decorate(app)
    app.rooms.declare('h:*', { history: true })
    app.rooms.declare('long:*', { history: { size: 10_000, ttl: 60_000 } })
    app.ws('/', {
      onOpen: (connection, request) => {
        this.connections++
        this.urls.push(request.url)
        this.onOpen(connection)
      }
    }, (message, connection) => this.#handle(message as Said, connection))
    app.server.on('connection', socket => this.#sockets.add(socket))
    await app.listen({ port: this.port, host: '127.0.0.1' })
    this.port = (app.server.address() as AddressInfo).port
  }

  /** Nobody is told. */
  async kill (): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#sockets.clear()
    await this.app.close()
  }

  async restart (): Promise<void> {
    await this.kill()
    await this.start()
  }

  /** Connections are lost; new ones are accepted at once. */
  cut (): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#sockets.clear()
  }

  say (room: string, text: string): Promise<void> {
    return this.app.room(room).send({ type: 'said', room, text })
  }

  async #handle (message: Said, connection: Connection): Promise<unknown> {
    this.received.push(message)
    const answer = await this.answer(message, connection)
    if (answer !== undefined) return answer
    const { type, room = '', text, since } = message
    if (type === 'join') {
      const { recovered, eventId } = await connection.join(room, { since })
      return { type: 'joined', room, recovered, eventId }
    }
    if (type === 'leave') connection.leave(room)
    if (type === 'say') await this.say(room, text ?? '')
    if (type === 'close') return connection.close(message.code, message.reason)
    if (type === 'fail') throw Object.assign(new Error('you may not'), { statusCode: 403, code: 'NOT_YOU' })
    if (type !== 'ignored' && type !== 'leave') return { type: 'done', text }
  }
}

/** Settles when a connection has ended: for a handler that does not answer before. */
export function ended (connection: Connection): Promise<void> {
  return new Promise(resolve => connection.signal.addEventListener('abort', () => resolve()))
}

/** Over undici's WebSocket, with short pauses; closed when the test ends. */
export function connectTo (t: Test, url: string, options: ClientOptions = {}): Client {
  const client = connect(url, { WebSocket, ...options, reconnect: options.reconnect ?? { base: 20, cap: 100 } })
  t.after(() => client.close())
  return client
}

/** Settles when the client is in a state, now or later. */
export async function until (client: Client, state: ClientState): Promise<void> {
  if (client.state !== state) await change(client, state)
}

/** The next change to a state. */
export function change (client: Client, state: ClientState): Promise<StateChange> {
  return new Promise(resolve => {
    const stop = client.onState(change => {
      if (change.state !== state) return
      stop()
      resolve(change)
    })
  })
}

/** The next message of a type. */
export function next (client: Client, type: string): Promise<{ readonly [field: string]: unknown }> {
  return new Promise(resolve => {
    const stop = client.on(type, message => {
      stop()
      resolve(message as { readonly [field: string]: unknown })
    })
  })
}

/** The texts of all messages `said`, from now on. */
export function texts (client: Client): unknown[] {
  const all: unknown[] = []
  client.on('said', message => { all.push((message as { text?: unknown }).text) })
  return all
}
