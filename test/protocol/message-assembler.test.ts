import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import type { Test } from 'tap'
import { FrameParser } from '../../lib/protocol/frame-parser.ts'
import { MessageAssembler } from '../../lib/protocol/message-assembler.ts'
import { ProtocolError } from '../../lib/protocol/protocol-error.ts'
import { binary, close, continuation, cut, cutAt, frame, hex, ping, pong, text } from '../helpers/bytes.ts'
import type { FrameSpec } from '../helpers/bytes.ts'
import { deflated } from '../helpers/deflate.ts'
import { holds } from '../helpers/property.ts'
import { MessageRecorder } from '../helpers/sinks.ts'
import type { SeenEvent } from '../helpers/sinks.ts'

interface Pipeline {
  parser: FrameParser
  assembler: MessageAssembler
  events: SeenEvent[]
  push (bytes: Buffer): void
}

/** A parser into an assembler, as a connection has them, where compression was agreed on or not. */
function pipeline (maxPayload = 1_000_000, hasAgreed = false): Pipeline {
  const sink = new MessageRecorder()
  const assembler = new MessageAssembler(sink, maxPayload, hasAgreed ? sink : null)
  const parser = new FrameParser(assembler, true, hasAgreed)
  return { parser, assembler, events: sink.events, push: bytes => parser.push(Buffer.from(bytes)) }
}

interface Outcome {
  events: SeenEvent[]
  violation: string | null
}

/** What comes of pieces, up to the first violation. */
function outcome (pieces: readonly Buffer[], maxPayload?: number, hasAgreed?: boolean): Outcome {
  const { events, push } = pipeline(maxPayload, hasAgreed)
  try {
    for (const piece of pieces) push(piece)
    return { events, violation: null }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    return { events, violation: error.code }
  }
}

/** The events, of one chunk and byte by byte. */
function gives (t: Test, bytes: Buffer, events: SeenEvent[], maxPayload?: number): void {
  t.same(outcome([bytes], maxPayload), { events, violation: null })
  t.same(outcome(cut(bytes, 1), maxPayload), { events, violation: null }, 'byte by byte too')
}

/** The events and then the violation, of one chunk and byte by byte. */
function fails (t: Test, bytes: Buffer, violation: string, events: SeenEvent[] = [], maxPayload?: number): void {
  t.same(outcome([bytes], maxPayload), { events, violation })
  t.same(outcome(cut(bytes, 1), maxPayload), { events, violation }, 'byte by byte too')
}

/* Whole messages. */

t.test('a text frame is a text message', async t => {
  gives(t, text('Grüße 😀'), [{ text: 'Grüße 😀' }])
})

t.test('a byte order mark is part of the text', async t => {
  gives(t, text('\ufeffa'), [{ text: '\ufeffa' }])
})

t.test('a binary frame is a binary message, of any bytes', async t => {
  gives(t, binary(hex('00 ff c0 80')), [{ binary: '00ffc080' }])
})

t.test('empty messages are messages', async t => {
  gives(t, Buffer.concat([text(''), binary('')]), [{ text: '' }, { binary: '' }])
})

t.test('pings, pongs and close frames are handed over with what they carry', async t => {
  gives(t, Buffer.concat([ping('a'), pong('b'), ping(), close(1001, 'bye'), close()]), [
    { ping: '61' }, { pong: '62' }, { ping: '' }, { close: 1001, reason: 'bye' }, { close: 1005, reason: '' }
  ])
})

/* Fragments. */

t.test('fragments are joined', async t => {
  gives(t, Buffer.concat([text('Hel', { fin: false }), continuation('lo', { fin: false }), continuation('!')]), [{ text: 'Hello!' }])
  gives(t, Buffer.concat([binary('Hel', { fin: false }), continuation('lo')]), [{ binary: '48656c6c6f' }])
})

t.test('fragments may be empty', async t => {
  const nothing = continuation('', { fin: false })
  gives(t, Buffer.concat([text('', { fin: false }), nothing, continuation('')]), [{ text: '' }])
  gives(t, Buffer.concat([binary('', { fin: false }), nothing, continuation('a', { fin: false }), nothing, continuation('')]), [{ binary: '61' }])
})

