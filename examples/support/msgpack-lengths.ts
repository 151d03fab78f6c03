/** Bytes behind the first one of a value that is no string, no container and nothing with a length (MessagePack specification, "Formats"). */
const sizes: ReadonlyMap<number, number> = new Map([
  [0xca, 4], [0xcb, 8], // floats
  [0xcc, 1], [0xcd, 2], [0xce, 4], [0xcf, 8], [0xd0, 1], [0xd1, 2], [0xd2, 4], [0xd3, 8], // integers
  [0xd4, 2], [0xd5, 3], [0xd6, 5], [0xd7, 9], [0xd8, 17] // extensions of a fixed size, with their type
])

/** How many bytes of length follow the first one, and what it is the length of. */
const lengths: ReadonlyMap<number, { readonly size: 1 | 2 | 4, readonly of: 'bytes' | 'extension' | 'array' | 'map' }> = new Map([
  [0xc4, { size: 1, of: 'bytes' }], [0xc5, { size: 2, of: 'bytes' }], [0xc6, { size: 4, of: 'bytes' }],
  [0xc7, { size: 1, of: 'extension' }], [0xc8, { size: 2, of: 'extension' }], [0xc9, { size: 4, of: 'extension' }],
  [0xd9, { size: 1, of: 'bytes' }], [0xda, { size: 2, of: 'bytes' }], [0xdb, { size: 4, of: 'bytes' }],
  [0xdc, { size: 2, of: 'array' }], [0xdd, { size: 4, of: 'array' }],
  [0xde, { size: 2, of: 'map' }], [0xdf, { size: 4, of: 'map' }]
])

/**
 * Checks that a payload has a byte at least for each value that it announces. Decoders make room for an array before they have seen what is in it: five bytes are
 * enough to announce four thousand million entries, and arrays in arrays add up.
 *
 * @throws RangeError
 */
export function checkLengths (payload: Buffer): void {
  let awaited = 1
  for (let at = 0; awaited > 0; awaited--) {
    if (awaited > payload.length - at) throw new RangeError('the message announces more than it has')
    const first = payload[at++]
    const length = lengths.get(first)
    if (length !== undefined) {
      const count = payload.readUIntBE(at, length.size)
      at += length.size
      if (length.of === 'array') awaited += count
      else if (length.of === 'map') awaited += count * 2
      else at += length.of === 'extension' ? count + 1 : count
    } else if (first >= 0x80 && first < 0x90) awaited += (first & 0xf) * 2
    else if (first >= 0x90 && first < 0xa0) awaited += first & 0xf
    else if (first >= 0xa0 && first < 0xc0) at += first & 0x1f
    else at += sizes.get(first) ?? 0
  }
}
