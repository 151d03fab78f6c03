import { ServerResponse, STATUS_CODES } from 'node:http'
import type { IncomingMessage, Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { FST_ERR_WS_HANDSHAKE_TIMEOUT } from '../errors.ts'
import { outside } from '../outside.ts'
import type { Handshake } from '../protocol/handshake.ts'
import type { Deadlines, Timed } from './deadlines.ts'
import type { Place } from './limits.ts'
import type { UpgradeTrace } from './upgrade-trace.ts'

/** How long a client whose upgrade was refused may take to close its side, in milliseconds. */
const lingerTimeout = 1_000

/** How much of what follows the request is kept until the 101, in bytes. */
const headLimit = 64 * 1024

const kUpgrade = Symbol('fastify-typed-ws.upgrade')

type UpgradeRequest = IncomingMessage & { [kUpgrade]?: Upgrade }

/** `_httpMessage` is where Node keeps the response whose turn it is, `server` whose parser read the request. */
export type HttpSocket = Socket & { readonly _httpMessage?: ServerResponse | null, readonly server: Server }

/** The upgrade that a request asks for; null for any other request. */
export function upgradeOf (request: IncomingMessage): Upgrade | null {
  return (request as UpgradeRequest)[kUpgrade] ?? null
}

/** An application may reply when the deadline already has: that must not throw, since nobody would catch it. */
class UpgradeResponse extends ServerResponse {
  /** What the client was told: an application may still set `statusCode` behind it. */
  sentStatus: number | null = null

  override writeHead (...head: [number, ...never[]]): this {
    if (this.writableEnded) return this
    super.writeHead(...head)
    this.sentStatus = this.statusCode
    return this
  }
}

/** A request to upgrade, from the event to the 101 or to the end of another reply. */
export class Upgrade implements Timed {
  readonly socket: Socket
  readonly response: ServerResponse & { readonly sentStatus: number | null }
  /** Set once it was checked. */
  handshake: Handshake | null = null
  /** What it has reserved; null where nothing is limited. */
  place: Place | null = null
  /** What `limitKey` answered. */
  key: string | undefined = undefined
  /** null while nobody listens */
  trace: UpgradeTrace | null = null
  readonly #request: IncomingMessage
  readonly #onOver: (upgrade: Upgrade) => void
  readonly #deadlines: Deadlines<Upgrade>
  readonly deadline: number
  /** What followed the request. */
  #head: Buffer
  /** Waits for the client to close its side. */
  #timer: NodeJS.Timeout | null = null
  /** Whether protocols were switched. */
  isAccepted = false

  constructor (request: UpgradeRequest, socket: Socket, head: Buffer, deadlines: Deadlines<Upgrade>, onOver: (upgrade: Upgrade) => void) {
    request[kUpgrade] = this
    this.socket = socket
    this.#head = head
    this.#request = request
    this.#onOver = onOver
    this.#deadlines = deadlines
    this.deadline = deadlines.next()
    deadlines.add(this)
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

  /**
   * Switches protocols: the socket is the caller's from here on, and so are the bytes that followed the request.
   *
   * @throws ERR_INVALID_CHAR over a header that can't be sent
   */
  accept (headers: Record<string, number | string | string[] | undefined>): Buffer {
    // First, since it throws over a header that can't be sent: the upgrade is then still to be refused.
    this.response.writeHead(101, headers)
    this.isAccepted = true
    this.#over()
    this.response.end()
    this.response.detachSocket(this.socket)
    this.socket.removeListener('drain', onDrain)
    this.socket.removeListener('data', this.#onData)
    this.socket.removeListener('end', this.#onEnd)
    this.socket.removeListener('close', this.#onClose)
    if (this.socket.isPaused()) outside(() => this.socket.resume())
    return this.#head
  }

  /** Replies in place of an application that did not in time, or that should not be asked. */
  refuse ({ statusCode = 503, code, message }: Error & { statusCode?: number, code: string }): void {
    if (this.response.writableFinished) return
    if (this.response.headersSent) {
      this.destroy()
      return
    }
    const body = JSON.stringify({ statusCode, code, error: STATUS_CODES[statusCode], message })
    this.response.writeHead(statusCode, { 'content-type': 'application/json; charset=utf-8', 'content-length': Buffer.byteLength(body) })
    this.response.end(body)
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

  destroy (): void {
    this.socket.destroy()
  }

  /** The reply is written: ends the connection, and waits a moment for the client, since a reset could overtake the reply. */
  #onReply (): void {
    if (this.isAccepted) return
    this.#deadlines.delete(this)
    // Now, not when it has closed its side: it may be back before that.
    this.#onOver(this)
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
    this.#deadlines.delete(this)
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#onOver(this)
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
