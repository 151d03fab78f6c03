import t from 'tap'
import type { Test } from 'tap'
import { Agenda } from '../../lib/connection/agenda.ts'
import { Buckets } from '../../lib/connection/buckets.ts'
import type { ServerConnection } from '../../lib/connection/connection.ts'
import { Rates } from '../../lib/connection/rates.ts'
import { close, continuation, ping, pong, text } from '../helpers/bytes.ts'
import { deflated } from '../helpers/deflate.ts'
import { published } from '../helpers/published.ts'
import { Rated } from '../helpers/rated.ts'
import type { RawClient } from '../helpers/raw-client.ts'

/** What is spent does not come back while a test runs. */
const never = (burst: number): { perSecond: number, burst: number } => ({ perSecond: 0.001, burst })

const message = (value: unknown): Buffer => text(JSON.stringify(value))
const numbers = (count: number): Buffer => Buffer.concat(Array.from({ length: count }, (_, i) => message(i)))
const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

async function messages (client: RawClient, count: number): Promise<unknown[]> {
  const all = []
  for (let i = 0; i < count; i++) all.push(await client.message<unknown>())
  return all
}

/** A round trip of another connection: what the server was to do at once is done. */
async function roundTrip (rated: Rated): Promise<void> {
  const other = await rated.open({}, '/unlimited')
  other.send('round')
  await other.message()
  await other.close(1000)
}

/** A connection from which nothing is read any more: of ten messages it has handled four. */
async function throttled (t: Test, more: object = {}): Promise<{ rated: Rated, client: RawClient }> {
  const rated = await Rated.start(t, { limits: { messages: never(3) }, ...more })
  const client = await rated.open()
  client.write(numbers(10))
  t.same(await messages(client, 4), upTo(4))
  return { rated, client }
}

/* Slow, the default. */

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
  const rated = await Rated.start(t, { heartbeat: { interval: 20, timeout: 10 }, idleTimeout: 20, limits: { messages: { perSecond: 20, burst: 1 } }, handler: () => {} })
  const client = await rated.open()
  client.write(numbers(8))
  await rated.until(() => rated.handled.length === 8 || rated.closes.length > 0)
  t.same(rated.handled, upTo(8))
  t.equal(rated.closes.length, 0)
  client.socket.destroy()
})

t.test('slow: a ping that was not answered while nothing was read is asked again', async t => {
  const rated = await Rated.start(t, { limits: { messages: { perSecond: 20, burst: 1 } } })
  const client = await rated.open()
  const connection = rated.connections[0] as ServerConnection
  client.write(numbers(2))
  await messages(client, 2)
  connection.beat()
  connection.endIfSilent()
  while (connection.isBusy) await new Promise(resolve => setTimeout(resolve, 1))
  connection.endIfSilent()
  t.equal((await client.frame()).opcode, 9)
  client.send('still there')
  t.equal(await client.message<unknown>(), 'still there')
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

/* The end of a client that is slowed. */

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
  t.equal(rated.app.wsConnections.size, 0)
})

t.test('ending its side wins a client no more than its rate', async t => {
  const { rated, client } = await throttled(t, { closeTimeout: 50 })
  client.socket.end()
  await rated.until(() => rated.closes.length === 1)
  t.same(rated.handled, upTo(4))
  t.equal(rated.app.wsConnections.size, 0)
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
  client.socket.resetAndDestroy()
  await rated.until(() => rated.closes.length === 1)
  t.same(rated.handled, upTo(4))
  t.equal(rated.closes[0].code, 1006)
  t.equal(rated.app.wsConnections.size, 0)
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
  t.equal(rated.app.wsConnections.size, 0)
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

/* Keys. */

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
