import fc from 'fast-check'
import t from 'tap'
import { Subscriptions } from '../../lib/rooms/subscriptions.ts'
import { RecordingAdapter } from '../helpers/adapters.ts'
import { deferred } from '../helpers/app.ts'

const nextTurn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

t.test('a room that is wanted is subscribed to, and a dropped one no more', async t => {
  const adapter = new RecordingAdapter()
  const subscriptions = new Subscriptions(adapter)
  await subscriptions.want('a')
  t.same([...adapter.rooms], ['a'])
  await subscriptions.drop('a')
  t.same(adapter.calls, ['subscribe a', 'unsubscribe a'])
})

t.test('want settles no earlier than the adapter has subscribed', async t => {
  const { promise, resolve } = deferred()
  const subscriptions = new Subscriptions(new RecordingAdapter({ subscribe: () => promise }))
  let settled = false
  const wanted = subscriptions.want('a').then(() => { settled = true })
  await nextTurn()
  t.equal(settled, false)
  resolve()
  await wanted
})

t.test('ready waits for a subscription that is under way', async t => {
  const { promise, resolve } = deferred()
  const subscriptions = new Subscriptions(new RecordingAdapter({ subscribe: () => promise }))
  void subscriptions.want('a')
  let settled = false
  const ready = subscriptions.ready('a').then(() => { settled = true })
  await nextTurn()
  t.equal(settled, false)
  resolve()
  await ready
})

t.test('a leave right after the join asks the adapter for nothing', async t => {
  const adapter = new RecordingAdapter()
  const subscriptions = new Subscriptions(adapter)
  void subscriptions.want('a')
  await subscriptions.drop('a')
  t.same(adapter.calls, [])
})

t.test('joins and leaves while the adapter is busy come to what is wanted in the end', async t => {
  const { promise, resolve } = deferred()
  const adapter = new RecordingAdapter({ subscribe: () => promise })
  const subscriptions = new Subscriptions(adapter)
  void subscriptions.want('a')
  await nextTurn()
  void subscriptions.drop('a')
  void subscriptions.want('a')
  const last = subscriptions.drop('a')
  resolve()
  await last
  t.same(adapter.calls, ['subscribe a', 'unsubscribe a'])
})

t.test('rooms do not wait for each other', async t => {
  const { promise, resolve } = deferred()
  const adapter = new RecordingAdapter({ subscribe: async room => { if (room === 'slow') await promise } })
  const subscriptions = new Subscriptions(adapter)
  const slow = subscriptions.want('slow')
  await subscriptions.want('fast')
  t.same([...adapter.rooms], ['fast'])
  resolve()
  await slow
})

t.test('who wants a room hears that the adapter failed', async t => {
  const subscriptions = new Subscriptions(new RecordingAdapter({ subscribe: async () => { throw new Error('broker down') } }))
  await t.rejects(subscriptions.want('a'), { message: 'broker down' })
})

t.test('those who join while a subscription is failing hear of it, and the adapter is asked once', async t => {
  const { promise, reject } = deferred()
  const adapter = new RecordingAdapter({ subscribe: () => promise })
  const subscriptions = new Subscriptions(adapter)
  const first = subscriptions.want('a')
  const second = subscriptions.ready('a')
  reject(new Error('broker down'))
  await t.rejects(first, { message: 'broker down' })
  await t.rejects(second, { message: 'broker down' })
  t.same(adapter.calls, ['subscribe a'])
})

t.test('the next to join after a failure has the adapter asked again', async t => {
  let isDown = true
  const adapter = new RecordingAdapter({ subscribe: async () => { if (isDown) throw new Error('broker down') } })
  const subscriptions = new Subscriptions(adapter)
  await t.rejects(subscriptions.want('a'))
  isDown = false
  await subscriptions.ready('a')
  t.same([...adapter.rooms], ['a'])
})

t.test('those who join while it is tried again share the attempt', async t => {
  const adapter = new RecordingAdapter({ subscribe: async () => { throw new Error('broker down') } })
  const subscriptions = new Subscriptions(adapter)
  await t.rejects(subscriptions.want('a'))
  await Promise.all([t.rejects(subscriptions.ready('a')), t.rejects(subscriptions.ready('a'))])
  t.same(adapter.calls, ['subscribe a', 'subscribe a'])
})

t.test('after a failure to unsubscribe the room can be subscribed to again', async t => {
  let fails = true
  const adapter = new RecordingAdapter({ unsubscribe: async () => { if (fails) throw new Error('broker down') } })
  const subscriptions = new Subscriptions(adapter)
  await subscriptions.want('a')
  await t.rejects(subscriptions.drop('a'), { message: 'broker down' })
  fails = false
  await subscriptions.want('a')
  t.same(adapter.calls, ['subscribe a', 'unsubscribe a', 'subscribe a'])
})

t.test('nothing is kept of a dropped room', async t => {
  const subscriptions = new Subscriptions(new RecordingAdapter())
  await subscriptions.want('a')
  await subscriptions.drop('a')
  t.equal(subscriptions.size, 0)
})

t.test('nothing is kept of a room whose subscribing or unsubscribing failed', async t => {
  const down = async (): Promise<void> => { throw new Error('broker down') }
  for (const doing of [{ subscribe: down }, { unsubscribe: down }]) {
    const subscriptions = new Subscriptions(new RecordingAdapter(doing))
    await subscriptions.want('a').catch(() => {})
    await subscriptions.drop('a').catch(() => {})
    t.equal(subscriptions.size, 0)
  }
})

t.test('dropping a room that nobody wanted asks the adapter for nothing', async t => {
  const adapter = new RecordingAdapter()
  await new Subscriptions(adapter).drop('a')
  t.same(adapter.calls, [])
})

t.test('any storm of joins and leaves, fast and slow, ends with what was wanted last, one call of a room at a time', async t => {
  const step = fc.record({ room: fc.constantFrom('a', 'b'), wanted: fc.boolean(), turns: fc.nat(2) })
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.boolean(), async (steps, fails) => {
    let calls = 0
    const slowly = async (): Promise<void> => {
      const call = calls++
      for (let turn = 0; turn < call % 3; turn++) await nextTurn()
      if (fails && call % 4 === 3) throw new Error('broker down')
    }
    const adapter = new RecordingAdapter({ subscribe: slowly, unsubscribe: slowly })
    const subscriptions = new Subscriptions(adapter)
    const wanted = new Set<string>()
    const last: Array<Promise<void>> = []
    for (const { room, wanted: isWanted, turns } of steps) {
      if (isWanted && !wanted.has(room)) last.push(subscriptions.want(room))
      if (!isWanted && wanted.has(room)) last.push(subscriptions.drop(room))
      if (isWanted) wanted.add(room)
      else wanted.delete(room)
      for (let turn = 0; turn < turns; turn++) await nextTurn()
    }
    await Promise.allSettled(last)
    t.same(adapter.overlaps, [])
    if (!fails) t.same(adapter.rooms, wanted)
  }), { numRuns: 150 })
})
