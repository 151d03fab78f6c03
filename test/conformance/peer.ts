import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { cut, cutAt, frame } from '../helpers/bytes.ts'
import type { Deflation } from './deflation.ts'
import { FrameReader } from './frame-reader.ts'
import type { Received, ReceivedClose, ReceivedPayload } from './frame-reader.ts'

/** Where the server under test listens. */
export interface Target {
  readonly host: string
  readonly port: number
  readonly path: string
}

export interface Reply {
  statusCode: number
  headers: Record<string, string>
}

/** The client's end of one TCP connection, which keeps what the server sends until it is asked for. */
export class Peer {
  readonly #socket: Socket
  #head: Buffer | null = Buffer.alloc(0)
  #reader: FrameReader | null = null
  #messages: ReceivedPayload[] = []
  #pongs: ReceivedPayload[] = []
  /** The server's last ping, which is answered between frames: a heartbeat's may come while one is written piece by piece. */
  #ping: Buffer | null = null
  #isWriting = false
  #wake: () => void = () => {}
  /** What went wrong, in words. */
  fault: Error | null = null
  close: ReceivedClose | null = null
  /** The server has ended its side. */
  ended = false
  gone = false

  private constructor (socket: Socket) {
    this.#socket = socket
    socket.setNoDelay()
    socket.on('data', chunk => this.#onData(chunk))
    socket.on('end', () => { this.ended = true; this.#wake() })
    socket.on('error', error => { if (!this.ended) this.fault ??= new Error(`the connection failed: ${error.message}`) })
    socket.on('close', () => { this.gone = true; this.#wake() })
  }

  static async connect ({ host, port }: Target): Promise<Peer> {
    const socket = connect({ host, port, allowHalfOpen: true })
    await once(socket, 'connect')
    return new Peer(socket)
  }

  /** Each piece in a write of its own, and other work in between, so that it most likely arrives on its own. */
  async write (bytes: Buffer, pieces?: number | readonly number[]): Promise<void> {
    const all = pieces === undefined ? [bytes] : typeof pieces === 'number' ? cut(bytes, pieces) : cutAt(bytes, pieces)
    this.#isWriting = true
    for (const piece of all) {
      if (this.gone || this.fault !== null) return
      const taken = this.#socket.write(piece)
      if (all.length > 1) await (taken ? turn() : this.#drained())
    }
    this.#isWriting = false
    this.#answerPing()
  }

  /** The HTTP reply; frames that follow it are kept. */
  async reply (signal: AbortSignal): Promise<Reply> {
    const end = await this.until(() => {
      const index = this.#head?.indexOf('\r\n\r\n') ?? -1
      return index === -1 ? null : index
    }, 'an HTTP reply', signal)
    const head = this.#head ?? Buffer.alloc(0)
    const [statusLine, ...lines] = head.toString('latin1', 0, end).split('\r\n')
    const headers: Record<string, string> = {}
    for (const line of lines) {
      const [, name, value] = /^([^:]+):[ \t]*(.*?)[ \t]*$/.exec(line) ?? []
      if (name === undefined) throw new Error(`the server sent a malformed header: ${line}`)
      const known = headers[name.toLowerCase()]
      headers[name.toLowerCase()] = known === undefined ? value : `${known}, ${value}`
    }
    this.#head = head.subarray(end + 4)
    return { statusCode: Number(statusLine.split(' ')[1]), headers }
  }

  /** From here on the server sends frames. */
  upgraded (deflation: Deflation | null): void {
    const rest = this.#head ?? Buffer.alloc(0)
    this.#head = null
    this.#reader = new FrameReader(deflation, event => this.#onEvent(event))
    this.#onData(rest)
  }

  nextMessage (signal: AbortSignal): Promise<ReceivedPayload> {
    return this.until(() => this.#messages.shift() ?? null, 'a message', signal)
  }

  nextPong (signal: AbortSignal): Promise<ReceivedPayload> {
    return this.until(() => this.#pongs.shift() ?? null, 'a pong', signal)
  }

  /** What came and was not asked for. */
  get unexpected (): ReceivedPayload | null {
    return this.#messages[0] ?? this.#pongs[0] ?? null
  }

  /** The first thing that `look` finds; whatever else ends the wait is an error in words. */
  async until<Result> (look: () => Result | null, what: string, signal: AbortSignal): Promise<Result> {
    const abort = (): void => this.#wake()
    signal.addEventListener('abort', abort)
    try {
      for (;;) {
        const result = look()
        if (result !== null) return result
        if (this.fault !== null) throw this.fault
        if (this.close !== null && what !== 'the end of TCP') {
          throw new Error(`the server closed with ${this.close.code} ${this.close.reason} instead of sending ${what}`)
        }
        if (this.ended || this.gone) throw new Error(`the server ended TCP instead of sending ${what}`)
        if (signal.aborted) throw new Error(`${what} did not come in time`)
        await new Promise<void>(resolve => { this.#wake = resolve })
      }
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  halfClose (): void {
    this.#socket.end()
  }

  reset (): void {
    this.#socket.resetAndDestroy()
  }

  destroy (): void {
    this.#socket.destroy()
  }

  #onData (chunk: Buffer): void {
    try {
      if (this.#reader !== null) this.#reader.push(chunk)
      else this.#head = Buffer.concat([this.#head ?? chunk, chunk])
    } catch (error) {
      this.fault ??= error as Error
    }
    this.#wake()
  }

  #onEvent (event: Received): void {
    if (event.kind === 'close') {
      this.close = event
    } else if (event.kind === 'ping') {
      this.#ping = event.payload
      this.#answerPing()
    } else if (event.kind === 'pong') {
      this.#pongs.push(event)
    } else {
      this.#messages.push(event)
    }
  }

  #answerPing (): void {
    if (this.#ping === null || this.#isWriting) return
    this.#socket.write(frame({ opcode: 10, payload: this.#ping }))
    this.#ping = null
  }

  async #drained (): Promise<void> {
    await new Promise<void>(resolve => {
      this.#socket.once('drain', resolve)
      this.#socket.once('close', resolve)
    })
  }
}
