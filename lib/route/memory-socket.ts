import { Duplex } from 'node:stream'

/** One end of a connection in memory. It looks enough like a socket for Node's HTTP server and client. */
export class MemorySocket extends Duplex {
  readonly remoteAddress: string
  readonly remotePort = 0
  /** What a server of TLS asks which protocol it is to speak; one of HTTP/1.1 alone does not ask. */
  readonly alpnProtocol = 'h2'
  readonly #chunkSize: number
  #peer: MemorySocket | null = null
  /** Goes on writing once the peer reads again. */
  #onRead: (() => void) | null = null

  private constructor (chunkSize: number, remoteAddress: string) {
    super({ allowHalfOpen: true })
    this.#chunkSize = chunkSize
    this.remoteAddress = remoteAddress
  }

  /** Two ends: what is written to one is read from the other, in chunks of at most `chunkSize` bytes. */
  static pair (chunkSize: number, remoteAddress: string): { client: MemorySocket, server: MemorySocket } {
    const client = new MemorySocket(chunkSize, remoteAddress)
    const server = new MemorySocket(chunkSize, remoteAddress)
    client.#peer = server
    server.#peer = client
    return { client, server }
  }

  override _read (): void {
    const onRead = this.#onRead
    this.#onRead = null
    onRead?.()
  }

  override _write (chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    setImmediate(() => this.#pass(chunk, callback))
  }

  #pass (chunk: Buffer, callback: () => void): void {
    const peer = this.#peer
    if (peer === null || peer.destroyed) {
      callback()
      return
    }
    // A copy: the reader unmasks in place, and a frame may be shared by many connections.
    const part = Buffer.from(chunk.subarray(0, this.#chunkSize))
    const rest = chunk.subarray(this.#chunkSize)
    const next = rest.length === 0 ? callback : () => setImmediate(() => this.#pass(rest, callback))
    if (peer.push(part)) next()
    else peer.#onRead = next
  }

  override _final (callback: () => void): void {
    this.#peer?.push(null)
    callback()
  }

  override _destroy (error: Error | null, callback: (error: Error | null) => void): void {
    const peer = this.#peer
    this.#peer = null
    // After an end on both sides, the peer may still have to read.
    const isOver = this.writableFinished && this.readableEnded
    if (peer !== null && !peer.destroyed && !isOver) setImmediate(() => peer.destroy())
    callback(error)
  }

  setTimeout (): this {
    return this
  }

  setNoDelay (): this {
    return this
  }

  setKeepAlive (): this {
    return this
  }

  ref (): this {
    return this
  }

  unref (): this {
    return this
  }

  destroySoon (): void {
    this.end()
  }
}
