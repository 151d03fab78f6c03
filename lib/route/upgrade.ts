import { ServerResponse } from 'node:http'
import type { IncomingMessage, Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { StreamTransport } from '../connection/transport.ts'
import type { Transport } from '../connection/transport.ts'
import { outside } from '../outside.ts'
import { acceptValue, checkRequest, protocolVersion, readUpgrade } from '../protocol/handshake.ts'
import type { Handshake } from '../protocol/handshake.ts'
import { lingerTimeout, Opening } from './opening.ts'
import type { OpeningOwner, ReplyHeaders } from './opening.ts'

/** How much of what follows the request is kept until the 101, in bytes. */
const headLimit = 64 * 1024

/** Reply headers that a 101 must not carry, or that are its own. */
const notIn101 = new Set(['connection', 'content-length', 'content-type', 'transfer-encoding', 'upgrade'])

/** What a 426 must say (RFC 9110 section 15.5.22, RFC 6455 section 4.4). */
export const upgradeOffer = { Upgrade: 'websocket', Connection: 'Upgrade', 'Sec-WebSocket-Version': protocolVersion }

const versionRefusal = { statusCode: 426, headers: { ...upgradeOffer, Connection: 'Upgrade, close' } }

/** `_httpMessage` is where Node keeps the response whose turn it is, `server` whose parser read the request. */
export type HttpSocket = Socket & { readonly _httpMessage?: ServerResponse | null, readonly server: Server }

/** An application may reply when the deadline already has: that must not throw, since nobody would catch it. */
class UpgradeResponse extends ServerResponse {
  sentStatus: number | null = null

  override writeHead (...head: [number, ...unknown[]]): this {
    if (this.writableEnded) return this
    super.writeHead(...head as [number])
    this.sentStatus = this.statusCode
    return this
  }
}

/** An opening handshake over HTTP/1.1: a request to upgrade, until the 101 or the end of another reply (RFC 6455 section 4.2). */
export class Upgrade extends Opening {
  declare readonly request: IncomingMessage
  readonly acceptStatus = 101
  readonly versionRefusal = versionRefusal
  readonly response: UpgradeResponse
  readonly #socket: Socket
  /** Of the handshake, once it was checked. */
  #acceptKey = ''
  /** What followed the request. */
  #head: Buffer
  /** Waits for the client to close its side. */
  #timer: NodeJS.Timeout | null = null

  constructor (request: IncomingMessage, socket: Socket, head: Buffer, owner: OpeningOwner) {
    super(request, owner)
    this.#socket = socket
    this.#head = head
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

  get isPending (): boolean {
    return !this.response.headersSent && !this.#socket.destroyed
  }

  get sentStatus (): number | null {
    return this.response.sentStatus
  }

  protected get isReplied (): boolean {
    return this.response.writableFinished
  }

  override get head (): Buffer {
    return this.#head
  }

  check (): Handshake {
    const { url, rawHeaders, httpVersion, headers } = this.request
    checkRequest(url, rawHeaders)
    const handshake = readUpgrade(httpVersion, headers)
    this.#acceptKey = handshake.key
    return handshake
  }

  accept (protocol: string, extensions: string, headers: ReplyHeaders): Transport {
    const all: ReplyHeaders = {
      Upgrade: 'websocket',
      Connection: 'Upgrade',
      'Sec-WebSocket-Accept': acceptValue(this.#acceptKey)
    }
    if (protocol !== '') all['Sec-WebSocket-Protocol'] = protocol
    if (extensions !== '') all['Sec-WebSocket-Extensions'] = extensions
    for (const [name, value] of Object.entries(headers)) {
      if (!notIn101.has(name) && !name.startsWith('sec-websocket-')) all[name] = value
    }
    // First, since it throws over a header that can't be sent: the upgrade is then still to be refused.
    this.response.writeHead(101, all)
    this.isAccepted = true
    this.#over()
    const socket = this.#socket
    this.response.end()
    this.response.detachSocket(socket)
    socket.removeListener('drain', onDrain)
    socket.removeListener('data', this.#onData)
    socket.removeListener('end', this.#onEnd)
    socket.removeListener('close', this.#onClose)
    if (socket.isPaused()) outside(() => socket.resume())
    return new StreamTransport(socket)
  }

  destroy (): void {
    this.#socket.destroy()
  }

  /** The reply is written: ends the connection, and waits a moment for the client, since a reset could overtake the reply. */
  #onReply (): void {
    if (this.isAccepted) return
    // Now, not when it has closed its side: it may be back before that.
    this.over()
    this.#socket.end()
    this.#socket.resume()
    this.#timer = setTimeout(destroyUpgrade, lingerTimeout, this).unref()
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.response.headersSent) return
    this.#head = Buffer.concat([this.#head, chunk])
    if (this.#head.length >= headLimit) this.#socket.pause()
  }

  /** Node's HTTP server takes a client that ends its side for gone, too. */
  readonly #onEnd = (): void => {
    if (!this.response.headersSent) this.destroy()
  }

  /** The client has gone: Fastify's `onRequestAbort` hooks listen to the request. */
  readonly #onClose = (): void => {
    this.#over()
    if (!this.response.writableFinished) {
      this.request.aborted = true
      this.request.emit('close')
    }
  }

  #over (): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.over()
  }
}

function destroyUpgrade (upgrade: Upgrade): void {
  upgrade.destroy()
}

/** Stands in for the listeners that Node took off the socket: a reset would end the process, and a large reply stall. */
export function guard (socket: Duplex): void {
  socket.on('error', ignore)
  socket.on('drain', onDrain)
}

/** Node's own listeners are back. */
export function unguard (socket: Duplex): void {
  socket.removeListener('error', ignore)
  socket.removeListener('drain', onDrain)
}

function onDrain (this: HttpSocket): void {
  this._httpMessage?.emit('drain')
}

function ignore (): void {}
