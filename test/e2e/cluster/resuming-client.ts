import { WebSocket } from 'ws'
import type { Joined, SaidMessage, ServerMessage } from './messages.ts'
import type { Random } from './random.ts'
import { RoomRecord } from './record.ts'

/** Whom clients tell what they are told. */
export interface Witness {
  /** A join was answered. `away` says whether the client had been in the room before, and since when it was not. */
  onJoined (client: ResumingClient, room: string, joined: Joined, away: { readonly since: number } | null): void
  onJoinRefused (code: string): void
  /** A message of a room without history came; `last` is the number of the one before it of the same publisher on this connection, 0 for none. */
  onPlain (client: ResumingClient, message: SaidMessage, last: number): void
  /** A message was taken, or refused with the error's code. */
  onSaid (room: string, message: string, code: string | null): void
}

/** Where servers are: one for the next connection, null while there is none. */
export type FindServer = () => number | null

/** How long it takes until a client that lost its connection tries again, in milliseconds. */
const pause = { from: 20, to: 600 }

/**
 * As a client should be: comes back when its connection is lost, to whatever server, joins its rooms again with what it had last, and keeps a record of what it was told. It takes what
 * came before a join was answered for what the answer says it is, and forgets it when there is none.
 */
export class ResumingClient {
  readonly name: string
  readonly rooms: readonly string[]
  readonly records: ReadonlyMap<string, RoomRecord>
  /** Without history. */
  readonly plainRoom: string
  readonly #findServer: FindServer
  readonly #random: Random
  readonly #witness: Witness
  #socket: WebSocket | null = null
  #away: number | null = null
  #isStopped = false
  #connections = 0
  #requests = 0
  /** What to do with the reply to each request. */
  readonly #asked = new Map<number, (reply: ServerMessage) => void>()
  readonly #said = new Map<string, number>()
  /** The last number of each publisher in the room without history, on this connection. */
  readonly #heard = new Map<string, number>()
  /** When the server has to have answered the ping. */
  #deadline = Infinity
  #timer: NodeJS.Timeout | null = null

  /** @param rooms with history */
  constructor (name: string, rooms: readonly string[], plainRoom: string, findServer: FindServer, random: Random, witness: Witness) {
    this.name = name
    this.rooms = rooms
    this.plainRoom = plainRoom
    this.records = new Map(rooms.map(room => [room, new RoomRecord()]))
    this.#findServer = findServer
    this.#random = random
    this.#witness = witness
  }

  start (): void {
    this.#isStopped = false
    this.#connect()
  }

  /** Goes, and does not come back until it is started again. */
  stop (): void {
    this.#isStopped = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#socket?.terminate()
  }

  /** Whether it is connected, and in all its rooms. */
  get isPlaced (): boolean {
    return this.#socket?.readyState === WebSocket.OPEN && [...this.records.values()].every(record => record.isPlaced)
  }

  get isConnected (): boolean {
    return this.#socket?.readyState === WebSocket.OPEN
  }

  /** How many messages are neither taken nor refused. */
  get unanswered (): number {
    return this.#asked.size
  }

  /** Loses its connection. */
  drop (): void {
    this.#socket?.terminate()
  }

  /** Sends the next message to a room. What is sent over another connection is another publisher's: nothing orders the two. */
  say (room: string): void {
    const n = (this.#said.get(room) ?? 0) + 1
    this.#said.set(room, n)
    const publisher = `${this.name}.${this.#connections}`
    this.#ask({ type: 'say', room, publisher, n }, reply => {
      this.#witness.onSaid(room, `${publisher} ${n}`, reply.type === 'refused' ? reply.code : null)
    })
  }

  /** Goes when the server has not answered in time; pings it when it has. */
  beat (): void {
    if (!this.isConnected) return
    if (this.#deadline < performance.now()) {
      this.drop()
    } else if (this.#deadline === Infinity) {
      this.#deadline = performance.now() + this.#random.between(1_000, 5_000)
      this.#socket?.ping()
    }
  }

  #connect (): void {
    if (this.#isStopped) return
    const port = this.#findServer()
    if (port === null) return this.#connectLater()
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { perMessageDeflate: false, handshakeTimeout: 1_500 })
    this.#socket = socket
    socket.on('error', () => {})
    socket.on('open', () => this.#onOpen())
    socket.on('message', data => this.#onMessage(JSON.parse(String(data)) as ServerMessage))
    socket.on('pong', () => { this.#deadline = Infinity })
    socket.on('close', () => this.#onClose())
  }

  #connectLater (): void {
    if (!this.#isStopped) this.#timer = setTimeout(() => this.#connect(), this.#random.between(pause.from, pause.to))
  }

  #onOpen (): void {
    this.#connections++
    this.#said.clear()
    this.#heard.clear()
    this.#ask({ type: 'join', room: this.plainRoom }, () => {})
    for (const room of this.rooms) this.#join(room)
  }

  #onClose (): void {
    this.#away ??= performance.now()
    this.#deadline = Infinity
    this.#asked.clear()
    for (const record of this.records.values()) record.begin()
    this.#connectLater()
  }

  #join (room: string): void {
    const record = this.records.get(room) as RoomRecord
    const { since } = record
    record.begin()
    this.#ask({ type: 'join', room, ...since === null ? {} : { since } }, reply => {
      if (reply.type === 'joined') {
        this.#witness.onJoined(this, room, reply, since === null || this.#away === null ? null : { since: this.#away })
        record.place(reply)
        if (this.isPlaced) this.#away = null
      } else if (reply.type === 'refused') {
        this.#witness.onJoinRefused(reply.code)
        const socket = this.#socket
        this.#timer = setTimeout(() => { if (socket === this.#socket && this.isConnected) this.#join(room) }, this.#random.between(pause.from, pause.to))
      }
    })
  }

  #ask (request: object, onReply: (reply: ServerMessage) => void): void {
    const id = ++this.#requests
    this.#asked.set(id, onReply)
    this.#socket?.send(JSON.stringify({ id, ...request }))
  }

  #onMessage (message: ServerMessage): void {
    if (message.type === 'said' && message.room === this.plainRoom) {
      const { publisher, n } = message
      const last = this.#heard.get(publisher) ?? 0
      this.#heard.set(publisher, Math.max(n, last))
      this.#witness.onPlain(this, message, last)
      return
    }
    if (message.type === 'said' || message.type === 'gap') {
      this.records.get(message.room)?.take(message)
      return
    }
    const onReply = this.#asked.get(message.id)
    this.#asked.delete(message.id)
    onReply?.(message)
  }
}
