/** The masking key of a frame, as it stands on the wire: its first byte highest (RFC 6455 section 5.3). As `readInt32BE`, which looks at its arguments first. */
export function readKey (bytes: Buffer, at: number): number {
  return (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]
}

/** The key as seen from `offset` bytes further on in the payload. */
export function rotateKey (key: number, offset: number): number {
  const shift = (offset & 3) << 3
  return shift === 0 ? key : (key << shift) | (key >>> (32 - shift))
}

/** The key as a word whose lowest byte comes first in memory. */
export function littleEndianKey (key: number): number {
  return (key << 24) | ((key & 0xff00) << 8) | ((key >>> 8) & 0xff00) | (key >>> 24)
}
