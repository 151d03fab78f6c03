import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import type { Test } from 'tap'
import { FrameParser } from '../../lib/protocol/frame-parser.ts'
import { binary, close, continuation, cut, cutAt, frame, hex, ping, pong, text } from '../helpers/bytes.ts'
import { holds } from '../helpers/property.ts'
import { FrameRecorder } from '../helpers/sinks.ts'

/** Pushes pieces into a new parser, each as memory of its own: payloads are unmasked in place. */
function parse (pieces: readonly Buffer[], masked = true): { parser: FrameParser, sink: FrameRecorder } {
  const sink = new FrameRecorder()
  const parser = new FrameParser(sink, masked)
  for (const piece of pieces) parser.push(Buffer.from(piece))
  return { parser, sink }
}

function framesOf (bytes: Buffer, masked = true): FrameRecorder['frames'] {
  return parse([bytes], masked).sink.frames
}

/** One frame, in one piece and byte by byte. */
function isFrame (t: Test, bytes: Buffer, code: number, fin: boolean, payload: Buffer, masked = true): void {
  const expected = [{ code, fin, payload: payload.toString('hex') }]
  t.same(framesOf(bytes, masked), expected)
  t.same(parse(cut(bytes, 1), masked).sink.frames, expected, 'byte by byte too')
}

/** Refused with the violation, and no frame handed over, in one piece and byte by byte. */
function isRefused (t: Test, bytes: Buffer, code: string, masked = true): void {
  for (const pieces of [[bytes], cut(bytes, 1)]) {
    const sink = new FrameRecorder()
    const parser = new FrameParser(sink, masked)
    t.throws(() => { for (const piece of pieces) parser.push(Buffer.from(piece)) }, { name: 'ProtocolError', code, closeCode: 1002 })
    t.same(sink.frames, [])
    t.equal(parser.buffered, 0)
  }
}

/* The examples of RFC 6455 section 5.7. */

const hello = Buffer.from('Hello')

t.test('5.7: an unmasked text message', async t => {
  isFrame(t, hex('81 05 48656c6c6f'), 1, true, hello, false)
})

t.test('5.7: a masked text message', async t => {
  isFrame(t, hex('81 85 37fa213d 7f9f4d5158'), 1, true, hello)
})

t.test('5.7: a fragmented unmasked text message', async t => {
  t.same(framesOf(hex('01 03 48656c 80 02 6c6f'), false), [
    { code: 1, fin: false, payload: '48656c' },
    { code: 0, fin: true, payload: '6c6f' }
  ])
})

t.test('5.7: an unmasked ping and its masked pong', async t => {
  isFrame(t, hex('89 05 48656c6c6f'), 9, true, hello, false)
  isFrame(t, hex('8a 85 37fa213d 7f9f4d5158'), 10, true, hello)
})

t.test('5.7: 256 bytes of binary', async t => {
  const payload = Buffer.alloc(256, 7)
  isFrame(t, Buffer.concat([hex('82 7e 0100'), payload]), 2, true, payload, false)
})

t.test('5.7: 64 KiB of binary', async t => {
  const payload = Buffer.alloc(65536, 7)
  isFrame(t, Buffer.concat([hex('82 7f 0000000000010000'), payload]), 2, true, payload, false)
})

/* Lengths. */

for (const length of [0, 1, 2, 3, 4, 5, 124, 125, 126, 127, 128, 4095, 4096, 4097, 65535, 65536, 65537]) {
  t.test(`a masked payload of ${length} bytes`, async t => {
    const payload = Buffer.from(Array.from({ length }, (_, i) => i * 13))
    isFrame(t, binary(payload), 2, true, payload)
  })
}

t.test('the header is announced once, with the length, before any of the payload', async t => {
  const { sink } = parse([binary('Hello').subarray(0, 6)])
  t.same(sink.headers, [{ code: 2, length: 5 }])
  t.same(sink.parts, [])
})

t.test('a length in 16 bits that fits into 7 is refused', async t => {
  for (const length of [0, 5, 125]) isRefused(t, binary('', { length, lengthBits: 16 }), 'FST_ERR_WS_LENGTH_NOT_MINIMAL')
  t.same(framesOf(binary(Buffer.alloc(126), { lengthBits: 16 })).length, 1, '126 does not fit')
})

