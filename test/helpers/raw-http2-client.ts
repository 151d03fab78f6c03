import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { errorCode, frameFlag, frameType, headerBlock, headersFrame, http2Frame, preface, readHttp2Frame, resetFrame, setting, settingsFrame, statusOf } from './http2-frames.ts'
import type { Http2Frame } from './http2-frames.ts'

type Headers = ReadonlyArray<readonly [name: string, value: string]>

/** A client of HTTP/2 in cleartext that sends what it is told, grants no window by itself, and answers nothing but SETTINGS. */
export class RawHttp2Client {
  static readonly #open = new Set<RawHttp2Client>()
  readonly socket: Socket
  /** Of each stream, once its headers have come. */
  readonly statuses = new Map<number, number | null>()
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
  #received = Buffer.alloc(0)
  #nextStream = 1
  #wake: () => void = () => {}

  private constructor (socket: Socket, port: number) {
    this.socket = socket
    this.#authority = `127.0.0.1:${port}`
    RawHttp2Client.#open.add(this)
    socket.on('error', () => {})
    socket.on('data', this.#onBytes)
    socket.on('close', () => {
      RawHttp2Client.#open.delete(this)
      this.isClosed = true
      this.#wake()
    })
  }

  /** @param settings by id (RFC 9113 section 6.5.2) */
  static async connect (port: number, settings: ReadonlyArray<readonly [id: number, value: number]> = []): Promise<RawHttp2Client> {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    const client = new RawHttp2Client(socket, port)
    // Without a dynamic table, a status can be read without the blocks before it.
    client.write(Buffer.concat([preface, settingsFrame([[setting.headerTableSize, 0], ...settings])]))
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

  /** The header block of an extended CONNECT (RFC 8441 section 5.1). */
  connectBlock (path: string, more: Headers = []): Buffer {
    return headerBlock([
      [':method', 'CONNECT'], [':protocol', 'websocket'], [':scheme', 'http'], [':authority', this.#authority], [':path', path],
      ['sec-websocket-version', '13'], ...more
    ])
  }

  /** Sends an extended CONNECT. Returns its stream. */
  open (path: string, more: Headers = []): number {
    const stream = this.nextStream()
    this.write(headersFrame(stream, this.connectBlock(path, more)))
    return stream
  }

  reset (stream: number, code: number = errorCode.cancel): void {
    this.write(resetFrame(stream, code))
  }

  /** Sends bytes of the tunnel. */
  send (stream: number, bytes: Buffer, flags = 0): void {
    this.write(http2Frame(frameType.data, flags, stream, bytes))
  }

  /** The status of a stream's reply. */
  async status (stream: number): Promise<number | null> {
    await this.until('a reply', () => this.statuses.has(stream))
    return this.statuses.get(stream) ?? null
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

  readonly #onBytes = (chunk: Buffer): void => {
    this.#received = Buffer.concat([this.#received, chunk])
    for (let read = readHttp2Frame(this.#received); read !== null; read = readHttp2Frame(this.#received)) {
      this.#received = this.#received.subarray(read.size)
      this.#onFrame(read.frame)
    }
    this.#wake()
  }

  #onFrame ({ type, flags, stream, payload }: Http2Frame): void {
    if (type === frameType.settings && (flags & frameFlag.ack) === 0) this.write(http2Frame(frameType.settings, frameFlag.ack, 0))
    if (type === frameType.headers) this.statuses.set(stream, statusOf(payload))
    if (type === frameType.rstStream) this.resets.set(stream, payload.readUInt32BE())
    if (type === frameType.ping && (flags & frameFlag.ack) !== 0) this.pongs++
    if (type === frameType.goaway) this.goaway = payload.readUInt32BE(4)
    if (type === frameType.data) this.data.set(stream, Buffer.concat([this.data.get(stream) ?? Buffer.alloc(0), payload]))
  }
}
