import { once } from 'node:events'
import { connect, constants } from 'node:http2'
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2'
import { FrameClient } from './frame-client.ts'
import type { HttpReply, RawRequest } from './frame-client.ts'

/** Headers beside those of an extended CONNECT, or in their place; one of null is left out. */
export type ConnectHeaders = Record<string, string | null | readonly string[]>

export interface Http2ClientOptions {
  /** By TLS, trusting any certificate; else in cleartext, by prior knowledge. */
  secure?: boolean
  /** Of the server. */
  host?: string
  localAddress?: string
}

/** The client's end of one session of HTTP/2, on the loopback interface. */
export class Http2Client {
  static readonly #open = new Set<ClientHttp2Session>()
  readonly session: ClientHttp2Session
  readonly #authority: string
  readonly #scheme: string

  private constructor (session: ClientHttp2Session, authority: string, scheme: string) {
    this.session = session
    this.#authority = authority
    this.#scheme = scheme
    Http2Client.#open.add(session)
    session.on('close', () => Http2Client.#open.delete(session))
  }

  /** Settles once the server's settings are known. */
  static async connect (port: number, { secure = false, host = '127.0.0.1', ...options }: Http2ClientOptions = {}): Promise<Http2Client> {
    const scheme = secure ? 'https' : 'http'
    const authority = `${host.includes(':') ? `[${host}]` : host}:${port}`
    const session = connect(`${scheme}://${authority}`, { ...options, rejectUnauthorized: false })
    await once(session, 'remoteSettings')
    session.on('error', () => {})
    return new Http2Client(session, authority, scheme)
  }

  /** Drops the sessions that a test left open. */
  static dropAll (): void {
    for (const session of Http2Client.#open) session.destroy()
  }

  /** Sends an extended CONNECT (RFC 8441 section 5.1). */
  request (path: string, headers: ConnectHeaders = {}): ClientHttp2Stream {
    return this.#send({
      ':method': 'CONNECT',
      ':protocol': 'websocket',
      ':scheme': this.#scheme,
      ':authority': this.#authority,
      ':path': path,
      'sec-websocket-version': '13',
      ...headers
    })
  }

  /** Sends a request without a body that asks for no WebSocket. */
  plainRequest (method: string, path: string, headers: ConnectHeaders = {}): ClientHttp2Stream {
    return this.#send({ ':method': method, ':scheme': this.#scheme, ':authority': this.#authority, ':path': path, ...headers }, true)
  }

  /** The whole reply to a request that is not accepted. */
  reply (stream: ClientHttp2Stream): Promise<HttpReply> {
    return StreamClient.on(stream).reply()
  }

  /** Opens a WebSocket; its frames are read and written as over TCP. */
  async open (path: string, headers: ConnectHeaders = {}): Promise<StreamClient> {
    const client = StreamClient.on(this.request(path, headers))
    await client.isOpened()
    return client
  }

  #send (headers: ConnectHeaders, endStream = false): ClientHttp2Stream {
    const sent = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== null)) as IncomingHttpHeaders
    const stream = this.session.request(sent, { endStream })
    stream.on('error', () => {})
    return stream
  }
}

/** Headers of a request to upgrade that HTTP/2 has no use for; `host` is its `:authority`. */
const ofHttp1 = new Set(['connection', 'host', 'sec-websocket-key', 'upgrade'])

/** A client on a stream of HTTP/2. */
export class StreamClient extends FrameClient {
  /** Of its own, and closed with its stream; null where it shares one. */
  readonly #client: Http2Client | null
  #stream: ClientHttp2Stream | null = null
  #response: IncomingHttpHeaders | null = null

  private constructor (client: Http2Client | null) {
    super()
    this.#client = client
  }

  /** On a stream of a session that it shares. */
  static on (stream: ClientHttp2Stream): StreamClient {
    const client = new StreamClient(null)
    client.#begin(stream)
    return client
  }

  /** In a session of its own. */
  static async connect (port: number, host?: string, localAddress?: string): Promise<StreamClient> {
    return new StreamClient(await Http2Client.connect(port, { host, localAddress }))
  }

  /** In a session of its own, with a WebSocket opened. */
  static async open (port: number, path: string, request?: RawRequest): Promise<StreamClient> {
    const client = await StreamClient.connect(port)
    client.request(path, request)
    await client.isOpened()
    return client
  }

  static override dropAll (): void {
    FrameClient.dropAll()
    Http2Client.dropAll()
  }

  get socket (): ClientHttp2Stream {
    if (this.#stream === null) throw new Error('a stream begins with a request')
    return this.#stream
  }

  /** What upgrades over HTTP/1.1 is an extended CONNECT here; what does not, an ordinary request. */
  request (path: string, { method = 'GET', headers = {}, head }: RawRequest = {}): void {
    if (this.#client === null) throw new Error('its stream has begun with another request')
    const own: ConnectHeaders = {}
    for (const [name, value] of Object.entries(headers)) {
      if (!ofHttp1.has(name.toLowerCase())) own[name.toLowerCase()] = value
    }
    if (headers.Host !== undefined) own[':authority'] = headers.Host
    const isPlain = method !== 'GET' || headers.Upgrade === null
    const stream = isPlain ? this.#client.plainRequest(method, path, own) : this.#client.request(path, own)
    const { session } = this.#client
    stream.on('close', () => session.close())
    this.#begin(stream)
    if (head !== undefined) stream.write(head)
  }

  async reply (): Promise<HttpReply> {
    const { ':status': status, ...fields } = await this.until(() => this.#response, 'an HTTP reply')
    const statusCode = Number(status)
    const headers = Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, [value].flat().join(', ')]))
    if (statusCode === constants.HTTP_STATUS_OK && this.socket.sentHeaders[':method'] === 'CONNECT') return { statusCode, headers, body: '' }
    await this.ended()
    // As browsers do. The client of Node 20 may abort its process where the server has to reset the stream instead.
    this.socket.end()
    return { statusCode, headers, body: this.take(this.unread.length).toString() }
  }

  /** @throws Error if it was refused */
  async isOpened (): Promise<void> {
    const { statusCode, body } = await this.reply()
    if (statusCode !== constants.HTTP_STATUS_OK) throw new Error(`expected 200, got ${statusCode} ${body}`)
  }

  /** RST_STREAM with CANCEL (RFC 8441 section 5). */
  reset (): void {
    this.socket.close(constants.NGHTTP2_CANCEL)
  }

  #begin (stream: ClientHttp2Stream): void {
    this.#stream = stream
    stream.on('response', headers => {
      this.#response = headers
      this.wake()
    })
    this.listen(stream)
  }
}
