import { bit, isControl, length16, maxControlPayload, opcode } from './frame.ts'
import type { Opcode } from './frame.ts'
import { applyMask, copyMasked } from './mask.ts'
import { readKey } from './masking-key.ts'
import { ownMemory } from './own-memory.ts'
import { violation } from './protocol-error.ts'
import { giveMemory, takeMemory } from './spare-memory.ts'
import { unmaskText } from './unmask-text.ts'

/** Whoever owns the parser: called synchronously, in the order of the bytes. What it throws ends the parsing. */
export interface FrameSink {
  /**
   * A header is complete. Throw to refuse the frame before any of its payload is kept.
   *
   * @param rsv1 the bit that extensions have given a meaning; only a message's first frame can have it
   */
  onHeader (code: Opcode, length: number, rsv1: boolean): void
  /** A further part of a payload that is not complete yet, unmasked. Not called for a frame that arrives whole. */
  onPart (code: Opcode, part: Buffer): void
  /** A whole message of text, which is short, and came in one piece: unmasked, from `start` to `end` of these bytes. */
  onShortText (bytes: Buffer, start: number, end: number, isAscii: boolean): void
  /** Any other frame is complete; `payload` is unmasked, the receiver's to keep, and may be a view of the chunk. */
  onFrame (code: Opcode, fin: boolean, payload: Buffer): void
}

/** Whoever says how much is read at a time. */
export interface Pace {
  /** What was allowed has been read: how many more frames, or parts of one, may be. Pause the parser, and answer 0, for none. */
  nextShare (): number
}

const empty = Buffer.alloc(0)

/** The longest header: two bytes, a 64-bit length, a masking key. */
const maxHeader = 14

/** The first byte of a message of text that is one frame, and not compressed. */
const wholeText = bit.fin | opcode.text

/** Below this size, unmasking byte by byte or word by word tells on its way whether it is ASCII. */
const shortText = 256

/** What is allocated for a payload whose first bytes have come; from then on at most twice what has come. */
const firstAllocation = 4096

/**
 * Turns chunks into frames (RFC 6455 section 5), however the bytes are cut: a frame that lies whole in a chunk is
 * handed on as a view of it, unmasked in place; others are gathered in a buffer that grows with what has arrived,
 * never with what a header announces.
 */
export class FrameParser {
  readonly #sink: FrameSink
  readonly #masked: boolean
  readonly #rsv1Bits: number
  readonly #pace: Pace | null
  #paused = false
  /** How many frames, or parts of one, are read before it asks for more. */
  #share = 0
  #stopped = false
  #pushing = false

  /** Bytes that came while paused, or behind the frame that paused. */
  #rest: Buffer | null = null

  /** The start of a header that a chunk ended in; most connections never need it. */
  #header: Buffer | null = null
  #headerLength = 0

  /** The frame whose payload is not complete. */
  #inPayload = false
  #code: Opcode = opcode.continuation
  #fin = false
  #length = 0
  #key = 0
  #payload: Buffer = empty
  #received = 0

  /**
   * @param masked whether the peer must mask its frames: a client must, a server must not (section 5.1)
   * @param allowsRsv1 whether an extension was agreed on that uses the bit (section 5.2)
   * @param pace asked when what it allowed is read; null to read all
   */
  constructor (sink: FrameSink, masked: boolean, allowsRsv1 = false, pace: Pace | null = null) {
    this.#sink = sink
    this.#masked = masked
    this.#rsv1Bits = allowsRsv1 ? 0 : bit.rsv1
    this.#pace = pace
  }

  /** Bytes held: of an incomplete frame, and those that wait because of `pause`. */
  get buffered (): number {
    return this.#payload.length + (this.#rest === null ? 0 : this.#rest.length)
  }

