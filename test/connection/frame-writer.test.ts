import { Duplex } from 'node:stream'
import t from 'tap'
import { FrameWriter } from '../../lib/connection/frame-writer.ts'
import { StreamTransport } from '../../lib/connection/transport.ts'

/** A stream that keeps what each of its system calls would carry. */
class Calls extends Duplex {
  readonly calls: string[][] = []

  override _write (chunk: Buffer, _encoding: string, callback: () => void): void {
    this.calls.push([String(chunk)])
    callback()
  }

  override _writev (chunks: Array<{ chunk: Buffer }>, callback: () => void): void {
    this.calls.push(chunks.map(({ chunk }) => String(chunk)))
    callback()
  }

  override _read (): void {}
}

interface Pair {
  calls: string[][]
  stream: Calls
  writer: FrameWriter
  /** How much was buffered whenever the writer said that the stream takes no more. */
  stuck: number[]
}

function pair (): Pair {
  const stream = new Calls()
  const stuck: number[] = []
  const writer = new FrameWriter({ onStuck: () => { stuck.push(writer.bufferedAmount) } }, new StreamTransport(stream))
  return { stream, calls: stream.calls, writer, stuck }
}

const tick = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

t.test('nothing leaves before the end of the tick', async t => {
  const { writer, calls } = pair()
  writer.write(Buffer.from('a'))
  t.same(calls, [])
  t.equal(writer.bufferedAmount, 1)
  await tick()
  t.same(calls, [['a']])
  t.equal(writer.bufferedAmount, 0)
})

t.test('all frames of one tick leave in one call, in their order', async t => {
  const { writer, calls } = pair()
  for (const frame of ['a', 'b', 'c']) writer.write(Buffer.from(frame))
  await tick()
  t.same(calls, [['abc']])
})

t.test('frames written by promises that chain on leave in the same call', async t => {
  const { writer, calls } = pair()
  writer.write(Buffer.from('a'))
  for (let depth = 1; depth <= 10; depth++) {
    void (async () => {
      for (let i = 0; i < depth; i++) await null
      writer.write(Buffer.from(String(depth % 10)))
    })()
  }
  await tick()
  t.same(calls, [['a1234567890']])
})

t.test('frames of the next tick leave in the next call', async t => {
  const { writer, calls } = pair()
  writer.write(Buffer.from('a'))
  await tick()
  writer.write(Buffer.from('b'))
  await tick()
  t.same(calls, [['a'], ['b']])
})

t.test('many and large frames are not copied together, and still leave in one call', async t => {
  const { writer, calls } = pair()
  const frame = Buffer.alloc(40_000, 'x')
  for (let i = 0; i < 3; i++) writer.write(frame)
  await tick()
  t.same(calls.map(chunks => chunks.map(chunk => chunk.length)), [[40_000, 40_000, 40_000]])
})

t.test('each writer has a call of its own', async t => {
  const [a, b] = [pair(), pair()]
  for (const letter of ['1', '2']) {
    a.writer.write(Buffer.from(`a${letter}`))
    b.writer.write(Buffer.from(`b${letter}`))
  }
  await tick()
  t.same([a.calls, b.calls], [[['a1a2']], [['b1b2']]])
})

t.test('flush sends what waits at once, and nothing twice', async t => {
  const { writer, calls } = pair()
  writer.write(Buffer.from('a'))
  writer.flush()
  t.same(calls, [['a']])
  writer.flush()
  writer.write(Buffer.from('b'))
  await tick()
  t.same(calls, [['a'], ['b']])
})

t.test('a frame that is shared by connections is never changed', async t => {
  const frame = Buffer.from('shared')
  const writers = [pair(), pair()]
  for (const { writer } of writers) {
    writer.write(frame)
    writer.write(Buffer.from('!'))
  }
  await tick()
  t.equal(String(frame), 'shared')
})

t.test('bufferedAmount counts what waits here and what the stream holds', async t => {
  const { writer, stream } = pair()
  stream.cork()
  writer.write(Buffer.from('abc'))
  writer.flush()
  writer.write(Buffer.from('de'))
  t.equal(writer.bufferedAmount, 5)
})

