/** Frames of HTTP/2, byte by byte, for what node:http2 would not send. */
import { cut } from './bytes.ts'

/** Types of frames (RFC 9113 section 6). */
export const frameType = { data: 0, headers: 1, rstStream: 3, settings: 4, ping: 6, goAway: 7, windowUpdate: 8, continuation: 9 } as const

/** END_STREAM and ACK share a bit (sections 6.1 and 6.5). */
export const frameFlag = { endStream: 1, ack: 1, endHeaders: 4, padded: 8 } as const

/** Codes of errors (section 7). */
export const errorCode = { none: 0, protocol: 1, cancel: 8 } as const

/** What a client sends first (section 3.4). */
export const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

/** Any frame (section 4.1). */
export function http2Frame (type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(9)
  header.writeUIntBE(payload.length, 0, 3)
  header[3] = type
  header[4] = flags
  header.writeUInt32BE(stream, 5)
  return Buffer.concat([header, payload])
}

export interface DataSpec {
  stream?: number
  endStream?: boolean
  /** How many bytes of padding; null for none, not even its length. */
  padding?: number | null
}

export function data (bytes: Buffer, { stream = 1, endStream = false, padding = null }: DataSpec = {}): Buffer {
  const payload = padding === null ? bytes : Buffer.concat([Buffer.of(padding), bytes, Buffer.alloc(padding)])
  return http2Frame(frameType.data, (endStream ? frameFlag.endStream : 0) | (padding === null ? 0 : frameFlag.padded), stream, payload)
}

export interface HeadersSpec {
  endStream?: boolean
  /** The size of the pieces that the fields are sent in: HEADERS, then CONTINUATION. */
  pieces?: number
}

/** Fields of stream 1 as they are: in their order, repeated, in any case. */
export function headers (fields: ReadonlyArray<readonly [name: string, value: string]>, { endStream = false, pieces = 16_384 }: HeadersSpec = {}): Buffer {
  const parts = cut(Buffer.concat(fields.map(([name, value]) => Buffer.concat([Buffer.of(0), literal(name), literal(value)]))), pieces)
  return Buffer.concat(parts.map((part, i) => {
    const flags = (i === parts.length - 1 ? frameFlag.endHeaders : 0) | (i === 0 && endStream ? frameFlag.endStream : 0)
    return http2Frame(i === 0 ? frameType.headers : frameType.continuation, flags, 1, part)
  }))
}

/** @param pairs identifiers and values */
export function settings (...pairs: ReadonlyArray<readonly [identifier: number, value: number]>): Buffer {
  return http2Frame(frameType.settings, 0, 0, Buffer.concat(pairs.map(([identifier, value]) => {
    const pair = Buffer.alloc(6)
    pair.writeUInt16BE(identifier, 0)
    pair.writeUInt32BE(value, 2)
    return pair
  })))
}

export function rstStream (code: number, stream = 1): Buffer {
  return http2Frame(frameType.rstStream, 0, stream, uint32(code))
}

export function windowUpdate (increment: number, stream = 1): Buffer {
  return http2Frame(frameType.windowUpdate, 0, stream, uint32(increment))
}

export function goAway (code: number = errorCode.none, lastStream = 0): Buffer {
  return http2Frame(frameType.goAway, 0, 0, Buffer.concat([uint32(lastStream), uint32(code)]))
}

function uint32 (value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** A string as it is, not Huffman's (RFC 7541 section 5.2). */
function literal (value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1')
  return Buffer.concat([integer(bytes.length), bytes])
}

/** RFC 7541 section 5.1, with a prefix of 7 bits. */
function integer (value: number): Buffer {
  if (value < 127) return Buffer.of(value)
  const bytes = [127]
  let rest = value - 127
  for (; rest > 127; rest >>= 7) bytes.push(0x80 | rest & 0x7f)
  return Buffer.from([...bytes, rest])
}

export interface ReadHttp2Frame {
  type: number
  flags: number
  stream: number
  payload: Buffer
}

/** Reads one frame from the start of `bytes`; null when it is not complete. */
export function readHttp2Frame (bytes: Buffer): { frame: ReadHttp2Frame, size: number } | null {
  if (bytes.length < 9) return null
  const size = 9 + bytes.readUIntBE(0, 3)
  if (bytes.length < size) return null
  return { frame: { type: bytes[3], flags: bytes[4], stream: bytes.readUInt32BE(5) & 0x7fff_ffff, payload: bytes.subarray(9, size) }, size }
}

/** Huffman's codes for digits have 5 bits up to 2, 6 above (RFC 7541 appendix B). */
const digitCodes = ['00000', '00001', '00010', '011001', '011010', '011011', '011100', '011101', '011110', '011111']

/** What the static table of RFC 7541 (appendix A) has for `:status`, by index. */
const indexedStatuses = [200, 204, 206, 304, 400, 404, 500]

/** The `:status` of the first reply of a session, which comes first (RFC 9113 section 8.3). */
export function readStatus (block: Buffer): number {
  const first = block[0]
  if ((first & 0x80) !== 0) return indexedStatuses[(first & 0x7f) - 8]
  // A literal whose name is the one of any of these entries.
  const length = block[1] & 0x7f
  const value = block.subarray(2, 2 + length)
  if ((block[1] & 0x80) === 0) return Number(value.toString('latin1'))
  let bits = [...value].map(byte => byte.toString(2).padStart(8, '0')).join('')
  let digits = ''
  while (digits.length < 3) {
    const digit = digitCodes.findIndex(code => bits.startsWith(code))
    digits += digit
    bits = bits.slice(digitCodes[digit].length)
  }
  return Number(digits)
}
