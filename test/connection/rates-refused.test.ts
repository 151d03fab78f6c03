import t from 'tap'
import { Agenda } from '../../lib/connection/agenda.ts'
import { Buckets } from '../../lib/connection/buckets.ts'
import { Rates } from '../../lib/connection/rates.ts'
import { ping, text } from '../helpers/bytes.ts'
import { published } from '../helpers/published.ts'
import { Rated, message, messages, never, numbers, roundTrip, upTo } from '../helpers/rated.ts'

/* Error. */

t.test('error: messages over the rate are answered in their turn, and not handled', async t => {
  const rated = await Rated.start(t, {
    limits: { messages: never(2), exceed: 'error' },
    handler: async () => {
      await new Promise(resolve => setImmediate(resolve))
      return { type: 'done' }
    }
  })
  const client = await rated.open()
  client.write(Buffer.concat([1, 2, 'a', 'b'].map(id => message({ id }))))
  const refused = { type: 'error', code: 'FST_ERR_WS_RATE_LIMIT', message: 'too many messages' }
  t.same(await messages(client, 4), [{ type: 'done', id: 1 }, { type: 'done', id: 2 }, { ...refused, id: 'a' }, { ...refused, id: 'b' }])
  t.equal(rated.handled.length, 2)
  t.equal(rated.limited, 2)
})

t.test('error: a message that can not be decoded, or is long, is answered without its id', async t => {
  const rated = await Rated.start(t, { limits: { messages: never(1), exceed: 'error' } })
  const client = await rated.open()
  client.write(Buffer.concat([message(1), text('{'), message({ id: 1, long: 'x'.repeat(5_000) }), message({ id: 2 })]))
  const answers = (await messages(client, 4)).slice(1) as Array<{ id?: number }>
  t.same(answers.map(({ id }) => id), [undefined, undefined, 2])
})

t.test('error: what is refused costs no tokens', async t => {
  const rated = await Rated.start(t, { limits: { messages: { perSecond: 100, burst: 1 }, exceed: 'error' }, handler: () => 'handled' })
  const client = await rated.open()
  let refused = 0
  for (let handled = 0; handled < 3;) {
    client.send(1)
    if (await client.message<unknown>() === 'handled') handled++
    else refused++
  }
  t.equal(rated.limited, refused)
})

t.test('error: a client that does not read its errors is read no further', async t => {
  const rated = await Rated.start(t, { limits: { messages: never(1), exceed: 'error' } })
  const client = await rated.open()
  client.socket.pause()
  rated.connections[0].send('x'.repeat(12_000_000))
  client.write(numbers(5_000))
  while (rated.connections[0].traffic.received.messages === 0) await roundTrip(rated)
  await roundTrip(rated)
  t.ok(rated.connections[0].traffic.received.messages < 100)
  client.socket.resume()
  await messages(client, 5_001)
  t.equal(rated.limited, 4_999)
})

t.test('error: a message larger than the burst of bytes is handled, the next one refused', async t => {
  const rated = await Rated.start(t, { limits: { bytes: never(1_000), exceed: 'error' }, handler: () => 'handled' })
  const client = await rated.open()
  client.send('x'.repeat(300_000))
  t.equal(await client.message<unknown>(), 'handled')
  client.send('y')
  t.match(await client.message(), { code: 'FST_ERR_WS_RATE_LIMIT' })
})

t.test('error: bytes that came with a message that is refused are paid for, those of the next message among them', async t => {
  const own = new Buckets({ messages: null, bytes: { perSecond: 0.1, burst: 10 } }, performance.now())
  const rates = new Rates({ throttle () {}, onLimited () {} }, new Agenda(), 'error', own, null)
  rates.takeBytes(10)
  t.ok(rates.admits())
  rates.takeBytes(2_000)
  t.notOk(rates.admits())
  t.ok((own.bytes?.debt(performance.now()) ?? 0) > 19_000_000)
})

/* Close. */

t.test('close: the message over the rate closes with 1008, and it is not handled', async t => {
  const events = published(t, 'limited')
  const rated = await Rated.start(t, { limits: { messages: never(3), exceed: 'close' }, handler: () => {} })
  const client = await rated.open()
  client.write(numbers(10))
  t.same(await client.closeFrame(), { code: 1008, reason: 'rate limit' })
  await client.ended()
  client.socket.end()
  t.same(rated.handled, upTo(3))
  t.equal(rated.limited, 1)
  t.same(events.map(({ policy, route }) => [policy, route]), [['close', '/']])
  t.equal(events[0].connection, rated.connections[0])
})

t.test('close: bytes of control frames and of unfinished messages count', async t => {
  const rated = await Rated.start(t, { limits: { bytes: never(100), exceed: 'close' } })
  for (const bytes of [ping('x'.repeat(120)), Buffer.concat([text('x'.repeat(120), { fin: false }), ping()])]) {
    const client = await rated.open()
    client.write(bytes)
    t.equal((await client.frame()).opcode, 10)
    client.write(message(1))
    t.same(await client.closeFrame(), { code: 1008, reason: 'rate limit' })
  }
  t.equal(rated.handled.length, 0)
})

/* What is published. */

t.test('each pause and each refusal is published with its policy', async t => {
  const events = published(t, 'limited')
  for (const exceed of ['slow', 'error'] as const) {
    const rated = await Rated.start(t, { limits: { messages: never(1), exceed } })
    const client = await rated.open()
    client.write(numbers(2))
    await messages(client, 2)
    t.same(events.splice(0).map(({ policy, connection }) => [policy, connection]), [[exceed, rated.connections[0]]])
  }
})

t.test('connections of app.injectWS have rates, too', async t => {
  const rated = await Rated.start(t, { limits: { messages: { perSecond: 500, burst: 1 } } })
  const client = await rated.app.injectWS('/')
  for (let i = 0; i < 10; i++) client.send(i)
  for (let i = 0; i < 10; i++) t.equal(await client.receive(), i)
  t.ok(rated.limited > 0)
})
