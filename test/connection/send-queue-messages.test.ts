import { inflateRawSync } from 'node:zlib'
import t from 'tap'
import { Backlog } from '../../lib/connection/backlog.ts'
import { Deflater } from '../../lib/connection/deflater.ts'
import { encodeMessage } from '../../lib/protocol/frame-encoder.ts'
import { close } from '../helpers/bytes.ts'
import type { ReadFrame } from '../helpers/bytes.ts'
import { Sender } from '../helpers/sender.ts'

const immediate = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

const deflater = (): Deflater => new Deflater(
  { serverNoContextTakeover: true, clientNoContextTakeover: true, serverMaxWindowBits: 12, clientMaxWindowBits: 12 },
  { threshold: 0, contextTakeover: false, windowBits: 12, memLevel: 5, level: -1 }
)

function inflated ({ rsv, payload }: ReadFrame): Buffer {
  return rsv === 4 ? inflateRawSync(Buffer.concat([payload, Buffer.from([0, 0, 0xff, 0xff, 3, 0])])) : payload
}

/** Puts messages in that are not framed yet. */
function putAll (sender: Sender, ...payloads: Array<string | Buffer>): void {
  const { slowConsumer } = sender
  for (const payload of payloads) sender.queue.putMessage(payload, slowConsumer, slowConsumer.key === null ? null : () => String(payload).slice(0, 1))
}

const messages = ['a', Buffer.from('b'), 'é'.repeat(3000), Buffer.alloc(20_000, 1), '']
const written = messages.map(message => ({ opcode: typeof message === 'string' ? 1 : 2, rsv: 0, payload: Buffer.from(message) }))

t.test('while the peer reads, messages leave with the tick, and none is held', async t => {
  const sender = new Sender(1)
  putAll(sender, ...messages)
  t.notOk(sender.queue.isBlocked)
  await immediate()
  t.match(sender.transport.frames, written)
  t.same([sender.queue.held, sender.queue.bufferedAmount, sender.outcomes], [0, 0, []])
})

t.test('messages and frames keep the order in which they were put in', async t => {
  const sender = new Sender().send('1')
  putAll(sender, '2', '3')
  sender.send('4', true)
  putAll(sender, '5')
  sender.queue.putLast(close(1000, '', { mask: false }))
  await immediate()
  const frames = sender.transport.frames
  t.equal(frames.pop()?.opcode, 8)
  t.same(frames.map(({ payload }) => String(payload)), ['1', '2', '3', '4', '5'])
})

t.test('while the peer does not read they wait in their order, framed, and are replies', async t => {
  const sender = await new Sender().stuck()
  const { held } = sender.queue
  putAll(sender, ...messages)
  await immediate()
  t.same(sender.transport.frames, [])
  t.ok(sender.queue.hasReplies)
  t.equal(sender.queue.held - held, messages.reduce((sum, message) => sum + Backlog.sizeOf(encodeMessage(message)), 0))
  sender.transport.unstick()
  await immediate()
  t.match(sender.transport.frames, written)
  t.equal(sender.repliesLeft, 1)
})

t.test('that wait, they are what they were when they were sent', async t => {
  const sender = await new Sender().stuck()
  const payload = Buffer.alloc(20_000, 'a')
  putAll(sender, payload)
  payload.fill('b')
  sender.transport.unstick()
  await immediate()
  t.ok(sender.transport.frames[0].payload.every(byte => byte === 0x61))
})

t.test('the policy for a peer that does not read is theirs too', async t => {
  const closing = await new Sender(1).stuck()
  putAll(closing, 'a', 'b')
  t.same(closing.outcomes, ['closed'])
  const latest = await new Sender().stuck()
  latest.slowConsumer = { policy: 'keep-latest', key: message => String(message) }
  putAll(latest, 'a1', 'b1', 'a2')
  t.same(latest.outcomes, ['replaced'])
  t.same(await latest.left(), ['b1', 'a2'])
})

t.test('while the peer reads nobody is asked for the key of a message', async t => {
  const sender = new Sender()
  sender.queue.putMessage('a', { policy: 'keep-latest', key: () => '' }, () => { throw new Error('asked') })
  await immediate()
  t.same(sender.transport.texts, ['a'])
})

t.test('where compression was agreed on messages are compressed', async t => {
  const sender = new Sender(Infinity, deflater())
  const texts = ['a'.repeat(500), 'é'.repeat(500), 'c']
  putAll(sender, ...texts, Buffer.alloc(500, 'd'))
  await immediate()
  const frames = sender.transport.frames
  t.same(frames.map(({ opcode, rsv }) => [opcode, rsv]).slice(0, 2), [[1, 4], [1, 4]])
  t.same(frames.map(frame => inflated(frame).toString()), [...texts, 'd'.repeat(500)])
  t.same(frames.map(({ opcode }) => opcode), [1, 1, 1, 2])
})

t.test('behind one that another thread compresses they wait for it', async t => {
  const sender = new Sender(Infinity, deflater())
  putAll(sender, 'x'.repeat(100_000), 'behind')
  t.ok(sender.queue.isBlocked)
  while (sender.queue.isBlocked) await immediate()
  await immediate()
  t.same(sender.transport.frames.map(frame => inflated(frame).toString()), ['x'.repeat(100_000), 'behind'])
})

t.test('compressed or not, they leave at the release where no more is to come, and else with the tick', async t => {
  for (const sender of [new Sender(), new Sender(Infinity, deflater())]) {
    sender.queue.hold()
    putAll(sender, 'a', 'b')
    t.equal(sender.transport.frames.length, 0)
    sender.queue.release(true)
    t.equal(sender.transport.frames.length, 2)
    sender.queue.hold()
    putAll(sender, 'c')
    sender.queue.release(false)
    t.equal(sender.transport.frames.length, 0)
    await immediate()
    t.equal(sender.transport.frames.length, 1)
  }
})

t.test('an owner that ends it once it is stuck, in the middle of a large message, does not tear that', async t => {
  const sender = new Sender()
  let isEnded = false
  sender.onHeldChange = () => {
    if (isEnded || !sender.queue.isStuck) return
    isEnded = true
    sender.queue.discard()
    sender.queue.putLast(close(1013, '', { mask: false }))
    sender.queue.end()
  }
  sender.transport.stick()
  // With the header of the next one it is 256 KiB, which leave before the end of the tick.
  sender.send('x'.repeat(256 * 1024 - 12))
  putAll(sender, Buffer.alloc(50_000, 1))
  await immediate()
  t.ok(isEnded)
  t.same(sender.transport.frames.map(({ opcode, payload }) => [opcode, payload.length]), [[1, 256 * 1024 - 12], [2, 50_000], [8, 2]])
  t.same(sender.transport.calls, ['end'])
})
