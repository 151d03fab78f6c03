/** Frames of RFC 9113, written and read by hand: Node's own client is too polite for what an attacker does. */

export const frameType = {
  data: 0, headers: 1, priority: 2, rstStream: 3, settings: 4, ping: 6, goaway: 7, windowUpdate: 8, continuation: 9
} as const

export const frameFlag = { ack: 1, endStream: 1, endHeaders: 4 } as const

/** RFC 9113 section 7 */
export const errorCode = { noError: 0, protocolError: 1, internalError: 2, flowControlError: 3, cancel: 8, enhanceYourCalm: 11 } as const

/** RFC 9113 section 6.5.2 */
export const setting = { headerTableSize: 1, initialWindowSize: 4 } as const

export const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

export interface Http2Frame {
  readonly type: number
  readonly flags: number
  readonly stream: number
  readonly payload: Buffer
}

const headerSize = 9

/** One frame (RFC 9113 section 4.1). */
export function http2Frame (type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(headerSize)
  header.writeUIntBE(payload.length, 0, 3)
  header[3] = type
  header[4] = flags
  header.writeUInt32BE(stream, 5)
  return Buffer.concat([header, payload])
}

/** Reads one frame from the start of `bytes`; null when it is not complete. */
export function readHttp2Frame (bytes: Buffer): { frame: Http2Frame, size: number } | null {
  if (bytes.length < headerSize) return null
  const size = headerSize + bytes.readUIntBE(0, 3)
  if (bytes.length < size) return null
  return { frame: { type: bytes[3], flags: bytes[4], stream: bytes.readUInt32BE(5) & 0x7fffffff, payload: bytes.subarray(headerSize, size) }, size }
}

export function headersFrame (stream: number, block: Buffer, flags: number = frameFlag.endHeaders): Buffer {
  return http2Frame(frameType.headers, flags, stream, block)
}

export function resetFrame (stream: number, code: number = errorCode.cancel): Buffer {
  return http2Frame(frameType.rstStream, 0, stream, uint32(code))
}

export function windowUpdateFrame (stream: number, increment: number): Buffer {
  return http2Frame(frameType.windowUpdate, 0, stream, uint32(increment))
}

export function settingsFrame (settings: ReadonlyArray<readonly [id: number, value: number]> = []): Buffer {
  return http2Frame(frameType.settings, 0, 0, Buffer.concat(settings.map(([id, value]) => Buffer.concat([Buffer.from([id >> 8, id & 0xff]), uint32(value)]))))
}

/** A header block of literals without indexing, and without Huffman codes (RFC 7541 section 6.2.2). */
export function headerBlock (headers: ReadonlyArray<readonly [name: string, value: string]>): Buffer {
  return Buffer.concat(headers.flatMap(([name, value]) => [Buffer.from([0]), hpackString(name), hpackString(value)]))
}

/** The status of a block that a server has sent, its dynamic table being empty; null where it begins with something else. */
export function statusOf (block: Buffer): number | null {
  const first = block[0]
  // Says how large the table is (RFC 7541 section 6.3).
  if ((first & 0xe0) === 0x20) return statusOf(block.subarray(1))
  // Of the static table (RFC 7541 appendix A).
  if (first >= 0x88 && first <= 0x8e) return [200, 204, 206, 304, 400, 404, 500][first - 0x88]
  // A literal, with incremental indexing or without, whose name is that of entry 8.
  if (first !== 0x48 && first !== 0x08) return null
  const length = block[1] & 0x7f
  const text = block.subarray(2, 2 + length)
  return Number((block[1] & 0x80) === 0 ? text.toString('latin1') : huffmanDigits(text))
}

/** RFC 7541 appendix B: 0 to 2 have five bits, 3 to 9 six. */
function huffmanDigits (bytes: Buffer): string {
  const bits = [...bytes].map(byte => byte.toString(2).padStart(8, '0')).join('')
  let digits = ''
  for (let at = 0; digits.length < 3;) {
    const short = Number.parseInt(bits.slice(at, at + 5), 2)
    digits += short <= 2 ? short : Number.parseInt(bits.slice(at, at + 6), 2) - 0x19 + 3
    at += short <= 2 ? 5 : 6
  }
  return digits
}

function hpackString (text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1')
  if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes])
  const length = [127]
  let rest = bytes.length - 127
  for (; rest >= 128; rest >>= 7) length.push((rest & 127) | 128)
  return Buffer.concat([Buffer.from([...length, rest]), bytes])
}

function uint32 (value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
