import { validateHeaderName, validateHeaderValue } from 'node:http'
import { Http2ServerResponse } from 'node:http2'
import type { OutgoingHttpHeaders } from 'node:http2'
import type { ReplyHeaders } from './opening.ts'

/** Headers of one connection of HTTP/1.1, which no reply of HTTP/2 may carry (RFC 9113 section 8.2.2). */
const ofHttp1 = new Set(['connection', 'http2-settings', 'keep-alive', 'proxy-connection', 'te', 'transfer-encoding', 'upgrade'])

/** What makes no sense before messages, or is the handshake's own. */
const notIn200 = /^(?:content-length|content-type|sec-websocket-.*)$/

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
      this.writeHead(200, headers)
    } catch (error) {
      this.handshake = null
      throw error
    }
  }

  override writeHead (statusCode: number, ...rest: unknown[]): this {
    if (this.stream.headersSent || this.stream.destroyed) return this
    const headers = sendable({ ...this.getHeaders(), ...fieldsOf(rest.at(-1)) })
    if (this.handshake !== null) {
      for (const name of Object.keys(headers)) if (notIn200.test(name)) headers[name] = undefined
      // Not by Node's own, which would wait for trailers at the end of the stream.
      this.stream.respond({ ...headers, ...this.handshake })
      return this
    }
    for (const name of ofHttp1) this.removeHeader(name)
    if (statusCode < 200 || statusCode > 299) return super.writeHead(statusCode, headers)
    return super.writeHead(405, { ...headers, allow: 'GET' })
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

/** Node takes headers as an object, as a list of names and values in turn, or as one of pairs. */
function fieldsOf (headers: unknown): OutgoingHttpHeaders {
  if (!Array.isArray(headers)) return typeof headers === 'object' ? headers as OutgoingHttpHeaders : {}
  const fields: OutgoingHttpHeaders = {}
  const flat: unknown[] = Array.isArray(headers[0]) ? headers.flatMap(([name, value]: unknown[]) => [name, value]) : headers
  for (let i = 0; i < flat.length; i += 2) {
    const name = String(flat[i])
    const before = fields[name]
    fields[name] = before === undefined ? flat[i + 1] as string : [before, flat[i + 1]].flat() as string[]
  }
  return fields
}

/** @throws ERR_INVALID_CHAR, ERR_INVALID_HTTP_TOKEN as over HTTP/1.1: over HTTP/2 Node sends any, and a client or a proxy ends the stream */
function sendable (headers: OutgoingHttpHeaders): OutgoingHttpHeaders {
  const all: OutgoingHttpHeaders = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || ofHttp1.has(name.toLowerCase())) continue
    validateHeaderName(name)
    for (const one of [value].flat()) validateHeaderValue(name, String(one))
    all[name.toLowerCase()] = value
  }
  return all
}