t.test('a character may be cut by fragments', async t => {
  const smile = Buffer.from('😀')
  gives(t, Buffer.concat([
    text(smile.subarray(0, 1), { fin: false }), continuation(smile.subarray(1, 3), { fin: false }),
    continuation('', { fin: false }), continuation(smile.subarray(3))
  ]), [{ text: '😀' }])
})

t.test('control frames between fragments are handed over at once', async t => {
  gives(t, Buffer.concat([
    text('a', { fin: false }), ping('1'), continuation('b', { fin: false }), pong('2'), ping('3'), continuation('c'), ping('4')
  ]), [{ ping: '31' }, { pong: '32' }, { ping: '33' }, { text: 'abc' }, { ping: '34' }])
})

t.test('a close frame between fragments is handed over', async t => {
  gives(t, Buffer.concat([text('a', { fin: false }), close(1000)]), [{ close: 1000, reason: '' }])
})

t.test('a message follows another, fragmented or not', async t => {
  gives(t, Buffer.concat([
    text('a', { fin: false }), continuation('b'), text('c'), binary('d', { fin: false }), continuation('e'), binary('f')
  ]), [{ text: 'ab' }, { text: 'c' }, { binary: '6465' }, { binary: '66' }])
})

t.test('a continuation without a message to continue is refused', async t => {
  fails(t, continuation('a'), 'FST_ERR_WS_UNEXPECTED_CONTINUATION')
  fails(t, continuation('a', { fin: false }), 'FST_ERR_WS_UNEXPECTED_CONTINUATION')
  fails(t, Buffer.concat([text('a'), continuation('b')]), 'FST_ERR_WS_UNEXPECTED_CONTINUATION', [{ text: 'a' }])
})

t.test('a continuation after the last fragment is refused', async t => {
  fails(t, Buffer.concat([text('a', { fin: false }), continuation('b'), continuation('c')]),
    'FST_ERR_WS_UNEXPECTED_CONTINUATION', [{ text: 'ab' }])
})

t.test('a new message inside a fragmented one is refused', async t => {
  for (const fin of [true, false]) {
    fails(t, Buffer.concat([text('a', { fin: false }), text('b', { fin })]), 'FST_ERR_WS_EXPECTED_CONTINUATION')
    fails(t, Buffer.concat([binary('a', { fin: false }), ping(), text('b', { fin })]), 'FST_ERR_WS_EXPECTED_CONTINUATION', [{ ping: '' }])
    fails(t, Buffer.concat([text('', { fin: false }), binary('', { fin })]), 'FST_ERR_WS_EXPECTED_CONTINUATION')
  }
})

t.test('a wrong sequence is seen in the header, before the payload', async t => {
  fails(t, continuation('', { length: 1000 }), 'FST_ERR_WS_UNEXPECTED_CONTINUATION')
  fails(t, Buffer.concat([text('a', { fin: false }), text('', { length: 1000 })]), 'FST_ERR_WS_EXPECTED_CONTINUATION')
})

t.test('a bad close frame is refused', async t => {
  fails(t, frame({ opcode: 8, payload: hex('03') }), 'FST_ERR_WS_CLOSE_PAYLOAD')
  fails(t, close(1005), 'FST_ERR_WS_INVALID_CLOSE_CODE')
  fails(t, close(1000, hex('ff')), 'FST_ERR_WS_INVALID_UTF8')
})

/* Limits. */

t.test('a message may have as many bytes as the limit, not one more', async t => {
  gives(t, binary(Buffer.alloc(200)), [{ binary: '00'.repeat(200) }], 200)
  fails(t, binary(Buffer.alloc(201)), 'FST_ERR_WS_MESSAGE_TOO_BIG', [], 200)
})

t.test('the limit counts bytes of UTF-8', async t => {
  gives(t, text('é'.repeat(50)), [{ text: 'é'.repeat(50) }], 100)
  fails(t, text('é'.repeat(50) + 'a'), 'FST_ERR_WS_MESSAGE_TOO_BIG', [], 100)
})

t.test('the limit counts all fragments of a message, and starts anew with the next', async t => {
  const whole = Buffer.concat([text('a'.repeat(60), { fin: false }), continuation('a'.repeat(40))])
  gives(t, Buffer.concat([whole, whole]), [{ text: 'a'.repeat(100) }, { text: 'a'.repeat(100) }], 100)
  fails(t, Buffer.concat([text('a'.repeat(60), { fin: false }), continuation('a'.repeat(41))]), 'FST_ERR_WS_MESSAGE_TOO_BIG', [], 100)
})

