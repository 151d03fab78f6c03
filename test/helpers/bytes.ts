/** A byte builder of the tests' own, so that a mistake of the library's can't hide behind itself. */

export interface FrameSpec {
  opcode: number
  payload?: string | Buffer
  fin?: boolean
  /** The three reserved bits as a number: 4 is RSV1. */
  rsv?: number
  /** false: unmasked */
  mask?: Buffer | false
  /** What the header announces, if not the payload's length. */
  length?: number | bigint
  /** Which form of the length to use: 7, 16 or 64 bits. Default: the shortest. */
  lengthBits?: 7 | 16 | 64
}

const defaultMask = Buffer.from([0x12, 0x34, 0x56, 0x78])

/** Bytes from hexadecimal text, in which spaces do not count. */
export function hex (text: string): Buffer {
  return Buffer.from(text.replace(/\s/g, ''), 'hex')
}

/** The bytes of a client's frame; masked unless said otherwise. */
export function frame ({ opcode, payload = '', fin = true, rsv = 0, mask = defaultMask, length, lengthBits }: FrameSpec): Buffer {
  const body = Buffer.from(payload)
  const announced = BigInt(length ?? body.length)
  const bits = lengthBits ?? (announced < 126n ? 7 : announced <= 0xffffn ? 16 : 64)
  const header = Buffer.alloc(bits === 7 ? 2 : bits === 16 ? 4 : 10)
  header[0] = (fin ? 0x80 : 0) | (rsv << 4) | opcode
  header[1] = (mask === false ? 0 : 0x80) | (bits === 7 ? Number(announced) : bits === 16 ? 126 : 127)
  if (bits === 16) header.writeUInt16BE(Number(announced), 2)
  if (bits === 64) header.writeBigUInt64BE(announced, 2)
  if (mask === false) return Buffer.concat([header, body])
  const bytes = Buffer.concat([header, mask, body])
  const start = bytes.length - body.length
  for (let i = 0; i < body.length; i++) bytes[start + i] ^= mask[i & 3]
  return bytes
}

export const text = (payload: string | Buffer, more: Partial<FrameSpec> = {}): Buffer => frame({ opcode: 1, payload, ...more })
export const binary = (payload: string | Buffer, more: Partial<FrameSpec> = {}): Buffer => frame({ opcode: 2, payload, ...more })
export const continuation = (payload: string | Buffer, more: Partial<FrameSpec> = {}): Buffer => frame({ opcode: 0, payload, ...more })
export const ping = (payload: string | Buffer = '', more: Partial<FrameSpec> = {}): Buffer => frame({ opcode: 9, payload, ...more })
export const pong = (payload: string | Buffer = '', more: Partial<FrameSpec> = {}): Buffer => frame({ opcode: 10, payload, ...more })

/** A close frame; without a code its payload is empty. */
export function close (code?: number, reason: string | Buffer = '', more: Partial<FrameSpec> = {}): Buffer {
  const payload = code === undefined ? Buffer.alloc(0) : Buffer.concat([Buffer.from([code >> 8, code & 0xff]), Buffer.from(reason)])
  return frame({ opcode: 8, payload, ...more })
}

/** Cuts bytes into pieces of `size`. */
export function cut (bytes: Buffer, size: number): Buffer[] {
  const pieces = []
  for (let i = 0; i < bytes.length; i += size) pieces.push(bytes.subarray(i, i + size))
  return pieces
}

/** Cuts bytes at some points; those beyond their end do not count. */
export function cutAt (bytes: Buffer, points: readonly number[]): Buffer[] {
  const borders = [0, ...points.filter(point => point < bytes.length), bytes.length].sort((a, b) => a - b)
  return borders.slice(1).map((end, i) => bytes.subarray(borders[i], end))
}

export interface ReadFrame {
  fin: boolean
  rsv: number
  opcode: number
  masked: boolean
  payload: Buffer
}

/** Reads one frame from the start of `bytes`; null when it is not complete. */
export function readFrame (bytes: Buffer): { frame: ReadFrame, size: number } | null {
  if (bytes.length < 2) return null
  const masked = (bytes[1] & 0x80) !== 0
  let length = bytes[1] & 0x7f
  let offset = 2
  if (length === 126) {
    if (bytes.length < 4) return null
    length = bytes.readUInt16BE(2)
    offset = 4
  } else if (length === 127) {
    if (bytes.length < 10) return null
    length = Number(bytes.readBigUInt64BE(2))
    offset = 10
  }
  const key = masked ? bytes.subarray(offset, offset + 4) : null
  if (masked) offset += 4
  if (bytes.length < offset + length) return null
  let payload = Buffer.from(bytes.subarray(offset, offset + length))
  if (key !== null) payload = Buffer.from(payload.map((byte, index) => byte ^ key[index % 4]))
  return { frame: { fin: (bytes[0] & 0x80) !== 0, rsv: (bytes[0] >> 4) & 7, opcode: bytes[0] & 15, masked, payload }, size: offset + length }
}
