import type { Payload } from '../../types/codec.ts'
import { opcode } from '../protocol/frame.ts'
import type { Opcode } from '../protocol/frame.ts'
import { FrameParser } from '../protocol/frame-parser.ts'
import type { Pace } from '../protocol/frame-parser.ts'
import { MessageAssembler } from '../protocol/message-assembler.ts'
import type { CompressedSink, MessageSink } from '../protocol/message-assembler.ts'
import { ownMemory } from '../protocol/own-memory.ts'
import { violation } from '../protocol/protocol-error.ts'
import { decodeUtf8 } from '../protocol/utf8.ts'
import type { Compression } from './compression.ts'
import type { Inflater } from './inflater.ts'
import type { Transport } from './transport.ts'
import { turns } from './turns.ts'
import type { TurnTaker } from './turns.ts'

/** Whose messages are read here. */
export interface ReaderOwner {
  onMessage (payload: Payload): void
  onPing (payload: Buffer): void
  onPong (payload: Buffer): void
  onCloseFrame (code: number, reason: string): void
  /** The peer broke the protocol, or the owner threw. Nothing is read any more. */
  onViolation (error: unknown): void
  /** It has gone on after it had to wait: for a message to be inflated, or for its turn. */
  onWaited (): void
}

/** What one connection reads of a long turn of the event loop before the others have theirs: frames, and bytes. */
const framesATurn = 128
const bytesATurn = 256 * 1024

/** As how many frames a compressed message counts, for the time that inflating it takes. */
const framesACompressed = 32

/** What one connection receives: chunks in, messages out, in order. While a message is being inflated, or its owner says so, nothing is read. */
export class Reader implements MessageSink, CompressedSink, Pace, TurnTaker {
  readonly #owner: ReaderOwner
  readonly #transport: Transport
  readonly #assembler: MessageAssembler
  readonly #parser: FrameParser
  /** null where nothing is compressed, and once nothing is read any more */
  #compression: Pick<Compression, 'inflater'> | null
  /** null until the first message that is compressed */
  #inflater: Inflater | null = null
  #isHeld = false
  /** Whether its peer has sent more than it may, and nothing is read until it may again. */
  #isThrottled = false
  #isStopped = false
  /** Whether it has read its share of a turn, and has to wait for another. */
  #isWaiting = false
  /** The turn in which it asked for another share last, and the bytes that it has read of this one. */
  #turn = -1
  #bytes = 0
  /** The size of the message that another thread inflates; null for none. */
  #inflating: number | null = null

  constructor (owner: ReaderOwner, transport: Transport, maxPayload: number, compression: Pick<Compression, 'inflater'> | null) {
    this.#owner = owner
    this.#transport = transport
    this.#compression = compression
    this.#assembler = new MessageAssembler(this, maxPayload, compression === null ? null : this)
    this.#parser = new FrameParser(this.#assembler, true, compression !== null, this)
    this.#parser.allow(framesATurn)
  }

  /** Whether nothing is read for now. */
  get isPaused (): boolean {
    return this.#parser.paused
  }

  /** Whether its owner may not have been given all that was received: it waits for a message to be inflated, for its turn, or for its peer's rate. */
  get isBehind (): boolean {
    return this.#inflating !== null || this.#isWaiting || this.#isThrottled
  }

  /** Bytes of memory that it holds. */
  get held (): number {
    const windows = this.#inflater === null ? 0 : this.#inflater.held
    return this.#parser.buffered + this.#assembler.buffered + windows + (this.#inflating ?? 0)
  }

  push (chunk: Buffer): void {
    this.#bytes += chunk.length
    try {
      this.#parser.push(chunk)
    } catch (error) {
      this.#fail(error)
    }
    if (this.#bytes >= bytesATurn) this.#endShare()
  }

  /** Its next turn: goes on with what it has left, and then with what comes. */
  onTurn (): void {
    this.#isWaiting = false
    this.#turn = turns.number
    this.#parser.allow(framesATurn)
    this.#resume()
    this.#owner.onWaited()
  }

  /** Beyond its share of frames it goes on while the turn is short. */
  nextShare (): number {
    return this.#endShare() ? framesATurn : 0
  }

  /** Returns whether it may have another share, or has to wait for its next turn. */
  #endShare (): boolean {
    if (this.#isWaiting || this.#isStopped) return false
    this.#bytes = 0
    // Turns are not asked for at every chunk, which would cost every turn an immediate: what it read since it asked last may be of earlier ones.
    const { number } = turns
    if (this.#turn !== number) {
      this.#turn = number
      return true
    }
    if (!turns.isLong) return true
    this.#isWaiting = true
    this.#pause()
    turns.wait(this)
    return false
  }

  /** Reads no further for now. */
  hold (): void {
    this.#isHeld = true
    this.#pause()
  }

  /** Goes on. */
  release (): void {
    if (!this.#isHeld) return
    this.#isHeld = false
    this.#resume()
  }

  /** Reads no further, or goes on, as the peer's rate allows. */
  throttle (on: boolean): void {
    if (this.#isStopped) return
    this.#isThrottled = on
    if (on) this.#pause()
    else this.#resume()
  }

  /** Ignores everything from here on. */
  stop (): void {
    this.#isStopped = true
    this.#isThrottled = false
    this.#parser.stop()
    this.#assembler.stop()
    this.#inflater?.stop(this)
    this.#inflater = null
    this.#compression = null
  }

  /* What the assembler says. */

  onText (text: string): void {
    this.#owner.onMessage(text)
  }

  onBinary (payload: Buffer): void {
    this.#owner.onMessage(payload)
  }

  onPing (payload: Buffer): void {
    this.#owner.onPing(payload)
  }

  onPong (payload: Buffer): void {
    this.#owner.onPong(payload)
  }

  onCloseFrame (code: number, reason: string): void {
    this.#owner.onCloseFrame(code, reason)
  }

  onCompressed (code: Opcode, payload: Buffer): void {
    if (this.#compression === null) return
    this.#inflater ??= this.#compression.inflater()
    this.#parser.spend(framesACompressed)
    const message = this.#inflater.inflate(payload, this)
    if (!(message instanceof Promise)) {
      this.#onMessage(code, code === opcode.text ? message : copyOf(message))
      return
    }
    this.#inflating = payload.length
    this.#pause()
    void this.#inflateLater(code, message)
  }

  async #inflateLater (code: Opcode, inflated: Promise<Buffer>): Promise<void> {
    try {
      const message = await inflated
      this.#inflating = null
      if (!this.#isStopped) this.#onMessage(code, message)
    } catch (error) {
      this.#inflating = null
      if (!this.#isStopped) this.#fail(error)
    }
    this.#resume()
    this.#owner.onWaited()
  }

  #onMessage (code: Opcode, message: Buffer): void {
    if (code !== opcode.text) {
      this.#owner.onMessage(ownMemory(message))
      return
    }
    const text = decodeUtf8(message)
    if (text === null) throw violation.invalidUtf8()
    this.#owner.onMessage(text)
  }

  #pause (): void {
    this.#parser.pause()
    this.#transport.pause()
  }

  #resume (): void {
    if (this.#isHeld || this.#isThrottled || this.#isWaiting || this.#inflating !== null || !this.#parser.paused) return
    try {
      this.#parser.resume()
    } catch (error) {
      this.#fail(error)
    }
    if (!this.#parser.paused) this.#transport.resume()
  }

  #fail (error: unknown): void {
    this.stop()
    this.#owner.onViolation(error)
  }
}

function copyOf (bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length)
  copy.set(bytes)
  return copy
}
