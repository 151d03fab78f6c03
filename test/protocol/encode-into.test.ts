import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { opcode } from '../../lib/protocol/frame.ts'
import { encodeFrame, encodeFrameInto, encodeHeaderInto, maxFrameSize, maxHeaderSize } from '../../lib/protocol/frame-encoder.ts'
import { readFrame } from '../helpers/bytes.ts'
import { holds } from '../helpers/property.ts'

const code = (payload: string | Buffer) => typeof payload === 'string' ? opcode.text : opcode.binary

/** Encodes it in the middle of memory that has just as much room as was said. Throws where that is not `encodeFrame`'s frame, or what is around it changed. */
function check (payload: string | Buffer, at: number): void {
  const target = Buffer.alloc(at + maxFrameSize(payload) + 5, 0xa5)
  const end = encodeFrameInto(target, at, code(payload), payload)
  const frame = encodeFrame(code(payload), payload)
  assert.equal(end, at + frame.length)
  assert.ok(end <= at + maxFrameSize(payload), 'no more room than was said')
  assert.ok(target.subarray(at, end).equals(frame), 'the same frame')
  assert.ok(target.subarray(0, at).every(byte => byte === 0xa5), 'nothing before it')
  assert.ok(target.subarray(end).every(byte => byte === 0xa5), 'nothing behind it')
  assert.ok(readFrame(frame)?.frame.payload.equals(Buffer.from(payload)), 'what an independent reader reads')
}

/** Where a text of one, two, three bytes a unit passes from a short header to a longer one, and around it. */
const lengths = [0, 1, 2, 40, 41, 42, 43, 61, 62, 63, 64, 124, 125, 126, 127, 128, 21844, 21845, 21846, 32767, 32768, 65534, 65535, 65536, 65537]

for (const [title, unit] of Object.entries({
  ASCII: 'a', 'a null': '\0', 'two bytes': 'é', 'three bytes': '€', 'four bytes': '😀', 'half a pair': '\ud83d', 'the other half': '\ude00', 'a mixture': 'a€é😀\ud83d'
})) {
  t.test(`texts of ${title}, of lengths around those at which a header grows`, async t => {
    for (const length of lengths) {
      const text = unit.repeat(length).slice(0, length)
      for (const at of [0, 1, 7]) check(text, at)
      check(`é${text}`, 3)
      check(`${text}é`, 3)
    }
    t.pass('each is as encodeFrame has it')
  })
}

t.test('a header that its text does not fit in after all: 41 and 42 times three bytes, 65535 and 65536', async t => {
  for (const [length, size] of [[41, 2], [42, 4], [21845, 4], [21846, 10]]) {
    const text = '€'.repeat(length)
    t.equal(encodeFrameInto(Buffer.alloc(maxFrameSize(text)), 0, opcode.text, text), size + 3 * length)
    check(text, 5)
  }
})

t.test('bytes, of lengths around those at which a header grows', async t => {
  for (const length of lengths) check(Buffer.from(Array.from({ length }, (_, index) => index * 31)), 3)
  t.pass('each is as encodeFrame has it')
})

t.test('bytes are copied, and not changed', async t => {
  const payload = Buffer.from('Hello')
  const target = Buffer.alloc(maxFrameSize(payload))
  encodeFrameInto(target, 0, opcode.binary, payload)
  payload.fill(0)
  t.equal(target.toString('latin1', 2, 7), 'Hello')
})

t.test('frames one behind the other do not touch', async t => {
  const texts = ['a', '€'.repeat(42), '', 'é'.repeat(63), 'end']
  const target = Buffer.alloc(1000)
  let end = 0
  for (const text of texts) end = encodeFrameInto(target, end, opcode.text, text)
  t.same(target.subarray(0, end), Buffer.concat(texts.map(text => encodeFrame(opcode.text, text))))
})

t.test('any text and any bytes, anywhere', async t => {
  const anyText = fc.array(fc.constantFrom('a', '\0', 'é', '€', '😀', '\ud83d', '\ude00', 'z'.repeat(40), '€'.repeat(20)), { maxLength: 12 }).map(parts => parts.join(''))
  const anyBytes = fc.uint8Array({ maxLength: 300 }).map(bytes => Buffer.from(bytes))
  holds(t, fc.property(fc.oneof(anyText, anyBytes, fc.string({ unit: 'binary', maxLength: 200 })), fc.nat(20), check), { numRuns: 500 })
})

t.test('a header alone is that of the frame', async t => {
  for (const length of lengths) {
    const target = Buffer.alloc(maxHeaderSize + 8, 0xa5)
    const end = encodeHeaderInto(target, 3, opcode.binary, length)
    const frame = encodeFrame(opcode.binary, Buffer.alloc(length))
    t.same(target.subarray(3, end), frame.subarray(0, frame.length - length), `${length} bytes`)
    t.ok(target.subarray(0, 3).every(byte => byte === 0xa5) && target.subarray(end).every(byte => byte === 0xa5))
  }
  const target = Buffer.alloc(maxHeaderSize)
  t.equal(encodeHeaderInto(target, 0, opcode.binary, 0x1_2345_6789), maxHeaderSize)
  t.equal(target.toString('hex'), '827f0000000123456789')
})