t.test('control frames do not count', async t => {
  gives(t, Buffer.concat([text('ab', { fin: false }), ping('longer than two bytes'), continuation('c')]),
    [{ ping: Buffer.from('longer than two bytes').toString('hex') }, { text: 'abc' }], 3)
})

t.test('what is too big is refused by its header, before any of it is kept', async t => {
  for (const length of [101, 65536, 2n ** 31n, 2n ** 53n + 1n, 2n ** 63n - 1n]) {
    const { parser, assembler, push } = pipeline(100)
    t.throws(() => push(binary('', { length })), { code: 'FST_ERR_WS_MESSAGE_TOO_BIG', closeCode: 1009 }, String(length))
    t.equal(parser.buffered + assembler.buffered, 0)
  }
})

t.test('a continuation that is too big is refused by its header', async t => {
  const { parser, push } = pipeline(100)
  push(text('a'.repeat(60), { fin: false }))
  t.throws(() => push(continuation('', { length: 41 })), { code: 'FST_ERR_WS_MESSAGE_TOO_BIG' })
  t.equal(parser.buffered, 0)
})

t.test('lengths that add up beyond what a number can hold are refused', async t => {
  const { push } = pipeline(Number.MAX_SAFE_INTEGER)
  push(binary('a', { fin: false }))
  t.throws(() => push(continuation('', { length: 2n ** 53n - 1n })), { code: 'FST_ERR_WS_MESSAGE_TOO_BIG' })
})

/* Memory. */

t.test('what was handed over stays as it is, whatever is gathered later', async t => {
  const kept: Buffer[] = []
  class Keeper extends MessageRecorder {
    override onBinary (payload: Buffer): void { kept.push(payload) }
  }
  const parser = new FrameParser(new MessageAssembler(new Keeper(), 1_000_000), true)
  const sent: Buffer[] = []
  for (let round = 0; round < 20; round++) {
    for (const size of [100, 5000, 65_536, 131_072, 300_000]) {
      sent.push(randomBytes(size))
      const [first, ...others] = cut(sent.at(-1) ?? Buffer.alloc(0), Math.ceil(size / 3))
      const message = round % 2 === 0
        ? binary(sent.at(-1) ?? '')
        : Buffer.concat([binary(first, { fin: false }), ...others.map((part, i) => continuation(part, { fin: i === others.length - 1 }))])
      const words = [text('é'.repeat(size / 4), { fin: false }), continuation('ö'.repeat(size / 4))]
      for (const piece of cut(Buffer.concat([message, ...words]), 50_000)) parser.push(Buffer.from(piece))
    }
  }
  t.same(kept.map((payload, i) => payload.equals(sent[i])), sent.map(() => true))
})

t.test('a hundred thousand fragments of one byte take at most two bytes each', async t => {
  const { parser, assembler, events, push } = pipeline()
  push(binary('a', { fin: false }))
  for (let count = 2; count <= 100_000; count++) {
    push(continuation('a', { fin: false }))
    assert.ok(assembler.buffered <= 2 * count, `${assembler.buffered} bytes for ${count}`)
  }
  t.equal(parser.buffered, 0)
  push(continuation('a'))
  t.same(events, [{ binary: '61'.repeat(100_001) }])
  t.equal(assembler.buffered, 0, 'and nothing when the message is complete')
})

t.test('a hundred thousand empty fragments take nothing', async t => {
  const { assembler, push } = pipeline()
  push(text('', { fin: false }))
  for (let i = 0; i < 100_000; i++) push(continuation('', { fin: false }))
  t.equal(assembler.buffered, 0)
})

t.test('what is held never exceeds the limit', async t => {
  const { assembler, push } = pipeline(1000)
  push(binary(Buffer.alloc(600), { fin: false }))
  push(continuation(Buffer.alloc(350), { fin: false }))
  t.ok(assembler.buffered <= 1000)
  push(continuation(Buffer.alloc(50), { fin: false }))
  t.equal(assembler.buffered, 1000)
})

t.test('a fragment does not keep the chunk that it came in', async t => {
  const { parser, assembler, push } = pipeline()
  for (const bytes of [binary('a', { fin: false }), continuation('b', { fin: false })]) {
    push(Buffer.concat([bytes, ...Array(100).fill(ping(Buffer.alloc(125)))]))
  }
  t.ok(parser.buffered + assembler.buffered <= 4)
})

