import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { Server as TlsServer } from 'node:tls'
import type { FastifyInstance } from 'fastify'
import { channels } from '../channels.ts'
import type { Counters } from '../connection/counters.ts'
import { FST_ERR_WS_CLOSING, FST_ERR_WS_HANDSHAKE } from '../errors.ts'
import { asksForWebSocket, mayLackHeaders } from '../protocol/handshake.ts'
import { Deadlines } from './deadlines.ts'
import { guard, unguard, Upgrade } from './upgrade.ts'
import type { HttpSocket } from './upgrade.ts'
import { UpgradeTrace } from './upgrade-trace.ts'

/** Takes the server's `upgrade` events and hands them to Fastify's router as what they are: requests. */
export class UpgradeListener {
  readonly #instance: FastifyInstance
  readonly #server: Server
  readonly #timeout: number
  readonly #counters: Counters
  readonly #deadlines: Deadlines<Upgrade>
  readonly #pending = new Set<Upgrade>()
  #isClosing = false

  constructor (instance: FastifyInstance, timeout: number, counters: Counters) {
    this.#instance = instance
    this.#counters = counters
    this.#server = instance.server
    this.#timeout = timeout
    this.#deadlines = new Deadlines(timeout)
    this.#limitHeaders()
    this.#server.on('upgrade', this.#onUpgrade)
  }

  /** How many are neither accepted nor refused yet. */
  get pending (): number {
    return this.#pending.size
  }

  /** The server ends: none that comes from here on is asked of the application. */
  refuseNew (): void {
    this.#isClosing = true
  }

  /** Ends the upgrades that are neither accepted nor refused, since the server must end. */
  refusePending (): void {
    for (const upgrade of this.#pending) upgrade.refuse(new FST_ERR_WS_CLOSING())
  }

  /** A client that sends its request slowly is Node's to end: it is told not to wait longer than the upgrade may take. */
  #limitHeaders (): void {
    const server = this.#server as Server & { connectionsCheckingInterval?: number }
    if (server.headersTimeout === 0 || server.headersTimeout > this.#timeout) server.headersTimeout = this.#timeout
    const interval = Math.min(server.connectionsCheckingInterval ?? this.#timeout, Math.ceil(this.#timeout / 4))
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
    const upgrade = new Upgrade(request, socket, head, this.#deadlines, this.#onOver)
    this.#pending.add(upgrade)
    if (!channels.upgrade.hasSubscribers) {
      this.#begin(upgrade, request, isWhole)
      return
    }
    upgrade.trace = new UpgradeTrace(request, this.#instance)
    upgrade.trace.run(() => this.#begin(upgrade, request, isWhole))
  }

  #begin (upgrade: Upgrade, request: IncomingMessage, isWhole: boolean): void {
    // What it asks for is not known: a body that was announced would be taken for a request, or for frames.
    if (!isWhole) upgrade.refuse(new FST_ERR_WS_HANDSHAKE('the request has too many headers'))
    else if (this.#isClosing) upgrade.refuse(new FST_ERR_WS_CLOSING())
    else this.#instance.routing(request, upgrade.response)
  }

  readonly #onOver = (upgrade: Upgrade): void => {
    if (!this.#pending.delete(upgrade) || upgrade.isAccepted) return
    upgrade.leave()
    const { sentStatus } = upgrade.response
    if (sentStatus === null) {
      this.#counters.aborted++
      upgrade.trace?.onAborted()
    } else {
      this.#counters.onRefused(sentStatus)
      upgrade.trace?.onReply(sentStatus)
    }
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

/** Lets an HTTP server serve a stream as if it had just been accepted. */
export function giveConnection (server: Server, stream: Duplex): void {
  server.emit(server instanceof TlsServer ? 'secureConnection' : 'connection', stream)
}
