import { Type } from '@sinclair/typebox'
import type { Static } from '@sinclair/typebox'
import { bit, length16, length64, opcode } from '../../lib/protocol/frame.ts'

const names = ['fin', 'rsv1', 'rsv2', 'rsv3', 'opcode', 'mask', 'length', 'length16', 'length64', 'key'] as const

/** A field of a frame's header: where it lies, in bits from the frame's first, and what it says. */
export const FieldSchema = Type.Object({
  name: Type.Unsafe<typeof names[number]>({ type: 'string', enum: [...names] }),
  at: Type.Integer(),
  bits: Type.Integer(),
  /** Decimal; the key is hexadecimal. A string, since 64 bits don't fit in a number of JavaScript. */
  value: Type.String()
})

export type Field = Static<typeof FieldSchema>

/** The longest header: two bytes, a 64-bit length, a masking key. */
export const longestHeader = 14

/** How many bytes the header has that begins with these two (RFC 6455 section 5.2). */
export function headerSize (bytes: Buffer): number {
  const length = bytes[1] & bit.length
  const extended = length === length16 ? 2 : length === length64 ? 8 : 0
  const key = (bytes[1] & bit.mask) === 0 ? 0 : 4
  return 2 + extended + key
}

/** How many bytes the payload behind a header has. */
export function payloadLength (header: Buffer): bigint {
  const length = header[1] & bit.length
  if (length === length16) return BigInt(header.readUInt16BE(2))
  if (length === length64) return header.readBigUInt64BE(2)
  return BigInt(length)
}

/** Every field of a header, in the order of the figure in RFC 6455 section 5.2. */
export function readFields (header: Buffer): Field[] {
  const [first, second] = header
  const isMasked = (second & bit.mask) !== 0
  const length = second & bit.length
  const fields: Field[] = [
    field('fin', 0, 1, (first & bit.fin) >>> 7),
    field('rsv1', 1, 1, (first & bit.rsv1) >>> 6),
    field('rsv2', 2, 1, (first & bit.rsv2) >>> 5),
    field('rsv3', 3, 1, (first & bit.rsv3) >>> 4),
    field('opcode', 4, 4, first & bit.opcode),
    field('mask', 8, 1, (second & bit.mask) >>> 7),
    field('length', 9, 7, length)
  ]
  if (length === length16) fields.push(field('length16', 16, 16, payloadLength(header)))
  if (length === length64) fields.push(field('length64', 16, 64, payloadLength(header)))
  if (isMasked) {
    const at = headerSize(header) - 4
    fields.push(field('key', at * 8, 32, header.toString('hex', at, at + 4)))
  }
  return fields
}

/** What an opcode is called; `reserved` for those that the RFC leaves to later. */
export function nameOfOpcode (code: number): string {
  return Object.entries(opcode).find(([, known]) => known === code)?.[0] ?? 'reserved'
}

function field (name: Field['name'], at: number, bits: number, value: number | bigint | string): Field {
  return { name, at, bits, value: String(value) }
}
