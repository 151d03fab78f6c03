import type { WebSocketLike } from '../../types/client.ts'
import type { Random } from '../fuzz/random.ts'

type Message = { readonly type: string, readonly room?: string, readonly since?: string, readonly id?: string, readonly [field: string]: unknown }

/** A WebSocket whose other end is an object: what goes over it arrives when the other end says so. */
export class FakeSocket implements WebSocketLike {
  static all: FakeSocket[] = []
  static constructing: () => void = () => {}

  readyState = 0
  readonly protocol = ''
  readonly bufferedAmount = 0
  binaryType = 'blob'
  onopen: ((event: never) => void) | null = null
  onmessage: ((event: never) => void) | null = null
  onerror: ((event: never) => void) | null = null
  onclose: ((event: never) => void) | null = null
  /** What the client has sent, and the server has not read. */
  readonly sent: Message[] = []
  /** What the server has sent, and the client has not read. */
  readonly coming: Message[] = []
  readonly members = new Set<string>()
  /** The join that the server is about to answer: it handles one message at a time. */
  answer: Message | null = null

  constructor () {
    FakeSocket.constructing()
    FakeSocket.all.push(this)
  }

  static get live (): FakeSocket[] {
    return FakeSocket.all.filter(({ readyState }) => readyState < 2)
  }

  send (data: string): void {
    if (this.readyState !== 1) throw new Error('InvalidStateError')
    this.sent.push(JSON.parse(data) as Message)
  }

  close (code?: number): void {
    if (code !== undefined && code !== 1000 && !(code >= 3000 && code < 5000)) throw new Error('InvalidAccessError')
    this.end(1005)
  }

  open (): void {
    this.readyState = 1
    this.onopen?.({} as never)
  }

  end (code: number): void {
    if (this.readyState > 1) return
    this.readyState = 3
    if (code === 1006) this.onerror?.({} as never)
    this.onclose?.({ code, reason: '' } as never)
  }

  read (): void {
    const message = this.coming.shift()
    if (message !== undefined) this.onmessage?.({ data: JSON.stringify(message) } as never)
  }
}

/** Rooms with histories, as docs/guarantees.md and docs/rooms.md promise them; places are the same numbers in each. */
export class FeedServer {
  readonly #random: Random
  readonly #size: number
  #epoch = 1
  readonly heads = new Map<string, number>()
  /** Whether nothing goes wrong any more. */
  isKind = false

  constructor (random: Random, size: number) {
    this.#random = random
    this.#size = size
  }

  head (room: string): string {
    return this.#eventId(this.heads.get(room) ?? 0)
  }

  /** Whether nothing is on its way. */
  get isIdle (): boolean {
    return FakeSocket.live.every(({ coming, sent, answer }) => coming.length === 0 && sent.length === 0 && answer === null)
  }

  publish (room: string): void {
    const offset = (this.heads.get(room) ?? 0) + 1
    this.heads.set(room, offset)
    this.#tell(room, { type: 'said', room, eventId: this.#eventId(offset) })
  }

  /** A notice that has no place. */
  notice (room: string): void {
    this.#tell(room, { type: 'presence', room })
  }

  /** All histories begin anew: members are told that something is missing. */
  forget (): void {
    this.#epoch++
    for (const room of this.heads.keys()) {
      this.heads.set(room, this.#random.below(3))
      this.#tell(room, { type: 'gap', room, eventId: this.head(room) })
    }
  }

  /** Handles the next message of a connection, or ends to handle the last one. */
  work (socket: FakeSocket): void {
    if (socket.answer !== null) {
      if (!this.isKind && this.#random.oneIn(20)) return
      socket.coming.push(socket.answer)
      socket.answer = null
      return
    }
    const message = socket.sent.shift()
    if (message === undefined) return
    if (message.type === 'join') this.#join(socket, message)
    else if (message.type === 'leave') socket.members.delete(String(message.room))
    else if (message.id !== undefined) socket.coming.push({ type: 'done', id: message.id })
  }

  #join (socket: FakeSocket, { id, room = '', since }: Message): void {
    const fate = this.isKind ? 9 : this.#random.below(10)
    if (fate === 0) {
      socket.answer = { type: 'error', id, code: 'FST_ERR_WS_ROOM_UNAVAILABLE', message: '' }
      return
    }
    const head = this.heads.get(room) ?? 0
    if (!this.heads.has(room)) this.heads.set(room, head)
    const [epoch, place] = (since ?? '0-0').split('-').map(Number)
    const recovered = epoch === this.#epoch && place >= head - this.#size
    if (recovered) for (let offset = place + 1; offset <= head; offset++) socket.coming.push({ type: 'said', room, eventId: this.#eventId(offset) })
    socket.members.add(room)
    socket.answer = fate === 1
      ? { type: 'error', id, code: 'FST_ERR_WS_INTERNAL', message: '' }
      : { type: 'joined', id, recovered, eventId: this.head(room) }
  }

  #tell (room: string, message: Message): void {
    for (const socket of FakeSocket.live) if (socket.members.has(room)) socket.coming.push(message)
  }

  #eventId (offset: number): string {
    return `${this.#epoch}-${offset}`
  }
}
