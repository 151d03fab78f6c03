import { randomBytes } from 'node:crypto'
import { inflateRawSync } from 'node:zlib'
import t from 'tap'
import { Deflater } from '../../lib/connection/deflater.ts'
import { encodeMessage } from '../../lib/protocol/frame-encoder.ts'
import type { DeflateParameters } from '../../lib/protocol/permessage-deflate.ts'
import type { ReadFrame } from '../helpers/bytes.ts'
import { close, ping } from '../helpers/bytes.ts'
import { Sender, sizeOf } from '../helpers/sender.ts'

const immediate = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

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

t.test('messages that are not framed yet leave in order with those that are, compressed where that makes them shorter', async t => {
  const sender = new Sender(Infinity, deflater())
  const texts = ['a'.repeat(4000), 'b', 'c'.repeat(5000)]
  sender.queue.putMessage(texts[0], sender.slowConsumer, null)
  sender.queue.putMessage(texts[1], sender.slowConsumer, null)
  sender.send(texts[2])
  await immediate()
  const { frames } = sender.transport
  t.same(frames.map(({ rsv }) => rsv), [4, 0, 4])
  t.ok(frames.map(inflated).every((text, index) => text === texts[index]))
})

t.test('a long message that is not framed yet is compressed by another thread, and counts its bytes', async t => {
  const sender = new Sender(Infinity, deflater())
  const text = '€'.repeat(100_000)
  sender.queue.putMessage(text, sender.slowConsumer, null)
  t.ok(sender.queue.isBlocked)
  t.ok(sender.queue.bufferedAmount > 300_000)
  sender.queue.putMessage('b', sender.slowConsumer, null)
  while (sender.queue.isBlocked) await immediate()
  await immediate()
  t.same(sender.transport.frames.map(inflated), [text, 'b'])
})
