import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { FrameWriter } from '../../lib/connection/frame-writer.ts'
import { encodeMessage } from '../../lib/protocol/frame-encoder.ts'
import { holdsLater } from '../helpers/property.ts'
import { RecordingTransport } from '../helpers/recording-transport.ts'

interface Pair {
  transport: RecordingTransport
  writer: FrameWriter
  /** Called when the writer says that the transport takes no more. */
  owner: { onStuck: () => void }
}

function pair (): Pair {
  const transport = new RecordingTransport()
  const owner = { onStuck: () => {} }
  return { transport, owner, writer: new FrameWriter(owner, transport) }
}

const tick = (): Promise<void> => new Promise(resolve => setImmediate(resolve))
const framed = (...payloads: Array<string | Buffer>): Buffer => Buffer.concat(payloads.map(encodeMessage))
const sizes = ({ calls }: RecordingTransport): number[][] => calls.map(chunks => chunks.map(chunk => chunk.length))

/* One message, and several. */

for (const [title, payload] of [
  ['no text', ''], ['a small text', 'Hello'], ['a text of the most units that are framed with others', '€'.repeat(1024)], ['one more', '€'.repeat(1025)],
  ['a text of 20,000', 'é'.repeat(20_000)], ['a text of 100,000', 'a'.repeat(100_000)],
  ['no bytes', Buffer.alloc(0)], ['few bytes', Buffer.from([1, 2])], ['1024 bytes', Buffer.alloc(1024, 1)], ['1025 bytes', Buffer.alloc(1025, 1)],
  ['16,383 bytes', Buffer.alloc(16_383, 1)]
] as const) {
  t.test(`${title} leaves as the frame that the encoder makes, with the tick and in one call`, async t => {
    const { writer, transport } = pair()
    writer.writeMessage(payload)
    t.equal(transport.calls.length, 0)
    t.equal(writer.bufferedAmount, framed(payload).length)
    await tick()
    t.equal(transport.calls.length, 1)
    t.ok(transport.bytes.equals(framed(payload)))
    t.equal(writer.bufferedAmount, 0)
  })
}

for (const size of [16_384, 100_000]) {
  t.test(`a Buffer of ${size} bytes leaves as the frame that the encoder makes, at once and in one call`, async t => {
    const { writer, transport } = pair()
    const payload = Buffer.alloc(size, 1)
    writer.writeMessage(payload)
    t.equal(transport.calls.length, 1)
    t.ok(transport.bytes.equals(framed(payload)))
    t.equal(writer.bufferedAmount, 0)
    await tick()
    t.equal(transport.calls.length, 1)
  })
}

t.test('small messages of one tick leave in one write', async t => {
  const { writer, transport } = pair()
  for (const payload of ['a', Buffer.from('b'), '', 'é']) writer.writeMessage(payload)
  await tick()
  t.same(sizes(transport), [[framed('a', 'b', '', 'é').length]])
  t.ok(transport.bytes.equals(framed('a', Buffer.from('b'), '', 'é')))
})

t.test('a large payload is not copied: its header and what is before it are written, and then itself', async t => {
  const { writer, transport } = pair()
  const payload = Buffer.alloc(16 * 1024, 7)
  writer.writeMessage('before')
  writer.writeMessage(payload)
  writer.writeMessage('behind')
  await tick()
  t.same(sizes(transport), [[framed('before').length + 4, payload.length], [framed('behind').length]])
  t.equal(transport.calls[0][1], payload)
  t.ok(transport.bytes.equals(framed('before', payload, 'behind')))
})

