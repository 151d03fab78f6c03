import { randomBytes } from 'node:crypto'
import { inflateRawSync } from 'node:zlib'
import t from 'tap'
import { Backlog } from '../../lib/connection/backlog.ts'
import { Deflater } from '../../lib/connection/deflater.ts'
import { SendQueue } from '../../lib/connection/send-queue.ts'
import type { SendQueueOwner } from '../../lib/connection/send-queue.ts'
import type { SlowConsumer } from '../../lib/connection/slow-consumer.ts'
import { encodeMessage } from '../../lib/protocol/frame-encoder.ts'
import type { DeflateParameters } from '../../lib/protocol/permessage-deflate.ts'
import type { ReadFrame } from '../helpers/bytes.ts'
import { close, ping } from '../helpers/bytes.ts'
import { FakeTransport } from '../helpers/fake-transport.ts'

const immediate = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

/** How much a frame of a text of so many bytes counts for while it waits. */
const sizeOf = (text: string): number => Backlog.sizeOf(encodeMessage(text))

/** A queue that keeps what it tells. */
class Sender implements SendQueueOwner {
  readonly transport = new FakeTransport()
  readonly queue: SendQueue
  readonly outcomes: string[] = []
  readonly failures: unknown[] = []
  repliesLeft = 0
  /** What was held whenever that changed. */
  held: number[] = []
  slowConsumer: SlowConsumer = { policy: 'close', key: null }

  constructor (limit = Infinity, deflater: Deflater | null = null) {
    this.queue = new SendQueue(this, this.transport, deflater, limit)
    this.transport.attach(this.queue)
  }

  onHeldChange (): void { this.held.push(this.queue.held) }
  onSlow (outcome: string): void { this.outcomes.push(outcome) }
  onRepliesLeft (): void { this.repliesLeft++ }
  onSendFailure (error: unknown): void { this.failures.push(error) }

  send (text: string, isShared = false): this {
    this.queue.put(encodeMessage(text), isShared, this.slowConsumer, this.slowConsumer.key === null ? null : () => text.slice(0, 1))
    return this
  }

  sendAll (...texts: string[]): this {
    for (const text of texts) this.send(text)
    return this
  }

  /** Its peer stops reading, and one message is on its way to it. */
  async stuck (): Promise<this> {
    this.transport.stick()
    this.send('on its way')
    await immediate()
    this.transport.forget()
    return this
  }

  /** What its peer gets once it reads on. */
  async left (): Promise<string[]> {
    this.transport.unstick()
    await immediate()
    return this.transport.texts
  }
}

function roomFor (count: number, policy: SlowConsumer['policy'] = 'close'): Sender {
  const sender = new Sender(count * sizeOf('a1'))
  sender.slowConsumer = { policy, key: policy === 'keep-latest' ? String : null }
  return sender
}

/* While the peer reads. */

t.test('messages pass straight through to the end of the tick, whatever the limit', async t => {
  const sender = new Sender(1).sendAll('a', 'b', 'c')
  t.notOk(sender.queue.isBlocked)
  await immediate()
  t.same(sender.transport.texts, ['a', 'b', 'c'])
  t.same([sender.queue.held, sender.queue.bufferedAmount, sender.outcomes], [0, 0, []])
})

t.test('the end is that of the transport, at once', async t => {
  const sender = new Sender().send('a')
  sender.queue.end()
  t.same(sender.transport.texts, ['a'])
  t.same(sender.transport.calls, ['end'])
})

/* While it does not. */

t.test('what is on its way to a peer that does not read is held, though nobody sends more', async t => {
  const sender = await new Sender().stuck()
  t.ok(sender.queue.isStuck)
  t.equal(sender.held.at(-1), encodeMessage('on its way').length)
})

t.test('messages wait in their order until it reads', async t => {
  const sender = await new Sender().stuck()
  sender.sendAll('a', 'b', 'c')
  await immediate()
  t.same(sender.transport.texts, [])
  t.same(await sender.left(), ['a', 'b', 'c'])
  t.notOk(sender.queue.isBlocked)
})