t.test('joined payloads do not change when their chunks do', async t => {
  const { events, parser } = pipeline()
  const first = text('Hel', { fin: false })
  parser.push(first)
  first.fill(0)
  parser.push(continuation('lo'))
  t.same(events, [{ text: 'Hello' }])
})

/* UTF-8. */

t.test('invalid UTF-8 is refused with 1007', async t => {
  const { push } = pipeline()
  t.throws(() => push(text(hex('ff'))), { code: 'FST_ERR_WS_INVALID_UTF8', closeCode: 1007 })
})

t.test('invalid UTF-8 is refused in a frame, in a fragment and in what fragments make', async t => {
  for (const bytes of ['ff', 'c080', 'eda080', 'f4908080', 'c3', 'e282', '41c3'].map(hex)) {
    fails(t, text(bytes), 'FST_ERR_WS_INVALID_UTF8')
    fails(t, Buffer.concat([text(bytes, { fin: false }), continuation('')]), 'FST_ERR_WS_INVALID_UTF8')
    fails(t, Buffer.concat([text('a', { fin: false }), continuation(bytes)]), 'FST_ERR_WS_INVALID_UTF8')
  }
})

t.test('a message that ends inside a character is refused at its end only', async t => {
  const { events, push } = pipeline()
  push(text(hex('c3'), { fin: false }))
  push(ping())
  t.throws(() => push(continuation('')), { code: 'FST_ERR_WS_INVALID_UTF8' })
  t.same(events, [{ ping: '' }])
})

t.test('a message that failed to end leaves nothing to the next one of another connection', async t => {
  fails(t, text(hex('c3')), 'FST_ERR_WS_INVALID_UTF8')
  gives(t, text(hex('c3a9')), [{ text: 'é' }])
})

/** Text, and how many of its bytes must come until it is refused. */
const failFast: Array<[bytes: string, failsAt: number]> = [
  ['41 42 ff', 3], ['c0', 1], ['c3 28', 2], ['e0 9f', 2], ['ed a0', 2], ['f0 8f', 2], ['f4 90', 2], ['f5', 1],
  ['e2 82 28', 3], ['f0 9f 98 28', 4], ['c3a9 80', 3]
]

for (const [bytes, failsAt] of failFast) {
  t.test(`${bytes} is refused at byte ${failsAt} inside a frame that is far from complete`, async t => {
    const { push, parser } = pipeline()
    const start = text(hex(bytes), { length: 60_000 })
    push(start.subarray(0, 8))
    for (let i = 1; i < failsAt; i++) push(start.subarray(7 + i, 8 + i))
    t.throws(() => push(start.subarray(7 + failsAt, 8 + failsAt)), { code: 'FST_ERR_WS_INVALID_UTF8' })
    t.equal(parser.buffered, 0, 'and what came is dropped')
  })

  t.test(`${bytes} is refused at byte ${failsAt} when each byte is a fragment`, async t => {
    const { push } = pipeline()
    const [first, ...others] = cut(hex(bytes).subarray(0, failsAt), 1)
    const fragments = [text(first, { fin: false }), ...others.map(byte => continuation(byte, { fin: false }))]
    for (const fragment of fragments.slice(0, -1)) push(fragment)
    t.throws(() => push(fragments[failsAt - 1]), { code: 'FST_ERR_WS_INVALID_UTF8' })
  })
}

t.test('a bad byte is refused in an incomplete continuation, after a character cut by the fragments', async t => {
  const { push } = pipeline()
  push(text(hex('41 e2'), { fin: false }))
  push(ping('not text: \xff'))
  const start = continuation(hex('82 28'), { length: 1000 })
  push(start.subarray(0, 9))
  t.throws(() => push(start.subarray(9)), { code: 'FST_ERR_WS_INVALID_UTF8' })
})

t.test('binary messages are not checked, not even after text that came in parts', async t => {
  const { events, push } = pipeline()
  for (const piece of cut(text('é'), 1)) push(piece)
  for (const piece of cut(binary(hex('ff fe')), 1)) push(piece)
  for (const piece of cut(Buffer.concat([binary(hex('c3'), { fin: false }), continuation(hex('28'))]), 1)) push(piece)
  for (const piece of cut(text('ü'), 1)) push(piece)
  t.same(events, [{ text: 'é' }, { binary: 'fffe' }, { binary: 'c328' }, { text: 'ü' }])
})