t.test('a length in 64 bits that fits into 16 is refused', async t => {
  for (const length of [0, 5, 125, 126, 65535]) isRefused(t, binary('', { length, lengthBits: 64 }), 'FST_ERR_WS_LENGTH_NOT_MINIMAL')
  t.same(framesOf(binary(Buffer.alloc(65536), { lengthBits: 64 })).length, 1, '65536 does not fit')
})

t.test('a 64-bit length with the top bit set is refused', async t => {
  for (const length of [1n << 63n, (1n << 63n) + 5n, (1n << 64n) - 1n]) isRefused(t, binary('', { length }), 'FST_ERR_WS_LENGTH_TOP_BIT')
})

t.test('lengths up to 2^63 - 1 are announced, whatever a number can hold', async t => {
  for (const length of [2n ** 32n, 2n ** 32n + 1n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 63n - 1n]) {
    const { parser, sink } = parse([binary('', { length })])
    t.same(sink.headers, [{ code: 2, length: Number(length) }])
    t.equal(parser.buffered, 0)
  }
})

/* Reserved bits and opcodes, masking, control frames. */

for (const rsv of [1, 2, 3, 4, 5, 6, 7]) {
  t.test(`reserved bits ${rsv.toString(2).padStart(3, '0')} are refused`, async t => {
    for (const opcode of [0, 1, 2, 8, 9, 10]) isRefused(t, frame({ opcode, rsv }), 'FST_ERR_WS_RESERVED_BITS')
  })
}

for (const opcode of [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]) {
  t.test(`opcode ${opcode} is refused`, async t => {
    isRefused(t, frame({ opcode }), 'FST_ERR_WS_RESERVED_OPCODE')
    isRefused(t, frame({ opcode, mask: false }), 'FST_ERR_WS_RESERVED_OPCODE', false)
    isRefused(t, frame({ opcode, fin: false }), 'FST_ERR_WS_RESERVED_OPCODE')
  })
}

t.test('a client\'s frame without a mask is refused, whatever it is', async t => {
  for (const opcode of [0, 1, 2, 8, 9, 10]) {
    isRefused(t, frame({ opcode, mask: false }), 'FST_ERR_WS_UNMASKED')
    isRefused(t, frame({ opcode, payload: 'Hello', mask: false }), 'FST_ERR_WS_UNMASKED')
  }
})

t.test('a server\'s frame with a mask is refused, whatever it is', async t => {
  for (const opcode of [0, 1, 2, 8, 9, 10]) {
    isRefused(t, frame({ opcode }), 'FST_ERR_WS_MASKED', false)
    isRefused(t, frame({ opcode, payload: 'Hello' }), 'FST_ERR_WS_MASKED', false)
  }
})

t.test('a masking key of zeros is a mask', async t => {
  isFrame(t, text('Hello', { mask: Buffer.alloc(4) }), 1, true, hello)
})

t.test('each frame is unmasked with its own key', async t => {
  const bytes = Buffer.concat([text('Hello', { mask: hex('01020304') }), text('Hello', { mask: hex('fffefdfc') })])
  t.same(framesOf(bytes).map(({ payload }) => payload), [hello.toString('hex'), hello.toString('hex')])
})

t.test('a control frame of 125 bytes is the largest', async t => {
  const payload = Buffer.alloc(125, 1)
  for (const opcode of [8, 9, 10]) isFrame(t, frame({ opcode, payload }), opcode, true, payload)
})

t.test('a longer control frame is refused', async t => {
  for (const opcode of [8, 9, 10]) {
    for (const length of [126, 65535, 65536]) isRefused(t, frame({ opcode, length }), 'FST_ERR_WS_CONTROL_TOO_LONG')
  }
})

t.test('a control frame with a longer form of a short length is refused', async t => {
  isRefused(t, ping('', { length: 5, lengthBits: 16 }), 'FST_ERR_WS_CONTROL_TOO_LONG')
  isRefused(t, ping('', { length: 5, lengthBits: 64 }), 'FST_ERR_WS_CONTROL_TOO_LONG')
})