t.test('what waits is held and buffered, and neither once it has left', async t => {
  const sender = await new Sender().stuck()
  const { held, bufferedAmount } = sender.queue
  sender.send('abc')
  t.equal(sender.queue.held - held, sizeOf('abc'))
  t.equal(sender.queue.bufferedAmount - bufferedAmount, encodeMessage('abc').length)
  await sender.left()
  t.same([sender.queue.held, sender.queue.bufferedAmount, sender.held.at(-1)], [0, 0, 0])
})

t.test('no more than it takes is passed on at a time', async t => {
  const sender = await new Sender().stuck()
  const large = 'x'.repeat(100 * 1024)
  for (let i = 0; i < 10; i++) sender.send(large + i)
  sender.transport.drain()
  t.equal(sender.transport.frames.length, 3, 'the first 256 KiB')
  sender.transport.drain()
  t.equal(sender.transport.frames.length, 3)
  t.same((await sender.left()).map(text => text.at(-1)), ['6', '7', '8', '9'])
})

t.test('control frames overtake', async t => {
  const sender = await new Sender().stuck()
  sender.send('a')
  sender.queue.putControl(ping('', { mask: false }))
  await immediate()
  t.same(sender.transport.frames.map(({ opcode }) => opcode), [9])
  t.same(await sender.left(), ['a'])
})

t.test('the last frame is behind all that wait, and the end behind it', async t => {
  const sender = await new Sender(1).stuck()
  sender.send('a')
  sender.queue.putLast(close(1000, '', { mask: false }))
  sender.queue.end()
  await immediate()
  t.same([sender.transport.frames, sender.transport.calls], [[], []])
  sender.transport.unstick()
  t.same(sender.transport.frames.map(({ opcode }) => opcode), [1, 8])
  t.same(sender.transport.calls, ['end'])
})

t.test('where nothing waits the last frame follows what is on its way', async t => {
  const sender = await new Sender().stuck()
  sender.queue.putLast(close(1000, '', { mask: false }))
  sender.queue.end()
  t.same(sender.transport.frames.map(({ opcode }) => opcode), [8])
  t.same(sender.transport.calls, ['end'])
})

t.test('what waits can be discarded, and the last frame and the end still follow', async t => {
  for (const order of ['discard, end', 'end, discard']) {
    const sender = await new Sender().stuck()
    const { held } = sender.queue
    sender.sendAll('a', 'b')
    sender.queue.putLast(close(1000, '', { mask: false }))
    for (const step of order.split(', ')) {
      if (step === 'end') sender.queue.end()
      else sender.queue.discard()
    }
    t.equal(sender.queue.held - held, order === 'discard, end' ? 4 : 0, order)
    sender.transport.unstick()
    t.same(sender.transport.frames.map(({ opcode }) => opcode), [8], order)
    t.same(sender.transport.calls.at(-1), 'end', order)
  }
})

t.test('progress settles when what is on its way has been read', async t => {
  const sender = await new Sender().stuck()
  let isSettled = false
  const progress = sender.queue.progress().then(() => { isSettled = true })
  await immediate()
  t.notOk(isSettled)
  sender.transport.unstick()
  await progress
})

/* Replies. */

t.test('its owner is told when the last message to this peer alone has left', async t => {
  const sender = await new Sender().stuck()
  t.notOk(sender.queue.hasReplies)
  sender.send('to all', true)
  t.notOk(sender.queue.hasReplies)
  sender.send('reply').send('to all', true)
  t.ok(sender.queue.hasReplies)
  t.equal(sender.repliesLeft, 0)
  await sender.left()
  t.notOk(sender.queue.hasReplies)
  t.equal(sender.repliesLeft, 1)
})

t.test('nobody is told where none waited', async t => {
  const sender = await new Sender().stuck()
  sender.send('to all', true)
  await sender.left()
  t.equal(sender.repliesLeft, 0)
})

/* At the limit. */

