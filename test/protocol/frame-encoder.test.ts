import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { opcode } from '../../lib/protocol/frame.ts'
import { encodeCompressedFrame, encodeFrame, encodeMaskedFrame, encodeMessage } from '../../lib/protocol/frame-encoder.ts'
import { FrameParser } from '../../lib/protocol/frame-parser.ts'
import { hex, readFrame } from '../helpers/bytes.ts'
import { holds } from '../helpers/property.ts'
import { FrameRecorder } from '../helpers/sinks.ts'

/** The examples of RFC 6455 section 5.7. */
t.test('5.7: an unmasked text message', async t => {
  t.same(encodeFrame(opcode.text, 'Hello'), hex('81 05 48656c6c6f'))
})

t.test('5.7: a masked text message', async t => {
  t.same(encodeMaskedFrame(opcode.text, 'Hello', 0x37fa213d), hex('81 85 37fa213d 7f9f4d5158'))
})

t.test('5.7: a fragmented unmasked text message', async t => {
  t.same(encodeFrame(opcode.text, 'Hel', false), hex('01 03 48656c'))
  t.same(encodeFrame(opcode.continuation, 'lo'), hex('80 02 6c6f'))
})

t.test('5.7: an unmasked ping and its masked pong', async t => {
  t.same(encodeFrame(opcode.ping, 'Hello'), hex('89 05 48656c6c6f'))
  t.same(encodeMaskedFrame(opcode.pong, 'Hello', 0x37fa213d), hex('8a 85 37fa213d 7f9f4d5158'))
})

t.test('5.7: 256 bytes of binary', async t => {
  const payload = Buffer.alloc(256, 7)
  t.same(encodeFrame(opcode.binary, payload), Buffer.concat([hex('82 7e 0100'), payload]))
})

t.test('5.7: 64 KiB of binary', async t => {
  const payload = Buffer.alloc(65536, 7)
  t.same(encodeFrame(opcode.binary, payload), Buffer.concat([hex('82 7f 0000000000010000'), payload]))
})

const headers: Record<number, string> = {
  0: '82 00',
  1: '82 01',
  125: '82 7d',
  126: '82 7e 007e',
  127: '82 7e 007f',
  65535: '82 7e ffff',
  65536: '82 7f 0000000000010000',
  16777217: '82 7f 0000000001000001'
}

for (const [length, header] of Object.entries(headers)) {
  t.test(`${length} bytes get the header ${header}`, async t => {
    const frame = encodeFrame(opcode.binary, Buffer.alloc(Number(length)))
    t.equal(frame.length, hex(header).length + Number(length))
    t.same(frame.subarray(0, hex(header).length), hex(header))
  })
}

for (const length of [0, 1, 125, 126, 127, 65535, 65536]) {
  t.test(`a payload of ${length} bytes comes out of the parser as it went into the encoder`, async t => {
    const payload = Buffer.from(Array.from({ length }, (_, i) => i * 31))
    for (const masked of [true, false]) {
      const sink = new FrameRecorder()
      const frame = masked ? encodeMaskedFrame(opcode.binary, payload, 0x9a0b3cff) : encodeFrame(opcode.binary, payload)
      new FrameParser(sink, masked).push(frame)
      t.same(sink.frames, [{ code: opcode.binary, fin: true, payload: payload.toString('hex') }])
    }
  })
}

t.test('text is counted in bytes of UTF-8, not in characters', async t => {
  t.same(encodeFrame(opcode.text, 'é'), hex('81 02 c3a9'))
  t.same(encodeFrame(opcode.text, '€'), hex('81 03 e282ac'))
  t.same(encodeFrame(opcode.text, '😀'), hex('81 04 f09f9880'))
  t.same(encodeFrame(opcode.text, 'é'.repeat(63)).subarray(0, 4), hex('81 7e 007e'), '63 characters are 126 bytes')
})

t.test('a lone surrogate, which UTF-8 does not have, is replaced', async t => {
  t.same(encodeFrame(opcode.text, 'a\ud800b'), hex('81 05 61 efbfbd 62'))
})

t.test('a key with the top bit set, signed or not, gives the same frame', async t => {
  t.same(encodeMaskedFrame(opcode.binary, hex('00000000'), 0xfffefdfc), hex('82 84 fffefdfc fffefdfc'))
  t.same(encodeMaskedFrame(opcode.binary, hex('00000000'), 0xfffefdfc | 0), hex('82 84 fffefdfc fffefdfc'))
})