t.test('a fragmented control frame is refused', async t => {
  for (const opcode of [8, 9, 10]) isRefused(t, frame({ opcode, fin: false }), 'FST_ERR_WS_CONTROL_FRAGMENTED')
})

const firstTwoBytes = {
  FST_ERR_WS_RESERVED_BITS: 'c1 ff',
  FST_ERR_WS_RESERVED_OPCODE: '83 ff',
  FST_ERR_WS_UNMASKED: '81 7f',
  FST_ERR_WS_CONTROL_TOO_LONG: '89 ff',
  FST_ERR_WS_CONTROL_FRAGMENTED: '09 80'
}

for (const [code, bytes] of Object.entries(firstTwoBytes)) {
  t.test(`${code} is seen in the first two bytes, without the rest of the header`, async t => {
    isRefused(t, hex(bytes), code)
  })
}

/* RSV1 where compression was agreed on (RFC 7692 section 6). */

/** What a parser that allows RSV1 makes of pieces. */
function parseAllowingRsv1 (pieces: readonly Buffer[]): FrameRecorder {
  const sink = new FrameRecorder()
  const parser = new FrameParser(sink, true, true)
  for (const piece of pieces) parser.push(Buffer.from(piece))
  return sink
}

t.test('RSV1 is announced with the first frame of a message, fragmented or not', async t => {
  const bytes = Buffer.concat([text('a', { rsv: 4 }), binary('b', { rsv: 4, fin: false }), ping(), continuation('c'), text('d')])
  for (const pieces of [[bytes], cut(bytes, 1)]) {
    const { rsv1, frames } = parseAllowingRsv1(pieces)
    t.same(rsv1, [1, 2])
    t.same(frames.map(({ code }) => code), [1, 2, 9, 0, 1])
  }
})

t.test('the payload of a frame with RSV1 is unmasked as any other', async t => {
  t.same(parseAllowingRsv1(cut(text('Hello', { rsv: 4 }), 3)).frames, [{ code: 1, fin: true, payload: hello.toString('hex') }])
})

t.test('RSV1 on a continuation or a control frame is refused even so, by its first two bytes', async t => {
  for (const opcode of [0, 8, 9, 10]) {
    for (const bytes of [frame({ opcode, rsv: 4 }), frame({ opcode, rsv: 4, payload: 'a' }).subarray(0, 2)]) {
      for (const pieces of [[bytes], cut(bytes, 1)]) t.throws(() => parseAllowingRsv1(pieces), { code: 'FST_ERR_WS_RESERVED_BITS', closeCode: 1002 })
    }
  }
})

t.test('the other reserved bits are refused even so, with RSV1 and without', async t => {
  for (const rsv of [1, 2, 3, 5, 6, 7]) {
    for (const opcode of [0, 1, 2, 8, 9, 10]) t.throws(() => parseAllowingRsv1([frame({ opcode, rsv })]), { code: 'FST_ERR_WS_RESERVED_BITS' })
  }
})

/* Frames one after the other, and in between chunks. */

const several = Buffer.concat([text('a'), ping('b'), text('c', { fin: false }), pong(), continuation('d'), binary(Buffer.alloc(200)), close(1000, 'e')])

t.test('several frames in one chunk come out in order', async t => {
  t.same(framesOf(several).map(({ code, fin }) => [code, fin]), [
    [1, true], [9, true], [1, false], [10, true], [0, true], [2, true], [8, true]
  ])
})

t.test('chunks of any one size give the same frames and headers', async t => {
  const expected = parse([several]).sink
  for (let size = 1; size < several.length; size++) {
    const { frames, headers } = parse(cut(several, size)).sink
    assert.deepEqual({ size, frames, headers }, { size, frames: expected.frames, headers: expected.headers })
  }
  t.equal(expected.frames.length, 7)
})

t.test('a cut at any one place gives the same frames', async t => {
  const expected = framesOf(several)
  for (let at = 0; at <= several.length; at++) assert.deepEqual(parse(cutAt(several, [at])).sink.frames, expected)
  t.equal(expected.length, 7)
})

