import { once } from 'node:events'
import { connect, constants } from 'node:http2'
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2'
import { BareSession } from './bare-session.ts'
import { Carrier } from './carrier.ts'
import type { CarrierOwner, Http, Reply, Session, Target } from './carrier.ts'
import type { RequestSpec, SessionSpec } from './case.ts'
import { connectFields } from './connect-fields.ts'

/** How many sessions the cases share that have none of their own. */
const sharedSessions = 4

/** WebSockets on streams of a few sessions, as browsers have them (RFC 8441). */
export class Http2 implements Http {
  readonly #target: Target
  readonly #shared: Array<Promise<Http2Session>> = []
  #next = 0

  constructor (target: Target) {
    this.#target = target
  }

  async session (spec?: SessionSpec): Promise<Session> {
    if (spec?.isBare === true) return new BareSession(this.#target)
    if (spec !== undefined) return await Http2Session.connect(this.#target, spec)
    const shared = await this.#sharedAt(this.#next++ % sharedSessions)
    return { open: (request, offers, owner) => shared.open(request, offers, owner), release: () => {} }
  }

  destroy (): void {
    for (const shared of this.#shared) void shared.then(session => session.release(), () => {})
  }

  /** A server at fault may have ended one. */
  async #sharedAt (at: number): Promise<Http2Session> {
    const known = this.#shared[at]
    if (known !== undefined && (await known).isOpen) return known
    if (this.#shared[at] === known) this.#shared[at] = Http2Session.connect(this.#target)
    return this.#shared[at]
  }
}

class Http2Session implements Session {
  readonly #target: Target
  readonly #session: ClientHttp2Session

  private constructor (target: Target, session: ClientHttp2Session) {
    this.#target = target
    this.#session = session
  }

  static async connect (target: Target, { window }: SessionSpec = {}): Promise<Http2Session> {
    const { host, port, secure = false } = target
    const settings = window === undefined ? {} : { initialWindowSize: window }
    const session = connect(`${secure ? 'https' : 'http'}://${host}:${port}`, { settings, rejectUnauthorized: false })
    const [{ enableConnectProtocol }] = await once(session, 'remoteSettings')
    // Streams say what went wrong.
    session.on('error', () => {})
    if (enableConnectProtocol !== true) {
      session.destroy()
      throw new Error('the server does not announce SETTINGS_ENABLE_CONNECT_PROTOCOL')
    }
    return new Http2Session(target, session)
  }

  get isOpen (): boolean {
    return !this.#session.closed && !this.#session.destroyed
  }

  async open (request: RequestSpec, offers: readonly string[], owner: CarrierOwner): Promise<Carrier> {
    const headers: IncomingHttpHeaders = {}
    for (const [name, value] of connectFields(this.#target, request, offers)) {
      const known = headers[name]
      headers[name] = known === undefined ? value : [known, value].flat()
    }
    const stream = this.#session.request(headers, { endStream: request.isEnded ?? false })
    const carrier = new StreamCarrier(stream, owner)
    if (request.head !== undefined) await carrier.write(request.head)
    return carrier
  }

  release (): void {
    this.#session.destroy()
  }
}

/** END_STREAM ends a side, RST_STREAM with CANCEL is the reset (RFC 8441 section 5). */
class StreamCarrier extends Carrier {
  readonly acceptStatus = 200
  readonly #stream: ClientHttp2Stream
  #isEnded = false

  constructor (stream: ClientHttp2Stream, owner: CarrierOwner) {
    super(stream)
    this.#stream = stream
    stream.on('response', headers => owner.onReply(replyOf(headers)))
    stream.on('data', (chunk: Buffer) => owner.onData(chunk))
    stream.on('end', () => { this.#isEnded = true; owner.onEnd() })
    stream.on('error', error => owner.onFault(error))
    stream.on('close', () => owner.onClose())
  }

  checkAcceptance ({ headers }: Reply): void {
    for (const name of ['sec-websocket-accept', 'upgrade', 'connection']) {
      if (headers[name] !== undefined) throw new Error(`the 200 has ${name}, which is of HTTP/1.1`)
    }
  }

  end (): void {
    this.#stream.end()
  }

  reset (): void {
    this.#stream.close(constants.NGHTTP2_CANCEL)
  }

  destroy (): void {
    if (this.#isEnded) this.end()
    else if (!this.#stream.closed) this.reset()
  }
}

function replyOf (headers: IncomingHttpHeaders & { ':status'?: number }): Reply {
  const fields = Object.entries(headers).map(([name, value]) => [name, String(value)])
  return { statusCode: Number(headers[':status']), headers: Object.fromEntries(fields) }
}
