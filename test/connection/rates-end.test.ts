import t from 'tap'
import { close } from '../helpers/bytes.ts'
import { Rated, message, messages, never, numbers, roundTrip, throttled, upTo } from '../helpers/rated.ts'

t.test('a close frame behind messages that wait is answered after them', async t => {
  const rated = await Rated.start(t, { limits: { messages: { perSecond: 500, burst: 1 } } })
  const client = await rated.open()
  client.write(Buffer.concat([numbers(20), close(1000)]))
  t.same(await messages(client, 20), upTo(20))
  t.same(await client.closeFrame(), { code: 1000, reason: '' })
  await client.ended()
  client.socket.end()
})

t.test('a close frame in the bytes that go over the rate is answered, and the end is seen', async t => {
  const rated = await Rated.start(t, { limits: { bytes: never(10) }, closeTimeout: 60_000 })
  const client = await rated.open()
  client.write(Buffer.concat([message('x'.repeat(100)), close(1000)]))
  t.equal((await client.message<string>()).length, 100)
  t.equal((await client.closeFrame()).code, 1000)
  client.socket.end()
  await rated.until(() => rated.closes.length === 1)
  t.ok(rated.closes[0].wasClean)
})

t.test('a client that ends its side is freed once what it sent is handled', async t => {
  const rated = await Rated.start(t, { limits: { messages: { perSecond: 500, burst: 1 } } })
  const client = await rated.open()
  client.write(numbers(20))
  client.socket.end()
  t.same(await messages(client, 20), upTo(20))
  await client.ended()
  await rated.until(() => rated.closes.length === 1)
  await rated.gone()
})

t.test('ending its side wins a client no more than its rate', async t => {
  const { rated, client } = await throttled(t, { closeTimeout: 50 })
  client.socket.end()
  await rated.until(() => rated.closes.length === 1)
  t.same(rated.handled, upTo(4))
  await rated.gone()
})

t.test('of a client that has ended its side, each message may take closeTimeout', async t => {
  const rated = await Rated.start(t, { limits: { messages: { perSecond: 500, burst: 1 } }, closeTimeout: 400 })
  const client = await rated.open()
  client.write(numbers(300))
  client.socket.end()
  t.same(await messages(client, 300), upTo(300))
  await client.ended()
})

t.test('a client that resets is freed with the next ping, and what was beyond its rate is not handled', async t => {
  const { rated, client } = await throttled(t, { heartbeat: { interval: 20, timeout: 20 }, closeTimeout: 60_000 })
  client.reset()
  await rated.until(() => rated.closes.length === 1)
  t.same(rated.handled, upTo(4))
  t.equal(rated.closes[0].code, 1006)
  await rated.gone()
  t.equal(rated.app.wsStats().memory.held, 0)
})

t.test('the application closes a client that is slowed, and reads its answer at once', async t => {
  const { rated, client } = await throttled(t)
  rated.connections[0].close(4000, 'enough')
  t.same(await client.closeFrame(), { code: 4000, reason: 'enough' })
  client.write(close(4000))
  await client.ended()
  client.socket.end()
  await rated.until(() => rated.closes.length === 1)
  t.match(rated.closes[0], { code: 4000, wasClean: true, closedBy: 'server' })
  t.same(rated.handled, upTo(4))
})

t.test('what a client sends after the server\'s close frame is beyond no rate: its own close frame is read behind it', async t => {
  for (const exceed of ['slow', 'close'] as const) {
    const rated = await Rated.start(t, { limits: { bytes: never(10), exceed }, closeTimeout: 60_000 })
    const client = await rated.open()
    rated.connections[0].close(4000)
    t.equal((await client.closeFrame()).code, 4000)
    for (let i = 0; i < 3; i++) {
      client.write(numbers(100))
      await roundTrip(rated)
    }
    client.write(close(4000))
    await client.ended()
    client.socket.end()
    await rated.until(() => rated.closes.length === 1)
    t.match(rated.closes[0], { code: 4000, wasClean: true })
    t.equal(rated.limited, 0)
  }
})

t.test('a debt of bytes does not keep the server from reading the answer to its close frame', async t => {
  const rated = await Rated.start(t, { limits: { bytes: never(10) }, closeTimeout: 60_000 })
  const client = await rated.open()
  client.write(message('x'.repeat(100)))
  await client.message()
  rated.connections[0].close(4000)
  t.equal((await client.closeFrame()).code, 4000)
  client.write(message(1))
  await roundTrip(rated)
  client.write(close(4000))
  await client.ended()
  client.socket.end()
  await rated.until(() => rated.closes.length === 1)
  t.ok(rated.closes[0].wasClean)
})

t.test('the handler closes a client at the message that goes over its rate', async t => {
  const rated = await Rated.start(t, { limits: { messages: never(3) }, handler: (value, connection) => { if (value === 3) connection.close(4000) } })
  const client = await rated.open()
  client.write(numbers(10))
  t.equal((await client.closeFrame()).code, 4000)
  client.write(close(4000))
  await client.ended()
  client.socket.end()
  await rated.until(() => rated.closes.length === 1)
  t.ok(rated.closes[0].wasClean)
})

t.test('the application drops a client that is slowed', async t => {
  const { rated, client } = await throttled(t)
  rated.connections[0].terminate()
  await client.ended()
  client.socket.destroy()
  await rated.until(() => rated.closes.length === 1)
  await rated.gone()
})

t.test('app.close() closes clients that are slowed, those that answer cleanly', async t => {
  const { rated, client } = await throttled(t)
  const silent = await rated.open()
  silent.write(numbers(100_000))
  await messages(silent, 4)
  const closed = rated.app.close()
  t.equal((await client.closeFrame()).code, 1001)
  client.write(close(1001))
  await client.ended()
  client.socket.end()
  await rated.until(() => rated.closes.length === 1)
  t.ok(rated.closes[0].wasClean)
  silent.socket.destroy()
  await closed
  t.equal(rated.closes.length, 2)
})
