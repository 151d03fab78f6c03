import { ServerResponse } from 'node:http'
import type { IncomingMessage, Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { Server as TlsServer } from 'node:tls'
import type { FastifyInstance } from 'fastify'
import { FST_ERR_WS_CLOSING, FST_ERR_WS_HANDSHAKE_TIMEOUT } from '../errors.ts'
import { asksForWebSocket } from '../protocol/handshake.ts'

/** How long a client whose upgrade was refused may take to close its side, in milliseconds. */
const lingerTimeout = 1_000

/** How much of what follows the request is kept until the 101, in bytes. */
const headLimit = 64 * 1024

const kUpgrade = Symbol('fastify-typed-ws.upgrade')

type UpgradeRequest = IncomingMessage & { [kUpgrade]?: Upgrade }

/** Node's types say Duplex; `_httpMessage` is where Node keeps the response whose turn it is. */
type HttpSocket = Socket & { readonly _httpMessage?: ServerResponse | null }

/** The upgrade that a request asks for; null for any other request. */
export function upgradeOf (request: IncomingMessage): Upgrade | null {
  return (request as UpgradeRequest)[kUpgrade] ?? null
}

/** An application may reply when the deadline already has: that must not throw, since nobody would catch it. */
class UpgradeResponse extends ServerResponse {
  override writeHead (...head: [number, ...never[]]): this {
    return this.writableEnded ? this : super.writeHead(...head)
  }
}

/** A request to upgrade, from the event to the 101 or to the end of another reply. */
export class Upgrade {
  readonly socket: Socket
  readonly response: ServerResponse
  readonly #request: IncomingMessage
  readonly #onOver: (upgrade: Upgrade) => void
  /** What followed the request. */
  #head: Buffer
  #timer: NodeJS.Timeout
  #isAccepted = false

  constructor (request: IncomingMessage, socket: Socket, head: Buffer, timeout: number, onOver: (upgrade: Upgrade) => void) {
    this.socket = socket
    this.#head = head
    this.#request = request
    this.#onOver = onOver
    this.#timer = setTimeout(onDeadline, timeout, this)
    this.response = new UpgradeResponse(request)
    this.response.shouldKeepAlive = false
    this.response.assignSocket(socket)
    this.response.on('error', ignore)
    this.response.on('finish', () => this.#onReply())
    // A socket that nobody reads would not tell that the client has gone.
    socket.on('data', this.#onData)
    socket.on('end', this.#onEnd)
    socket.on('close', this.#onClose)
  }

  /** Whether it can still be accepted: nothing was replied, and the client is still there. */
  get isPending (): boolean {
    return !this.response.headersSent && !this.socket.destroyed
  }

  /** Switches protocols: the socket is the caller's from here on, and so are the bytes that followed the request. */
  accept (headers: Record<string, number | string | string[] | undefined>): Buffer {
    this.#isAccepted = true
    this.#over()
    this.response.writeHead(101, headers)
    this.response.end()
    this.response.detachSocket(this.socket)
    this.socket.removeListener('drain', onDrain)
    this.socket.removeListener('data', this.#onData)
    this.socket.removeListener('end', this.#onEnd)
    this.socket.removeListener('close', this.#onClose)
    this.socket.resume()
    return this.#head
  }

  /** Replies 503 in place of an application that did not in time, or no longer should. */
  refuse ({ statusCode = 503, code, message }: Error & { statusCode?: number, code: string }): void {
    if (this.response.writableFinished) return
    if (this.response.headersSent) {
      this.destroy()
      return
    }
    const body = JSON.stringify({ statusCode, code, error: 'Service Unavailable', message })
    this.response.writeHead(statusCode, { 'content-type': 'application/json; charset=utf-8', 'content-length': Buffer.byteLength(body) })
    this.response.end(body)
  }

  destroy (): void {
    this.socket.destroy()
  }

  /** The reply is written: ends the connection, and waits a moment for the client, since a reset could overtake the reply. */
  #onReply (): void {
    if (this.#isAccepted) return
    clearTimeout(this.#timer)
    this.socket.end()
    this.socket.resume()
    this.#timer = setTimeout(destroyUpgrade, lingerTimeout, this).unref()
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.response.headersSent) return
    this.#head = Buffer.concat([this.#head, chunk])
    if (this.#head.length >= headLimit) this.socket.pause()
  }

  /** Node's HTTP server takes a client that ends its side for gone, too. */
  readonly #onEnd = (): void => {
    if (!this.response.headersSent) this.destroy()
  }

  /** The client has gone: Fastify's `onRequestAbort` hooks listen to the request. */
  readonly #onClose = (): void => {
    this.#over()
    if (!this.response.writableFinished) {
      this.#request.aborted = true
      this.#request.emit('close')
    }
  }

  #over (): void {
    clearTimeout(this.#timer)
    this.#onOver(this)
  }
}

function onDeadline (upgrade: Upgrade): void {
  upgrade.refuse(new FST_ERR_WS_HANDSHAKE_TIMEOUT())
}

function destroyUpgrade (upgrade: Upgrade): void {
  upgrade.destroy()
}

/** Takes the server's `upgrade` events and hands them to Fastify's router as what they are: requests. */
export class UpgradeListener {
  readonly #instance: FastifyInstance
  readonly #server: Server
  readonly #timeout: number
  readonly #pending = new Set<Upgrade>()

  constructor (instance: FastifyInstance, timeout: number) {
    this.#instance = instance
    this.#server = instance.server
    this.#timeout = timeout
    this.#limitHeaders()
    this.#server.on('upgrade', this.#onUpgrade)
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

  readonly #onUpgrade = (request: UpgradeRequest, socket: Duplex, head: Buffer): void => {
    // Node took its own listeners off; a reset from here on would otherwise end the process, and a large reply stall.
    socket.on('error', ignore)
    socket.on('drain', onDrain)
    this.#inTurn(request, socket as Socket, head)
  }

  /** An upgrade pipelined behind requests that are still to be answered waits for them (RFC 9112 section 9.3.2). */
  #inTurn (request: UpgradeRequest, socket: HttpSocket, head: Buffer): void {
    if (socket._httpMessage != null) {
      socket._httpMessage.once('finish', () => this.#inTurn(request, socket, head))
      return
    }
    // The reply before it was the last.
    if (!socket.writable) return
    if (!asksForWebSocket(request.method, request.headers)) {
      this.#replay(request, socket, head)
      return
    }
    const upgrade = new Upgrade(request, socket, head, this.#timeout, this.#onOver)
    request[kUpgrade] = upgrade
    this.#pending.add(upgrade)
    this.#instance.routing(request, upgrade.response)
  }

  readonly #onOver = (upgrade: Upgrade): void => {
    this.#pending.delete(upgrade)
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
    socket.removeListener('error', ignore)
    socket.removeListener('drain', onDrain)
    socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]))
    giveConnection(this.#server, socket)
  }
}

/** Lets an HTTP server serve a stream as if it had just been accepted. */
export function giveConnection (server: Server, stream: Duplex): void {
  server.emit(server instanceof TlsServer ? 'secureConnection' : 'connection', stream)
}

function onDrain (this: HttpSocket): void {
  this._httpMessage?.emit('drain')
}

function ignore (): void {}
