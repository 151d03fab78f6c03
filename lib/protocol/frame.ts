/** Opcodes of RFC 6455 section 5.2. */
export const opcode = {
  continuation: 0x0,
  text: 0x1,
  binary: 0x2,
  close: 0x8,
  ping: 0x9,
  pong: 0xa
} as const

export type Opcode = typeof opcode[keyof typeof opcode]

/** Bits of a frame's first two bytes (RFC 6455 section 5.2). */
export const bit = {
  fin: 0x80,
  rsv1: 0x40,
  rsv2: 0x20,
  rsv3: 0x10,
  opcode: 0x0f,
  mask: 0x80,
  length: 0x7f
} as const

/** Values of the 7-bit length that announce a longer one. */
export const length16 = 126
export const length64 = 127

/** The largest payload of a control frame (RFC 6455 section 5.5). */
export const maxControlPayload = 125

/** Control frames have the high bit of the opcode set (RFC 6455 section 5.5). */
export function isControl (code: number): boolean {
  return (code & 0x8) !== 0
}

/** Bytes of the header of an unmasked frame whose payload has `length` bytes. */
export function headerSize (length: number): number {
  return length < length16 ? 2 : length <= 0xffff ? 4 : 10
}

/** Bytes of the header of this unmasked frame. */
export function headerSizeOf (frame: Buffer): number {
  const length = frame[1] & bit.length
  return length < length16 ? 2 : length === length16 ? 4 : 10
}