t.test('close: the message that finds no room closes', async t => {
  const sender = await roomFor(2).stuck()
  sender.sendAll('a1', 'b1')
  t.same(sender.outcomes, [])
  sender.send('c1')
  t.same(sender.outcomes, ['closed'])
  t.same(await sender.left(), ['a1', 'b1'])
})

t.test('drop-newest: what finds no room is dropped, until there is some', async t => {
  const sender = await roomFor(2, 'drop-newest').stuck()
  sender.sendAll('a1', 'b1', 'c1', 'd1')
  t.same(sender.outcomes, ['dropped', 'dropped'])
  t.same(await sender.left(), ['a1', 'b1'])
  sender.send('e1')
  await immediate()
  t.same(sender.transport.texts, ['e1'])
})

t.test('drop-oldest: the oldest make room', async t => {
  const sender = await roomFor(2, 'drop-oldest').stuck()
  sender.sendAll('a1', 'b1', 'c1', 'd1')
  t.same(sender.outcomes, ['dropped', 'dropped'])
  t.same(await sender.left(), ['c1', 'd1'])
})

t.test('drop-oldest: as many of the oldest as a large one needs', async t => {
  const sender = await roomFor(4, 'drop-oldest').stuck()
  const large = 'x'.repeat(2 + sizeOf('a1'))
  sender.sendAll('a1', 'b1', 'c1', 'd1', large.slice(0, -2))
  t.same(sender.outcomes, ['dropped', 'dropped'])
  t.same((await sender.left()).map(text => text.slice(0, 1)), ['c', 'd', 'x'])
})

t.test('keep-latest: a message takes the place of one with its key, though there is room', async t => {
  const sender = await roomFor(10, 'keep-latest').stuck()
  sender.sendAll('a1', 'b1', 'a2', 'a3')
  t.same(sender.outcomes, ['replaced', 'replaced'])
  t.same(await sender.left(), ['b1', 'a3'])
})

t.test('keep-latest: beyond the limit the oldest make room', async t => {
  const sender = await roomFor(2, 'keep-latest').stuck()
  sender.sendAll('a1', 'b1', 'c1', 'b2')
  t.same(sender.outcomes, ['dropped', 'replaced'])
  t.same(await sender.left(), ['c1', 'b2'])
})

t.test('keep-latest: what is on its way is not replaced', async t => {
  const sender = roomFor(2, 'keep-latest')
  sender.transport.stick()
  sender.send('a1')
  await immediate()
  sender.sendAll('a2')
  t.same(sender.outcomes, [])
  t.same(await sender.left(), ['a1', 'a2'])
})

t.test('where policies meet, only messages of a policy that drops the oldest are dropped for others', async t => {
  const sender = await roomFor(3).stuck()
  sender.send('a1')
  sender.slowConsumer = { policy: 'drop-oldest', key: null }
  sender.sendAll('b1', 'c1', 'd1', 'e1')
  t.same(sender.outcomes, ['dropped', 'dropped'])
  t.same(await sender.left(), ['a1', 'd1', 'e1'])
})

t.test('drop-oldest: where none may be dropped the newest is', async t => {
  const sender = await roomFor(1).stuck()
  sender.send('a1')
  sender.slowConsumer = { policy: 'drop-oldest', key: null }
  sender.send('b1')
  t.same(sender.outcomes, ['dropped'])
  t.same(await sender.left(), ['a1'])
})

t.test('a message larger than the limit may wait alone', async t => {
  const sender = await roomFor(1).stuck()
  sender.send('x'.repeat(10_000))
  t.same(sender.outcomes, [])
  sender.send('a1')
  t.same(sender.outcomes, ['closed'])
  t.same((await sender.left()).map(text => text.length), [10_000])
})

t.test('a key that throws loses its message and no other', async t => {
  const sender = await roomFor(2, 'keep-latest').stuck()
  const failing: SlowConsumer = { policy: 'keep-latest', key: String }
  sender.send('a1')
  t.throws(() => sender.queue.put(encodeMessage('b1'), false, failing, () => { throw new Error('no key') }), { message: 'no key' })
  sender.send('c1')
  t.same(await sender.left(), ['a1', 'c1'])
})

