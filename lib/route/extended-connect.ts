import { constants } from 'node:http2'
import type { Http2ServerRequest, Http2ServerResponse, ServerHttp2Stream } from 'node:http2'
import type { ServerConnection } from '../connection/connection.ts'
import { Http2Transport } from '../connection/http2-transport.ts'
import type { Transport } from '../connection/transport.ts'
import { checkRequest, protocolVersion, readConnect } from '../protocol/handshake.ts'
import type { Handshake } from '../protocol/handshake.ts'
import { HandshakeError } from '../protocol/handshake-error.ts'
import { ConnectResponse } from './connect-response.ts'
import { lingerTimeout, Opening } from './opening.ts'
import type { OpeningOwner, ReplyHeaders } from './opening.ts'
import type { SessionState } from './session-state.ts'
import type { Sessions } from './sessions.ts'

const versionRefusal = { statusCode: 400, headers: { 'Sec-WebSocket-Version': protocolVersion } }

/** What Node's own request and response listen to. */
const nodesEvents = ['aborted', 'close', 'drain', 'end', 'error', 'timeout', 'trailers', 'wantTrailers'] as const

type Listener = (...args: never[]) => void

/** An opening handshake over HTTP/2: an extended CONNECT, until the 200 or the end of another reply (RFC 8441 section 4). */
export class ExtendedConnect extends Opening {
  declare readonly request: Http2ServerRequest
  readonly acceptStatus = 200
  readonly versionRefusal = versionRefusal
  readonly response: ConnectResponse
  readonly #stream: ServerHttp2Stream
  /** It holds what comes before the 200, too. */
  readonly #transport: Transport
  readonly #sessions: Sessions
  /** null while it asks nothing of the application */
  #session: SessionState | null
  readonly #nodesListeners: Array<[name: string, listener: Listener]>
  /** Waits for the client to take the reply, and to end its side. */
  #timer: NodeJS.Timeout | null = null

  /** @param session null for one that is refused whatever it asks for */
  constructor (request: Http2ServerRequest, response: Http2ServerResponse, owner: OpeningOwner, sessions: Sessions, session: SessionState | null) {
    super(request, owner)
    this.response = ConnectResponse.of(response)
    this.#sessions = sessions
    this.#session = session
    session?.onAsked()
    const stream = this.#stream = request.stream as ServerHttp2Stream
    this.#transport = new Http2Transport(stream)
    // For the router, the hooks and the log it is what it would be over HTTP/1.1.
    Object.assign(request, { method: 'GET' })
    this.#nodesListeners = nodesEvents.flatMap(name => stream.listeners(name).map((listener): [string, Listener] => [name, listener as Listener]))
    stream.on('error', ignore)
    stream.on('finish', this.#onReply)
    // It comes with the reset itself, and `close` a turn later.
    stream.on('aborted', this.#onAborted)
    stream.on('close', this.#onClose)
  }

  get isPending (): boolean {
    return !this.#stream.headersSent && !this.#stream.closed && !this.#stream.destroyed
  }

  get sentStatus (): number | null {
    return this.#stream.headersSent ? Number(this.#stream.sentHeaders?.[':status']) : null
  }

  protected get isReplied (): boolean {
    return this.#stream.writableFinished
  }

  check (): Handshake {
    const { url, rawHeaders, headers } = this.request
    checkRequest(url, rawHeaders)
    if (this.#stream.endAfterHeaders) throw new HandshakeError('body', 'an extended CONNECT leaves its stream open')
    return readConnect(headers)
  }

  accept (protocol: string, extensions: string, headers: ReplyHeaders): Transport {
    const own: ReplyHeaders = { ':status': 200 }
    if (protocol !== '') own['sec-websocket-protocol'] = protocol
    if (extensions !== '') own['sec-websocket-extensions'] = extensions
    // First, since it throws over a header that can't be sent.
    this.response.open(own, headers)
    const stream = this.#stream
    this.isAccepted = true
    stream.removeListener('finish', this.#onReply)
    stream.removeListener('aborted', this.#onAborted)
    stream.removeListener('close', this.#onClose)
    // Node's request and response would hear of the end of the connection, and tell Fastify that of the request.
    for (const [name, listener] of this.#nodesListeners) stream.removeListener(name, listener as never)
    // What the application gave the request, the connection is not bound to.
    stream.setTimeout(0)
    this.over()
    process.nextTick(finish, this)
    return this.#transport
  }

  /** Lets go of the request and the response: Node's stream would keep both, and what hangs on them, for as long as the connection lasts. */
  release (): void {
    const stream: object = this.#stream
    for (const key of Object.getOwnPropertySymbols(stream)) {
      const value: unknown = Reflect.get(stream, key)
      if (value === this.request || value === this.response) Reflect.set(stream, key, undefined)
    }
  }

  override onConnection (connection: ServerConnection, route: string): void {
    super.onConnection(connection, route)
    this.#sessions.add(this.#stream, connection)
  }

  /** Its client's window may be closed: what it was refused with does not wait for it long. */
  override refuse (error: Error & { statusCode?: number, code: string }): void {
    super.refuse(error)
    if (!this.isReplied) this.#linger()
  }

  /** Replies without a word: a body could wait for a window that its client never opens. */
  turnAway (): void {
    this.response.writeHead(429)
    this.response.end()
  }

  destroy (): void {
    this.#transport.destroy()
  }

  protected override over (): void {
    this.#session?.onAnswered()
    this.#session = null
    super.over()
  }

  /**
   * The reply is written: a moment later the rest of the request is not waited for (RFC 9113 section 8.1). Clients end their side, or cancel; those of
   * Node 20 may abort their process over a reset that comes before.
   */
  readonly #onReply = (): void => {
    this.over()
    this.#transport.resume()
    this.#linger()
  }

  readonly #onAborted = (): void => {
    this.#session?.onCancelled(this.deadline)
    this.#session = null
    this.over()
  }

  readonly #onClose = (): void => {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.over()
  }

  #linger (): void {
    this.#timer ??= setTimeout(closeStream, lingerTimeout, this.#stream).unref()
  }
}

/** As Node does for a 101: Fastify's `onResponse` hooks run, and its log says that the request is completed. */
function finish (connect: ExtendedConnect): void {
  connect.response.emit('finish')
  connect.release()
}

/** What was written is complete, or is given up. */
function closeStream (stream: ServerHttp2Stream): void {
  stream.close(stream.writableFinished ? constants.NGHTTP2_NO_ERROR : constants.NGHTTP2_CANCEL)
}

function ignore (): void {}
