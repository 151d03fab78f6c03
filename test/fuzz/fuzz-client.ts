import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { until } from './until.ts'

/** A client that writes what it is told to, keeps what it gets, and survives whatever becomes of its socket. */
export class FuzzClient {
  readonly #socket: Socket
  readonly #received: Buffer[] = []
  #isEnded = false
  #isClosed = false
  #isReset = false

  private constructor (socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', chunk => this.#received.push(chunk))
    socket.on('end', () => { this.#isEnded = true })
    socket.on('error', () => { this.#isReset = true })
    socket.on('close', () => { this.#isClosed = true })
  }

  static async connect (port: number): Promise<FuzzClient> {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    await once(socket, 'connect')
    return new FuzzClient(socket)
  }

  /** Everything that has come. */
  get received (): Buffer {
    return Buffer.concat(this.#received)
  }

  /** Whether the server dropped the connection, and what it had sent may be lost with it. */
  get isReset (): boolean {
    return this.#isReset
  }

  /** Writes one chunk and lets it arrive by itself, as far as that can be told to the system. */
  async write (chunk: Buffer): Promise<void> {
    if (this.#socket.writable) this.#socket.write(Buffer.from(chunk))
    await turn()
  }

  /** Settles when a reply is there, or nothing more can come. */
  async answered (): Promise<void> {
    await until('a reply', () => this.#received.length > 0 || this.#isEnded || this.#isClosed)
  }

  /** Ends the sending side, and settles when the server has ended its own. */
  async finish (): Promise<void> {
    this.#socket.end()
    await until('the end of a connection whose client has ended', () => this.#isEnded || this.#isClosed)
  }

  /** Ends the sending side and waits for nothing. */
  halfClose (): void {
    this.#socket.end()
  }

  reset (): void {
    this.#socket.resetAndDestroy()
  }

  async destroy (): Promise<void> {
    this.#socket.destroy()
    await until('the close of a socket', () => this.#isClosed)
  }
}