/* Compressed. */

const parameters: DeflateParameters = { serverNoContextTakeover: true, clientNoContextTakeover: true, serverMaxWindowBits: 12, clientMaxWindowBits: 12 }

const deflater = (more: Partial<DeflateParameters> = {}): Deflater =>
  new Deflater({ ...parameters, ...more }, { threshold: 0, contextTakeover: false, windowBits: 12, memLevel: 5, level: -1 })

function inflated ({ rsv, payload }: ReadFrame): string {
  return rsv === 4 ? inflateRawSync(Buffer.concat([payload, Buffer.from([0, 0, 0xff, 0xff, 3, 0])])).toString() : payload.toString()
}

const compressible = (letter: string): string => letter.repeat(100_000)

t.test('messages behind one that another thread compresses wait for it, and all leave in their order', async t => {
  const sender = new Sender(Infinity, deflater())
  const texts = [compressible('a'), 'b', compressible('c'), 'd']
  sender.sendAll(...texts)
  t.ok(sender.queue.isBlocked)
  t.equal(sender.held.at(-1), texts.reduce((sum, text) => sum + sizeOf(text), 0) - sizeOf('') + 2)
  sender.queue.putLast(close(1000, '', { mask: false }))
  sender.queue.end()
  while (sender.transport.calls.length === 0) await immediate()
  const frames = sender.transport.frames
  t.equal(frames.pop()?.opcode, 8)
  t.ok(texts.every((text, index) => text === inflated(frames[index])))
  t.equal(sender.queue.held, 0)
})

t.test('what waits is compressed when it is its turn', async t => {
  const sender = await new Sender(Infinity, deflater()).stuck()
  sender.sendAll(compressible('a'), 'b')
  t.ok(sender.queue.held > 100_000, 'not before')
  sender.transport.unstick()
  while (sender.queue.isBlocked) await immediate()
  await immediate()
  t.same(sender.transport.frames.map(inflated), [compressible('a'), 'b'])
})

t.test('control frames overtake what is being compressed', async t => {
  const sender = new Sender(Infinity, deflater()).send(compressible('a'))
  sender.queue.putControl(ping('', { mask: false }))
  await sender.queue.progress()
  await immediate()
  t.same(sender.transport.frames.map(({ opcode }) => opcode), [9, 1])
})

t.test('the window of a context that is taken over is held, and its owner hears of it', async t => {
  const sender = new Sender(Infinity, deflater({ serverNoContextTakeover: false })).send('a'.repeat(5000))
  await immediate()
  t.ok(sender.queue.held >= 4096)
  t.equal(sender.held.at(-1), sender.queue.held)
  sender.queue.discard()
  t.equal(sender.queue.held, 0)
})

t.test('a message that can not be compressed is reported', async t => {
  const broken = deflater()
  broken.compress = () => Promise.reject(new Error('no memory'))
  const sender = new Sender(Infinity, broken).send('a')
  await immediate()
  t.match(sender.failures, [{ message: 'no memory' }])
  t.equal(sender.queue.held, 0)
})

/* In any order. */

t.test('whenever the peer reads, all it is sent arrives once, in order and untorn', async t => {
  const sender = new Sender()
  const sent: string[] = []
  const got: string[] = []
  const random = randomBytes(3000)
  for (const [index, byte] of random.entries()) {
    if (byte < 100) sender.transport.stick()
    else if (byte < 180) sender.transport.unstick()
    else if (byte < 190) await immediate()
    const text = `${index} ${'x'.repeat(byte * 50)}`
    sent.push(text)
    sender.send(text)
    got.push(...sender.transport.texts)
  }
  got.push(...await sender.left(), ...await sender.left())
  t.ok(got.length === sent.length && got.every((text, index) => text === sent[index]))
  t.equal(sender.queue.held, 0)
})
