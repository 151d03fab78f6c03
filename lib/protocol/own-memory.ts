/**
 * Bytes that are to be kept: copied where they are a small part of the memory that they lie in, all of which would be kept with them.
 */
export function ownMemory (bytes: Buffer): Buffer {
  if (bytes.buffer.byteLength <= bytes.length * 2) return bytes
  const copy = Buffer.allocUnsafeSlow(bytes.length)
  bytes.copy(copy)
  return copy
}
