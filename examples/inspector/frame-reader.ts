import { constants, inflateRawSync } from 'node:zlib'
import { FrameParser } from '../../lib/protocol/frame-parser.ts'
import type { FrameSink } from '../../lib/protocol/frame-parser.ts'
import type { Opcode } from '../../lib/protocol/frame.ts'
import { MessageAssembler } from '../../lib/protocol/message-assembler.ts'
import { ProtocolError } from '../../lib/protocol/protocol-error.ts'
import { headerSize, longestHeader, payloadLength } from './frame-fields.ts'

/** Of a payload, only so many bytes are shown. */
export const shownBytes = 256

/** A frame as it went over the wire. */
export interface SeenFrame {
  readonly header: Buffer
  /** The length that the header announces. */
  readonly length: bigint
  /** The first bytes of the payload, as they crossed the wire. */
  readonly wire: Buffer
  /** The same as the parser gave them on: unmasked. Empty where it refused the header. */
  readonly plain: Buffer
  /** Of a compressed message's last frame: what the message is, from its first bytes, and how many it has. */
  readonly inflated: { readonly bytes: Buffer, readonly length: number } | null
  /** null, or the rule that the frame breaks. */
  readonly problem: ProtocolError | null
}

/**
 * Reads the frames of one direction. The fields' places are its own reading; what they mean, and whether they may be, is up to the parser and the assembler
 * of the server, which are given the same bytes.
 */
export class FrameReader {
  readonly #onFrame: (frame: SeenFrame) => void
  readonly #plain = new Plain()
  readonly #parser: FrameParser
  readonly #header = Buffer.alloc(longestHeader)
  #headerLength = 0
  #length = 0n
  /** How much of the payload is still to come; null while the header is. */
  #left: bigint | null = null
  #wire: Buffer[] = []
  #wireLength = 0
  #inflated: SeenFrame['inflated'] = null
  #problem: ProtocolError | null = null

  /**
   * @param masked whether they come from a client
   * @param isCompressed whether permessage-deflate was agreed on, without context takeover
   */
  constructor (masked: boolean, isCompressed: boolean, maxPayload: number, onFrame: (frame: SeenFrame) => void) {
    this.#onFrame = onFrame
    const compressed = { onCompressed: (_code: Opcode, payload: Buffer) => { this.#inflated = inflate(payload, maxPayload) } }
    const nobody = { onText () {}, onBinary () {}, onPing () {}, onPong () {}, onCloseFrame () {} }
    const assembler = new MessageAssembler(nobody, maxPayload, isCompressed ? compressed : null)
    this.#parser = new FrameParser(this.#plain.before(assembler), masked, isCompressed)
  }

  push (chunk: Buffer): void {
    let offset = 0
    // Behind a frame that breaks a rule nothing is read: the other side does not, either.
    while (offset < chunk.length && this.#problem === null) {
      offset = this.#left === null ? this.#readHeader(chunk, offset) : this.#readPayload(chunk, offset, this.#left)
    }
  }

  #readHeader (chunk: Buffer, offset: number): number {
    this.#header[this.#headerLength++] = chunk[offset++]
    if (this.#headerLength < 2 || this.#headerLength < headerSize(this.#header)) return offset

    const header = this.#header.subarray(0, this.#headerLength)
    this.#length = this.#left = payloadLength(header)
    this.#judge(header)
    if (this.#problem !== null) this.#keepWire(chunk.subarray(offset))
    if (this.#left === 0n || this.#problem !== null) this.#finish()
    return offset
  }

  #readPayload (chunk: Buffer, offset: number, left: bigint): number {
    const part = chunk.subarray(offset, left < BigInt(chunk.length) ? offset + Number(left) : chunk.length)
    this.#keepWire(part)
    this.#left = left - BigInt(part.length)
    this.#judge(part)
    if (this.#left === 0n || this.#problem !== null) this.#finish()
    return offset + part.length
  }

  /** A copy, since the parser unmasks in place. */
  #judge (bytes: Buffer): void {
    try {
      this.#parser.push(Buffer.from(bytes))
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.#problem = error
    }
  }

  #keepWire (part: Buffer): void {
    const most = Math.min(shownBytes - this.#wireLength, this.#length < BigInt(shownBytes) ? Number(this.#length) - this.#wireLength : shownBytes)
    const kept = part.subarray(0, most)
    if (kept.length === 0) return
    this.#wire.push(Buffer.from(kept))
    this.#wireLength += kept.length
  }

  #finish (): void {
    this.#onFrame({
      header: Buffer.from(this.#header.subarray(0, this.#headerLength)),
      length: this.#length,
      wire: Buffer.concat(this.#wire),
      plain: this.#plain.take(),
      inflated: this.#inflated,
      problem: this.#problem
    })
    this.#headerLength = 0
    this.#left = null
    this.#wire = []
    this.#wireLength = 0
    this.#inflated = null
  }
}

/** null for what can't be inflated, or becomes too large: the server closes over it. */
function inflate (payload: Buffer, maxPayload: number): SeenFrame['inflated'] {
  // The sender leaves out the end of the last block (RFC 7692 section 7.2.2).
  const whole = Buffer.concat([payload, Buffer.of(0x00, 0x00, 0xff, 0xff)])
  try {
    const bytes = inflateRawSync(whole, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: maxPayload })
    return { bytes: bytes.subarray(0, shownBytes), length: bytes.length }
  } catch {
    return null
  }
}

/** Listens in on what the parser hands over, and keeps the first bytes of each payload. */
class Plain {
  #kept: Buffer = Buffer.alloc(0)

  before (sink: FrameSink): FrameSink {
    return {
      onHeader: (code: Opcode, length: number, rsv1: boolean) => sink.onHeader(code, length, rsv1),
      onPart: (code: Opcode, part: Buffer) => {
        this.#keep(Buffer.concat([this.#kept, part.subarray(0, shownBytes - this.#kept.length)]))
        sink.onPart(code, part)
      },
      onShortText: (bytes: Buffer, start: number, end: number, isAscii: boolean) => {
        this.#keep(bytes.subarray(start, end))
        sink.onShortText(bytes, start, end, isAscii)
      },
      onFrame: (code: Opcode, fin: boolean, payload: Buffer) => {
        this.#keep(payload)
        sink.onFrame(code, fin, payload)
      }
    }
  }

  take (): Buffer {
    const kept = this.#kept
    this.#kept = Buffer.alloc(0)
    return kept
  }

  #keep (bytes: Buffer): void {
    this.#kept = Buffer.from(bytes.subarray(0, shownBytes))
  }
}
