import { parseClose } from './close.ts'
import type { FastBuffer } from './fast-buffer.ts'
import { isControl, opcode } from './frame.ts'
import type { Opcode } from './frame.ts'
import type { FrameSink } from './frame-parser.ts'
import { ownMemory } from './own-memory.ts'
import { violation } from './protocol-error.ts'
import { giveMemory, takeMemory } from './spare-memory.ts'
import { decodeUtf8, decodeValidUtf8, Utf8Validator } from './utf8.ts'

/** Whoever owns the assembler: called synchronously, in the order of the bytes. */
export interface MessageSink {
  onText (text: string): void
  /** `payload` is the receiver's to keep. */
  onBinary (payload: Buffer): void
  onPing (payload: Buffer): void
  onPong (payload: Buffer): void
  /** The peer's close frame; 1005 when it has no code. */
  onCloseFrame (code: number, reason: string): void
}

/** Whoever inflates compressed messages. */
export interface CompressedSink {
  /** `payload` is the receiver's to keep: what the fragments of a message add up to. */
  onCompressed (code: Opcode, payload: Buffer): void
}

const empty = Buffer.alloc(0)

/**
 * Turns frames into messages (RFC 6455 section 5.4): joins fragments, lets control frames through in between, and
 * refuses what is too big or not UTF-8 as early as it can be seen.
 */
export class MessageAssembler implements FrameSink {
  readonly #sink: MessageSink
  readonly #maxPayload: number
  /** null where compression was not agreed on: the parser then refuses the bit that announces it. */
  readonly #compressed: CompressedSink | null

  /** The message that fragments build up: its opcode (`continuation` when there is none) and its bytes so far. */
  #message: Opcode = opcode.continuation
  #joined: Buffer = empty
  #length = 0
  #isCompressed = false
  /** The most bytes that it may have. */
  #limit = 0

  /** Made when the first text comes in parts; most connections never need one. */
  #utf8: Utf8Validator | null = null
  /** How many bytes of the frame that is not complete have been validated. */
  #validated = 0

  constructor (sink: MessageSink, maxPayload: number, compressed: CompressedSink | null = null) {
    this.#sink = sink
    this.#maxPayload = maxPayload
    this.#compressed = compressed
  }

  /** Bytes held of a message that is not complete. */
  get buffered (): number {
    return this.#joined.length
  }

  /** Forgets what it holds. */
  stop (): void {
    this.#joined = empty
  }

  onHeader (code: Opcode, length: number, rsv1: boolean): void {
    if (isControl(code)) return
    if (code === opcode.continuation) {
      if (this.#message === opcode.continuation) throw violation.unexpectedContinuation()
    } else if (this.#message !== opcode.continuation) {
      throw violation.expectedContinuation()
    } else {
      this.#isCompressed = rsv1
      this.#limit = rsv1 ? deflateBound(this.#maxPayload) : this.#maxPayload
    }
    if (length > this.#limit - this.#length) throw violation.messageTooBig()
  }

  onPart (code: Opcode, part: Buffer): void {
    if (isControl(code) || this.#isCompressed) return
    const message = code === opcode.continuation ? this.#message : code
    if (message === opcode.text) this.#validate(part)
  }

  onShortText (bytes: Buffer, start: number, end: number, isAscii: boolean): void {
    if (isAscii) this.#sink.onText((bytes as FastBuffer).latin1Slice(start, end))
    else this.#onWhole(opcode.text, bytes.subarray(start, end))
  }

  onFrame (code: Opcode, fin: boolean, payload: Buffer): void {
    if (isControl(code)) {
      this.#onControl(code, payload)
    } else if (fin && code !== opcode.continuation) {
      this.#onWhole(code, payload)
    } else {
      this.#onFragment(code, fin, payload)
    }
  }

  #onControl (code: Opcode, payload: Buffer): void {
    if (code === opcode.ping) {
      this.#sink.onPing(payload)
    } else if (code === opcode.pong) {
      this.#sink.onPong(payload)
    } else {
      const { code, reason } = parseClose(payload)
      this.#sink.onCloseFrame(code, reason)
    }
  }

  #onWhole (code: Opcode, payload: Buffer): void {
    if (this.#isCompressed) {
      this.#compressed?.onCompressed(code, payload)
      return
    }
    if (code === opcode.binary) {
      this.#sink.onBinary(payload)
      return
    }
    this.#validated = 0
    if (this.#utf8 !== null) this.#utf8.reset()
    const text = decodeUtf8(payload)
    if (text === null) throw violation.invalidUtf8()
    this.#sink.onText(text)
  }

  #onFragment (code: Opcode, fin: boolean, payload: Buffer): void {
    if (code !== opcode.continuation) this.#message = code
    const isText = this.#message === opcode.text
    if (isText && !this.#isCompressed) {
      this.#validate(this.#validated === 0 ? payload : payload.subarray(this.#validated))
      this.#validated = 0
    }
    this.#join(payload)
    if (fin) this.#finish(isText)
  }

  #validate (part: Buffer): void {
    this.#utf8 ??= new Utf8Validator()
    if (!this.#utf8.push(part)) throw violation.invalidUtf8()
    this.#validated += part.length
  }

  /** One buffer that grows, rather than a list: 1-byte fragments must cost one byte each. */
  #join (payload: Buffer): void {
    const length = this.#length + payload.length
    if (length > this.#joined.length) {
      const grown = length * 2 > this.#limit ? Buffer.allocUnsafeSlow(this.#limit) : takeMemory(length * 2)
      this.#joined.copy(grown, 0, 0, this.#length)
      giveMemory(this.#joined)
      this.#joined = grown
    }
    payload.copy(this.#joined, this.#length)
    this.#length = length
  }

  #finish (isText: boolean): void {
    const joined = this.#joined
    const payload = joined.subarray(0, this.#length)
    const code = this.#message
    this.#message = opcode.continuation
    this.#joined = empty
    this.#length = 0
    if (this.#isCompressed) {
      this.#compressed?.onCompressed(code, payload)
      return
    }
    if (!isText) {
      this.#sink.onBinary(ownMemory(payload))
      return
    }
    if (this.#utf8 !== null && !this.#utf8.complete) throw violation.invalidUtf8()
    const text = decodeValidUtf8(payload)
    giveMemory(joined)
    this.#sink.onText(text)
  }
}

/** The most bytes that deflate makes of `length`: more than them, where they can't be compressed. zlib's bound for any window. */
function deflateBound (length: number): number {
  return length + Math.ceil(length * 9 / 64) + 16
}
