import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { outside } from '../outside.ts'

/** Whoever sits on a transport. */
export interface TransportOwner {
  onData (chunk: Buffer): void
  /** The peer will send no more. */
  onEnd (): void
  /** Everything that was written has been taken. It follows when the transport was stuck. */
  onDrain (): void
  /** Nothing more will happen. */
  onClose (): void
}

/** What a connection needs of what carries it: a TCP or TLS socket, an HTTP/2 stream, or a pair in memory. */
export interface Transport {
  /** Bytes written that the operating system has not taken. */
  readonly bufferedAmount: number
  /** Bytes that were read and wait for `resume`. */
  readonly readAhead: number
  /** Whether it holds more than it should: `onDrain` follows. */
  readonly isStuck: boolean
  /** Whether nobody reads any more from the memory of what was written. */
  readonly hasTakenAll: boolean
  attach (owner: TransportOwner): void
  write (bytes: Buffer): void
  /** Calls back once the operating system has taken all that was written so far, or never will. */
  afterWrites (callback: () => void): void
  /** Holds writes back, so that they leave together at `uncork`. */
  cork (): void
  uncork (): void
  pause (): void
  resume (): void
  /** Ends the sending side when everything is written; reading goes on. */
  end (): void
  /** Drops both sides at once. */
  destroy (): void
}

/** Where a stream finds its owner: named listeners then serve every connection, and none costs a closure. */
const kOwner = Symbol('fastify-typed-ws.owner')

const empty = Buffer.alloc(0)

/** `_readableState` is where Node keeps how much a stream reads ahead while it is paused. */
type OwnedStream = Duplex & { [kOwner]: TransportOwner, readonly _readableState: { highWaterMark: number } }

/** A transport on any Duplex of Node. An error of the stream is followed by its close, which says enough. */
export class StreamTransport implements Transport {
  readonly #stream: OwnedStream

  constructor (stream: Duplex) {
    this.#stream = stream as OwnedStream
  }

  get bufferedAmount (): number {
    return this.#stream.writableLength
  }

  get readAhead (): number {
    return this.#stream.readableLength
  }

  get isStuck (): boolean {
    // A large write that was taken at once still waits for its `drain` event.
    return this.#stream.writableNeedDrain && this.#stream.writableLength > 0
  }

  /** A socket's writes are copied by the operating system. Other streams may hand the same memory on. */
  get hasTakenAll (): boolean {
    return this.#stream instanceof Socket && this.#stream.writableLength === 0
  }

  attach (owner: TransportOwner): void {
    const stream = this.#stream
    stream[kOwner] = owner
    // As servers of HTTP have it, and those of HTTPS have not: replies still leave when the client has ended its side.
    stream.allowHalfOpen = true
    // One chunk while it is paused, not as many as fit: a chunk of one byte costs hundreds, and no budget counts them.
    stream._readableState.highWaterMark = 1
    stream.on('data', onData)
    stream.on('end', onEnd)
    stream.on('drain', onDrain)
    stream.on('close', onClose)
  }

  write (bytes: Buffer): void {
    this.#stream.write(bytes)
  }

  afterWrites (callback: () => void): void {
    if (this.#stream.writable) this.#stream.write(empty, () => callback())
    else setImmediate(callback)
  }

  cork (): void {
    this.#stream.cork()
  }

  uncork (): void {
    this.#stream.uncork()
  }

  pause (): void {
    this.#stream.pause()
  }

  /** What was read ahead comes in a later tick: not in the context of whoever resumes. */
  resume (): void {
    outside(() => this.#stream.resume())
  }

  end (): void {
    this.#stream.end()
  }

  destroy (): void {
    this.#stream.destroy()
  }
}

function onData (this: OwnedStream, chunk: Buffer): void {
  this[kOwner].onData(chunk)
}

function onEnd (this: OwnedStream): void {
  this[kOwner].onEnd()
}

function onDrain (this: OwnedStream): void {
  this[kOwner].onDrain()
}

function onClose (this: OwnedStream): void {
  this[kOwner].onClose()
}
