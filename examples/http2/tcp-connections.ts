import { Http2ServerRequest } from 'node:http2'
import type { Http2Session } from 'node:http2'
import type { IncomingMessage } from 'node:http'
import { TLSSocket } from 'node:tls'
import type { WsUpgradeEvent } from 'fastify-typed-ws'
import type { TcpConnectionListData, WebSocketData } from './messages.ts'

interface TcpConnection {
  readonly number: number
  readonly httpVersion: string
  readonly webSockets: Set<WebSocketData>
}

/** The TCP connections of a server by what it sees itself: over HTTP/2 each has one session, which carries many WebSockets. */
export class TcpConnections {
  readonly #open = new Map<Http2Session | TLSSocket, TcpConnection>()
  #last = 0
  /** Called when the list is another one. */
  onChange = (): void => {}

  get list (): TcpConnectionListData {
    const tcpConnections = [...this.#open.values()].map(({ webSockets, ...rest }) => ({ ...rest, webSockets: [...webSockets] }))
    return { type: 'list', tcpConnections }
  }

  /** Any request of REST or to open a WebSocket: the first one shows that the connection is there. */
  onRequest (request: IncomingMessage | Http2ServerRequest): void {
    const carrier = carrierOf(request)
    if (carrier === null || this.#open.has(carrier)) return
    this.#open.set(carrier, { number: ++this.#last, httpVersion: request.httpVersion, webSockets: new Set() })
    carrier.once('close', () => {
      this.#open.delete(carrier)
      this.onChange()
    })
    this.onChange()
  }

  /** A WebSocket was opened, or refused. */
  onUpgrade ({ request, connection, route }: WsUpgradeEvent): void {
    const carrier = carrierOf(request)
    const webSockets = carrier === null ? undefined : this.#open.get(carrier)?.webSockets
    if (webSockets === undefined || connection === undefined || route === undefined) return
    const webSocket = { route, httpVersion: request.httpVersion, stream: request instanceof Http2ServerRequest ? request.stream.id ?? null : null }
    webSockets.add(webSocket)
    connection.signal.addEventListener('abort', () => {
      webSockets.delete(webSocket)
      this.onChange()
    })
    this.onChange()
  }
}

/** What stands for a TCP connection; null for a request that did not come through the network. */
function carrierOf (request: IncomingMessage | Http2ServerRequest): Http2Session | TLSSocket | null {
  if (request instanceof Http2ServerRequest) return request.stream.session ?? null
  return request.socket instanceof TLSSocket ? request.socket : null
}
