import type { FastBuffer } from './fast-buffer.ts'
import { bit, headerSize, length16, length64, opcode } from './frame.ts'
import type { Opcode } from './frame.ts'
import { applyMask } from './mask.ts'

/** The longest header of an unmasked frame. */
export const maxHeaderSize = 10

/**
 * From this many UTF-16 units on, text that is not ASCII is written first and then copied to where it belongs: counting its bytes
 * beforehand takes half as long as writing them, or longer.
 */
const longText = 8 * 1024

/** Of so many units of a long text one above ASCII shows that it is not ASCII. A text that only has others is counted and written as short ones are. */
const samples = 64

/** Where long texts are written first: what UTF-8 makes of 64 Ki units at most. Made for the first one. */
let scratch: FastBuffer | null = null
const scratchSize = 3 * 64 * 1024

/** One frame, header and payload in one Buffer (RFC 6455 section 5.2). The mirror of FrameParser. */
export function encodeFrame (code: Opcode, message: string | Buffer, fin = true): Buffer {
  const payload = typeof message === 'string' && message.length >= longText ? longTextBytes(message) : message
  const length = typeof payload === 'string' ? Buffer.byteLength(payload) : payload.length
  const header = headerSize(length)
  const frame = Buffer.allocUnsafe(header + length)
  writeHeader(frame, 0, code, length, fin)
  writePayload(frame, header, payload, length)
  return frame
}

/** The frame of a message that was compressed (RFC 7692 section 6.1). */
export function encodeCompressedFrame (code: Opcode, payload: Buffer): Buffer {
  const frame = encodeFrame(code, payload)
  frame[0] |= bit.rsv1
  return frame
}

/** A client's frame, masked with `key` (section 5.3). */
export function encodeMaskedFrame (code: Opcode, payload: string | Buffer, key: number, fin = true): Buffer {
  const length = typeof payload === 'string' ? Buffer.byteLength(payload) : payload.length
  const header = headerSize(length)
  const frame = Buffer.allocUnsafe(header + 4 + length)
  writeHeader(frame, 0, code, length, fin)
  frame[1] |= bit.mask
  frame.writeInt32BE(key | 0, header)
  writePayload(frame, header + 4, payload, length)
  applyMask(frame.subarray(header + 4), key | 0, 0)
  return frame
}

/** The bytes of a text, which are good until the next call; the text itself where it is too long, or seems to be ASCII. */
function longTextBytes (text: string): string | Buffer {
  if (text.length * 3 > scratchSize || seemsAscii(text)) return text
  scratch ??= Buffer.allocUnsafeSlow(scratchSize) as FastBuffer
  return scratch.subarray(0, scratch.utf8Write(text, 0, scratchSize))
}

function seemsAscii (text: string): boolean {
  const step = Math.floor(text.length / samples)
  for (let at = 0; at < text.length; at += step) {
    if (text.charCodeAt(at) > 0x7f) return false
  }
  return true
}

function writeHeader (target: Buffer, at: number, code: Opcode, length: number, fin: boolean): void {
  target[at] = fin ? bit.fin | code : code
  if (length < length16) {
    target[at + 1] = length
  } else if (length <= 0xffff) {
    target[at + 1] = length16
    target[at + 2] = length >>> 8
    target[at + 3] = length
  } else {
    target[at + 1] = length64
    target.writeUInt32BE(Math.floor(length / 0x1_0000_0000), at + 2)
    target.writeUInt32BE(length >>> 0, at + 6)
  }
}

function writePayload (frame: Buffer, offset: number, payload: string | Buffer, length: number): void {
  if (typeof payload !== 'string') {
    payload.copy(frame, offset)
  } else if (length === payload.length) {
    // As many bytes as UTF-16 units: plain ASCII, which is copied without transcoding.
    (frame as FastBuffer).latin1Write(payload, offset, length)
  } else {
    (frame as FastBuffer).utf8Write(payload, offset, length)
  }
}

/** The most bytes that a frame with this payload takes: a UTF-16 unit has at most three in UTF-8. */
export function maxFrameSize (payload: string | Buffer): number {
  return maxHeaderSize + (typeof payload === 'string' ? payload.length * 3 : payload.length)
}

/**
 * One frame at a place in memory that has room for `maxFrameSize`. Returns where it ends.
 *
 * A text is written before its length is known, behind the header that it needs where it is ASCII, and moved where it is not.
 */
export function encodeFrameInto (target: Buffer, at: number, code: Opcode, payload: string | Buffer): number {
  const header = headerSize(payload.length)
  let length = payload.length
  if (typeof payload !== 'string') {
    target.set(payload, at + header)
  } else {
    length = (target as FastBuffer).utf8Write(payload, at + header, length * 3)
    if (headerSize(length) !== header) target.copyWithin(at + headerSize(length), at + header, at + header + length)
  }
  writeHeader(target, at, code, length, true)
  return at + headerSize(length) + length
}

/** The header of an unmasked frame at a place in memory that has room for `maxHeaderSize`. Returns where it ends. */
export function encodeHeaderInto (target: Buffer, at: number, code: Opcode, length: number): number {
  writeHeader(target, at, code, length, true)
  return at + headerSize(length)
}

/** A message as one frame: text for a string, binary for a Buffer. */
export function encodeMessage (payload: string | Buffer): Buffer {
  return encodeFrame(typeof payload === 'string' ? opcode.text : opcode.binary, payload)
}