t.test('an empty chunk changes nothing', async t => {
  const bytes = text('Hello')
  const empty = Buffer.alloc(0)
  const { sink } = parse([empty, bytes.subarray(0, 1), empty, bytes.subarray(1, 8), empty, bytes.subarray(8)])
  t.same(sink.frames, [{ code: 1, fin: true, payload: hello.toString('hex') }])
})

t.test('parts of an incomplete payload are handed over unmasked, and not those of a whole one', async t => {
  const bytes = text('Hello, you')
  t.same(parse([bytes]).sink.parts, [])
  const { sink } = parse([bytes.subarray(0, 7), bytes.subarray(7, 10), bytes.subarray(10)])
  t.same(sink.parts.map(({ part }) => Buffer.from(part, 'hex').toString()), ['H', 'ell'], 'the last one completes the frame')
  t.same(sink.frames.map(({ payload }) => Buffer.from(payload, 'hex').toString()), ['Hello, you'])
})

t.test('a frame that lies whole in a chunk is a view of it', async t => {
  let seen: Buffer = Buffer.alloc(0)
  const sink = new FrameRecorder()
  sink.onFrame = (_code, _fin, payload) => { seen = payload }
  const chunk = text('Hello')
  new FrameParser(sink, true).push(chunk)
  t.equal(seen.buffer, chunk.buffer)
  t.equal(seen.byteOffset, chunk.byteOffset + 6)
})

/* Memory. */

class Refuser extends FrameRecorder {
  override onHeader (): void {
    throw new Error('refused')
  }
}

t.test('a frame that the sink refuses by its header is not kept', async t => {
  const sink = new Refuser()
  const parser = new FrameParser(sink, true)
  t.throws(() => parser.push(binary(Buffer.alloc(1000))), { message: 'refused' })
  t.same(sink.frames, [])
  t.equal(parser.buffered, 0)
})

t.test('a frame that the sink refuses by its header is refused without its payload', async t => {
  const parser = new FrameParser(new Refuser(), true)
  t.throws(() => parser.push(binary('', { length: 2n ** 62n })), { message: 'refused' })
  t.equal(parser.buffered, 0)
})

t.test('what is thrown ends the parsing: later bytes are ignored and nothing is kept', async t => {
  const sink = new FrameRecorder()
  const parser = new FrameParser(sink, true)
  parser.push(binary('Hello').subarray(0, 8))
  parser.push(binary('Hello').subarray(8))
  t.throws(() => parser.push(Buffer.concat([hex('83 80'), text('a'), text('b')])), { code: 'FST_ERR_WS_RESERVED_OPCODE' })
  parser.push(text('c'))
  parser.resume()
  t.equal(sink.frames.length, 1)
  t.equal(parser.buffered, 0)
})

t.test('an announced gigabyte takes no memory until it comes', async t => {
  const before = process.memoryUsage().arrayBuffers
  const { parser } = parse([binary('Hello', { length: 2 ** 30 })])
  t.ok(parser.buffered < 8192, `${parser.buffered} bytes`)
  t.ok(process.memoryUsage().arrayBuffers - before < 1_000_000)
})

t.test('what no machine has may be announced', async t => {
  const { parser, sink } = parse([binary('Hello', { length: 2n ** 62n })])
  t.ok(parser.buffered < 8192)
  t.equal(sink.parts.length, 1)
})

t.test('the memory of an incomplete frame is at most twice what has come', async t => {
  const parser = new FrameParser(new FrameRecorder(), true)
  parser.push(binary('', { length: 10_000_000 }))
  for (let received = 10_000; received < 1_000_000; received += 10_000) {
    parser.push(Buffer.alloc(10_000))
    assert.ok(parser.buffered >= received && parser.buffered <= 2 * received)
  }
  t.ok(parser.buffered <= 2_000_000)
})

t.test('a frame that is complete is no longer held', async t => {
  const { parser } = parse(cut(binary(Buffer.alloc(5000)), 100))
  t.equal(parser.buffered, 0)
})

/* Pause, resume, stop. */

function numbered (count: number): Buffer {
  return Buffer.concat(Array.from({ length: count }, (_, i) => text(String(i))))
}

function numbers (sink: FrameRecorder): string {
  return sink.frames.map(({ payload }) => Buffer.from(payload, 'hex').toString()).join('')
}

