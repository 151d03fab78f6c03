import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { acceptValue } from '../../lib/protocol/handshake.ts'
import { nameOfOpcode, readFields } from './frame-fields.ts'
import { FrameReader } from './frame-reader.ts'
import type { SeenFrame } from './frame-reader.ts'
import { HttpHead } from './http-head.ts'
import { maxPayload } from './experiments.ts'
import type { Watch } from './watches.ts'

/** What every server appends to the key (RFC 6455 section 1.3). */
const guid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/** The first line of the requests that are watched, as the page and the raw client write it. */
const watched = /^GET \/inspected(?:\/compressed)?\?page=([0-9a-f]{32})&client=(browser|raw) HTTP\/1\.1\r\n/

const empty = Buffer.alloc(0)

/** Watches the connections that ask for it in their first line, if the page that is named there looks. */
export function watchConnections (server: Server, watchOf: (page: string) => Watch | null): void {
  server.on('connection', socket => {
    const onFirst = (chunk: Buffer): void => {
      socket.removeListener('data', onFirst)
      const [, page, client] = watched.exec(chunk.toString('latin1', 0, 128)) ?? []
      const watch = page === undefined ? null : watchOf(page)
      const connection = watch?.begin() ?? null
      if (watch !== null && connection !== null) new SocketTap(socket, watch, connection, client === 'raw' ? 'raw' : 'browser').onData(chunk)
    }
    // Before Node and the plugin, which unmasks in place: what is seen are the bytes that came.
    socket.prependListener('data', onFirst)
  })
}

/** Sees every byte that a socket receives, before anybody else does, and every byte that is written to it. */
class SocketTap {
  readonly #watch: Watch
  readonly #connection: number
  readonly #started = performance.now()
  readonly #request: HttpHead
  readonly #response: HttpHead
  /** null until protocols were switched. */
  #frames: { readonly received: FrameReader, readonly sent: FrameReader } | null = null
  /** What a hasty client sent before that. The plugin reads no more than some 64 KiB of it. */
  #early: Buffer = empty
  #isAnswered = false

  constructor (socket: Socket, watch: Watch, connection: number, client: 'browser' | 'raw') {
    this.#watch = watch
    this.#connection = connection
    this.#request = new HttpHead(lines => {
      watch.tell({ type: 'request', ...this.#seen(), client, lines, accept: acceptOf(lines) })
    })
    this.#response = new HttpHead(lines => {
      watch.tell({ type: 'response', ...this.#seen(), lines })
      this.#isAnswered = true
      if (lines[0].startsWith('HTTP/1.1 101 ')) {
        this.#frames = this.#readersOf(lines)
        this.#frames.received.push(this.#early)
      }
      this.#early = empty
    })
    socket.prependListener('data', chunk => this.onData(chunk))
    socket.on('close', isReset => {
      watch.end()
      watch.tell({ type: 'end', ...this.#seen(), isReset })
    })
    socket.write = new Proxy(socket.write, {
      apply: (write, self, given) => {
        const [bytes, encoding] = given
        this.#onWrite(Buffer.from(bytes, typeof encoding === 'string' ? encoding as BufferEncoding : undefined))
        return Reflect.apply(write, self, given)
      }
    })
  }

  onData (chunk: Buffer): void {
    const rest = this.#request.push(chunk)
    if (this.#isAnswered) this.#frames?.received.push(rest)
    else if (rest.length > 0) this.#early = Buffer.concat([this.#early, rest])
  }

  #onWrite (bytes: Buffer): void {
    const rest = this.#response.push(bytes)
    // What follows a refusal is its body.
    this.#frames?.sent.push(rest)
  }

  #readersOf (response: readonly string[]): { received: FrameReader, sent: FrameReader } {
    const isCompressed = response.some(line => /^sec-websocket-extensions:.*permessage-deflate/i.test(line))
    return {
      received: new FrameReader(true, isCompressed, maxPayload, frame => this.#onFrame('in', frame)),
      sent: new FrameReader(false, isCompressed, maxPayload, frame => this.#onFrame('out', frame))
    }
  }

  #onFrame (way: 'in' | 'out', { header, length, wire, plain, inflated, problem }: SeenFrame): void {
    this.#watch.tell({
      type: 'frame',
      ...this.#seen(),
      way,
      opcode: nameOfOpcode(header[0] & 0xf),
      fields: readFields(header),
      header: header.toString('hex'),
      length: String(length),
      wire: wire.toString('hex'),
      plain: plain.toString('hex'),
      inflated: inflated === null ? null : { bytes: inflated.bytes.toString('hex'), length: inflated.length },
      problem: problem === null ? null : { code: problem.code, closeCode: problem.closeCode, message: problem.message }
    })
  }

  #seen (): { connection: number, at: number } {
    return { connection: this.#connection, at: Math.round((performance.now() - this.#started) * 10) / 10 }
  }
}

/** What the accept value is computed from, step by step. */
export function stepsOfAccept (key: string): { key: string, guid: string, sha1: string, accept: string } {
  const accept = acceptValue(key)
  return { key, guid, sha1: Buffer.from(accept, 'base64').toString('hex'), accept }
}

function acceptOf (lines: readonly string[]): ReturnType<typeof stepsOfAccept> | null {
  const line = lines.find(line => /^sec-websocket-key:/i.test(line))
  return line === undefined ? null : stepsOfAccept(line.slice(line.indexOf(':') + 1).trim())
}
