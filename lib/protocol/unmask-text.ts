import { maskBytes, maskWords } from './mask.ts'
import { rotateKey } from './masking-key.ts'

/** The chunk whose texts were unmasked last, and its memory by words: null until it has a second one. */
let chunk: Buffer | null = null
let words: Uint32Array | null = null

const notAsciiByte = 0x80
const notAsciiWord = 0x8080_8080

/**
 * Unmasks a short text in place (RFC 6455 section 5.3), and answers whether it is ASCII: it then needs no validation and no transcoding.
 *
 * Clients that send much send many messages in a chunk. One view of its memory by words serves them all, which takes a 64-byte text from
 * 29 to 12 ns; for one message alone, making the view would take as long as it saves.
 *
 * @param bytes the chunk, whose text lies from `start` to `end`
 * @param key the masking key as it stands on the wire, its first byte highest
 */
export function unmaskText (bytes: Buffer, start: number, end: number, key: number): boolean {
  if (bytes !== chunk) {
    chunk = bytes
    words = null
    return maskBytes(bytes, start, end, key) < notAsciiByte
  }
  words ??= new Uint32Array(bytes.buffer, 0, bytes.buffer.byteLength >>> 2)
  const shift = bytes.byteOffset
  const lead = Math.min(end, start + (-(shift + start) & 3))
  const wordsEnd = Math.max(lead, end - ((shift + end) & 3))
  const inWords = rotateKey(key, lead - start)
  const edges = maskBytes(bytes, start, lead, key) | maskBytes(bytes, wordsEnd, end, inWords)
  return (maskWords(words, (shift + lead) >>> 2, (shift + wordsEnd) >>> 2, inWords) & notAsciiWord) === 0 && edges < notAsciiByte
}
