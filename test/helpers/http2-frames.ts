/** Frames of RFC 9113, written and read by hand: Node's own client is too polite for what an attacker does. */
import { cut } from './bytes.ts'

/** Section 6. */
export const frameType = {
  data: 0, headers: 1, priority: 2, rstStream: 3, settings: 4, ping: 6, goAway: 7, windowUpdate: 8, continuation: 9
} as const

/** END_STREAM and ACK share a bit (sections 6.1 and 6.5). */
export const frameFlag = { ack: 1, endStream: 1, endHeaders: 4, padded: 8 } as const

/** Section 7. */
export const errorCode = { noError: 0, protocolError: 1, internalError: 2, cancel: 8 } as const

/** Section 6.5.2; the last one is of RFC 8441, section 3. */
export const setting = { headerTableSize: 1, initialWindowSize: 4, enableConnectProtocol: 8 } as const

/** What a client sends first (section 3.4). */
export const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

export interface Http2Frame {
  readonly type: number
  readonly flags: number
  readonly stream: number
  readonly payload: Buffer
}

/** Pairs, since a name may be repeated, and its case be wrong. */
export type Fields = ReadonlyArray<readonly [name: string, value: string]>

export type Settings = ReadonlyArray<readonly [id: number, value: number]>

const headerSize = 9

/** Any frame (section 4.1). */
export function http2Frame (type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(headerSize)
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
  stream?: number
  endStream?: boolean
  /** Whether nothing more of the block follows. */
  endHeaders?: boolean
  /** The size of the pieces that the block is sent in: HEADERS, then CONTINUATION. */
  pieces?: number
}

export function headers (fields: Fields, { stream = 1, endStream = false, endHeaders = true, pieces = 16_384 }: HeadersSpec = {}): Buffer {
  const parts = cut(fieldBlock(fields), pieces)
  return Buffer.concat(parts.map((part, i) => {
    const flags = (endHeaders && i === parts.length - 1 ? frameFlag.endHeaders : 0) | (i === 0 && endStream ? frameFlag.endStream : 0)
    return http2Frame(i === 0 ? frameType.headers : frameType.continuation, flags, stream, part)
  }))
}

export function rstStream (code: number, stream = 1): Buffer {
  return http2Frame(frameType.rstStream, 0, stream, uint32(code))
}

export function settings (values: Settings = []): Buffer {
  return http2Frame(frameType.settings, 0, 0, Buffer.concat(values.map(([id, value]) => Buffer.concat([Buffer.of(id >> 8, id & 0xff), uint32(value)]))))
}

export function ping (): Buffer {
  return http2Frame(frameType.ping, 0, 0, Buffer.alloc(8))
}

/** What SETTINGS and PING are answered with. */
export function acknowledgement ({ type, payload }: Http2Frame): Buffer {
  return http2Frame(type, frameFlag.ack, 0, type === frameType.ping ? payload : undefined)
}

export function goAway (code: number = errorCode.noError, lastStream = 0): Buffer {
  return http2Frame(frameType.goAway, 0, 0, Buffer.concat([uint32(lastStream), uint32(code)]))
}

/** @param stream 0 for the session */
export function windowUpdate (increment: number, stream = 1): Buffer {
  return http2Frame(frameType.windowUpdate, 0, stream, uint32(increment))
}

/** Gives the frames of a session, whatever pieces they come in. */
export class Http2FrameReader {
  readonly #onFrame: (frame: Http2Frame) => void
  #rest = Buffer.alloc(0)

  constructor (onFrame: (frame: Http2Frame) => void) {
    this.#onFrame = onFrame
  }

  push (chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk])
    for (let size = this.#size(); size <= this.#rest.length; size = this.#size()) {
      const frame = this.#rest.subarray(0, size)
      this.#rest = this.#rest.subarray(size)
      this.#onFrame({ type: frame[3], flags: frame[4], stream: frame.readUInt32BE(5) & 0x7fff_ffff, payload: frame.subarray(headerSize) })
    }
  }

  /** Of the next frame; of its header, where that has not come. */
  #size (): number {
    return headerSize + (this.#rest.length < headerSize ? 0 : this.#rest.readUIntBE(0, 3))
  }
}

/** Literals without indexing, under new names, and without Huffman's codes (RFC 7541 section 6.2.2). */
export function fieldBlock (fields: Fields): Buffer {
  return Buffer.concat(fields.map(([name, value]) => Buffer.concat([Buffer.of(0), literal(name), literal(value)])))
}

/** RFC 7541 section 5.2. */
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

/** What the static table has for `:status`, from entry 8 on (RFC 7541 appendix A). */
const indexedStatuses = [200, 204, 206, 304, 400, 404, 500]

/** Of the digits, from 0 on (RFC 7541 appendix B). */
const huffmanCodes = ['00000', '00001', '00010', '011001', '011010', '011011', '011100', '011101', '011110', '011111']

/** The `:status` of a reply, which comes first (RFC 9113 section 8.3), where the server's dynamic table is empty. */
export function readStatus (block: Buffer): number {
  const first = block[0]
  // How large the table may grow (RFC 7541 section 6.3).
  if ((first & 0xe0) === 0x20) return readStatus(block.subarray(1))
  const indexed = indexedStatuses[first - 0x88]
  if (indexed !== undefined) return indexed
  // A literal, with indexing or without, under the name of entry 8.
  if (first !== 0x48 && first !== 0x08) throw new Error(`a block that does not begin with a status: ${block.toString('hex', 0, 8)}`)
  const value = block.subarray(2, 2 + (block[1] & 0x7f))
  return Number((block[1] & 0x80) === 0 ? value.toString('latin1') : huffmanDigits(value))
}

function huffmanDigits (bytes: Buffer): string {
  let bits = [...bytes].map(byte => byte.toString(2).padStart(8, '0')).join('')
  let digits = ''
  while (digits.length < 3) {
    const digit = huffmanCodes.findIndex(code => bits.startsWith(code))
    digits += digit
    bits = bits.slice(huffmanCodes[digit].length)
  }
  return digits
}

function uint32 (value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
