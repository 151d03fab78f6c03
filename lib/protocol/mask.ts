import { littleEndianKey, rotateKey } from './masking-key.ts'
import { loadSimdMask } from './simd-mask.ts'

/** Below this size a loop over bytes is the fastest: words need a view of the memory, and WebAssembly a copy in and out. */
const largeFrom = 128

const isLittleEndian = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1

/** null where Node was started without WebAssembly, or the processor has no SIMD. */
const simd = loadSimdMask()

/**
 * Masks or unmasks in place: the same operation both ways (RFC 6455 section 5.3).
 *
 * @param bytes the payload, or a part of it
 * @param key the masking key as it stands on the wire, its first byte highest
 * @param offset where in the payload `bytes` begins
 */
export function applyMask (bytes: Buffer, key: number, offset: number): void {
  const { length } = bytes
  if (key === 0) return
  if (length < largeFrom) maskBytes(bytes, 0, length, rotateKey(key, offset))
  else if (simd !== null) simd.mask(bytes, rotateKey(key, offset), bytes, 0)
  else maskInWords(bytes, key, offset)
}

/** The same on the way into `target` at `at`; `bytes` may be changed too. Large payloads are copied anyway where they are masked. */
export function copyMasked (bytes: Buffer, key: number, offset: number, target: Buffer, at: number): void {
  if (bytes.length >= largeFrom && simd !== null && key !== 0) {
    simd.mask(bytes, rotateKey(key, offset), target, at)
  } else {
    applyMask(bytes, key, offset)
    bytes.copy(target, at)
  }
}

/** Large payloads where there is no SIMD. */
export function maskInWords (bytes: Uint8Array, key: number, offset: number): void {
  const length = bytes.length
  // Words must be aligned in memory, which the payload need not be.
  const lead = -bytes.byteOffset & 3
  maskBytes(bytes, 0, lead, rotateKey(key, offset))
  const wordCount = (length - lead) >>> 2
  maskWords(new Uint32Array(bytes.buffer, bytes.byteOffset + lead, wordCount), 0, wordCount, rotateKey(key, offset + lead))
  const tail = lead + (wordCount << 2)
  maskBytes(bytes, tail, length, rotateKey(key, offset + tail))
}

/** Returns all bytes in one: each bit that any of them has then. */
export function maskBytes (bytes: Uint8Array, from: number, to: number, key: number): number {
  const k0 = key >>> 24
  const k1 = (key >>> 16) & 0xff
  const k2 = (key >>> 8) & 0xff
  const k3 = key & 0xff
  let all = 0
  let i = from
  for (; i + 3 < to; i += 4) all |= (bytes[i] ^= k0) | (bytes[i + 1] ^= k1) | (bytes[i + 2] ^= k2) | (bytes[i + 3] ^= k3)
  if (i < to) all |= bytes[i] ^= k0
  if (i + 1 < to) all |= bytes[i + 1] ^= k1
  if (i + 2 < to) all |= bytes[i + 2] ^= k2
  return all
}

/** As `maskBytes`, with words: `key` is that of the first. */
export function maskWords (words: Uint32Array, from: number, to: number, key: number): number {
  const word = isLittleEndian ? littleEndianKey(key) : key
  let all = 0
  for (let i = from; i < to; i++) all |= words[i] ^= word
  return all
}
