import { validateHeaderName, validateHeaderValue } from 'node:http'
import { Http2ServerResponse } from 'node:http2'
import type { OutgoingHttpHeaders } from 'node:http2'
import type { ReplyHeaders } from './opening.ts'

/** Reply headers that no reply of HTTP/2 may carry (RFC 9113 section 8.2.2), or that make no sense before messages. */
const notIn200 = new Set([
  'connection', 'content-length', 'content-type', 'http2-settings', 'keep-alive', 'proxy-connection', 'te', 'transfer-encoding', 'upgrade'
])

/**
 * What replies to an extended CONNECT leave through. An application may reply when the deadline already has, or when it is a WebSocket: that must neither
 * throw, since nobody would catch it, nor be taken for frames. And to CONNECT, each 2xx says that the tunnel is open (RFC 9110 section 9.3.6), whatever
 * the application meant by it: its client would take the reply's body for frames.
 */
export class ConnectResponse extends Http2ServerResponse {
  /** The handshake's own headers, once it is to be accepted. */
  declare private handshake: ReplyHeaders | null

  /** Node has made the response. */
  static of (response: Http2ServerResponse): ConnectResponse {
    Object.setPrototypeOf(response, ConnectResponse.prototype)
    return Object.assign(response as ConnectResponse, { handshake: null })
  }

  /**
   * Accepts, by `writeHead` as every reply: middleware may have put its own before it.
   *
   * @param handshake headers of the handshake
   * @param headers of the application
   * @throws ERR_INVALID_CHAR, ERR_HTTP2_INVALID_HEADER_VALUE
   */
  open (handshake: ReplyHeaders, headers: ReplyHeaders): void {
    this.handshake = handshake
    try {
      this.writeHead(200, sendable(headers))
    } catch (error) {
      this.handshake = null
      throw error
    }
  }

  override writeHead (statusCode: number, ...rest: unknown[]): this {
    if (this.stream.headersSent || this.stream.destroyed) return this
    if (this.handshake !== null) {
      // Not by Node's own, which would wait for trailers at the end of the stream.
      this.stream.respond({ ...sendable(this.getHeaders()), ...sendable(rest.at(-1) as OutgoingHttpHeaders | undefined), ...this.handshake })
      return this
    }
    if (statusCode < 200 || statusCode > 299) return super.writeHead(statusCode, ...rest as [])
    this.setHeader('allow', 'GET')
    return super.writeHead(405, ...rest as [])
  }

  override write (...chunk: unknown[]): boolean {
    return this.isOver ? false : super.write(...chunk as [string])
  }

  override end (...chunk: unknown[]): this {
    return this.isOver ? this : super.end(...chunk as [string])
  }

  private get isOver (): boolean {
    return this.handshake !== null || this.writableEnded
  }
}

/** @throws ERR_INVALID_CHAR: Node looks at the headers of HTTP/1.1 only */
function sendable (headers: OutgoingHttpHeaders = {}): OutgoingHttpHeaders {
  const all: OutgoingHttpHeaders = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || notIn200.has(name) || name.startsWith('sec-websocket-')) continue
    validateHeaderName(name)
    for (const one of ([] as unknown[]).concat(value)) validateHeaderValue(name, String(one))
    all[name] = value
  }
  return all
}
