import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { connect as connectByTls } from 'node:tls'
import { acknowledgement, data, errorCode, frameFlag, frameType, headers, Http2FrameReader, preface, readStatus, rstStream, setting, settings } from './http2-frames.ts'
import type { Fields, Http2Frame, Settings } from './http2-frames.ts'

export interface RawHttp2ClientOptions {
  /** What it announces. */
  values?: Settings
  /** By TLS, trusting any certificate; else in cleartext, by prior knowledge. */
  secure?: boolean
  /** Whether it keeps its side of the TCP connection open when the server has ended its own. */
  holdsOpen?: boolean
}

/** A client of HTTP/2 that sends what it is told, grants no window by itself, and answers nothing but SETTINGS. */
export class RawHttp2Client {
  static readonly #open = new Set<RawHttp2Client>()
  readonly socket: Socket
  /** Of each stream, once its headers have come. */
  readonly statuses = new Map<number, number>()
  /** Error codes of the RST_STREAM frames that have come, by stream. */
  readonly resets = new Map<number, number>()
  /** What has come in DATA frames, by stream. */
  readonly data = new Map<number, Buffer>()
  /** How many PINGs the server has answered: it has read what was sent before them. */
  pongs = 0
  /** The error code of the GOAWAY that has come; null before. */
  goaway: number | null = null
  isClosed = false
  readonly #authority: string
  #nextStream = 1
  #wake: () => void = () => {}

  private constructor (socket: Socket, port: number) {
    this.socket = socket
    this.#authority = `127.0.0.1:${port}`
    RawHttp2Client.#open.add(this)
    socket.on('error', () => {})
    const reader = new Http2FrameReader(frame => this.#onFrame(frame))
    socket.on('data', chunk => {
      reader.push(chunk)
      this.#wake()
    })
    socket.on('close', () => {
      RawHttp2Client.#open.delete(this)
      this.isClosed = true
      this.#wake()
    })
  }

  static async connect (port: number, { values = [], secure = false, holdsOpen = false }: RawHttp2ClientOptions = {}): Promise<RawHttp2Client> {
    const server = { port, host: '127.0.0.1', allowHalfOpen: holdsOpen }
    const socket = secure ? connectByTls({ ...server, rejectUnauthorized: false, ALPNProtocols: ['h2'] }) : connect(server)
    await once(socket, secure ? 'secureConnect' : 'connect')
    const client = new RawHttp2Client(socket, port)
    // Without a dynamic table, a status can be read without the blocks before it.
    client.write(Buffer.concat([preface, settings([[setting.headerTableSize, 0], ...values])]))
    return client
  }

  /** Drops those that a test left open. */
  static dropAll (): void {
    for (const { socket } of RawHttp2Client.#open) socket.destroy()
  }

  write (bytes: Buffer): void {
    this.socket.write(bytes)
  }

  /** The number of the next stream of this side. */
  nextStream (): number {
    const id = this.#nextStream
    this.#nextStream += 2
    return id
  }

  /** Of an extended CONNECT (RFC 8441 section 5.1). */
  connectFields (path: string, more: Fields = []): Fields {
    return [
      [':method', 'CONNECT'], [':protocol', 'websocket'], [':scheme', 'http'], [':authority', this.#authority], [':path', path],
      ['sec-websocket-version', '13'], ...more
    ]
  }

  /** Sends an extended CONNECT. Returns its stream. */
  open (path: string, endStream = false): number {
    const stream = this.nextStream()
    this.write(headers(this.connectFields(path), { stream, endStream }))
    return stream
  }

  /** With CANCEL. */
  reset (stream: number): void {
    this.write(rstStream(errorCode.cancel, stream))
  }

  /** Sends bytes of the tunnel. */
  send (stream: number, bytes: Buffer, endStream = false): void {
    this.write(data(bytes, { stream, endStream }))
  }

  /** The status of a stream's reply. */
  async status (stream: number): Promise<number | undefined> {
    await this.until('a reply', () => this.statuses.has(stream))
    return this.statuses.get(stream)
  }

  /** Settles when the server has closed the TCP connection. */
  async closed (): Promise<void> {
    while (!this.isClosed) await this.#changed()
  }

  /** Settles when something holds; throws when the connection has closed before. */
  async until (what: string, holds: () => boolean): Promise<void> {
    while (!holds()) {
      if (this.isClosed) throw new Error(`the connection ended while waiting for ${what}`)
      await this.#changed()
    }
  }

  async #changed (): Promise<void> {
    await new Promise<void>(resolve => { this.#wake = resolve })
  }

  #onFrame (frame: Http2Frame): void {
    const { type, flags, stream, payload } = frame
    if (type === frameType.settings && (flags & frameFlag.ack) === 0) this.write(acknowledgement(frame))
    if (type === frameType.headers) this.statuses.set(stream, readStatus(payload))
    if (type === frameType.rstStream) this.resets.set(stream, payload.readUInt32BE())
    if (type === frameType.ping && (flags & frameFlag.ack) !== 0) this.pongs++
    if (type === frameType.goAway) this.goaway = payload.readUInt32BE(4)
    if (type === frameType.data) this.data.set(stream, Buffer.concat([this.data.get(stream) ?? Buffer.alloc(0), payload]))
  }
}
