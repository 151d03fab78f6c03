import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { FrameClient } from './frame-client.ts'
import type { HttpReply, RawRequest } from './frame-client.ts'

/** A client on a bare TCP or TLS socket. */
export class Http1Client extends FrameClient {
  readonly socket: Socket

  private constructor (socket: Socket) {
    super()
    this.socket = socket
    this.listen(socket)
  }

  /** Connects to the loopback interface. */
  static connect (port: number, host = '127.0.0.1', localAddress?: string): Promise<Http1Client> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host, localAddress, allowHalfOpen: true, noDelay: true }, () => {
        socket.off('error', reject)
        resolve(new Http1Client(socket))
      })
      socket.once('error', reject)
    })
  }

  /** Connects by TLS, trusting any certificate. */
  static async connectTls (port: number): Promise<Http1Client> {
    const { socket } = await Http1Client.connect(port)
    socket.removeAllListeners('data')
    const secured = connectTls({ socket, rejectUnauthorized: false })
    await once(secured, 'secureConnect')
    return new Http1Client(secured)
  }

  /** Connects, upgrades, and checks the accept value. */
  static async open (port: number, path: string, request: RawRequest = {}): Promise<Http1Client> {
    const client = await Http1Client.connect(port)
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

  async reply (): Promise<HttpReply> {
    const end = await this.until(() => {
      const index = this.unread.indexOf('\r\n\r\n')
      return index === -1 ? null : index
    }, 'an HTTP reply')
    const [statusLine, ...lines] = this.take(end + 4).toString('latin1').trimEnd().split('\r\n')
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
    await this.until(() => this.unread.length >= length ? true : null, 'the body of a reply')
    return { statusCode, headers, body: this.take(length).toString() }
  }

  reset (): void {
    this.socket.resetAndDestroy()
  }
}