t.test('control frames in parts between fragments are not taken for text', async t => {
  const { events, push } = pipeline()
  push(text(hex('c3'), { fin: false }))
  for (const piece of cut(ping(hex('ff')), 1)) push(piece)
  for (const piece of cut(continuation(hex('a9')), 1)) push(piece)
  t.same(events, [{ ping: 'ff' }, { text: 'é' }])
})

/* Compressed messages (RFC 7692 section 6). */

const first = { rsv: 4, fin: false }

/** The outcome where compression was agreed on, of one chunk and byte by byte. */
function givesCompressed (t: Test, bytes: Buffer, expected: Partial<Outcome>, maxPayload?: number): void {
  for (const pieces of [[bytes], cut(bytes, 1)]) t.same(outcome(pieces, maxPayload, true), { events: [], violation: null, ...expected })
}

t.test('a frame with RSV1 is a compressed message, text or binary', async t => {
  givesCompressed(t, Buffer.concat([text(hex('f2'), { rsv: 4 }), binary(hex('ab cd'), { rsv: 4 })]), {
    events: [{ compressed: 'f2', code: 1 }, { compressed: 'abcd', code: 2 }]
  })
})

t.test('fragments of a compressed message are joined, and only the first has RSV1', async t => {
  givesCompressed(t, Buffer.concat([text(hex('f248'), first), continuation(hex('cdc9'), { fin: false }), continuation(hex('c90700'))]), {
    events: [{ compressed: 'f248cdc9c90700', code: 1 }]
  })
})

t.test('fragments of a compressed message may be empty, all of them', async t => {
  const nothing = continuation('', { fin: false })
  givesCompressed(t, Buffer.concat([binary('', first), nothing, continuation(hex('00'), { fin: false }), continuation('')]), { events: [{ compressed: '00', code: 2 }] })
  givesCompressed(t, Buffer.concat([text('', first), nothing, continuation('')]), { events: [{ compressed: '', code: 1 }] })
})

t.test('control frames between compressed fragments are handed over at once', async t => {
  givesCompressed(t, Buffer.concat([text(hex('f2'), first), ping('1'), continuation(hex('48'), { fin: false }), pong('2'), continuation(hex('cd')), ping('3')]), {
    events: [{ ping: '31' }, { pong: '32' }, { compressed: 'f248cd', code: 1 }, { ping: '33' }]
  })
})

t.test('plain and compressed messages follow each other, fragmented or not', async t => {
  givesCompressed(t, Buffer.concat([
    text('a'), text(hex('f2'), { rsv: 4 }), text('b', { fin: false }), continuation('c'), binary(hex('01'), first), continuation(hex('02')), binary('d'), text('é')
  ]), {
    events: [{ text: 'a' }, { compressed: 'f2', code: 1 }, { text: 'bc' }, { compressed: '0102', code: 2 }, { binary: '64' }, { text: 'é' }]
  })
})

t.test('RSV1 on a continuation is refused, of plain and compressed messages alike', async t => {
  for (const rsv of [0, 4]) givesCompressed(t, Buffer.concat([text('a', { rsv, fin: false }), continuation('b', { rsv: 4 })]), { violation: 'FST_ERR_WS_RESERVED_BITS' })
})

t.test('a compressed message inside a fragmented one is refused', async t => {
  for (const rsv of [0, 4]) givesCompressed(t, Buffer.concat([text('a', { rsv, fin: false }), text('b', { rsv: 4 })]), { violation: 'FST_ERR_WS_EXPECTED_CONTINUATION' })
})

t.test('a close frame between compressed fragments is handed over', async t => {
  givesCompressed(t, Buffer.concat([text(hex('f2'), first), close(1000)]), { events: [{ close: 1000, reason: '' }] })
})

t.test('compressed bytes are not text, and not checked as it', async t => {
  givesCompressed(t, Buffer.concat([text(hex('ff fe c0'), { rsv: 4 }), text(hex('ff'), first), continuation(hex('c3'))]), {
    events: [{ compressed: 'fffec0', code: 1 }, { compressed: 'ffc3', code: 1 }]
  })
})

t.test('text that is not compressed is checked as ever, behind a compressed message', async t => {
  givesCompressed(t, Buffer.concat([text(hex('c3'), { rsv: 4 }), text(hex('a9'))]), { events: [{ compressed: 'c3', code: 1 }], violation: 'FST_ERR_WS_INVALID_UTF8' })
})