t.test('messages and frames keep their order, however they are mixed, as do those of several writers', async t => {
  const payload = fc.oneof(
    fc.nat(2000).map(length => 'x'.repeat(length)), fc.nat(2000).map(length => 'é'.repeat(length)),
    fc.nat(2000).map(length => Buffer.alloc(length, length)), fc.integer({ min: 16_300, max: 100_000 }).map(length => Buffer.alloc(length, length))
  )
  const step = fc.record({ who: fc.nat(2), payload, how: fc.constantFrom('write', 'writeMessage', 'writeMessage', 'flush', 'tick') })
  await holdsLater(t, fc.asyncProperty(fc.array(step, { maxLength: 30 }), fc.boolean(), async (steps, hasTakenAll) => {
    const pairs = [pair(), pair(), pair()]
    const expected: Buffer[][] = [[], [], []]
    for (const { transport } of pairs) transport.hasTakenAll = false
    // One of them has always left when the next comes, so that its memory is used again.
    const takes = pairs[0].transport
    const left: Buffer[] = []
    takes.hasTakenAll = hasTakenAll
    takes.write = bytes => { left.push(Buffer.from(bytes)) }
    for (const { who, payload, how } of steps) {
      const { writer } = pairs[who]
      if (how === 'flush') writer.flush()
      else if (how === 'tick') await tick()
      else expected[who].push(encodeMessage(payload))
      if (how === 'write') writer.write(encodeMessage(payload))
      if (how === 'writeMessage') writer.writeMessage(payload)
    }
    await tick()
    assert.ok(Buffer.concat(left).equals(Buffer.concat(expected[0])))
    for (const who of [1, 2]) assert.ok(pairs[who].transport.bytes.equals(Buffer.concat(expected[who])))
  }), { numRuns: 100 })
})

/* When they leave before the tick ends. */

t.test('messages leave before the end of the tick from 256 KiB on', async t => {
  const { writer, transport } = pair()
  const payloads = Array<string>(300).fill('x'.repeat(1000))
  for (const payload of payloads) writer.writeMessage(payload)
  t.equal(transport.calls.length, 1)
  t.ok(transport.bytes.length >= 256 * 1024 && transport.bytes.length < 258 * 1024)
  await tick()
  t.ok(transport.bytes.equals(framed(...payloads)))
})

t.test('a header is never parted from its payload: neither by a flush, nor by what is written when the transport is found stuck', async t => {
  const { writer, transport, owner } = pair()
  const large = Buffer.alloc(50_000, 1)
  transport.isStuck = true
  owner.onStuck = () => { owner.onStuck = () => {}; writer.writeMessage('too slow') }
  writer.write(Buffer.alloc(256 * 1024 - 2))
  writer.writeMessage(large)
  await tick()
  t.ok(transport.bytes.subarray(256 * 1024 - 2).equals(framed(large, 'too slow')))
})

/* Held. */

t.test('what is written while it is held leaves at its release where nothing is to come, in one write', async t => {
  const { writer, transport } = pair()
  writer.hold()
  writer.writeMessage('a')
  writer.writeMessage('b')
  t.equal(transport.calls.length, 0)
  writer.release(true)
  t.same(sizes(transport), [[framed('a', 'b').length]])
  await tick()
  t.equal(transport.calls.length, 1, 'and only once')
})

t.test('where more is to come it leaves with the tick, and that with it', async t => {
  const { writer, transport } = pair()
  writer.hold()
  writer.writeMessage('a')
  writer.release(false)
  t.equal(transport.calls.length, 0)
  void Promise.resolve().then(() => writer.writeMessage('b'))
  await tick()
  t.same(sizes(transport), [[framed('a', 'b').length]])
})

t.test('released with nothing written, nothing leaves', async t => {
  const { writer, transport } = pair()
  for (const isDone of [true, false]) {
    writer.hold()
    writer.release(isDone)
  }
  await tick()
  t.equal(transport.calls.length, 0)
})

t.test('what was written before it was held leaves with what is written then', async t => {
  const { writer, transport } = pair()
  writer.writeMessage('a')
  writer.hold()
  writer.writeMessage('b')
  writer.release(true)
  t.same(sizes(transport), [[framed('a', 'b').length]])
  await tick()
  t.equal(transport.calls.length, 1)
})

t.test('released, it writes with the tick again', async t => {
  const { writer, transport } = pair()
  writer.hold()
  writer.release(true)
  writer.writeMessage('a')
  t.equal(transport.calls.length, 0)
  await tick()
  t.equal(transport.calls.length, 1)
})

t.test('while one is held another\'s messages leave with the tick', async t => {
  const [held, other] = [pair(), pair()]
  held.writer.hold()
  other.writer.writeMessage('a')
  await tick()
  t.equal(other.transport.calls.length, 1)
  held.writer.release(true)
})

