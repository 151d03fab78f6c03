import t from 'tap'
import type { SlowConsumerOption } from '../../types/index.ts'
import { deferred } from '../helpers/app.ts'
import { ping } from '../helpers/bytes.ts'
import { published } from '../helpers/published.ts'
import { Crowd, immediate, readOn, readUntil, until } from '../helpers/slow-clients.ts'
import type { CrowdOptions } from '../helpers/slow-clients.ts'

/** Room for ten of the messages below. */
const budget = { connection: 10 * 2048 }
const filling = 'f'.repeat(1300)

interface Price { symbol: string, at: number, filling?: string }

const keepLatest: SlowConsumerOption = { policy: 'keep-latest', key: message => (message as Partial<Price>).symbol }

/** The three places where a policy can be set. */
const places: Record<string, (policy: SlowConsumerOption) => CrowdOptions> = {
  plugin: slowConsumer => ({ plugin: { budget, slowConsumer: slowConsumer as never } }),
  route: slowConsumer => ({ plugin: { budget }, route: { slowConsumer } }),
  room: slowConsumer => ({ plugin: { budget }, slowConsumer })
}

function broadcast (crowd: Crowd, count: number): unknown[] {
  const messages = Array.from({ length: count }, (_, at) => ({ symbol: 'ABC'[at % 3], at, filling }))
  for (const message of messages) void crowd.app.room('crowd').send(message)
  return messages
}

for (const [place, withPolicy] of Object.entries(places)) {
  t.test(`close, of the ${place}: the client gets 1013 once it reads on, and everybody else everything`, async t => {
    const crowd = await Crowd.gather(t, withPolicy('close'))
    const healthy = await crowd.join()
    const slow = await crowd.joinStuck()
    const sent = broadcast(crowd, 50)
    for (const message of sent) t.same(await healthy.client.message(), message)
    t.equal(crowd.app.wsStats().slowConsumers.closed, 1)
    const { opcode, payload } = await readOn(slow.client)
    t.same([opcode, payload.readUInt16BE(0), payload.subarray(2).toString()], [8, 1013, 'too slow'])
    slow.client.socket.destroy()
    t.match(await slow.closed, { code: 1013, rooms: ['crowd'] })
    t.equal(slow.closes, 1)
    t.equal(crowd.app.room('crowd').size, 1)
  })

  t.test(`drop-newest, of the ${place}: the client gets what was sent first`, async t => {
    const crowd = await Crowd.gather(t, withPolicy('drop-newest'))
    const healthy = await crowd.join()
    const slow = await crowd.joinStuck()
    const sent = broadcast(crowd, 50)
    for (const message of sent) t.same(await healthy.client.message(), message)
    const { dropped } = crowd.app.wsStats().slowConsumers
    t.ok(dropped >= 35 && dropped < 50)
    t.same(await readUntil(slow, sent[49 - dropped]), sent.slice(0, 50 - dropped))
    await until(() => slow.connection.writable)
    void crowd.app.room('crowd').send('more')
    t.equal(await slow.client.message(), 'more')
  })

  t.test(`drop-oldest, of the ${place}: the client gets what was sent last`, async t => {
    const crowd = await Crowd.gather(t, withPolicy('drop-oldest'))
    const healthy = await crowd.join()
    const slow = await crowd.joinStuck()
    const sent = broadcast(crowd, 50)
    for (const message of sent) t.same(await healthy.client.message(), message)
    const { dropped } = crowd.app.wsStats().slowConsumers
    t.ok(dropped >= 35 && dropped < 50)
    t.same(await readUntil(slow, sent[49]), sent.slice(dropped))
  })

  t.test(`keep-latest, of the ${place}: the client gets the latest of each key`, async t => {
    const crowd = await Crowd.gather(t, withPolicy(keepLatest))
    const healthy = await crowd.join()
    const slow = await crowd.joinStuck()
    const sent = broadcast(crowd, 50)
    for (const message of sent) t.same(await healthy.client.message(), message)
    t.same(crowd.app.wsStats().slowConsumers, { closed: 0, dropped: 0, replaced: 47 })
    t.same(await readUntil(slow, sent[49]), sent.slice(47))
  })
}

t.test('the policy of a room counts before that of the route, and the route\'s for what it sends itself', async t => {
  const crowd = await Crowd.gather(t, { plugin: { budget }, route: { slowConsumer: 'close' }, slowConsumer: 'drop-newest' })
  const slow = await crowd.joinStuck()
  broadcast(crowd, 50)
  t.match(crowd.app.wsStats().slowConsumers, { closed: 0 })
  slow.connection.send({ symbol: 'A', at: 50, filling })
  t.match(crowd.app.wsStats().slowConsumers, { closed: 1 })
})

t.test('a client that is closed and never reads is dropped after closeTimeout, and forgotten', async t => {
  const crowd = await Crowd.gather(t, { plugin: { budget, closeTimeout: 50 } })
  const slow = await crowd.joinStuck()
  broadcast(crowd, 50)
  t.match(await slow.closed, { code: 1013, wasClean: false, rooms: ['crowd'] })
  t.equal(slow.closes, 1)
  await until(() => crowd.app.wsConnections.size === 0)
  t.match(crowd.app.wsStats(), { connections: { open: 0, opened: 1 }, rooms: 0, memory: { held: 0 } })
})