t.test('the payload given is not changed', async t => {
  const payload = Buffer.from('Hello')
  encodeFrame(opcode.binary, payload).fill(0)
  encodeMaskedFrame(opcode.binary, payload, 0x37fa213d).fill(0)
  t.equal(payload.toString(), 'Hello')
})

t.test('a message is text for a string and binary for a Buffer', async t => {
  t.same(encodeMessage('Hello'), hex('81 05 48656c6c6f'))
  t.same(encodeMessage(Buffer.from('Hello')), hex('82 05 48656c6c6f'))
})

t.test('7692 7.2.3.1: a compressed message has RSV1', async t => {
  t.same(encodeCompressedFrame(opcode.text, hex('f248cdc9c90700')), hex('c1 07 f2 48 cd c9 c9 07 00'))
})

t.test('a compressed frame differs from a plain one in that bit alone, at any length', async t => {
  for (const length of [0, 1, 125, 126, 65535, 65536]) {
    for (const code of [opcode.text, opcode.binary]) {
      const payload = Buffer.alloc(length, 0x5a)
      const compressed = encodeCompressedFrame(code, payload)
      t.equal(compressed[0], 0xc0 | code)
      t.same(compressed.subarray(1), encodeFrame(code, payload).subarray(1))
    }
  }
})

const anyOpcode = fc.constantFrom(...Object.values(opcode))
const anyPayload = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.uint8Array({ maxLength: 200 }).map(bytes => Buffer.from(bytes)),
  fc.constantFrom(0, 125, 126, 127, 65535, 65536).map(length => Buffer.alloc(length, 0xa5))
)

t.test('any frame is what an independent reader reads', async t => {
  holds(t, fc.property(anyOpcode, anyPayload, fc.boolean(), fc.integer(), (code, payload, fin, key) => {
    const expected = { fin, rsv: 0, opcode: code, payload: Buffer.from(payload) }
    const plain = encodeFrame(code, payload, fin)
    const masked = encodeMaskedFrame(code, payload, key, fin)
    assert.deepEqual(readFrame(plain), { frame: { ...expected, masked: false }, size: plain.length })
    assert.deepEqual(readFrame(masked), { frame: { ...expected, masked: true }, size: masked.length })
  }))
})

t.test('any sequence of frames goes through the parser unchanged', async t => {
  const dataFrame = fc.record({ code: anyOpcode.filter(code => code < 8), fin: fc.boolean(), payload: anyPayload.map(payload => Buffer.from(payload)) })
  const controlFrame = fc.record({
    code: anyOpcode.filter(code => code >= 8), fin: fc.constant(true), payload: fc.uint8Array({ maxLength: 125 }).map(bytes => Buffer.from(bytes))
  })
  const frames = fc.array(fc.oneof(dataFrame, controlFrame), { maxLength: 8 })
  holds(t, fc.property(frames, fc.integer(), fc.boolean(), (frames, key, masked) => {
    const sink = new FrameRecorder()
    new FrameParser(sink, masked).push(Buffer.concat(frames.map(({ code, payload, fin }) =>
      masked ? encodeMaskedFrame(code, payload, key, fin) : encodeFrame(code, payload, fin)
    )))
    assert.deepEqual(sink.frames, frames.map(({ code, fin, payload }) => ({ code, fin, payload: payload.toString('hex') })))
  }))
})

t.test('long texts of any kind are encoded as Node does, halves of surrogate pairs too', async t => {
  for (const unit of ['a', 'é', '€', '😀', 'aé', '\ud83d', '\ude00', '\ud83da', '\0']) {
    for (const start of ['', 'a', 'a'.repeat(8000), '\ud83d']) {
      for (const length of [1000, 8191, 8192, 8193, 20_000, 65535, 65536, 65537, 100_000]) {
        const text = (start + unit.repeat(length)).slice(0, length)
        const bytes = Buffer.from(text)
        const frame = readFrame(encodeFrame(opcode.text, text))
        assert.ok(frame?.frame.payload.equals(bytes), `${length} units of ${unit} behind ${start.length}`)
        assert.ok(readFrame(encodeMaskedFrame(opcode.text, text, 0x12345678))?.frame.payload.equals(bytes), `${length} units of ${unit}, masked`)
      }
    }
  }
  t.pass('each as it should be')
})

t.test('a frame keeps its text when the next one is encoded', async t => {
  const first = encodeFrame(opcode.text, 'é'.repeat(10_000))
  encodeFrame(opcode.text, '€'.repeat(10_000))
  t.equal(readFrame(first)?.frame.payload.toString(), 'é'.repeat(10_000))
})