t.test('a writer that is held while another is takes nothing from it', async t => {
  for (const isDone of [true, false]) {
    const [outer, inner] = [pair(), pair()]
    outer.writer.hold()
    outer.writer.writeMessage('1')
    inner.writer.hold()
    outer.writer.writeMessage('2')
    inner.writer.writeMessage('a')
    inner.writer.release(isDone)
    outer.writer.writeMessage('3')
    outer.writer.release(isDone)
    await tick()
    t.same([sizes(outer.transport).length, sizes(inner.transport).length], [1, 1])
    t.ok(outer.transport.bytes.equals(framed('1', '2', '3')))
    t.ok(inner.transport.bytes.equals(framed('a')))
  }
})

t.test('held, it still leaves from 256 KiB on, and when it is flushed', async t => {
  const { writer, transport } = pair()
  writer.hold()
  writer.writeMessage(Buffer.alloc(256 * 1024))
  t.equal(transport.calls.length, 1)
  writer.writeMessage('a')
  writer.flush()
  t.equal(transport.calls.length, 2)
  writer.writeMessage('b')
  writer.release(true)
  t.equal(transport.calls.length, 3)
  t.ok(transport.bytes.equals(framed(Buffer.alloc(256 * 1024), 'a', 'b')))
})

/* What is gathered. */

t.test('writers that are sent the same frames share one Buffer of them, and no others do', async t => {
  const [a, b, c, d, e] = [pair(), pair(), pair(), pair(), pair()]
  const [one, two, three] = ['one', 'two', 'three'].map(encodeMessage)
  for (const { writer } of [a, b]) { writer.write(one); writer.write(two) }
  for (const frame of [one, three]) c.writer.write(frame)
  for (const frame of [one, two, three]) d.writer.write(frame)
  for (const frame of [one, two]) e.writer.write(frame)
  await tick()
  t.equal(a.transport.calls[0][0], b.transport.calls[0][0])
  t.ok(a.transport.bytes.equals(framed('one', 'two')))
  t.ok(c.transport.bytes.equals(framed('one', 'three')))
  t.ok(d.transport.bytes.equals(framed('one', 'two', 'three')))
  t.ok(e.transport.bytes.equals(framed('one', 'two')))
})

t.test('equal messages of their own between the same frames are each writer\'s own', async t => {
  const [a, b] = [pair(), pair()]
  const shared = encodeMessage('shared')
  for (const [{ writer }, own] of [[a, 'a'], [b, 'b']] as const) {
    writer.write(shared)
    writer.writeMessage(own)
  }
  await tick()
  t.ok(a.transport.bytes.equals(framed('shared', 'a')))
  t.ok(b.transport.bytes.equals(framed('shared', 'b')))
})

/* Memory that is used again. */

t.test('what a transport has not taken is never written over', async t => {
  const [keeps, takes] = [pair(), pair()]
  takes.transport.hasTakenAll = true
  for (let i = 0; i < 3000; i++) {
    if (i % 10 === 0) keeps.writer.writeMessage(`kept ${i}`)
    if (i % 50 === 0) keeps.writer.writeMessage(Buffer.alloc(16_384, i))
    if (i % 70 === 0) keeps.writer.write(encodeMessage(`framed ${i}`))
    takes.writer.writeMessage(`taken ${i}`)
    if (i % 3 === 0) takes.writer.flush()
    if (i % 7 === 0) keeps.writer.flush()
  }
  await tick()
  t.notOk(keeps.transport.isTorn)
})

t.test('what a transport has taken is memory for the next, header of a large payload or not', async t => {
  for (const payload of ['small', Buffer.alloc(20_000)]) {
    const { writer, transport } = pair()
    transport.hasTakenAll = true
    const places = new Set<number>()
    for (let i = 0; i < 100; i++) {
      writer.writeMessage(payload)
      writer.flush()
      places.add(transport.calls[i][0].byteOffset)
    }
    t.ok(places.size <= 2, `it lay at ${[...places].join(', ')}`)
  }
})