function pausing (): { sink: FrameRecorder, parser: FrameParser } {
  const sink = new FrameRecorder()
  const parser = new FrameParser(sink, true)
  sink.afterFrame = () => parser.pause()
  return { sink, parser }
}

t.test('pause stops after the frame that is being handed over', async t => {
  const { sink, parser } = pausing()
  parser.push(numbered(3))
  t.equal(numbers(sink), '0')
  t.ok(parser.paused)
  t.equal(parser.buffered, 14, 'the other two frames wait')
})

t.test('resume goes on with the bytes that wait, up to the next pause', async t => {
  const { sink, parser } = pausing()
  parser.push(numbered(3))
  parser.resume()
  t.equal(numbers(sink), '01')
  parser.resume()
  t.equal(numbers(sink), '012')
  t.equal(parser.buffered, 0)
  parser.resume()
  t.notOk(parser.paused)
})

/** A parser that may read so many frames at a time, and pauses when there are no more of them. */
function paced (...shares: number[]): { sink: FrameRecorder, parser: FrameParser } {
  const sink = new FrameRecorder()
  const parser: FrameParser = new FrameParser(sink, true, false, {
    nextShare () {
      const share = shares.shift() ?? 0
      if (share === 0) parser.pause()
      return share
    }
  })
  return { sink, parser }
}

t.test('it reads as many frames as it is allowed, and asks for more', async t => {
  const { sink, parser } = paced(1, 1, 0)
  parser.allow(2)
  parser.push(numbered(6))
  t.equal(numbers(sink), '0123')
  t.ok(parser.paused)
  parser.allow(9)
  parser.resume()
  t.equal(numbers(sink), '012345')
  t.notOk(parser.paused)
})

t.test('a frame may count as several', async t => {
  const { sink, parser } = paced(0)
  sink.afterFrame = () => parser.spend(1)
  parser.allow(4)
  parser.push(numbered(3))
  t.equal(numbers(sink), '01')
})

t.test('chunks that come while paused wait in their order', async t => {
  const { sink, parser } = pausing()
  const bytes = numbered(6)
  for (const piece of cut(bytes, 3)) parser.push(piece)
  t.equal(numbers(sink), '0')
  sink.afterFrame = () => {}
  parser.resume()
  t.equal(numbers(sink), '012345')
})

t.test('a pause inside a payload keeps the rest of the payload', async t => {
  const { sink, parser } = pausing()
  const bytes = Buffer.concat([text('0'), text('12345')])
  parser.push(bytes.subarray(0, 15))
  sink.afterFrame = () => {}
  parser.push(bytes.subarray(15))
  parser.resume()
  t.equal(numbers(sink), '012345')
})

t.test('a parser paused between two parts of a frame goes on with it', async t => {
  const { sink, parser } = parse([text('01234').subarray(0, 8)])
  parser.pause()
  parser.push(text('01234').subarray(8))
  t.equal(numbers(sink), '')
  parser.resume()
  t.equal(numbers(sink), '01234')
})

t.test('a pause and a resume within one frame change nothing', async t => {
  const { sink, parser } = pausing()
  sink.afterFrame = () => { parser.pause(); parser.resume() }
  parser.push(numbered(5))
  t.equal(numbers(sink), '01234')
  t.equal(parser.buffered, 0)
})

t.test('resume within resume does not go deeper', async t => {
  const { sink, parser } = pausing()
  parser.push(numbered(10_000))
  sink.afterFrame = () => { parser.pause(); parser.resume() }
  parser.resume()
  t.equal(sink.frames.length, 10_000)
})

t.test('a chunk pushed from within a frame comes after the chunk of that frame', async t => {
  const sink = new FrameRecorder()
  const parser = new FrameParser(sink, true)
  sink.afterFrame = () => {
    sink.afterFrame = () => {}
    parser.push(text('3'))
    parser.push(text('4'))
  }
  parser.push(numbered(3))
  t.equal(numbers(sink), '01234')
})

