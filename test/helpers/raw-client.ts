import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { close, readFrame, text } from './bytes.ts'
import type { ReadFrame } from './bytes.ts'

export interface RawRequest {
  method?: string
  httpVersion?: string
  /** A value of null leaves a default header out; a list repeats the header. */
  headers?: Record<string, string | null | readonly string[]>
  /** Sent in the same segment as the request. */
  head?: Buffer
}

export interface HttpReply {
  statusCode: number
  headers: Record<string, string>
  body: string
}

/** A client on a bare TCP socket: writes any bytes, and reads replies and frames. */
export class RawClient {
  static readonly #open = new Set<Socket>()
  readonly socket: Socket
  /** Grows by doubling: a large reply comes in thousands of chunks. */
  #memory = Buffer.alloc(0)
  #from = 0
  #to = 0
  #wake: () => void = () => {}
  #ended = false
  #closed = false

  private constructor (socket: Socket) {
    this.socket = socket
    RawClient.#open.add(socket)
    socket.on('data', chunk => {
      this.#append(chunk)
      this.#wake()
    })
    socket.on('end', () => { this.#ended = true; this.#wake() })
    socket.on('close', () => { RawClient.#open.delete(socket); this.#closed = true; this.#wake() })
    socket.on('error', () => {})
  }

  /** Reads and writes frames on a stream of HTTP/2. */
  static on (stream: Duplex): RawClient {
    return new RawClient(stream as Socket)
  }

  /** Drops the clients that a test left open: none of them would answer the server's close. */
  static dropAll (): void {
    for (const socket of RawClient.#open) socket.destroy()
  }

  /** Connects to the loopback interface. */
  static connect (port: number, host = '127.0.0.1', localAddress?: string): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host, localAddress, allowHalfOpen: true }, () => {
        socket.off('error', reject)
        resolve(new RawClient(socket))
      })
      socket.once('error', reject)
    })
  }

  /** Connects by TLS, trusting any certificate. */
  static async connectTls (port: number): Promise<RawClient> {
    const { socket } = await RawClient.connect(port)
    socket.removeAllListeners('data')
    const secured = connectTls({ socket, rejectUnauthorized: false })
    await once(secured, 'secureConnect')
    return new RawClient(secured)
  }

  /** Connects, upgrades, and checks the accept value. */
  static async open (port: number, path: string, request: RawRequest = {}): Promise<RawClient> {
    const client = await RawClient.connect(port)
    const key = randomBytes(16).toString('base64')
    client.request(path, { ...request, headers: { 'Sec-WebSocket-Key': key, ...request.headers } })
    const reply = await client.reply()
    if (reply.statusCode !== 101) throw new Error(`expected 101, got ${reply.statusCode} ${reply.body}`)
    const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
    if (reply.headers['sec-websocket-accept'] !== accept) throw new Error('wrong Sec-WebSocket-Accept')
    return client
  }

  /** Writes an upgrade request. */
  request (path: string, { method = 'GET', httpVersion = '1.1', headers = {}, head = Buffer.alloc(0) }: RawRequest = {}): void {
    const all: Record<string, string | null | readonly string[]> = {
      Host: `127.0.0.1:${this.socket.remotePort}`,
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
      ...headers
    }
    const lines = [`${method} ${path} HTTP/${httpVersion}`]
    for (const [name, value] of Object.entries(all)) {
      if (value === null) continue
      for (const one of ([] as string[]).concat(value)) lines.push(`${name}: ${one}`)
    }
    this.write(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]))
  }

  write (bytes: Buffer | string): void {
    this.socket.write(bytes)
  }

  /** Sends a value as a JSON text message. */
  send (message: unknown): void {
    this.write(text(JSON.stringify(message)))
  }

  /** The next HTTP reply, its body read as its headers say. */
  async reply (): Promise<HttpReply> {
    const end = await this.#until(() => {
      const index = this.#received.indexOf('\r\n\r\n')
      return index === -1 ? null : index
    }, 'an HTTP reply')
    const [statusLine, ...lines] = this.#take(end + 4).toString('latin1').trimEnd().split('\r\n')
    const statusCode = Number(statusLine.split(' ')[1])
    const headers: Record<string, string> = {}
    for (const line of lines) {
      const colon = line.indexOf(':')
      const name = line.slice(0, colon).toLowerCase()
      const value = line.slice(colon + 1).trim()
      headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`
    }
    const length = Number(headers['content-length'] ?? 0)
    if (statusCode === 101) return { statusCode, headers, body: '' }
    await this.#until(() => this.#received.length >= length ? true : null, 'the body of a reply')
    return { statusCode, headers, body: this.#take(length).toString() }
  }

  /** The next frame. */
  async frame (): Promise<ReadFrame> {
    const { frame, size } = await this.#until(() => readFrame(this.#received), 'a frame')
    this.#take(size)
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
    await this.#until(() => this.#ended || this.#closed ? true : null, 'the end')
  }

  /** Settles when the socket is closed, by either side. */
  async closed (): Promise<void> {
    await this.#until(() => this.#closed ? true : null, 'the close')
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
    return this.#received
  }

  get #received (): Buffer {
    return this.#memory.subarray(this.#from, this.#to)
  }

  #append (chunk: Buffer): void {
    if (this.#to + chunk.length > this.#memory.length) {
      const rest = this.#received
      this.#memory = Buffer.allocUnsafe(2 * (rest.length + chunk.length))
      this.#from = 0
      this.#to = rest.copy(this.#memory)
    }
    this.#to += chunk.copy(this.#memory, this.#to)
  }

  #take (size: number): Buffer {
    const taken = this.#received.subarray(0, size)
    this.#from += taken.length
    return taken
  }

  async #until<Result> (look: () => Result | null, what: string): Promise<Result> {
    for (;;) {
      const result = look()
      if (result !== null) return result
      if (this.#closed || (this.#ended && what !== 'the close')) throw new Error(`the connection ended while waiting for ${what}`)
      await new Promise<void>(resolve => { this.#wake = resolve })
    }
  }
}