  /** Takes the next chunk, whose memory now belongs to the parser. Throws what the sink throws, and ProtocolError. */
  push (chunk: Buffer): void {
    if (this.#stopped) return
    if (this.#paused || this.#pushing) {
      this.#rest = this.#rest === null ? chunk : Buffer.concat([this.#rest, chunk])
      return
    }
    this.#pushing = true
    try {
      this.#parse(chunk)
      while (this.#rest !== null && !this.#paused) this.#parse(this.#takeRest(this.#rest))
    } catch (error) {
      this.stop()
      throw error
    } finally {
      this.#pushing = false
    }
  }

  /** Stops after the frame that is being handed over; the bytes behind it wait. */
  pause (): void {
    this.#paused = true
  }

  get paused (): boolean {
    return this.#paused
  }

  /** Sets how many frames, or parts of one, are read before it asks for more. */
  allow (frames: number): void {
    this.#share = frames
  }

  /** Counts the frame that is being handed over as so many more. */
  spend (frames: number): void {
    this.#share -= frames
  }

  /** Goes on with the bytes that wait. */
  resume (): void {
    this.#paused = false
    if (this.#rest !== null && !this.#pushing) this.push(this.#takeRest(this.#rest))
  }

  /** Ignores everything from here on. */
  stop (): void {
    this.#stopped = true
    this.#rest = null
    this.#payload = empty
  }

  #takeRest (rest: Buffer): Buffer {
    this.#rest = null
    return rest
  }

  #parse (chunk: Buffer): void {
    const end = chunk.length
    let offset = 0
    while (offset < end) {
      if (this.#stopped) return
      if (this.#paused) {
        const rest = ownMemory(chunk.subarray(offset))
        this.#rest = this.#rest === null ? rest : Buffer.concat([rest, this.#rest])
        return
      }
      offset = this.#inPayload ? this.#continuePayload(chunk, offset) : this.#startFrame(chunk, offset)
      if (--this.#share <= 0 && this.#pace !== null) this.#share = this.#pace.nextShare()
    }
  }

  /** Reads a header, and the payload if it is all there. Returns where the next frame begins. */
  #startFrame (chunk: Buffer, offset: number): number {
    if (this.#header !== null && this.#headerLength > 0) return this.#continueHeader(this.#header, chunk, offset)
    const available = chunk.length - offset
    const size = available < 2 ? 2 : headerLength(chunk, offset)
    if (available < size) {
      if (available >= 2) this.#checkFirstBytes(chunk[offset], chunk[offset + 1])
      this.#header ??= Buffer.allocUnsafeSlow(maxHeader)
      chunk.copy(this.#header, 0, offset)
      this.#headerLength = available
      return chunk.length
    }
    return this.#readHeader(chunk, offset, size, chunk, offset + size)
  }

  /** A header that began in an earlier chunk: byte by byte, as its length becomes known. */
  #continueHeader (header: Buffer, chunk: Buffer, offset: number): number {
    while (offset < chunk.length) {
      header[this.#headerLength++] = chunk[offset++]
      if (this.#headerLength === 2) this.#checkFirstBytes(header[0], header[1])
      if (this.#headerLength >= 2 && this.#headerLength === headerLength(header, 0)) {
        const size = this.#headerLength
        this.#headerLength = 0
        return this.#readHeader(header, 0, size, chunk, offset)
      }
    }
    return offset
  }

  /** Everything that two bytes can tell, so that a violation is seen before the rest of the header has come. */
  #checkFirstBytes (first: number, second: number): void {
    if ((first & (this.#rsv1Bits | bit.rsv2 | bit.rsv3)) !== 0) throw violation.reservedBits()
    const code = first & bit.opcode
    // Compression is of messages: their first frame says so (RFC 7692 section 6.1).
    if ((first & bit.rsv1) !== 0 && (code === opcode.continuation || isControl(code))) throw violation.reservedBits()
    if ((code & 0x7) > opcode.binary) throw violation.reservedOpcode()
    if (((second & bit.mask) !== 0) !== this.#masked) throw this.#masked ? violation.unmasked() : violation.masked()
    if (isControl(code)) {
      if ((first & bit.fin) === 0) throw violation.controlFragmented()
      if ((second & bit.length) > maxControlPayload) throw violation.controlTooLong()
    }
  }

  /** A header that lies whole in `from` at `at`, and has `size` bytes; its payload begins in `chunk` at `start`. */
  #readHeader (from: Buffer, at: number, size: number, chunk: Buffer, start: number): number {
    const first = from[at]
    const second = from[at + 1]
    this.#checkFirstBytes(first, second)
    const code = (first & bit.opcode) as Opcode
    const fin = (first & bit.fin) !== 0
    const length = payloadLength(from, at)
    this.#sink.onHeader(code, length, (first & bit.rsv1) !== 0)
    const key = this.#masked ? readKey(from, at + size - 4) : 0

    const end = start + length
    if (end <= chunk.length) {
      if (first === wholeText && length < shortText && this.#masked) {
        this.#sink.onShortText(chunk, start, end, unmaskText(chunk, start, end, key))
        return end
      }
      const payload = length === 0 ? empty : chunk.subarray(start, end)
      applyMask(payload, key, 0)
      this.#sink.onFrame(code, fin, payload)
      return end
    }
    this.#inPayload = true
    this.#code = code
    this.#fin = fin
    this.#length = length
    this.#key = key
    this.#received = 0
    return start === chunk.length ? start : this.#continuePayload(chunk, start)
  }

  #continuePayload (chunk: Buffer, offset: number): number {
    const end = Math.min(chunk.length, offset + this.#length - this.#received)
    const part = chunk.subarray(offset, end)
    const before = this.#received
    this.#keep(part)
    if (this.#received < this.#length) {
      this.#sink.onPart(this.#code, this.#payload.subarray(before, this.#received))
    } else {
      const payload = this.#payload
      this.#payload = empty
      this.#inPayload = false
      this.#sink.onFrame(this.#code, this.#fin, payload)
    }
    return end
  }

  /** Unmasks it on its way into the payload. */
  #keep (part: Buffer): void {
    const received = this.#received + part.length
    if (received > this.#payload.length) this.#grow(received)
    copyMasked(part, this.#key, this.#received, this.#payload, this.#received)
    this.#received = received
  }

  /** What the sink gets to keep is allocated when half of it has come; until then memory is borrowed. */
  #grow (received: number): void {
    const size = Math.max(firstAllocation, received * 2)
    const grown = size >= this.#length ? Buffer.allocUnsafeSlow(this.#length) : takeMemory(size)
    this.#payload.copy(grown, 0, 0, this.#received)
    giveMemory(this.#payload)
    this.#payload = grown
  }
}

/** Bytes of the header that begins with these two, its masking key included. */
function headerLength (bytes: Buffer, at: number): number {
  const second = bytes[at + 1]
  const length = second & bit.length
  const size = length < length16 ? 2 : length === length16 ? 4 : 10
  return (second & bit.mask) === 0 ? size : size + 4
}

/** The payload's length: 7, 16 or 64 bits, and the fewest that hold it (RFC 6455 section 5.2). */
function payloadLength (bytes: Buffer, at: number): number {
  const length = bytes[at + 1] & bit.length
  if (length < length16) return length
  if (length === length16) {
    const value = bytes.readUInt16BE(at + 2)
    if (value < length16) throw violation.lengthNotMinimal()
    return value
  }
  const high = bytes.readUInt32BE(at + 2)
  if (high > 0x7fff_ffff) throw violation.lengthTopBit()
  // Beyond 2^53 this is inexact, and far beyond any limit either way.
  const value = high * 0x1_0000_0000 + bytes.readUInt32BE(at + 6)
  if (value <= 0xffff) throw violation.lengthNotMinimal()
  return value
}
