import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { FST_ERR_WS_HANDSHAKE } from '../errors.ts'
import { asksForWebSocket, mayLackHeaders } from '../protocol/handshake.ts'
import { giveConnection } from './give-connection.ts'
import type { Openings } from './openings.ts'
import { guard, unguard, Upgrade } from './upgrade.ts'
import type { HttpSocket } from './upgrade.ts'

/** Takes the server's `upgrade` events: opening handshakes over HTTP/1.1. */
export class UpgradeListener {
  readonly #server: Server
  readonly #openings: Openings

  constructor (server: Server, openings: Openings) {
    this.#server = server
    this.#openings = openings
  }

  /** @param timeout milliseconds that an upgrade may take */
  listen (timeout: number): void {
    this.#limitHeaders(timeout)
    this.#server.on('upgrade', this.#onUpgrade)
  }

  /** A client that sends its request slowly is Node's to end: it is told not to wait longer than the upgrade may take. */
  #limitHeaders (timeout: number): void {
    const server = this.#server as Server & { connectionsCheckingInterval?: number }
    if (server.headersTimeout === 0 || server.headersTimeout > timeout) server.headersTimeout = timeout
    const interval = Math.min(server.connectionsCheckingInterval ?? timeout, Math.ceil(timeout / 4))
    server.connectionsCheckingInterval = interval
  }

  readonly #onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    guard(socket)
    this.#inTurn(request, socket as HttpSocket, head)
  }

  /** An upgrade pipelined behind requests that are still to be answered waits for them (RFC 9112 section 9.3.2). */
  #inTurn (request: IncomingMessage, socket: HttpSocket, head: Buffer): void {
    if (socket._httpMessage != null) {
      socket._httpMessage.once('finish', () => this.#inTurn(request, socket, head))
      return
    }
    // The reply before it was the last.
    if (!socket.writable) return
    // The client went while it waited, and nobody was there to hear it.
    if (socket.readableEnded) {
      socket.destroy()
      return
    }
    const isWhole = !mayLackHeaders(request.rawHeaders, socket.server.maxHeadersCount)
    if (isWhole && !asksForWebSocket(request.method, request.headers)) {
      this.#replay(request, socket, head)
      return
    }
    const upgrade = new Upgrade(request, socket, head, this.#openings)
    if (isWhole) this.#openings.begin(upgrade)
    // What it asks for is not known: a body that was announced would be taken for a request, or for frames.
    else this.#openings.refuse(upgrade, () => upgrade.refuse(new FST_ERR_WS_HANDSHAKE('the request has too many headers')))
  }

  /**
   * Gives a request for another protocol back to the HTTP server without its `Upgrade` header, which a server may
   * ignore (RFC 9110 section 7.8): REST replies to it, body and keep-alive included, as if this plugin were not there.
   */
  #replay (request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const lines = [`${request.method} ${request.url} HTTP/${request.httpVersion}`]
    for (let i = 0; i < request.rawHeaders.length; i += 2) {
      if (request.rawHeaders[i].toLowerCase() !== 'upgrade') lines.push(`${request.rawHeaders[i]}: ${request.rawHeaders[i + 1]}`)
    }
    unguard(socket)
    socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]))
    giveConnection(this.#server, socket)
  }
}