/** What zlib's deflateBound answers for any settings but its own: nine 64ths more than the message, and a few bytes. */
const bounds: Array<[maxPayload: number, mostCompressed: number]> = [[1, 18], [64, 89], [100, 131], [1000, 1157], [65_536, 74_768]]

for (const [maxPayload, most] of bounds) {
  t.test(`a message of ${maxPayload} bytes may take ${most} compressed, not one more`, async t => {
    const half = most >> 1
    const event = { compressed: '00'.repeat(most), code: 2 }
    t.same(outcome([binary(Buffer.alloc(most), { rsv: 4 })], maxPayload, true), { events: [event], violation: null })
    t.same(outcome([binary(Buffer.alloc(half), first), continuation(Buffer.alloc(most - half))], maxPayload, true), { events: [event], violation: null })
    for (const bytes of [binary('', { rsv: 4, length: most + 1 }), Buffer.concat([binary(Buffer.alloc(half), first), continuation('', { length: most - half + 1 })])]) {
      t.same(outcome([bytes], maxPayload, true), { events: [], violation: 'FST_ERR_WS_MESSAGE_TOO_BIG' })
    }
  })
}

t.test('whatever zlib makes of random bytes of the largest size is let through, at any setting', async t => {
  for (const maxPayload of [1, 50, 1000, 20_000]) {
    const message = randomBytes(maxPayload)
    for (const level of [0, 1, 6, 9]) {
      for (const [windowBits, memLevel] of [[9, 1], [12, 5], [15, 9]]) {
        const payload = deflated(message, { level, windowBits, memLevel })
        assert.deepEqual(outcome([binary(payload, { rsv: 4 })], maxPayload, true), { events: [{ compressed: payload.toString('hex'), code: 2 }], violation: null })
      }
    }
  }
  t.equal(deflated(randomBytes(1000), { level: 0 }).length > 1000, true)
})

t.test('the larger limit is that of compressed messages alone', async t => {
  givesCompressed(t, Buffer.concat([binary(Buffer.alloc(110), { rsv: 4 }), binary(Buffer.alloc(101))]), {
    events: [{ compressed: '00'.repeat(110), code: 2 }], violation: 'FST_ERR_WS_MESSAGE_TOO_BIG'
  }, 100)
  givesCompressed(t, Buffer.concat([binary(Buffer.alloc(60), { fin: false }), continuation(Buffer.alloc(41))]), { violation: 'FST_ERR_WS_MESSAGE_TOO_BIG' }, 100)
})

t.test('what is held of a compressed message never exceeds its limit, and is forgotten at its end', async t => {
  const { assembler, push } = pipeline(100, true)
  push(binary(Buffer.alloc(70), first))
  push(continuation(Buffer.alloc(61), { fin: false }))
  t.equal(assembler.buffered, 131)
  push(continuation(''))
  t.equal(assembler.buffered, 0)
  push(binary(Buffer.alloc(70), first))
  assembler.stop()
  t.equal(assembler.buffered, 0)
})

/* Any stream, any chunks. */

interface Step {
  frames: FrameSpec[]
  events: SeenEvent[]
}

const anyText = fc.string({ unit: 'binary', maxLength: 60 })
const anyPayload = fc.oneof(
  { weight: 6, arbitrary: fc.uint8Array({ maxLength: 60 }).map(bytes => Buffer.from(bytes)) },
  { weight: 1, arbitrary: fc.constantFrom(125, 126, 127, 5000, 65535, 65536).map(length => Buffer.alloc(length, 0x2a)) }
)
const anyMessage = fc.oneof(
  anyText.map(text => ({ opcode: 1, payload: Buffer.from(text), event: { text } })),
  anyPayload.map(payload => ({ opcode: 2, payload, event: { binary: payload.toString('hex') } }))
)
const anyControl = fc.record({ isPing: fc.boolean(), payload: fc.uint8Array({ maxLength: 125 }) }).map(({ isPing, payload }) => {
  const bytes = Buffer.from(payload)
  const event: SeenEvent = isPing ? { ping: bytes.toString('hex') } : { pong: bytes.toString('hex') }
  return { spec: { opcode: isPing ? 9 : 10, payload: bytes }, event }
})

