import { constants } from 'node:http2'
import type { Http2Stream } from 'node:http2'
import { Readable } from 'node:stream'
import { StreamTransport } from './transport.ts'
import type { TransportOwner } from './transport.ts'

/** Where a stream finds what gathers for it: one function then serves them all. */
const kTransport = Symbol('fastify-typed-ws.transport')

type GatheredStream = Http2Stream & { [kTransport]: Http2Transport }

/** The least memory that is taken to gather in, in bytes. */
const leastMemory = 256

/**
 * How much may come before anybody sits on the transport, in bytes. A client has to wait for the server's reply (RFC 6455 section 4.1), and one session may have a
 * thousand handshakes pending.
 */
const earlyLimit = 4 * 1024

/**
 * A transport on a stream of HTTP/2 (RFC 8441 section 5): END_STREAM is its FIN, RST_STREAM with CANCEL its reset. What the peer does not take,
 * flow control holds back, for this stream alone.
 *
 * While nobody reads, the peer may still send what its window allows, in frames of one byte if it likes: Node would keep an object of a hundred bytes
 * and more for each, and the memory that it was read into. They are gathered in one piece.
 */
export class Http2Transport extends StreamTransport {
  readonly #stream: GatheredStream
  #isAttached = false
  /** Whether more than that has come, which nobody will read. */
  #isEarly = false
  #isReading = false
  /** null for nothing */
  #gathered: Buffer | null = null
  #gatheredBytes = 0

  constructor (stream: Http2Stream) {
    super(stream)
    this.#stream = Object.assign(stream, { [kTransport]: this, push: pushOrGather })
  }

  override get readAhead (): number {
    return super.readAhead + this.#gatheredBytes
  }

  override attach (owner: TransportOwner): void {
    this.#isAttached = true
    this.#read()
    super.attach(owner)
    if (this.#isEarly) this.destroy()
    // Of a stream without data, Node tells the end to whoever listens then.
    if (this.#stream.readableEnded) process.nextTick(endOf, owner)
  }

  override pause (): void {
    this.#isReading = false
    super.pause()
  }

  override resume (): void {
    this.#read()
    super.resume()
    // Node stops its own reading at each pause, and starts it only for data: of a peer whose window is used up none comes, before it is opened again.
    if (!this.#stream.destroyed) this.#stream._read(0)
  }

  override destroy (): void {
    if (!this.#stream.closed) this.#stream.close(constants.NGHTTP2_CANCEL)
    super.destroy()
  }

  /** What Node has read of the stream, null for its end. Answers whether it should read on. */
  onPush (chunk: Buffer | null): boolean {
    if (chunk === null || this.#isReading) {
      this.#passGathered()
      return this.#pass(chunk)
    }
    this.#gather(chunk)
    return false
  }

  #read (): void {
    this.#isReading = true
    this.#passGathered()
  }

  #gather (chunk: Buffer): void {
    const size = this.#gatheredBytes + chunk.length
    this.#isEarly ||= !this.#isAttached && size > earlyLimit
    if (this.#isEarly) {
      this.#gathered = null
      this.#gatheredBytes = 0
      return
    }
    if (this.#gathered === null || this.#gathered.length < size) {
      const larger = Buffer.allocUnsafeSlow(Math.max(leastMemory, 2 * size))
      this.#gathered?.copy(larger, 0, 0, this.#gatheredBytes)
      this.#gathered = larger
    }
    chunk.copy(this.#gathered, this.#gatheredBytes)
    this.#gatheredBytes = size
  }

  #passGathered (): void {
    if (this.#gathered === null) return
    const gathered = this.#gathered.subarray(0, this.#gatheredBytes)
    this.#gathered = null
    this.#gatheredBytes = 0
    this.#pass(gathered)
  }

  #pass (chunk: Buffer | null): boolean {
    return Reflect.apply(Readable.prototype.push, this.#stream, [chunk])
  }
}

function endOf (owner: TransportOwner): void {
  owner.onEnd()
}

function pushOrGather (this: GatheredStream, chunk: Buffer | null): boolean {
  return this[kTransport].onPush(chunk)
}
