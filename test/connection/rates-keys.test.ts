import t from 'tap'
import { Rated, messages, never, numbers, upTo } from '../helpers/rated.ts'

t.test('connections with the same key share what it may send, others do not', async t => {
  const rated = await Rated.start(t, { limits: { perKey: { messages: never(4) }, exceed: 'error' }, handler: () => 'handled' })
  const [first, second, other, nobody] = [await rated.open({ user: 'ann' }), await rated.open({ user: 'ann' }), await rated.open({ user: 'bob' }), await rated.open()]
  first.write(numbers(3))
  t.same(await messages(first, 3), Array(3).fill('handled'))
  second.write(numbers(2))
  t.match(await messages(second, 2), ['handled', { code: 'FST_ERR_WS_RATE_LIMIT' }])
  first.write(numbers(1))
  t.match(await first.message(), { code: 'FST_ERR_WS_RATE_LIMIT' })
  other.write(numbers(4))
  t.same(await messages(other, 4), Array(4).fill('handled'))
  nobody.write(numbers(6))
  t.same(await messages(nobody, 6), Array(6).fill('handled'))
})

t.test('connecting anew with the same key does not fill its buckets', async t => {
  const rated = await Rated.start(t, { limits: { perKey: { messages: never(2) }, exceed: 'error' }, handler: () => 'handled' })
  const first = await rated.open({ user: 'ann' })
  first.write(numbers(2))
  await messages(first, 2)
  await first.close(1000)
  await rated.until(() => rated.closes.length === 1)
  const second = await rated.open({ user: 'ann' })
  second.write(numbers(1))
  t.match(await second.message(), { code: 'FST_ERR_WS_RATE_LIMIT' })
})

t.test('routes that inherit the rates of keys share their buckets; a route with its own does not', async t => {
  const rated = await Rated.start(t, { plugin: { limits: { perKey: { messages: never(2) }, exceed: 'error' } }, limits: { rooms: 5 }, handler: () => 'handled' })
  const first = await rated.open({ user: 'ann' })
  first.write(numbers(2))
  t.same(await messages(first, 2), ['handled', 'handled'])
  const inheriting = await rated.open({ user: 'ann' }, '/plain')
  inheriting.write(numbers(1))
  t.match(await inheriting.message(), { code: 'FST_ERR_WS_RATE_LIMIT' })
  const own = await rated.open({ user: 'ann' }, '/unlimited')
  own.write(numbers(1))
  t.equal(await own.message<unknown>(), 0)
})

t.test('slow: two clients of one key are slowed together, and both are handled whole', async t => {
  const rated = await Rated.start(t, { limits: { perKey: { messages: { perSecond: 1_000, burst: 1 } } } })
  const clients = [await rated.open({ user: 'ann' }), await rated.open({ user: 'ann' })]
  const start = performance.now()
  for (const client of clients) client.write(numbers(30))
  for (const client of clients) t.same(await messages(client, 30), upTo(30))
  // Each may go over it by one.
  t.ok(performance.now() - start >= 56)
})