/** A message in fragments with control frames in between. */
const messageStep = fc.record({
  message: anyMessage,
  cuts: fc.array(fc.nat(70), { maxLength: 4 }),
  controls: fc.array(fc.option(anyControl), { minLength: 4, maxLength: 4 })
}).map(({ message, cuts, controls }): Step => {
  const pieces = cutAt(message.payload, cuts)
  const frames: FrameSpec[] = []
  const events: SeenEvent[] = []
  pieces.forEach((payload, i) => {
    const isLast = i === pieces.length - 1
    frames.push({ opcode: i === 0 ? message.opcode : 0, fin: isLast, payload })
    const control = controls[i] ?? null
    if (isLast || control === null) return
    frames.push(control.spec)
    events.push(control.event)
  })
  return { frames, events: [...events, message.event] }
})
const controlStep = anyControl.map(({ spec, event }): Step => ({ frames: [spec], events: [event] }))
const closeStep = fc.constantFrom(1000, 1001, 1014, 3000, 4999).map((code): Step => (
  { frames: [{ opcode: 8, payload: Buffer.from([code >> 8, code & 0xff, 0x6f, 0x6b]) }], events: [{ close: code, reason: 'ok' }] }
))
const anySteps = fc.tuple(fc.array(fc.oneof({ weight: 4, arbitrary: messageStep }, { weight: 1, arbitrary: controlStep }), { maxLength: 5 }), fc.option(closeStep))
  .map(([steps, end]) => end === null ? steps : [...steps, end])
const anyKeys = fc.array(fc.uint8Array({ minLength: 4, maxLength: 4 }), { minLength: 1, maxLength: 5 })

const anyStream = fc.tuple(anySteps, anyKeys).map(([steps, keys]) => ({
  bytes: Buffer.concat(steps.flatMap(step => step.frames).map((spec, i) => frame({ ...spec, mask: Buffer.from(keys[i % keys.length]) }))),
  events: steps.flatMap(step => step.events)
}))
const anyCuts = fc.array(fc.nat(1500), { maxLength: 25 })

t.test('any valid stream in any chunks gives its events', async t => {
  holds(t, fc.property(anyStream, anyCuts, ({ bytes, events }, cuts) => {
    assert.deepEqual(outcome(cutAt(bytes, cuts)), { events, violation: null })
    assert.deepEqual(outcome([bytes]), { events, violation: null })
  }), { numRuns: 1000 })
})

t.test('any valid stream of plain and compressed messages in any chunks gives its events', async t => {
  const anyCompressed = fc.record({ message: messageStep, isCompressed: fc.boolean() }).map(({ message, isCompressed }): Step => {
    if (!isCompressed) return message
    const [start, ...others] = message.frames
    const payload = Buffer.concat(message.frames.filter(({ opcode }) => opcode < 8).map(({ payload = '' }) => Buffer.from(payload)))
    return { frames: [{ ...start, rsv: 4 }, ...others], events: [...message.events.slice(0, -1), { compressed: payload.toString('hex'), code: start.opcode }] }
  })
  holds(t, fc.property(fc.array(anyCompressed, { maxLength: 5 }), anyCuts, (steps, cuts) => {
    const bytes = Buffer.concat(steps.flatMap(({ frames }) => frames).map(spec => frame(spec)))
    const expected = { events: steps.flatMap(({ events }) => events), violation: null }
    assert.deepEqual(outcome(cutAt(bytes, cuts), undefined, true), expected)
  }), { numRuns: 500 })
})

t.test('any valid stream byte by byte gives its events', async t => {
  holds(t, fc.property(anyStream, ({ bytes, events }) => {
    assert.deepEqual(outcome(cut(bytes, 1)), { events, violation: null })
  }), { numRuns: 50 })
})

const maxPayload = 70_000

