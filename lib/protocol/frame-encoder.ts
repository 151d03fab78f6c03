import type { FastBuffer } from './fast-buffer.ts'
import { bit, headerSize, length16, length64, opcode } from './frame.ts'
import type { Opcode } from './frame.ts'
import { applyMask } from './mask.ts'

/** One frame, header and payload in one Buffer (RFC 6455 section 5.2). The mirror of FrameParser. */
export function encodeFrame (code: Opcode, payload: string | Buffer, fin = true): Buffer {
  const length = typeof payload === 'string' ? Buffer.byteLength(payload) : payload.length
  const header = headerSize(length)
  const frame = Buffer.allocUnsafe(header + length)
  writeHeader(frame, code, length, fin)
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
  writeHeader(frame, code, length, fin)
  frame[1] |= bit.mask
  frame.writeInt32BE(key | 0, header)
  writePayload(frame, header + 4, payload, length)
  applyMask(frame.subarray(header + 4), key | 0, 0)
  return frame
}

function writeHeader (frame: Buffer, code: Opcode, length: number, fin: boolean): void {
  frame[0] = fin ? bit.fin | code : code
  if (length < length16) {
    frame[1] = length
  } else if (length <= 0xffff) {
    frame[1] = length16
    frame[2] = length >>> 8
    frame[3] = length
  } else {
    frame[1] = length64
    frame.writeUInt32BE(Math.floor(length / 0x1_0000_0000), 2)
    frame.writeUInt32BE(length >>> 0, 6)
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

/** A message as one frame: text for a string, binary for a Buffer. */
export function encodeMessage (payload: string | Buffer): Buffer {
  return encodeFrame(typeof payload === 'string' ? opcode.text : opcode.binary, payload)
}
