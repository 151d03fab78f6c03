import t from 'tap'
import type { SlowConsumer } from '../../lib/connection/slow-consumer.ts'
import { encodeMessage } from '../../lib/protocol/frame-encoder.ts'
import { Sender, sizeOf } from '../helpers/sender.ts'

const immediate = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

function roomFor (count: number, policy: SlowConsumer['policy'] = 'close'): Sender {
  const sender = new Sender(count * sizeOf('a1'))
  sender.slowConsumer = { policy, key: policy === 'keep-latest' ? String : null }
  return sender
}

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

t.test('whoever hears that a message was replaced may send another that closes', async t => {
  const sender = await roomFor(2, 'keep-latest').stuck()
  sender.sendAll('a1', 'b1')
  sender.onSlow = outcome => {
    sender.outcomes.push(outcome)
    if (outcome === 'closed') sender.queue.discard()
    else sender.queue.put(encodeMessage('c'), false, { policy: 'close', key: null }, null)
  }
  sender.send('b2')
  t.same(sender.outcomes, ['replaced', 'closed'])
  t.same(await sender.left(), [])
})
