import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { Carrier, fieldsOf } from './carrier.ts'
import type { CarrierOwner, Http, Reply, Session, Target } from './carrier.ts'
import type { RequestSpec } from './case.ts'

/** Each WebSocket on a TCP connection of its own (RFC 6455 section 4.1). */
export class Http1 implements Http, Session {
  readonly #target: Target

  constructor (target: Target) {
    this.#target = target
  }

  async session (): Promise<Session> {
    return this
  }

  async open (request: RequestSpec, offers: readonly string[], owner: CarrierOwner): Promise<Carrier> {
    const { host, port } = this.#target
    const socket = connect({ host, port, allowHalfOpen: true })
    await once(socket, 'connect')
    const key = randomBytes(16).toString('base64')
    const carrier = new TcpCarrier(socket, String(request.headers?.['Sec-WebSocket-Key'] ?? key).trim(), owner)
    await carrier.write(this.#requestBytes(request, offers, key), request.pieces)
    return carrier
  }

  release (): void {}

  destroy (): void {}

  #requestBytes (request: RequestSpec, offers: readonly string[], key: string): Buffer {
    const { path } = this.#target
    const { method = 'GET', httpVersion = '1.1', target, head = Buffer.alloc(0) } = request
    const host = `${this.#target.host}:${this.#target.port}`
    const fields = fieldsOf({
      Host: host,
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': key,
      'Sec-WebSocket-Extensions': offers
    }, request)
    const lines = [`${method} ${target?.(path, host) ?? path} HTTP/${httpVersion}`, ...fields.map(([name, value]) => `${name}: ${value}`)]
    return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head])
  }
}

class TcpCarrier extends Carrier {
  readonly acceptStatus = 101
  readonly #socket: Socket
  readonly #key: string
  readonly #owner: CarrierOwner
  /** What came of the reply; null once it is there. */
  #head: Buffer | null = Buffer.alloc(0)

  constructor (socket: Socket, key: string, owner: CarrierOwner) {
    super(socket)
    this.#socket = socket
    this.#key = key
    this.#owner = owner
    socket.setNoDelay()
    socket.on('data', chunk => this.#onData(chunk))
    socket.on('end', () => owner.onEnd())
    socket.on('error', error => owner.onFault(error))
    socket.on('close', () => owner.onClose())
  }

  /** RFC 6455 section 4.2.2. */
  checkAcceptance ({ headers }: Reply): void {
    const accept = createHash('sha1').update(`${this.#key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
    if (headers['sec-websocket-accept'] !== accept) throw new Error('the server sent a wrong Sec-WebSocket-Accept')
    if (headers.upgrade?.toLowerCase() !== 'websocket') throw new Error('the 101 has no Upgrade: websocket')
    if (headers.connection?.toLowerCase() !== 'upgrade') throw new Error('the 101 has no Connection: Upgrade')
  }

  end (): void {
    this.#socket.end()
  }

  reset (): void {
    this.#socket.resetAndDestroy()
  }

  destroy (): void {
    this.#socket.destroy()
  }

  #onData (chunk: Buffer): void {
    if (this.#head === null) {
      this.#owner.onData(chunk)
      return
    }
    const head = this.#head = Buffer.concat([this.#head, chunk])
    const end = head.indexOf('\r\n\r\n')
    if (end === -1) return
    this.#head = null
    try {
      this.#owner.onReply(readReply(head.toString('latin1', 0, end)))
    } catch (error) {
      this.#owner.onFault(error as Error)
    }
    this.#owner.onData(head.subarray(end + 4))
  }
}

function readReply (head: string): Reply {
  const [statusLine, ...lines] = head.split('\r\n')
  const headers: Record<string, string> = {}
  for (const line of lines) {
    const [, name, value] = /^([^:]+):[ \t]*(.*?)[ \t]*$/.exec(line) ?? []
    if (name === undefined) throw new Error(`the server sent a malformed header: ${line}`)
    const known = headers[name.toLowerCase()]
    headers[name.toLowerCase()] = known === undefined ? value : `${known}, ${value}`
  }
  return { statusCode: Number(statusLine.split(' ')[1]), headers }
}
