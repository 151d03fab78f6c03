import type { Random } from './random.ts'

/** Code points at the borders of UTF-8's lengths and of what it leaves out (RFC 3629). */
const codePoints = [0x00, 0x0a, 0x22, 0x5c, 0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xfffd, 0xfffe, 0xffff, 0x10000, 0x1f600, 0x10ffff]

/** Sequences that no text has: surrogates, too long forms, bytes beyond the last code point, ends that are missing. */
const badSequences = [
  'eda080', 'edbfbf', 'eda080edb080', 'c080', 'c1bf', 'e08080', 'e09fbf', 'f0808080', 'f08fbfbf', 'f4908080', 'f5808080',
  'ff', 'fe', '80', 'bf', 'c2', 'e282', 'f09f98', 'e28228', 'f8888080', 'fc8480808080'
].map(sequence => Buffer.from(sequence, 'hex'))

/** Valid text of about `length` bytes. */
export function text (random: Random, length: number): string {
  let text = ''
  for (let bytes = 0; bytes < length;) {
    const ascii = random.below(4) > 0
    const run = ascii ? 'abcdefghijklmnopqrstuvwxyz012345'.slice(0, random.between(1, 32)) : String.fromCodePoint(random.pick(codePoints))
    text += run
    bytes += ascii ? run.length : 3
  }
  // A pair that the end cuts becomes U+FFFD.
  return Buffer.from(text.slice(0, length)).toString()
}

/** The bytes of a text, now and then with a sequence that is none. */
export function utf8 (random: Random, length: number): Buffer {
  const bytes = Buffer.from(text(random, length))
  if (!random.oneIn(6)) return bytes
  const at = random.pick([0, bytes.length, random.below(bytes.length + 1)])
  return Buffer.concat([bytes.subarray(0, at), random.pick(badSequences), bytes.subarray(at)])
}

/** The payload of a close frame: codes of all kinds, reasons good and bad, and lengths that can't be. */
export function closePayload (random: Random): Buffer {
  if (random.oneIn(5)) return Buffer.alloc(random.pick([0, 0, 1]))
  const code = random.weighted([
    [4, random.pick([1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999])],
    [1, random.pick([0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535])],
    [1, random.below(65536)]
  ])
  return Buffer.concat([Buffer.from([code >> 8, code & 0xff]), utf8(random, random.size(123))]).subarray(0, 125)
}