const violations: Record<string, Buffer> = {
  FST_ERR_WS_RESERVED_BITS: text('a', { rsv: 4 }),
  FST_ERR_WS_RESERVED_OPCODE: frame({ opcode: 3, payload: 'a' }),
  FST_ERR_WS_UNMASKED: text('a', { mask: false }),
  FST_ERR_WS_CONTROL_FRAGMENTED: ping('a', { fin: false }),
  FST_ERR_WS_CONTROL_TOO_LONG: ping(Buffer.alloc(126)),
  FST_ERR_WS_LENGTH_NOT_MINIMAL: text('a', { lengthBits: 64 }),
  FST_ERR_WS_LENGTH_TOP_BIT: binary('a', { length: 2n ** 63n }),
  FST_ERR_WS_UNEXPECTED_CONTINUATION: continuation('a'),
  FST_ERR_WS_EXPECTED_CONTINUATION: Buffer.concat([text('é', { fin: false }), text('a')]),
  FST_ERR_WS_CLOSE_PAYLOAD: frame({ opcode: 8, payload: 'a' }),
  FST_ERR_WS_INVALID_CLOSE_CODE: close(1006),
  FST_ERR_WS_INVALID_UTF8: Buffer.concat([text(hex('e2'), { fin: false }), continuation(hex('82 28 41'))]),
  FST_ERR_WS_MESSAGE_TOO_BIG: Buffer.concat([binary('a', { fin: false }), continuation('', { length: maxPayload })])
}

for (const [violation, bad] of Object.entries(violations)) {
  t.test(`any stream with ${violation} in it gives the events before it, in any chunks`, async t => {
    holds(t, fc.property(anyStream, anyStream, anyCuts, (before, after, cuts) => {
      const bytes = Buffer.concat([before.bytes, bad, after.bytes])
      const nearBad = cuts.map(cut => before.bytes.length + cut % (bad.length + 2))
      for (const points of [[], cuts, nearBad]) {
        assert.deepEqual(outcome(cutAt(bytes, points), maxPayload), { events: before.events, violation })
      }
    }), { numRuns: 100 })
  })
}

t.test('a message of 16 MiB in 64 fragments comes through in chunks of one byte', async t => {
  const size = 16 * 1024 * 1024
  const payload = Buffer.alloc(size, 'one byte at a time, ')
  let received: string | null = null
  class Keeper extends MessageRecorder {
    override onText (text: string): void { received = text }
  }
  const parser = new FrameParser(new MessageAssembler(new Keeper(), size), true)
  for (const [index, part] of cut(payload, size / 64).entries()) {
    const bytes = frame({ opcode: index === 0 ? 1 : 0, payload: part, fin: index === 63 })
    for (let i = 0; i < bytes.length; i++) parser.push(bytes.subarray(i, i + 1))
  }
  t.ok(received === payload.toString())
})

t.test('any stream with any bits flipped ends the same way in any chunks', async t => {
  const flips = fc.array(fc.tuple(fc.nat(), fc.nat(7)), { minLength: 1, maxLength: 3 })
  holds(t, fc.property(anyStream, flips, anyCuts, ({ bytes }, flips, cuts) => {
    const flipped = Buffer.from(bytes)
    for (const [at, bit] of flips) if (bytes.length > 0) flipped[at % bytes.length] ^= 1 << bit
    const expected = outcome([flipped], maxPayload)
    assert.deepEqual(outcome(cutAt(flipped, cuts), maxPayload), expected)
    if (flipped.length < 2000) assert.deepEqual(outcome(cut(flipped, 1), maxPayload), expected)
  }), { numRuns: 1000 })
})

t.test('any bytes whatsoever end the same way in any chunks', async t => {
  const header = fc.tuple(fc.constantFrom(0x00, 0x01, 0x02, 0x80, 0x81, 0x82, 0x88, 0x89, 0x8a), fc.constantFrom(0x80, 0x81, 0x82, 0x83, 0xfd, 0xfe, 0xff))
  const nearlyFrame = fc.tuple(header, fc.uint8Array({ maxLength: 12 })).map(([header, rest]) => Buffer.from([...header, ...rest]))
  holds(t, fc.property(fc.array(nearlyFrame, { maxLength: 6 }), anyCuts, (frames, cuts) => {
    const bytes = Buffer.concat(frames)
    const expected = outcome([bytes], maxPayload)
    assert.deepEqual(outcome(cut(bytes, 1), maxPayload), expected)
    assert.deepEqual(outcome(cutAt(bytes, cuts.map(cut => cut % 80)), maxPayload), expected)
  }), { numRuns: 2000 })
})

t.test('any prefix of a valid stream gives a prefix of its events, and no violation', async t => {
  holds(t, fc.property(anyStream, fc.nat(), ({ bytes, events }, end) => {
    const result = outcome([bytes.subarray(0, end % (bytes.length + 1))])
    assert.deepEqual(result, { events: events.slice(0, result.events.length), violation: null })
  }), { numRuns: 300 })
})
