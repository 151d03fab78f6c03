import { bit, isControl } from '../protocol/frame.ts'
import { encodeMessage } from '../protocol/frame-encoder.ts'
import { Backlog } from './backlog.ts'
import type { Compression } from './compression.ts'
import { isShort } from './deflater.ts'
import type { Deflater } from './deflater.ts'
import { FrameWriter } from './frame-writer.ts'
import type { FrameWriterOwner } from './frame-writer.ts'
import type { SlowConsumer, SlowConsumerOutcome } from './slow-consumer.ts'
import type { Transport } from './transport.ts'
import { givenUp } from './zlib-jobs.ts'

/** Whose frames leave here. */
export interface SendQueueOwner {
  /** What it holds has changed. */
  onHeldChange (): void
  /** A frame finds no room, or is replaced by a later one: what its policy made of that. */
  onSlow (outcome: SlowConsumerOutcome, slowConsumer: SlowConsumer): void
  /** No reply waits any more. */
  onRepliesLeft (): void
  /** A message could not be compressed: neither it nor what is behind it can be sent. */
  onSendFailure (error: unknown): void
}

/**
 * The frames to one peer, in order. While the peer takes what is written they go straight to the writer; else they wait in the backlog, up to a
 * limit, and are compressed when it is their turn.
 */
export class SendQueue implements FrameWriterOwner {
  readonly #owner: SendQueueOwner
  readonly #transport: Transport
  /** null for none, and once what waited was discarded */
  #compression: Pick<Compression, 'deflater'> | null
  /** null until the first message */
  #deflater: Deflater | null = null
  readonly #writer: FrameWriter
  /** How much may wait behind what is being written, in bytes. */
  readonly #limit: number
  /** null while nothing waits. */
  #backlog: Backlog | null = null
  /** Settles when the message that another thread compresses is written; its size. */
  #compressing: Promise<void> | null = null
  #compressingBytes = 0
  /** The last frame, while it waits. */
  #last: Buffer | null = null
  /** Whether the transport ends when everything has left. */
  #isEnding = false

  constructor (owner: SendQueueOwner, transport: Transport, compression: Pick<Compression, 'deflater'> | null, limit: number) {
    this.#owner = owner
    this.#transport = transport
    this.#compression = compression
    this.#writer = new FrameWriter(this, transport)
    this.#limit = limit
  }

