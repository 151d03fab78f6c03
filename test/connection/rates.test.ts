import t from 'tap'
import { continuation, ping, pong, text } from '../helpers/bytes.ts'
import { deflated } from '../helpers/deflate.ts'
import { Rated, message, messages, never, numbers, roundTrip, throttled, upTo } from '../helpers/rated.ts'

t.test('slow: after the message that goes over the rate nothing is handled, and nothing refused', async t => {
  const { rated, client } = await throttled(t)
  await roundTrip(rated)
  t.same(rated.handled, upTo(4))
  t.equal(rated.connections[0].traffic.received.messages, 4)
  t.equal(rated.limited, 1)
  t.equal(client.unread.length, 0)
})

t.test('slow: all is handled in the end, in order, and no faster than the rate', async t => {
  const rated = await Rated.start(t, { limits: { messages: { perSecond: 1_000, burst: 1 } } })
  const client = await rated.open()
  const start = performance.now()
  client.write(numbers(60))
  t.same(await messages(client, 60), upTo(60))
  // One of the burst, one over the rate, and the last needs no time after it.
  t.ok(performance.now() - start >= 57)
})

t.test('slow: messages that come one by one are handled no faster either', async t => {
  const rated = await Rated.start(t, { limits: { messages: { perSecond: 500, burst: 1 } } })
  const client = await rated.open()
  const start = performance.now()
  for (let i = 0; i < 20; i++) {
    client.send(i)
    t.equal(await client.message(), i)
  }
  t.ok(performance.now() - start >= 34)
})

t.test('slow: who keeps to the rate is not slowed', async t => {
  const rated = await Rated.start(t, { limits: { messages: never(10), bytes: never(1_000) } })
  const client = await rated.open()
  client.write(numbers(10))
  await messages(client, 10)
  t.equal(rated.limited, 0)
})

t.test('slow: compressed messages, large and small, keep their order', async t => {
  const rated = await Rated.start(t, { plugin: { perMessageDeflate: { threshold: 1_000_000 } }, limits: { messages: { perSecond: 1_000, burst: 1 } }, handler: value => String(value).length })
  const client = await rated.open({ 'Sec-WebSocket-Extensions': 'permessage-deflate' })
  const sizes = Array.from({ length: 12 }, (_, i) => i % 3 === 0 ? 100_000 + i : i + 1)
  client.write(Buffer.concat(sizes.map(size => text(deflated(JSON.stringify('x'.repeat(size))), { rsv: 4 }))))
  t.same(await messages(client, sizes.length), sizes)
})

t.test('slow: a mebibyte of tiny messages in one write costs little memory, disturbs nobody, and is handled whole', async t => {
  let most = 0
  const rated: Rated = await Rated.start(t, {
    limits: { messages: { perSecond: 200_000, burst: 100 } },
    handler: () => { most = Math.max(most, rated.app.wsStats().memory.held) }
  })
  const client = await rated.open()
  const other = await rated.open({}, '/unlimited')
  const one = text('1')
  const count = Math.floor(1024 * 1024 / one.length)
  client.write(Buffer.alloc(count * one.length, one))
  for (let i = 0; i < 20; i++) {
    other.send(i)
    t.equal(await other.message(), i)
  }
  t.ok(rated.handled.length < count, 'the other one did not have to wait for its end')
  await rated.until(() => rated.handled.length === count)
  t.ok(most < 256 * 1024, `${most} bytes`)
  t.ok(rated.limited > 0)
})

t.test('slow: the heartbeat and the idle timeout wait for what is not read', async t => {
  const rated = await Rated.start(t, { heartbeat: { interval: 300, timeout: 150 }, idleTimeout: 300, limits: { messages: { perSecond: 5, burst: 1 } }, handler: () => {} })
  const client = await rated.open()
  client.write(numbers(8))
  await rated.until(() => rated.handled.length === 8 || rated.closes.length > 0)
  t.same(rated.handled, upTo(8))
  t.equal(rated.closes.length, 0)
  client.socket.destroy()
})

t.test('slow: pings, pongs and fragments count as bytes', async t => {
  for (const [name, bytes] of Object.entries({
    pings: Buffer.concat(Array.from({ length: 20 }, () => ping('x'.repeat(100)))),
    pongs: Buffer.concat(Array.from({ length: 20 }, () => pong('x'.repeat(100)))),
    fragments: Buffer.concat([text('"', { fin: false }), ...Array.from({ length: 2_000 }, () => continuation('', { fin: false }))])
  })) {
    const rated = await Rated.start(t, { limits: { bytes: never(1_000) } })
    const client = await rated.open()
    client.write(bytes)
    const other = await rated.open({}, '/unlimited')
    while (rated.limited === 0) {
      other.send(1)
      await other.message()
    }
    client.write(message('later'))
    await roundTrip(rated)
    t.notOk(rated.handled.includes('later'), name)
    t.equal(rated.limited, 1, name)
  }
})

t.test('slow: a message larger than the burst of bytes is handled, and paid for', async t => {
  const rated = await Rated.start(t, { limits: { bytes: { perSecond: 1_000_000, burst: 1_000 } }, handler: value => String(value).length })
  const client = await rated.open()
  const start = performance.now()
  client.send('x'.repeat(100_000))
  client.send('y')
  t.same(await messages(client, 2), [100_000, 1])
  client.send('x'.repeat(100_000))
  client.send('y')
  t.same(await messages(client, 2), [100_000, 1])
  t.ok(performance.now() - start >= 95)
})
