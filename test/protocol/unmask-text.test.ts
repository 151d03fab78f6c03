import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { unmaskText } from '../../lib/protocol/unmask-text.ts'
import { holds } from '../helpers/property.ts'

/** Nothing set, each byte alone, the top bit of each, all of them, and keys as a parser reads them: signed. */
const keys = [0, 0xff, 0xff00, 0xff0000, 0xff000000 | 0, 0x80808080 | 0, 0x01020304, 0xf1e2d3c4 | 0, -1]

/** What is around a text in its chunk: neither is to be touched. */
const before = 6
const behind = 9

/** As section 5.3 of RFC 6455 has it, one byte after the other. */
function mask (plain: Uint8Array, key: number): Buffer {
  const octets = [key >>> 24, key >>> 16, key >>> 8, key]
  return Buffer.from(plain.map((byte, index) => byte ^ octets[index % 4]))
}

/** A chunk that begins at `alignment` of its memory, with a text in it, and how all of that memory should be when it is unmasked. */
function chunkOf (plain: Uint8Array, key: number, alignment: number): { memory: Buffer, chunk: Buffer, expected: Buffer } {
  const lead = Buffer.alloc(alignment + before, 0xc3)
  const tail = Buffer.alloc(behind, 0x5c)
  const bytes = Uint8Array.from(Buffer.concat([lead, mask(plain, key), tail]))
  return { memory: Buffer.from(bytes.buffer), chunk: Buffer.from(bytes.buffer, alignment), expected: Buffer.concat([lead, plain, tail]) }
}

const ascii = (length: number): Uint8Array => Uint8Array.from({ length }, (_, index) => (index * 37 + length) & 0x7f)

/** A chunk that a text was unmasked in is known, and the next ones of it are unmasked by words. */
const known = (chunk: Buffer): unknown => unmaskText(chunk, 0, 0, 0)

for (const way of ['byte by byte', 'by words'] as const) {
  t.test(`ASCII of every length and alignment, with every kind of key, ${way}`, async t => {
    const wrong: string[] = []
    for (const key of keys) {
      for (let alignment = 0; alignment < 8; alignment++) {
        for (let length = 0; length < 256; length++) {
          const { memory, chunk, expected } = chunkOf(ascii(length), key, alignment)
          if (way === 'by words') known(chunk)
          const isAscii = unmaskText(chunk, before, before + length, key)
          if (!isAscii || !memory.equals(expected)) wrong.push(`key ${key}, alignment ${alignment}, length ${length}`)
        }
      }
    }
    t.same(wrong, [], 'as the byte loop has it, and nothing around it was touched')
  })

  t.test(`one byte above ASCII is seen wherever it stands, ${way}`, async t => {
    const wrong: string[] = []
    for (const key of [0, 0x01020304, 0x80808080 | 0, -1]) {
      for (let alignment = 0; alignment < 4; alignment++) {
        for (const length of [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 63, 64, 65, 125, 254, 255]) {
          for (let at = 0; at < length; at++) {
            const plain = ascii(length)
            plain[at] |= 0x80
            const { memory, chunk, expected } = chunkOf(plain, key, alignment)
            if (way === 'by words') known(chunk)
            const isAscii = unmaskText(chunk, before, before + length, key)
            if (isAscii || !memory.equals(expected)) wrong.push(`key ${key}, alignment ${alignment}, length ${length}, at ${at}`)
          }
        }
      }
    }
    t.same(wrong, [])
  })
}

t.test('bytes above ASCII right before and behind a text are not its own', async t => {
  for (let length = 0; length < 12; length++) {
    const chunk = Buffer.alloc(32, 0xff)
    chunk.fill(0x41, 8, 8 + length)
    known(chunk)
    t.ok(unmaskText(chunk, 8, 8 + length, 0), `${length} bytes`)
  }
})

t.test('a text that reaches the end of memory whose length is no multiple of a word', async t => {
  const wrong: number[] = []
  for (let size = 1; size < 64; size++) {
    const plain = ascii(size)
    const memory = new Uint8Array(mask(plain, 0xf1e2d3c4 | 0))
    const chunk = Buffer.from(memory.buffer)
    known(chunk)
    if (!unmaskText(chunk, 0, size, 0xf1e2d3c4 | 0) || !chunk.equals(plain)) wrong.push(size)
  }
  t.same(wrong, [])
})

t.test('two chunks in turn do not take each other\'s memory', async t => {
  const key = 0x37fa213d
  const chunks = [0, 1].map(nth => {
    const plain = Uint8Array.from({ length: 160 }, (_, index) => (index * (nth + 3)) & 0x7f)
    return { plain, chunk: Buffer.concat(Array.from({ length: 8 }, (_, part) => mask(plain.subarray(part * 20, part * 20 + 20), key))) }
  })
  for (const part of [0, 1, 2, 3, 4, 5, 6, 7]) {
    for (const { chunk } of part === 4 ? chunks.toReversed() : chunks) t.ok(unmaskText(chunk, part * 20, part * 20 + 20, key))
  }
  for (const { plain, chunk } of chunks) t.ok(chunk.equals(plain))
})

t.test('any texts of any chunks that share their memory, in any order of the chunks, are what the byte loop makes of them', async t => {
  const text = fc.record({ bytes: fc.uint8Array({ maxLength: 40 }), key: fc.integer(), gap: fc.nat(7), other: fc.boolean() })
  holds(t, fc.property(fc.array(text, { maxLength: 12 }), fc.nat(7), fc.nat(7), (texts, first, second) => {
    const memory = new Uint8Array(1024)
    const chunks = [Buffer.from(memory.buffer, first), Buffer.from(memory.buffer, second)]
    const expected = Buffer.alloc(1024)
    let at = 8
    for (const { bytes, key, gap, other } of texts) {
      at += gap
      const chunk = chunks[other ? 1 : 0]
      memory.set(mask(bytes, key), at)
      expected.set(bytes, at)
      const isAscii = unmaskText(chunk, at - chunk.byteOffset, at - chunk.byteOffset + bytes.length, key)
      assert.equal(isAscii, bytes.every(byte => byte < 0x80))
      at += bytes.length
    }
    assert.ok(expected.equals(memory))
  }), { numRuns: 500 })
})