  /** Bytes of frames that the operating system has not taken. */
  get bufferedAmount (): number {
    const waiting = (this.#backlog === null ? 0 : this.#backlog.frameBytes) + (this.#last === null ? 0 : this.#last.length)
    return this.#writer.bufferedAmount + this.#compressingBytes + waiting
  }

  /** Bytes of the frames that have left, or leave with this tick. */
  get written (): number {
    return this.#writer.written
  }

  /** Bytes of frames that the operating system has taken. */
  get taken (): number {
    return this.#writer.written - this.#writer.bufferedAmount
  }

  /** Whether frames have to wait. */
  get isBlocked (): boolean {
    return this.#writer.isStuck || this.#compressing !== null || this.#backlog !== null
  }

  /** Whether the peer does not take what is written. */
  get isStuck (): boolean {
    return this.#writer.isStuck
  }

  /** Whether what was sent to this peer alone waits: until it reads that, it should be asked for no more. */
  get hasReplies (): boolean {
    return this.#backlog !== null && this.#backlog.hasUnshared
  }

  /** Bytes of memory that it holds; what leaves with this tick does not count. */
  get held (): number {
    const stuck = this.#writer.isStuck ? this.#writer.bufferedAmount : 0
    const windows = this.#deflater === null ? 0 : this.#deflater.held
    return stuck + windows + this.#compressingBytes + (this.#backlog === null ? 0 : this.#backlog.bytes)
  }

  /** Settles when more of what is buffered may have left. */
  progress (): Promise<void> {
    return this.#compressing ?? new Promise<void>(resolve => {
      this.#writer.flush()
      this.#transport.afterWrites(resolve)
    })
  }

  /** A control frame, which may overtake messages (RFC 6455 section 5.4). */
  putControl (frame: Buffer): void {
    this.#writer.write(frame)
  }

  /**
   * A message's frame.
   *
   * @param isShared whether others are sent the same frame
   * @param key what the message is about, where the policy is to keep the latest
   */
  put (frame: Buffer, isShared: boolean, slowConsumer: SlowConsumer, key: (() => string | null) | null): void {
    if (this.isBlocked) this.#wait(frame, isShared, slowConsumer, key)
    else this.#pass(frame, isShared)
  }

  /** A message that is this peer's alone, and not framed yet. */
  putMessage (payload: string | Buffer, slowConsumer: SlowConsumer, key: (() => string | null) | null): void {
    if (this.isBlocked) this.#wait(encodeMessage(payload), false, slowConsumer, key)
    else if (this.#compression === null) this.#writer.writeMessage(payload)
    else if (isShort(payload)) this.#passShort(payload, this.#compression)
    else this.#pass(encodeMessage(payload), false)
  }

  /** What is put in from here on leaves when `release` says so, and not when the tick ends. */
  hold (): void {
    this.#writer.hold()
  }

  /** @param isDone whether no more is to come in this tick */
  release (isDone: boolean): void {
    this.#writer.release(isDone)
  }

  /** The last frame: it waits for those before it, whatever their size. */
  putLast (frame: Buffer): void {
    if (this.#backlog === null && this.#compressing === null) this.#writer.write(frame)
    else this.#last = frame
  }

  /** Ends the sending side of the transport once everything has left. */
  end (): void {
    this.#isEnding = true
    if (this.#backlog === null && this.#compressing === null) this.#passLast()
  }

  /** Forgets the messages that wait, and the window of earlier ones; what is being written stays, and so does the last frame. */
  discard (): void {
    this.#backlog = null
    this.#deflater?.stop(this)
    this.#deflater = null
    this.#compression = null
  }

  /* What the writer says. */

  onStuck (): void {
    this.#owner.onHeldChange()
  }

  /** The transport has taken everything. */
  onDrain (): void {
    this.#writer.onDrain()
    this.#goOn()
  }

  #wait (frame: Buffer, isShared: boolean, slowConsumer: SlowConsumer, keyOf: (() => string | null) | null): void {
    const key = keyOf === null ? null : keyOf()
    const hadReplies = this.hasReplies
    // Whoever hears of a slow consumer may send to it, or close it: this one may be discarded meanwhile.
    const backlog = this.#backlog ??= new Backlog()
    if (this.#makeRoom(backlog, Backlog.sizeOf(frame) - backlog.sizeOfKey(key), slowConsumer)) {
      const isReplaced = backlog.dropKey(key)
      const isDroppable = slowConsumer.policy === 'drop-oldest' || slowConsumer.policy === 'keep-latest'
      backlog.push({ frame, isShared, isDroppable, key })
      if (isReplaced) this.#owner.onSlow('replaced', slowConsumer)
    }
    this.#owner.onHeldChange()
    if (hadReplies && !this.hasReplies) this.#owner.onRepliesLeft()
  }

  /**
   * One that is larger than the limit may wait alone, and what waits for our own compressor is not the peer's fault. Returns false when there is
   * no room, and the frame is not to be sent.
   */
  #makeRoom (backlog: Backlog, size: number, slowConsumer: SlowConsumer): boolean {
    const { policy } = slowConsumer
    while (this.#writer.isStuck && !backlog.isEmpty && backlog.bytes + size > this.#limit) {
      const hasDropped = (policy === 'drop-oldest' || policy === 'keep-latest') && backlog.dropOldest()
      this.#owner.onSlow(policy === 'close' ? 'closed' : 'dropped', slowConsumer)
      if (!hasDropped) return false
    }
    return true
  }

  #pass (frame: Buffer, isShared: boolean): void {
    if (this.#compression === null || isControl(frame[0] & bit.opcode)) {
      this.#writer.write(frame)
      return
    }
    this.#deflater ??= this.#compression.deflater()
    const compressed = this.#deflater.compress(frame, isShared, this)
    if (!(compressed instanceof Promise)) {
      this.#writer.write(compressed)
    } else {
      this.#compressingBytes = frame.length
      this.#compressing = this.#passLater(compressed)
    }
    this.#owner.onHeldChange()
  }

  #passShort (payload: string | Buffer, compression: Pick<Compression, 'deflater'>): void {
    this.#deflater ??= compression.deflater()
    const compressed = this.#deflater.compressShort(payload)
    if (compressed === null) this.#writer.writeMessage(payload)
    else this.#writer.write(compressed)
    this.#owner.onHeldChange()
  }

  async #passLater (compressed: Promise<Buffer>): Promise<void> {
    try {
      this.#writer.write(await compressed)
    } catch (error) {
      if (error !== givenUp) this.#owner.onSendFailure(error)
    }
    this.#compressing = null
    this.#compressingBytes = 0
    this.#goOn()
  }

  /** Passes what waits on, as far as the transport takes it. */
  #goOn (): void {
    const hadReplies = this.hasReplies
    while (this.#backlog !== null && !this.#writer.isStuck && this.#compressing === null) {
      const waiting = this.#backlog.shift()
      if (waiting === null) this.#backlog = null
      else this.#pass(waiting.frame, waiting.isShared)
    }
    if (this.#backlog === null && this.#compressing === null) this.#passLast()
    this.#owner.onHeldChange()
    if (hadReplies && !this.hasReplies) this.#owner.onRepliesLeft()
  }

  #passLast (): void {
    if (this.#last !== null) this.#writer.write(this.#last)
    this.#last = null
    if (!this.#isEnding) return
    this.#writer.flush()
    this.#transport.end()
  }
}
