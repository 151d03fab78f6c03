import type { Duplex } from 'node:stream'
import { close, readFrame, text } from './bytes.ts'
import type { ReadFrame } from './bytes.ts'

export interface RawRequest {
  method?: string
  httpVersion?: string
  /** A value of null leaves a default header out; a list repeats the header. */
  headers?: Record<string, string | null | readonly string[]>
  /** Sent right behind the request. */
  head?: Buffer
}

export interface HttpReply {
  statusCode: number
  headers: Record<string, string>
  body: string
}

/** A client that writes any bytes, and reads frames. What comes before them, and on what, each version of HTTP has its own. */
export abstract class FrameClient {
  static readonly #open = new Set<Duplex>()
  /** Bytes that have come from the server. */
  bytesRead = 0
  /** Bytes that `write` was given. */
  bytesWritten = 0
  /** Grows by doubling: a large reply comes in thousands of chunks. */
  #memory = Buffer.alloc(0)
  #from = 0
  #to = 0
  #wake: () => void = () => {}
  #ended = false
  #closed = false

  /** Drops the clients that a test left open: none of them would answer the server's close. */
  static dropAll (): void {
    for (const socket of FrameClient.#open) socket.destroy()
  }

  /** What carries the frames. */
  abstract readonly socket: Duplex

  /** Asks for a WebSocket, or for whatever the request says. */
  abstract request (path: string, request?: RawRequest): void

  /** The next HTTP reply, its body read as its headers say. */
  abstract reply (): Promise<HttpReply>

  /** Drops the connection as a lost network does: what was written may not arrive, and the server hears of a reset. */
  abstract reset (): void

  /** Reads what comes. */
  protected listen (socket: Duplex): void {
    FrameClient.#open.add(socket)
    socket.on('data', (chunk: Buffer) => {
      this.bytesRead += chunk.length
      this.#append(chunk)
      this.#wake()
    })
    socket.on('end', () => { this.#ended = true; this.#wake() })
    socket.on('close', () => { FrameClient.#open.delete(socket); this.#closed = true; this.#wake() })
    socket.on('error', () => {})
  }

  write (bytes: Buffer | string): void {
    this.bytesWritten += Buffer.byteLength(bytes)
    this.socket.write(bytes)
  }

  /** Sends a value as a JSON text message. */
  send (message: unknown): void {
    this.write(text(JSON.stringify(message)))
  }

  /** The next frame. */
  async frame (): Promise<ReadFrame> {
    const { frame, size } = await this.until(() => readFrame(this.unread), 'a frame')
    this.take(size)
    return frame
  }

  /** The next frame's payload as JSON. */
  async message<Message = Record<string, unknown>> (): Promise<Message> {
    const { opcode, payload } = await this.frame()
    if (opcode !== 1) throw new Error(`expected a text frame, got opcode ${opcode}`)
    return JSON.parse(payload.toString())
  }

  /** The next frame, which must be a close: its code (1005 for none) and reason. */
  async closeFrame (): Promise<{ code: number, reason: string }> {
    const { opcode, payload } = await this.frame()
    if (opcode !== 8) throw new Error(`expected a close frame, got opcode ${opcode}: ${payload.toString()}`)
    return payload.length === 0 ? { code: 1005, reason: '' } : { code: payload.readUInt16BE(0), reason: payload.subarray(2).toString() }
  }

  /** Settles when the server has ended its side. */
  async ended (): Promise<void> {
    await this.until(() => this.#ended || this.#closed ? true : null, 'the end')
  }

  /** Settles when the socket is closed, by either side. */
  async closed (): Promise<void> {
    await this.until(() => this.#closed ? true : null, 'the close')
  }

  /** The whole closing handshake, begun by this side. */
  async close (code?: number, reason = ''): Promise<{ code: number, reason: string }> {
    this.write(close(code, reason))
    const status = await this.closeFrame()
    await this.ended()
    this.socket.end()
    return status
  }

  /** Bytes that nobody has read. */
  get unread (): Buffer {
    return this.#memory.subarray(this.#from, this.#to)
  }

  /** Whoever waits looks again. */
  protected wake (): void {
    this.#wake()
  }

  #append (chunk: Buffer): void {
    if (this.#to + chunk.length > this.#memory.length) {
      const rest = this.unread
      this.#memory = Buffer.allocUnsafe(2 * (rest.length + chunk.length))
      this.#from = 0
      this.#to = rest.copy(this.#memory)
    }
    this.#to += chunk.copy(this.#memory, this.#to)
  }

  protected take (size: number): Buffer {
    const taken = this.unread.subarray(0, size)
    this.#from += taken.length
    return taken
  }

  protected async until<Result> (look: () => Result | null, what: string): Promise<Result> {
    for (;;) {
      const result = look()
      if (result !== null) return result
      if (this.#closed || (this.#ended && what !== 'the close')) throw new Error(`the connection ended while waiting for ${what}`)
      await new Promise<void>(resolve => { this.#wake = resolve })
    }
  }
}