t.test('frames leave before the end of the tick from 256 KiB on', async t => {
  const { writer, calls } = pair()
  const frame = Buffer.alloc(64 * 1024, 'x')
  for (let i = 0; i < 3; i++) writer.write(frame)
  t.same(calls, [])
  writer.write(frame)
  t.equal(calls.flat().length, 4)
  writer.write(frame)
  t.equal(calls.flat().length, 4)
  await tick()
  t.equal(calls.flat().length, 5)
})

t.test('a stream that takes what it is given is not stuck', async t => {
  const { writer, stuck } = pair()
  writer.write(Buffer.alloc(1_000_000))
  t.notOk(writer.isStuck)
  await tick()
  t.notOk(writer.isStuck)
  t.same(stuck, [])
})

t.test('a stream that holds more than it should is stuck from the flush on, and says so at once', async t => {
  const { writer, stream, stuck } = pair()
  stream.cork()
  writer.write(Buffer.alloc(200_000))
  t.notOk(writer.isStuck, 'nothing was written yet')
  await tick()
  t.ok(writer.isStuck)
  t.same(stuck, [200_000])
})

t.test('little that waits in a stream does not make it stuck', async t => {
  const { writer, stream } = pair()
  stream.cork()
  writer.write(Buffer.alloc(1000))
  await tick()
  t.notOk(writer.isStuck)
})

t.test('a stream that was stuck no longer is once it has drained', async t => {
  const { writer, stream } = pair()
  stream.cork()
  writer.write(Buffer.alloc(200_000))
  writer.flush()
  stream.once('drain', () => writer.onDrain())
  stream.uncork()
  await tick()
  t.notOk(writer.isStuck)
})

/** A stream that takes its first write on and never says that it is done; what it was given. */
function neverDone (): { transport: StreamTransport, written: Buffer[] } {
  const written: Buffer[] = []
  const stream = new Duplex({ read () {}, write () {} })
  const transport = new StreamTransport(stream)
  transport.write = (bytes: Buffer) => {
    written.push(bytes)
    stream.write(bytes)
  }
  return { transport, written }
}

t.test('nothing gets between the header of a large message and its payload, whoever hears of the flush', async t => {
  const { transport, written } = neverDone()
  let heard = 0
  const writer: FrameWriter = new FrameWriter({ onStuck: () => { if (++heard === 1) writer.write(Buffer.from('!')) } }, transport)
  writer.write(Buffer.alloc(256 * 1024 - 2))
  writer.writeMessage(Buffer.alloc(16 * 1024, 'x'))
  await tick()
  const bytes = Buffer.concat(written)
  t.equal(bytes.length, 256 * 1024 - 2 + 4 + 16 * 1024 + 1)
  t.equal(bytes.toString('latin1', 256 * 1024 + 2), `${'x'.repeat(16 * 1024)}!`)
})

t.test('what waits behind other bytes keeps no memory but its own', async t => {
  const { transport, written } = neverDone()
  const writer = new FrameWriter({ onStuck () {} }, transport)
  writer.writeMessage('taken on')
  await tick()
  writer.writeMessage('alone')
  await tick()
  writer.writeMessage('with')
  writer.write(Buffer.from('another'))
  await tick()
  t.same(written.slice(1).map(bytes => bytes.buffer.byteLength), [7, 13])
})

t.test('a large payload may be transferred as soon as the transport has taken it', async t => {
  const { writer, calls } = pair()
  writer.writeMessage('before')
  const payload = Buffer.from(new ArrayBuffer(16 * 1024)).fill('x')
  writer.writeMessage(payload)
  structuredClone(payload.buffer, { transfer: [payload.buffer] })
  writer.writeMessage('behind')
  await tick()
  const sent = calls.flat().join('')
  for (const part of ['before', 'x'.repeat(16 * 1024), 'behind']) t.ok(sent.includes(part))
})
