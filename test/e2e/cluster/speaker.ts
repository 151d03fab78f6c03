import { WebSocket } from 'ws'
import type { Test } from 'tap'
import { until } from '../faults/watched-server.ts'
import type { Joined, RoomMessage, ServerMessage } from './messages.ts'

/** A client that does what it is told, and remembers what it got. */
export class Speaker {
  /** What rooms brought, in order. */
  readonly received: RoomMessage[] = []
  readonly #name: string
  readonly #socket: WebSocket
  readonly #asked = new Map<number, (reply: ServerMessage) => void>()
  #requests = 0

  private constructor (name: string, socket: WebSocket) {
    this.#name = name
    this.#socket = socket
    socket.on('error', () => {})
    socket.on('message', data => this.#onMessage(JSON.parse(String(data)) as ServerMessage))
  }

  static async connect (t: Test, port: number, name: string, host = '127.0.0.1'): Promise<Speaker> {
    const socket = new WebSocket(`ws://${host}:${port}/`, { perMessageDeflate: false })
    t.after(() => socket.terminate())
    const speaker = new Speaker(name, socket)
    await new Promise((resolve, reject) => {
      socket.once('open', resolve)
      socket.once('error', reject)
    })
    return speaker
  }

  /** Fails with the error's code. */
  async join (room: string, since?: string | null): Promise<Joined> {
    const reply = await this.#ask({ type: 'join', room, ...typeof since === 'string' ? { since } : {} })
    if (reply.type !== 'joined') throw new Error(reply.type === 'refused' ? reply.code : `a join was answered by ${JSON.stringify(reply)}`)
    return reply
  }

  async leave (room: string): Promise<void> {
    await this.#ask({ type: 'leave', room })
  }

  /** Settles when the message is taken, `null`, or refused, with the error's code. */
  async say (room: string, n: number): Promise<string | null> {
    const reply = await this.#ask({ type: 'say', room, publisher: this.#name, n })
    return reply.type === 'refused' ? reply.code : null
  }

  /** The numbers of what came from a room; a gap notice is `gap`. */
  numbers (room: string): Array<number | 'gap'> {
    return this.received.filter(message => message.room === room).map(message => message.type === 'gap' ? 'gap' : message.n)
  }

  /** Settles with all numbers of a room once this one has come. */
  async heard (room: string, last: number | 'gap'): Promise<Array<number | 'gap'>> {
    await until(() => this.numbers(room).includes(last))
    return this.numbers(room)
  }

  /** Where it is in a room's history. */
  lastEventId (room: string): string | null {
    return this.received.findLast(message => message.room === room)?.eventId ?? null
  }

  drop (): void {
    this.#socket.terminate()
  }

  #ask (request: object): Promise<ServerMessage> {
    const id = ++this.#requests
    return new Promise(resolve => {
      this.#asked.set(id, resolve)
      this.#socket.send(JSON.stringify({ id, ...request }))
    })
  }

  #onMessage (message: ServerMessage): void {
    if (message.type === 'said' || message.type === 'gap') {
      this.received.push(message)
      return
    }
    this.#asked.get(message.id)?.(message)
    this.#asked.delete(message.id)
  }
}