t.test('each outcome is published, and a close is logged', async t => {
  const messages = published(t, 'slow-consumer')
  for (const [policy, outcome] of [['close', 'closed'], ['drop-newest', 'dropped'], [keepLatest, 'replaced']] as const) {
    messages.length = 0
    const crowd = await Crowd.gather(t, { plugin: { budget, slowConsumer: policy as never } })
    const { connection } = await crowd.joinStuck()
    broadcast(crowd, 50)
    const [first] = messages
    t.equal(first.connection, connection)
    t.match(first, { policy: typeof policy === 'string' ? policy : 'keep-latest', outcome })
    t.ok(first.bufferedAmount as number > 0)
    t.same(crowd.lines.filter(({ msg }) => /does not read/.test(String(msg))).length, outcome === 'closed' ? 1 : 0)
  }
})

t.test('budget.connection is that of the route, else of the plugin', async t => {
  for (const [route, closed] of [[{}, 1], [{ budget: { connection: 200_000 } }, 0]] as const) {
    const crowd = await Crowd.gather(t, { plugin: { budget }, route })
    await crowd.joinStuck()
    broadcast(crowd, 50)
    t.match(crowd.app.wsStats().slowConsumers, { closed })
  }
})

t.test('an error message has no key, so that one made for messages is not asked for it', async t => {
  const keys: unknown[] = []
  const key = (message: unknown): string => { keys.push(message); return 'same' }
  const handler = (): void => { throw new Error('broken') }
  const crowd = await Crowd.gather(t, { plugin: { slowConsumer: { policy: 'keep-latest', key } }, handler })
  const slow = await crowd.joinStuck()
  slow.client.send('anything')
  await until(() => slow.connection.bufferedAmount > 0 && crowd.lines.some(({ msg }) => /broken|handler/i.test(String(msg))))
  t.match(JSON.parse((await readOn(slow.client)).payload.toString()), { type: 'error' })
  t.same(keys, [])
})

/* Clients that ask, and do not read the answers. */

t.test('a client that asks and does not read is slowed: its requests wait, and no reply is lost once it reads', async t => {
  let handled = 0
  const crowd = await Crowd.gather(t, {
    plugin: { budget: { connection: 64 * 1024 } },
    handler: message => {
      handled++
      return { echo: message, filling: 'r'.repeat(4000) }
    }
  })
  const slow = await crowd.joinStuck()
  const count = 20_000
  for (let i = 0; i < count; i++) slow.client.send(`${i} ${'q'.repeat(400)}`)
  let last = -1
  while (handled !== last || slow.client.socket.writableLength === 0) {
    last = handled
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  t.ok(handled < 100)
  t.equal(slow.connection.readyState, 1)
  t.ok(crowd.app.wsStats().memory.held < 14_000_000)
  let next = 0
  for (let frame = await readOn(slow.client); ; frame = await slow.client.frame()) {
    const { echo } = JSON.parse(frame.payload.toString()) as { echo: string }
    if (!echo.startsWith(`${next} `)) throw new Error(`expected the reply to ${next}, got that to ${echo.slice(0, 10)}`)
    if (++next === count) break
  }
  t.same(crowd.app.wsStats().slowConsumers, { closed: 0, dropped: 0, replaced: 0 })
  await until(() => crowd.app.wsStats().memory.held === 0)
})

t.test('requests that waited are all forgotten when the client goes, and onClose is told its rooms', async t => {
  const crowd = await Crowd.gather(t, { handler: message => ({ echo: message }) })
  const slow = await crowd.joinStuck()
  for (let i = 0; i < 12; i++) slow.client.send(i)
  await until(() => slow.connection.bufferedAmount > 0 && crowd.app.wsStats().memory.held > 12 * 64)
  slow.client.socket.destroy()
  t.match(await slow.closed, { code: 1006, rooms: ['crowd'] })
  await until(() => crowd.app.wsStats().memory.held === 0)
})

t.test('a client that has ended its side, and is closed with requests that wait, gets Close and the end as soon as it reads', async t => {
  const crowd = await Crowd.gather(t, { plugin: { closeTimeout: 60_000 }, handler: message => ({ echo: message }) })
  const slow = await crowd.joinStuck()
  for (let i = 0; i < 12; i++) slow.client.send(i)
  slow.client.socket.end()
  await until(() => slow.connection.readyState === 2)
  slow.connection.close(1001)
  let frame = await readOn(slow.client)
  while (frame.opcode !== 8) frame = await slow.client.frame()
  t.equal(frame.payload.readUInt16BE(0), 1001)
  await slow.client.ended()
  await slow.closed
})

/* Pings. */

t.test('a burst of pings gets every pong, though more than the high-water mark was sent in the same tick', async t => {
  const crowd = await Crowd.gather(t, { route: { highWaterMark: 1 }, handler: () => 'r'.repeat(1000) })
  const { client } = await crowd.join()
  client.send('first')
  client.write(Buffer.concat(Array.from({ length: 10 }, (_, index) => ping(String(index)))))
  t.equal((await client.frame()).opcode, 1)
  for (let i = 0; i < 10; i++) t.match(await client.frame(), { opcode: 10, payload: Buffer.from(String(i)) })
})

t.test('a flood of pings from a client that does not read costs nothing, whatever the high-water mark', async t => {
  const crowd = await Crowd.gather(t, { route: { highWaterMark: 100_000_000 } })
  const slow = await crowd.joinStuck()
  const before = crowd.app.wsStats().memory.held
  const pings = Buffer.concat(Array.from({ length: 50_000 }, (_, index) => ping(String(index).padStart(100))))
  const written = deferred()
  slow.client.socket.write(pings, () => written.resolve())
  await written.promise
  for (let i = 0; i < 20; i++) await immediate()
  t.ok(crowd.app.wsStats().memory.held <= before + 64 * 1024)
  t.match(await readOn(slow.client), { opcode: 10 })
})
