import { randomBytes } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Payload } from '../../types/codec.ts'
import type { InjectedConnection } from '../../types/inject.ts'
import { FST_ERR_WS_CLOSED, FST_ERR_WS_INJECT_CLOSE } from '../errors.ts'
import { closeCode, encodeClose } from '../protocol/close.ts'
import { opcode } from '../protocol/frame.ts'
import type { Opcode } from '../protocol/frame.ts'
import { encodeMaskedFrame } from '../protocol/frame-encoder.ts'
import { FrameParser } from '../protocol/frame-parser.ts'
import { MessageAssembler } from '../protocol/message-assembler.ts'
import type { MessageSink } from '../protocol/message-assembler.ts'

interface Waiter {
  readonly resolve: (message: unknown) => void
  readonly reject: (error: Error) => void
}

/** The client's end of a test connection. */
export class InjectedClient implements InjectedConnection, MessageSink {
  readonly protocol: string
  readonly headers: IncomingHttpHeaders
  readonly #socket: Duplex
  readonly #parser: FrameParser
  readonly #messages: unknown[] = []
  readonly #waiters: Waiter[] = []
  readonly #pongs: Waiter[] = []
  #closeSent = false
  #status: { code: number, reason: string } | null = null
  readonly #closed: Promise<void>

  constructor (socket: Duplex, head: Buffer, headers: IncomingHttpHeaders) {
    this.protocol = String(headers['sec-websocket-protocol'] ?? '')
    this.headers = headers
    this.#socket = socket
    this.#parser = new FrameParser(new MessageAssembler(this, Number.MAX_SAFE_INTEGER), false)
    this.#closed = new Promise(resolve => socket.once('close', resolve))
    void this.#closed.then(() => this.#rejectWaiters())
    socket.on('data', (chunk: Buffer) => this.#parser.push(chunk))
    socket.on('end', () => socket.end())
    if (head.length > 0) this.#parser.push(head)
  }

  send (message: unknown): void {
    const payload = typeof message === 'string' || Buffer.isBuffer(message) ? message : JSON.stringify(message)
    this.#frame(typeof payload === 'string' ? opcode.text : opcode.binary, payload)
  }

  ping (payload: Payload = ''): Promise<Buffer> {
    return new Promise<Buffer>((resolve, reject) => {
      if (this.#status !== null || this.#socket.destroyed) {
        reject(new FST_ERR_WS_CLOSED())
        return
      }
      this.#pongs.push({ resolve: pong => resolve(pong as Buffer), reject })
      this.#frame(opcode.ping, payload)
    })
  }

  receive<Message = unknown> (): Promise<Message> {
    return new Promise<Message>((resolve, reject) => {
      if (this.#messages.length > 0) resolve(this.#messages.shift() as Message)
      else if (this.#status !== null || this.#socket.destroyed) reject(new FST_ERR_WS_CLOSED())
      else this.#waiters.push({ resolve: message => resolve(message as Message), reject })
    })
  }

  async expectClose (code: number): Promise<{ code: number, reason: string }> {
    await this.#closed
    const status = this.#status ?? { code: closeCode.abnormal, reason: '' }
    if (status.code !== code) throw new FST_ERR_WS_INJECT_CLOSE(code, status.code, status.reason)
    return status
  }

  async close (code: number = closeCode.normal, reason = ''): Promise<void> {
    this.#sendClose(code, reason)
    await this.#closed
  }

  terminate (): void {
    this.#socket.destroy()
  }

  write (bytes: Buffer): void {
    this.#socket.write(bytes)
  }

  onText (text: string): void {
    this.#deliver(parseOr(text))
  }

  onBinary (payload: Buffer): void {
    this.#deliver(payload)
  }

  onPing (payload: Buffer): void {
    this.#frame(opcode.pong, payload)
  }

  onPong (payload: Buffer): void {
    this.#pongs.shift()?.resolve(payload)
  }

  onCloseFrame (code: number, reason: string): void {
    this.#status = { code, reason }
    this.#rejectWaiters()
    this.#sendClose(code, '')
  }

  #deliver (message: unknown): void {
    const waiter = this.#waiters.shift()
    if (waiter === undefined) this.#messages.push(message)
    else waiter.resolve(message)
  }

  #rejectWaiters (): void {
    for (const waiter of [...this.#waiters.splice(0), ...this.#pongs.splice(0)]) waiter.reject(new FST_ERR_WS_CLOSED())
  }

  #sendClose (code: number, reason: string): void {
    if (this.#closeSent) return
    this.#closeSent = true
    this.#frame(opcode.close, encodeClose(code, reason))
  }

  #frame (code: Opcode, payload: Payload): void {
    if (!this.#socket.writable) return
    this.#socket.write(encodeMaskedFrame(code, payload, randomBytes(4).readInt32BE()))
  }
}

function parseOr (text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
