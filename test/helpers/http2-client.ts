import { once } from 'node:events'
import { connect } from 'node:http2'
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders, SecureClientSessionOptions } from 'node:http2'
import type { HttpReply } from './raw-client.ts'
import { RawClient } from './raw-client.ts'

/** Headers beside those of an extended CONNECT, or in their place; one of null is left out. */
export type ConnectHeaders = Record<string, string | null | readonly string[]>

export interface Http2ClientOptions extends Pick<SecureClientSessionOptions, 'settings' | 'maxSessionMemory'> {
  /** By TLS, trusting any certificate; else in cleartext, by prior knowledge. */
  secure?: boolean
}

/** The client's end of one session of HTTP/2, on the loopback interface. */
export class Http2Client {
  static readonly #open = new Set<ClientHttp2Session>()
  readonly session: ClientHttp2Session
  readonly #authority: string
  readonly #scheme: string

  private constructor (session: ClientHttp2Session, port: number, scheme: string) {
    this.session = session
    this.#authority = `127.0.0.1:${port}`
    this.#scheme = scheme
    Http2Client.#open.add(session)
    session.on('close', () => Http2Client.#open.delete(session))
  }

  /** Settles once the server's settings are known. */
  static async connect (port: number, { secure = false, ...options }: Http2ClientOptions = {}): Promise<Http2Client> {
    const scheme = secure ? 'https' : 'http'
    const session = connect(`${scheme}://127.0.0.1:${port}`, { ...options, rejectUnauthorized: false })
    await once(session, 'remoteSettings')
    session.on('error', () => {})
    return new Http2Client(session, port, scheme)
  }

  /** Drops the sessions that a test left open. */
  static dropAll (): void {
    for (const session of Http2Client.#open) session.destroy()
  }

  /** Sends an extended CONNECT (RFC 8441 section 5.1). */
  request (path: string, headers: ConnectHeaders = {}): ClientHttp2Stream {
    const all: ConnectHeaders = {
      ':method': 'CONNECT',
      ':protocol': 'websocket',
      ':scheme': this.#scheme,
      ':authority': this.#authority,
      ':path': path,
      'sec-websocket-version': '13',
      ...headers
    }
    const sent = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null)) as IncomingHttpHeaders
    const stream = this.session.request(sent)
    stream.on('error', () => {})
    return stream
  }

  /** The whole reply to a request that is not accepted. */
  async reply (stream: ClientHttp2Stream): Promise<HttpReply> {
    const chunks: Buffer[] = []
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    const [[{ ':status': statusCode, ...headers }]] = await Promise.all([once(stream, 'response'), once(stream, 'end')])
    return { statusCode, headers, body: Buffer.concat(chunks).toString() }
  }

  /** Opens a WebSocket; its frames are read and written as over TCP. */
  async open (path: string, headers: ConnectHeaders = {}): Promise<RawClient> {
    const stream = this.request(path, headers)
    const client = RawClient.on(stream)
    const [{ ':status': statusCode }] = await once(stream, 'response')
    if (statusCode !== 200) throw new Error(`expected 200, got ${statusCode}`)
    return client
  }
}