t.test('a chunk pushed from within a frame that also pauses comes after the bytes that wait', async t => {
  const { sink, parser } = pausing()
  sink.afterFrame = () => {
    sink.afterFrame = () => {}
    parser.push(text('3'))
    parser.pause()
  }
  parser.push(numbered(3))
  t.equal(numbers(sink), '0')
  parser.resume()
  t.equal(numbers(sink), '0123')
})

t.test('stop within a frame ignores the rest of the chunk and all that follows', async t => {
  const sink = new FrameRecorder()
  const parser = new FrameParser(sink, true)
  sink.afterFrame = () => parser.stop()
  parser.push(Buffer.concat([numbered(3), hex('ff ff')]))
  parser.push(numbered(3))
  t.equal(numbers(sink), '0')
  t.equal(parser.buffered, 0)
})

t.test('stop forgets what waits', async t => {
  const { sink, parser } = pausing()
  parser.push(numbered(3))
  parser.stop()
  t.equal(parser.buffered, 0)
  parser.resume()
  t.equal(numbers(sink), '0')
})

t.test('stop forgets an incomplete frame', async t => {
  const { sink, parser } = parse([binary(Buffer.alloc(5000)).subarray(0, 4000)])
  parser.stop()
  t.equal(parser.buffered, 0)
  parser.push(Buffer.alloc(5000))
  t.same(sink.frames, [])
})

t.test('stop while a chunk pushed from within waits forgets that chunk', async t => {
  const sink = new FrameRecorder()
  const parser = new FrameParser(sink, true)
  sink.afterFrame = () => { parser.push(text('x')); parser.stop() }
  parser.push(numbered(2))
  t.equal(numbers(sink), '0')
  t.equal(parser.buffered, 0)
})

/* Any frames, any cuts, any pauses. */

const anyFrame = fc.record({
  control: fc.boolean(),
  fin: fc.boolean(),
  kind: fc.nat(2),
  payload: fc.uint8Array({ maxLength: 125 }),
  copies: fc.constantFrom(1, 1, 2, 600),
  mask: fc.uint8Array({ minLength: 4, maxLength: 4 })
}).map(({ control, fin, kind, payload, copies, mask }) => frame({
  opcode: control ? 8 + kind : kind,
  fin: control || fin,
  payload: Buffer.concat(Array(control ? 1 : copies).fill(payload)),
  mask: Buffer.from(mask)
}))
const anyFrames = fc.array(anyFrame, { maxLength: 8 }).map(frames => Buffer.concat(frames))
const anyCuts = fc.array(fc.nat(2000), { maxLength: 20 })

t.test('any frames in any chunks give the same headers and frames', async t => {
  holds(t, fc.property(anyFrames, anyCuts, (bytes, points) => {
    const whole = parse([bytes]).sink
    const { headers, frames } = parse(cutAt(bytes, points)).sink
    assert.deepEqual({ headers, frames }, { headers: whole.headers, frames: whole.frames })
  }), { numRuns: 500 })
})

t.test('the parts of an incomplete payload are its beginning, each byte once', async t => {
  holds(t, fc.property(anyFrames, anyCuts, (bytes, points) => {
    const sink = new FrameRecorder()
    let parts = ''
    sink.onPart = (_code, part) => { parts += part.toString('hex') }
    sink.onFrame = (_code, _fin, payload) => {
      assert.ok(payload.toString('hex').startsWith(parts))
      parts = ''
    }
    const parser = new FrameParser(sink, true)
    for (const piece of cutAt(bytes, points)) parser.push(Buffer.from(piece))
  }), { numRuns: 500 })
})

t.test('any frames in any chunks with any pauses give the same frames', async t => {
  holds(t, fc.property(anyFrames, anyCuts, fc.infiniteStream(fc.boolean()), (bytes, points, coins) => {
    const toss = (): boolean => coins.next().value === true
    const sink = new FrameRecorder()
    const parser = new FrameParser(sink, true)
    sink.afterFrame = () => { if (toss()) parser.pause() }
    for (const piece of cutAt(bytes, points)) {
      parser.push(Buffer.from(piece))
      if (toss()) parser.resume()
    }
    while (parser.paused) parser.resume()
    assert.deepEqual(sink.frames, framesOf(bytes))
  }), { numRuns: 500 })
})
