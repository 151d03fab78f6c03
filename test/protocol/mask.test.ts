import fc from 'fast-check'
import t from 'tap'
import { applyMask } from '../../lib/protocol/mask.ts'
import { cutAt, hex } from '../helpers/bytes.ts'
import { holds } from '../helpers/property.ts'

/** The formula of RFC 6455 section 5.3, one byte after the other. */
function maskByFormula (bytes: Uint8Array, key: number, offset: number): Buffer {
  const octets = [key >>> 24, key >>> 16, key >>> 8, key]
  return Buffer.from(bytes.map((byte, i) => byte ^ octets[(offset + i) % 4]))
}

t.test('masks the example of section 5.7', async t => {
  const bytes = Buffer.from('Hello')
  applyMask(bytes, 0x37fa213d, 0)
  t.same(bytes, hex('7f9f4d5158'))
})

t.test('masking twice gives the bytes back', async t => {
  const bytes = Buffer.from('The same operation both ways: '.repeat(5))
  applyMask(bytes, 0x37fa213d, 3)
  applyMask(bytes, 0x37fa213d, 3)
  t.equal(bytes.toString(), 'The same operation both ways: '.repeat(5))
})

t.test('a key of zeros leaves the bytes alone', async t => {
  const bytes = Buffer.alloc(200, 0xa5)
  applyMask(bytes, 0, 1)
  t.same(bytes, Buffer.alloc(200, 0xa5))
})

for (const key of [0x01020304, 0xf1e2d3c4 | 0, 0x000000ff, 0xff000000 | 0, -1]) {
  t.test(`key ${(key >>> 0).toString(16)} at every alignment, offset and length from 0 to 200`, async t => {
    const wrong: string[] = []
    for (let alignment = 0; alignment < 8; alignment++) {
      for (let offset = 0; offset < 4; offset++) {
        for (let length = 0; length <= 200; length++) {
          const memory = Uint8Array.from({ length: 220 }, (_, i) => i * 7)
          const before = Buffer.from(memory)
          const part = Buffer.from(memory.buffer, alignment, length)
          const expected = Buffer.concat([
            before.subarray(0, alignment), maskByFormula(part, key, offset), before.subarray(alignment + length)
          ])
          applyMask(part, key, offset)
          if (!expected.equals(memory)) wrong.push(`alignment ${alignment}, offset ${offset}, length ${length}`)
        }
      }
    }
    t.same(wrong, [], 'masked as the formula says, and nothing around it was touched')
  })
}

t.test('a payload masked in any parts is the payload masked at once', async t => {
  holds(t, fc.property(fc.uint8Array({ maxLength: 1000 }), fc.integer(), fc.array(fc.nat(1000)), (bytes, key, points) => {
    const masked = Buffer.from(bytes)
    let offset = 0
    for (const part of cutAt(masked, points)) {
      applyMask(part, key, offset)
      offset += part.length
    }
    return masked.equals(maskByFormula(bytes, key, 0))
  }))
})
