import type { Http2SecureServer, Http2Server, Http2ServerRequest, Http2ServerResponse, ServerHttp2Session } from 'node:http2'
import type { RawServerBase } from 'fastify'
import { ExtendedConnect } from './extended-connect.ts'
import type { Openings } from './openings.ts'
import type { Sessions } from './sessions.ts'

export type AnyHttp2Server = Http2Server | Http2SecureServer

/** Whether a server speaks HTTP/2, perhaps beside HTTP/1.1. */
export function servesHttp2 (server: RawServerBase): server is AnyHttp2Server {
  return 'updateSettings' in server
}

/** Whether a server speaks HTTP/1.1, perhaps beside HTTP/2: one of TLS then bounds how long a request may take to arrive. */
export function servesHttp1 (server: RawServerBase): boolean {
  return !servesHttp2(server) || 'requestTimeout' in server
}

/** Takes the `connect` events of a server of HTTP/2: opening handshakes as RFC 8441 has them. */
export class ConnectListener {
  readonly #server: AnyHttp2Server
  readonly #openings: Openings
  readonly #sessions: Sessions

  constructor (server: AnyHttp2Server, openings: Openings, sessions: Sessions) {
    this.#server = server
    this.#openings = openings
    this.#sessions = sessions
  }

  listen (): void {
    // Announced to clients in SETTINGS_ENABLE_CONNECT_PROTOCOL (RFC 8441 section 3), beside what the application set.
    this.#server.updateSettings({ enableConnectProtocol: true })
    this.#server.on('session', session => this.#sessions.watch(session))
    this.#server.on('connect', this.#onConnect)
  }

  /** Another address of `localhost` is listened to. */
  addServer (server: AnyHttp2Server): void {
    server.updateSettings({ enableConnectProtocol: true })
    server.on('session', session => this.#sessions.watch(session))
    server.on('connect', (...event) => this.#server.emit('connect', ...event))
  }

  /** @param response the socket, where the request is one of HTTP/1.1 */
  readonly #onConnect = (request: Http2ServerRequest, response: Http2ServerResponse): void => {
    const protocol = request.httpVersionMajor === 2 ? request.headers[':protocol'] : undefined
    if (protocol !== undefined && String(protocol).toLowerCase() === 'websocket') {
      this.#begin(request, response)
      return
    }
    // It may be the application's, which then listens, too.
    if (this.#server.listenerCount('connect') > 1) return
    if (request.httpVersionMajor !== 2) {
      // As Node does where nobody listens.
      request.socket.destroy()
      return
    }
    // RFC 9220 section 3
    response.writeHead(protocol === undefined ? 405 : 501)
    response.end()
  }

  #begin (request: Http2ServerRequest, response: Http2ServerResponse): void {
    const { session } = request.stream
    // It has gone before its stream was heard of.
    if (session === undefined) return
    const state = this.#sessions.watch(session as ServerHttp2Session)
    const { isFull } = state
    const opening = new ExtendedConnect(request, response, this.#openings, this.#sessions, isFull ? null : state)
    if (isFull) this.#openings.refuse(opening, () => opening.turnAway())
    else this.#openings.begin(opening)
  }
}
