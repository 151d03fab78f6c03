import { STATUS_CODES } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import type { ServerConnection } from '../connection/connection.ts'
import type { Transport } from '../connection/transport.ts'
import { FST_ERR_WS_HANDSHAKE_TIMEOUT } from '../errors.ts'
import type { Handshake } from '../protocol/handshake.ts'
import type { Timed } from './deadlines.ts'
import type { Place } from './limits.ts'
import type { UpgradeTrace } from './upgrade-trace.ts'

/** How long a client that was refused, or has used up the drain, may take to end its side, in milliseconds. */
export const lingerTimeout = 1_000

const kOpening = Symbol('fastify-typed-ws.opening')

/** What Fastify calls raw: Node's own request, of HTTP/1.1 or of HTTP/2. */
export type RawRequest = IncomingMessage | Http2ServerRequest

/** What `reply.getHeaders()` answers, and what Node sends. */
export type ReplyHeaders = Record<string, number | string | string[] | undefined>

type OpeningRequest = RawRequest & { [kOpening]?: Opening }

/** The opening handshake that a request is; null for any other request. */
export function openingOf (request: RawRequest): Opening | null {
  return (request as OpeningRequest)[kOpening] ?? null
}

/** What a wrong `Sec-WebSocket-Version` is refused with (RFC 6455 section 4.4). */
export interface VersionRefusal {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string>>
}

/** Who hears of openings. */
export interface OpeningOwner {
  /** When one that begins now is late, by the clock of `performance.now()`. */
  nextDeadline (): number
  /** It is accepted, replied to, or its client has gone. May come twice. */
  onOver (opening: Opening): void
}

/**
 * An opening handshake, from the server's event until it is accepted or another reply has ended. Fastify takes it for a GET, and calls its
 * response for whatever is not accepted.
 */
export abstract class Opening implements Timed {
  readonly request: RawRequest
  readonly deadline: number
  /** Set once it was checked. */
  handshake: Handshake | null = null
  /** Whether it has passed every hook, and is to be accepted. */
  isLetThrough = false
  /** Whether it has become a WebSocket. */
  isAccepted = false
  /** What it has reserved; null where nothing is limited. */
  place: Place | null = null
  /** What `limitKey` answered. */
  key: string | undefined = undefined
  /** null while nobody listens */
  trace: UpgradeTrace | null = null
  readonly #owner: OpeningOwner

  constructor (request: RawRequest, owner: OpeningOwner) {
    (request as OpeningRequest)[kOpening] = this
    this.request = request
    this.#owner = owner
    this.deadline = owner.nextDeadline()
  }

  /** What it is accepted with. */
  abstract readonly acceptStatus: number
  abstract readonly versionRefusal: VersionRefusal
  /** What replies leave through. */
  abstract readonly response: ServerResponse | Http2ServerResponse
  /** What the client was told: an application may still set `statusCode` behind it. null while it was told nothing. */
  abstract readonly sentStatus: number | null
  /** Whether it can still be accepted: nothing was replied, and the client is still there. */
  abstract readonly isPending: boolean
  /** Whether a reply has left. */
  protected abstract readonly isReplied: boolean

  /**
   * Reads what the request asks for.
   *
   * @throws HandshakeError
   */
  abstract check (): Handshake

  /**
   * Makes a WebSocket of it: what carries it is the caller's from here on.
   *
   * @param protocol the subprotocol, `''` for none
   * @param extensions as they are agreed on, `''` for none
   * @param headers of the application; those that are the handshake's own are left out
   * @throws ERR_INVALID_CHAR, ERR_HTTP2_INVALID_HEADER_VALUE over a header that can't be sent: it is then still to be refused
   */
  abstract accept (protocol: string, extensions: string, headers: ReplyHeaders): Transport

  /** Drops the client. */
  abstract destroy (): void

  /** What has followed the request. */
  get head (): Buffer | null {
    return null
  }

  /** @param route its URL, as it was declared */
  onConnection (connection: ServerConnection, route: string): void {
    this.trace?.onConnection(connection, route, this.acceptStatus)
  }

  /** Replies in place of an application that did not in time, or that should not be asked. */
  refuse ({ statusCode = 503, code, message }: Error & { statusCode?: number, code: string }): void {
    const { response } = this
    if (this.isReplied) return
    if (response.headersSent) {
      this.destroy()
      return
    }
    const body = JSON.stringify({ statusCode, code, error: STATUS_CODES[statusCode], message })
    response.statusCode = statusCode
    response.setHeader('content-type', 'application/json; charset=utf-8')
    response.setHeader('content-length', Buffer.byteLength(body))
    response.end(body)
  }

  /** Its place, which is the caller's to release from here on. */
  takePlace (): Place | null {
    const { place } = this
    this.place = null
    return place
  }

  /** Gives its place back. */
  leave (): void {
    this.takePlace()?.release()
  }

  onDeadline (): void {
    this.refuse(new FST_ERR_WS_HANDSHAKE_TIMEOUT())
  }

  /** It is accepted, replied to, or its client has gone. */
  protected over (): void {
    this.#owner.onOver(this)
  }
}
