import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import type { CloseInfo, Codec, Connection, InjectedConnection, JoinResult } from '../../../types/index.ts'
import { MemoryHub } from '../../../lib/index.ts'
import { buildApp, listen } from '../../helpers/app.ts'
import { RecordingAdapter } from '../../helpers/adapters.ts'
import { historyServer } from '../../helpers/histories.ts'
import { keepAlive } from '../../helpers/keep-alive.ts'
import { received } from '../../helpers/pairs.ts'
import { published } from '../../helpers/published.ts'
import { RawClient } from '../../helpers/raw-client.ts'
import { until } from '../../helpers/slow-clients.ts'

interface Numbered { n: number, eventId: string }

async function messages (client: InjectedConnection, count: number): Promise<Numbered[]> {
  const all = []
  while (all.length < count) all.push(await client.receive() as Numbered)
  return all
}

const numbers = (all: unknown[]): number[] => all.map(message => (message as Numbered).n)

function range (from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index)
}

t.test('each message has an eventId, the last of its fields, on every server, in one order', async t => {
  const hub = new MemoryHub()
  const [one, two] = [await historyServer(t, hub), await historyServer(t, hub)]
  const [anna, bert] = [await one.open(), await two.open()]
  const joined = await anna.connection.join('chat:1')
  t.match(joined, { recovered: false, replayed: 0, eventId: /^[A-Za-z0-9]+-0$/ })
  t.same(await bert.connection.join('chat:1'), joined)
  for (const n of range(1, 20)) void (n % 2 === 0 ? one : two).app.room('chat:1').send({ n, eventId: 'mine' })
  const [first, second] = [await messages(anna.client, 20), await messages(bert.client, 20)]
  t.same(first, second)
  const epoch = String(joined.eventId).split('-')[0]
  t.same(first.map(({ eventId }) => eventId), range(1, 20).map(offset => `${epoch}-${offset}`))
  t.same(Object.keys(first[0]), ['n', 'eventId'])
  t.same(numbers(first).filter(n => n % 2 === 0), range(1, 20).filter(n => n % 2 === 0))
  t.same(numbers(first).filter(n => n % 2 === 1), range(1, 20).filter(n => n % 2 === 1))
})

t.test('a client that comes back, on whatever server, is sent what it missed and nothing else', async t => {
  const hub = new MemoryHub()
  const [one, two] = [await historyServer(t, hub), await historyServer(t, hub)]
  const anna = await one.open()
  const { eventId: start } = await anna.connection.join('chat:1')
  for (const n of range(1, 5)) await one.app.room('chat:1').send({ n })
  const [, , { eventId: third }] = await messages(anna.client, 5)
  for (const server of [one, two]) {
    for (const [since, missed] of [[start, range(1, 5)], [third, [4, 5]]] as const) {
      const back = await server.open()
      const answer = await back.connection.join('chat:1', { since })
      t.match(answer, { recovered: true, replayed: missed.length })
      t.same(numbers(await received(back)), missed)
      const again = await server.open()
      t.same(await again.connection.join('chat:1', { since: answer.eventId }), { recovered: true, replayed: 0, eventId: answer.eventId })
      t.same(await received(again), [])
    }
  }
  t.match(one.app.wsStats().history, { recovered: 4, unrecovered: 0, replayed: 7, gaps: 0, broken: 0 })
})

t.test('what is kept no longer is not recovered, and no part of it is sent', async t => {
  const { app, open } = await historyServer(t, undefined, { declaration: { history: { size: 3 } } })
  const anna = await open()
  const { eventId } = await anna.connection.join('chat:1')
  for (const n of range(1, 5)) await app.room('chat:1').send({ n })
  const back = await open()
  t.match(await back.connection.join('chat:1', { since: eventId }), { recovered: false, replayed: 0, eventId: /-5$/ })
  t.same(await received(back), [])
  await app.room('chat:1').send({ n: 6 })
  t.same(numbers(await messages(back.client, 1)), [6])
  t.match(app.wsStats().history, { recovered: 0, unrecovered: 1 })
})

t.test('what a hostile client says recovers nothing, and does no harm', async t => {
  const { app, open } = await historyServer(t)
  const anna = await open()
  const { eventId } = await anna.connection.join('chat:1')
  for (const n of range(1, 3)) await app.room('chat:1').send({ n })
  const epoch = String(eventId).split('-')[0]
  const hostile: unknown[] = [
    `${epoch}-4`, `${epoch}-9007199254740991`, `${epoch}-99999999999999999999`, `${epoch}--1`, `${epoch}-1.5`, `${epoch}-0x1`, `${epoch.slice(1)}-1`, 'other-0', '', '-', 'x'.repeat(1_000_000),
    '__proto__', '__proto__-0', 'constructor-1', 'toString-0', 1, -1, true, {}, [], [`${epoch}-0`], { toString: () => `${epoch}-0` }, Symbol.iterator
  ]
  for (const since of hostile) {
    const back = await open()
    t.match(await back.connection.join('chat:1', { since: since as string }), { recovered: false, replayed: 0, eventId: `${epoch}-3` })
    t.same(await received(back), [])
    back.connection.terminate()
  }
  t.equal(app.wsStats().history.unrecovered, hostile.length)
})

t.test('a message that is no object is refused at once, and leaves no trace', async t => {
  const { app, open } = await historyServer(t)
  const anna = await open()
  await anna.connection.join('chat:1')
  for (const message of ['text', 1, null, true, [1], Buffer.from('x'), undefined]) {
    t.throws(() => app.room('chat:1').send(message), { code: 'FST_ERR_WS_SEND_INVALID' })
    t.throws(() => anna.connection.to('chat:1').send(message), { code: 'FST_ERR_WS_SEND_INVALID' })
  }
  await app.room('chat:1').send({})
  t.match(await messages(anna.client, 1), [{ eventId: /-1$/ }])
})

t.test('a serializer of the application may put white space anywhere', async t => {
  const app = await buildApp(t)
  app.setSerializerCompiler(() => data => ` ${JSON.stringify(data, null, 2)}\n`)
  app.rooms.declare('chat:*', { history: true, send: { type: 'object' } })
  let joined: Promise<JoinResult> | null = null
  app.ws('/', { onOpen (connection) { joined = connection.join('chat:1') } }, () => {})
  const client = await app.injectWS('/')
  await joined
  await app.room('chat:1').send({ n: 1 })
  await app.room('chat:1').send({})
  t.match(await client.receive(), { n: 1, eventId: /-1$/ })
  t.match(await client.receive(), { eventId: /-2$/ })
})

t.test('except and connection.to spare whom they name, live and in a replay', async t => {
  const hub = new MemoryHub()
  const [one, two] = [await historyServer(t, hub), await historyServer(t, hub)]
  const [anna, bert] = [await one.open(), await two.open()]
  const { eventId } = await anna.connection.join('chat:1')
  await bert.connection.join('chat:1')
  await anna.connection.to('chat:1').send({ n: 1 })
  await two.app.room('chat:1').send({ n: 2 }, { except: [bert.connection] })
  await one.app.room('chat:1').send({ n: 3 })
  t.same(numbers(await received(anna)), [2, 3])
  t.same(numbers(await received(bert)), [1, 3])
  t.match(await anna.connection.join('chat:1', { since: eventId }), { recovered: true, replayed: 2 })
  t.same(numbers(await received(anna)), [2, 3])
  const later = await one.open()
  await later.connection.join('chat:1', { since: eventId })
  t.same(numbers(await received(later)), [1, 2, 3], 'a new connection is nobody that was spared')
})

t.test('a codec of the application carries the eventId as a field', async t => {
  const codec: Codec = { binary: true, encode: value => Buffer.from(JSON.stringify(value).toUpperCase()), decode: payload => JSON.parse(String(payload)) }
  const { app, open } = await historyServer(t, undefined, { route: { codec } })
  const anna = await open()
  const { eventId } = await anna.connection.join('chat:1')
  await app.room('chat:1').send({ n: 1 })
  const back = await open()
  await back.connection.join('chat:1', { since: eventId })
  for (const { client } of [anna, back]) t.match(JSON.parse(String(await client.receive()).toLowerCase()), { n: 1, eventid: /-1$/ })
})

t.test('raw connections can be sent no objects: the others are, and it is in the log', async t => {
  const { app, open, lines } = await historyServer(t, undefined, { route: { codec: 'raw' } })
  let joined: Promise<unknown> | null = null
  app.ws('/json', { onOpen (connection: Connection) { joined = connection.join('chat:1') } }, () => {})
  const raw = await open()
  const json = await app.injectWS('/json')
  await Promise.all([joined, raw.connection.join('chat:1')])
  await app.room('chat:1').send({ n: 1 })
  t.match(await json.receive(), { n: 1 })
  t.same(await received(raw), [])
  t.ok(lines.some(({ msg }) => msg === 'room message could not be encoded'))
})

t.test('an encoder that sends to the same room while a message is delivered changes no order', async t => {
  const seen: number[] = []
  const codec: Codec = {
    binary: false,
    encode (value) {
      const { n } = value as Numbered
      seen.push(n)
      if (n < 5) void app.room('chat:1').send({ n: n + 1 })
      return JSON.stringify(value)
    },
    decode: payload => payload
  }
  const { app, open } = await historyServer(t, undefined, { route: { codec } })
  const [anna, bert] = [await open(), await open()]
  await Promise.all([anna.connection.join('chat:1'), bert.connection.join('chat:1')])
  await app.room('chat:1').send({ n: 1 })
  for (const { client } of [anna, bert]) {
    t.same(numbers(await messages(client, 5)), range(1, 5))
  }
  t.same(seen, range(1, 5))
})

t.test('a close while a message is delivered costs nobody else the message', async t => {
  const closing: Connection[] = []
  const codec: Codec = {
    binary: false,
    encode (value) {
      for (const connection of closing) connection.terminate()
      return JSON.stringify(value)
    },
    decode: payload => payload
  }
  const { app, open } = await historyServer(t, undefined, { route: { codec } })
  const [anna, bert, cleo] = [await open(), await open(), await open()]
  for (const { connection } of [anna, bert, cleo]) await connection.join('chat:1')
  closing.push(anna.connection, bert.connection)
  await app.room('chat:1').send({ n: 1 })
  t.same(numbers(await messages(cleo.client, 1)), [1])
  await Promise.all([anna.closed, bert.closed])
  t.equal(app.room('chat:1').size, 1)
})

t.test('rooms over the limit are refused; joining twice counts once and interrupts nothing', async t => {
  const { app, open } = await historyServer(t, undefined, { plugin: { limits: { rooms: 1 } } })
  const anna = await open()
  const [first, second] = await Promise.all([anna.connection.join('chat:1'), anna.connection.join('chat:1')])
  t.same(second, first)
  await t.rejects(anna.connection.join('chat:2'), { code: 'FST_ERR_WS_ROOM_LIMIT' })
  for (const n of range(1, 3)) await app.room('chat:1').send({ n })
  const again = anna.connection.join('chat:1')
  await app.room('chat:1').send({ n: 4 })
  t.match(await again, { recovered: false, replayed: 0 })
  t.same(numbers(await received(anna)), range(1, 4))
})

t.test('leaving, or closing, before the join has settled ends it', async t => {
  const { app, open } = await historyServer(t)
  const anna = await open()
  const { eventId } = await anna.connection.join('chat:1')
  for (const n of range(1, 5)) await app.room('chat:1').send({ n })
  await messages(anna.client, 5)
  const [bert, cleo] = [await open(), await open()]
  const joins = [bert, cleo].map(({ connection }) => connection.join('chat:1', { since: eventId }))
  const left = bert.connection.leave('chat:1')
  cleo.connection.terminate()
  t.match(await joins[0], { recovered: false })
  await joins[1]
  await Promise.all([left, cleo.closed])
  await app.room('chat:1').send({ n: 6 })
  t.same(await received(bert), [])
  t.equal(app.room('chat:1').size, 1)
  t.match(await cleo.connection.join('chat:1', { since: eventId }), { recovered: false, eventId: null }, 'closed')
})

t.test('rooms with history need an adapter that keeps it', async t => {
  const app = await buildApp(t, { adapter: new RecordingAdapter() })
  t.throws(() => app.rooms.declare('chat:*', { history: true }), { code: 'FST_ERR_WS_HISTORY', message: /chat:\*/ })
  t.doesNotThrow(() => app.rooms.declare('chat:*', { history: false }))
})

t.test('while the adapter is away sends and joins wait, then are refused; what was sent in time is taken when it is back', async t => {
  keepAlive(t)
  const [adapterEvents, hub] = [published(t, 'adapter'), new MemoryHub()]
  const { app, adapter, open, lines } = await historyServer(t, hub, { plugin: { adapterTimeout: 300 } })
  const anna = await open()
  const { eventId } = await anna.connection.join('chat:1')
  await app.room('chat:1').send({ n: 1 })
  adapter.break()
  t.match(app.rooms.status, { state: 'unavailable', error: { message: 'the carrier is away' }, waiting: 0 })
  const refused = app.room('chat:1').send({ n: 2 })
  t.equal(app.rooms.status.waiting, 1)
  const bert = await open()
  const other = bert.connection.join('chat:2')
  const late = bert.connection.join('chat:1', { since: eventId })
  for (const promise of [refused, other, late] as Array<Promise<unknown>>) await t.rejects(promise, { code: 'FST_ERR_WS_ROOM_UNAVAILABLE', statusCode: 503 })
  t.same([...bert.connection.rooms], [], 'a join that failed is none')
  t.match(app.wsStats().adapter, { state: 'unavailable', lost: 1, failed: 1, waiting: 0 })

  const taken = app.room('chat:1').send({ n: 3 })
  adapter.mend()
  await taken
  t.same(numbers(await messages(anna.client, 2)), [1, 3])
  t.match(app.wsStats().adapter, { state: 'ready', waiting: 0 })
  t.match(adapterEvents.map(({ state }) => state), ['unavailable', 'ready'])
  t.match(await bert.connection.join('chat:1', { since: eventId }), { recovered: true, replayed: 2 })
  t.same(lines.filter(({ level }) => level === 40).map(({ msg }) => msg), ['adapter is unavailable: rooms reach this process only'])
})

t.test('what others sent while the adapter was away is filled in, and told on a channel', async t => {
  const [gaps, hub] = [published(t, 'gap'), new MemoryHub()]
  const [one, two] = [await historyServer(t, hub), await historyServer(t, hub)]
  const anna = await one.open()
  await anna.connection.join('chat:1')
  await two.app.room('chat:1').send({ n: 1 })
  one.adapter.break()
  for (const n of [2, 3]) await two.app.room('chat:1').send({ n })
  one.adapter.mend()
  await two.app.room('chat:1').send({ n: 4 })
  t.same(numbers(await messages(anna.client, 4)), range(1, 4))
  t.match(gaps, [{ instance: one.app, room: 'chat:1', filled: true }])
  t.match(one.app.wsStats().history, { gaps: 1, broken: 0 })
})

t.test('what is not kept any more is told to the members, in the log and on a channel', async t => {
  const [gaps, hub] = [published(t, 'gap'), new MemoryHub()]
  const declaration = { history: { size: 2 }, slowConsumer: { policy: 'keep-latest', key: (message: unknown) => (message as { of: { x: string } }).of.x } } as const
  const [one, two] = [await historyServer(t, hub, { declaration }), await historyServer(t, hub, { declaration })]
  const anna = await one.open()
  await anna.connection.join('chat:1')
  await two.app.room('chat:1').send({ n: 1, of: { x: 'a' } })
  one.adapter.break()
  for (const n of range(2, 5)) await two.app.room('chat:1').send({ n, of: { x: 'a' } })
  one.adapter.mend()
  t.match(await messages(anna.client, 4), [{ n: 1 }, { type: 'gap', room: 'chat:1', eventId: /-3$/ }, { n: 4, eventId: /-4$/ }, { n: 5 }])
  t.match(gaps, [{ room: 'chat:1', filled: false, messages: 2 }])
  t.match(one.app.wsStats().history, { gaps: 0, broken: 1 })
  t.ok(one.lines.some(({ msg, room }) => msg === 'messages of a room are lost: its history has them no longer' && room === 'chat:1'))
})

t.test('a client that does not read is replayed ten thousand messages at its own pace, within its budget', async t => {
  const { app, open } = await historyServer(t, undefined, { declaration: { history: { size: 10_000 } }, plugin: { budget: { connection: 64 * 1024 }, highWaterMark: 16 * 1024, heartbeat: false } })
  const begun: Array<{ connection: Connection, joined: Promise<JoinResult> }> = []
  let closed: CloseInfo | null = null
  app.ws('/slow', {
    onOpen (connection, request) {
      const { since } = request.query as { since: string }
      begun.push({ connection, joined: connection.join('chat:1', { since }) })
    },
    onClose (_connection, info) { closed = info }
  }, () => {})
  const port = await listen(app)
  const anna = await open()
  const { eventId } = await anna.connection.join('chat:1')
  await anna.connection.leave('chat:1')
  const text = 'x'.repeat(1_500)
  await Promise.all(range(1, 10_000).map(n => app.room('chat:1').send({ n, text })))

  const client = await RawClient.open(port, `/slow?since=${eventId}`)
  client.socket.pause()
  await until(() => begun.length === 1 && !begun[0].connection.writable)
  const [{ connection, joined }] = begun
  let most = 0
  for (const n of range(10_001, 10_900)) {
    await app.room('chat:1').send({ n, text })
    most = Math.max(most, connection.bufferedAmount)
  }
  t.ok(most < 32 * 1024, `${most} bytes`)
  client.socket.resume()
  for (let n = 1; n <= 10_900; n++) {
    const message = JSON.parse(String((await client.frame()).payload)) as Numbered
    if (message.n !== n) t.equal(message.n, n)
  }
  t.match(await joined, { recovered: true, replayed: 10_000 })
  t.equal(closed, null)
  t.match(app.wsStats().slowConsumers, { closed: 0, dropped: 0, replaced: 0 })
})

t.test('a client that falls a thousand messages behind in its replay is closed as too slow, whatever the policy', async t => {
  const declaration = { history: { size: 10_000 }, slowConsumer: { policy: 'keep-latest', key: () => 'one' } } as const
  const { app, open } = await historyServer(t, undefined, { declaration, plugin: { heartbeat: false, closeTimeout: 100 } })
  const infos: CloseInfo[] = []
  const begun: Connection[] = []
  app.ws('/slow', {
    onOpen (connection, request) {
      begun.push(connection)
      void connection.join('chat:1', { since: (request.query as { since: string }).since })
    },
    onClose (_connection, info) { infos.push(info) }
  }, () => {})
  const port = await listen(app)
  const anna = await open()
  const { eventId } = await anna.connection.join('chat:1')
  const text = 'x'.repeat(150_000)
  await Promise.all(range(1, 100).map(n => app.room('chat:1').send({ n, text })))
  const client = await RawClient.open(port, `/slow?since=${eventId}`)
  client.socket.pause()
  await until(() => begun.length === 1 && !begun[0].writable)
  await Promise.all(range(101, 1_200).map(n => app.room('chat:1').send({ n })))
  await until(() => infos.length === 1)
  t.match(infos[0], { code: 1013, closedBy: 'server' })
  t.equal(app.wsStats().slowConsumers.closed, 1)
  t.equal(app.room('chat:1').size, 1)
})

t.test('members that do not read are treated by the policy of the room when they are live', async t => {
  const declaration = { history: true, slowConsumer: { policy: 'keep-latest', key: () => 'one' } } as const
  const { app } = await historyServer(t, undefined, { declaration, plugin: { heartbeat: false, budget: { connection: 64 * 1024 } } })
  const begun: Connection[] = []
  app.ws('/slow', { async onOpen (connection) { await connection.join('chat:1'); begun.push(connection) } }, () => {})
  const client = await RawClient.open(await listen(app), '/slow')
  client.socket.pause()
  await until(() => begun.length === 1)
  const text = 'x'.repeat(12_000_000)
  await app.room('chat:1').send({ n: 0, text })
  await setImmediate()
  for (const n of range(1, 50)) await app.room('chat:1').send({ n })
  t.ok(app.wsStats().slowConsumers.replaced > 0)
  client.socket.resume()
  const seen: Numbered[] = []
  while (seen.at(-1)?.n !== 50) seen.push(JSON.parse(String((await client.frame()).payload)))
  t.ok(seen.length < 50)
  const offsets = seen.map(({ eventId }) => Number(eventId.split('-')[1]))
  t.same(offsets, [...offsets].sort((a, b) => a - b))
})

t.test('a reconnect storm reads the history once or twice, and not at all for those who have everything', async t => {
  const { app, adapter, open } = await historyServer(t)
  const anna = await open()
  const { eventId } = await anna.connection.join('chat:1')
  for (const n of range(1, 10)) await app.room('chat:1').send({ n })
  const newest = (await messages(anna.client, 10))[9].eventId
  const crowd = await Promise.all(Array.from({ length: 200 }, () => open()))
  const before = adapter.reads
  await Promise.all(crowd.map(({ connection }) => connection.join('chat:1', { since: newest })))
  t.equal(adapter.reads, before)
  for (const { connection } of crowd) await connection.leave('chat:1')
  const results = await Promise.all(crowd.map(({ connection }) => connection.join('chat:1', { since: eventId })))
  t.ok(adapter.reads - before <= 2)
  t.ok(results.every(({ recovered, replayed }) => recovered && replayed === 10))
})

t.test('a history that can not be read although the adapter is there is in the log, and the join with it', async t => {
  keepAlive(t)
  const { adapter, open, lines } = await historyServer(t, undefined, { plugin: { adapterTimeout: 200 } })
  adapter.isBroken = true
  const anna = await open()
  await t.rejects(anna.connection.join('chat:1'), { code: 'FST_ERR_WS_ROOM_UNAVAILABLE' })
  t.match(lines.filter(({ level, room }) => level === 40 && room === 'chat:1'), [
    { msg: 'history of a room was not read', room: 'chat:1', err: { message: 'the carrier is away' } },
    { msg: 'room was not joined', room: 'chat:1' }
  ])
  adapter.isBroken = false
  t.match(await anna.connection.join('chat:1'), { eventId: /-0$/ })
})

t.test('a message that no history takes although the adapter is there is in the log', async t => {
  keepAlive(t)
  const { app, adapter, lines } = await historyServer(t, undefined, { plugin: { adapterTimeout: 50 } })
  adapter.isBroken = true
  await t.rejects(app.room('chat:1').send({ n: 1 }), { code: 'FST_ERR_WS_ROOM_UNAVAILABLE', message: /within 50 ms: the carrier is away/ })
  t.match(lines.filter(({ level, room }) => level === 40 && room === 'chat:1'), [{ msg: 'room message was not taken', room: 'chat:1' }])
  t.match(app.wsStats().adapter, { waiting: 0 })
})

t.test('what onClose sends last, at the end of the server, is still taken', async t => {
  const hub = new MemoryHub()
  const [one, two] = [await historyServer(t, hub), await historyServer(t, hub)]
  let sent: Promise<void> | null = null
  one.app.ws('/leaving', { onClose () { sent = one.app.room('chat:1').send({ n: 1 }) } }, () => {})
  const anna = await two.open()
  await anna.connection.join('chat:1')
  await one.app.injectWS('/leaving')
  await one.app.close()
  await sent
  t.same(numbers(await messages(anna.client, 1)), [1])
})

t.test('who was in a room before it was declared with history gets what is sent from then on, and recovers it', async t => {
  const { app, open } = await historyServer(t)
  const [anna, ben] = [await open(), await open()]
  await anna.connection.join('late:1')
  await ben.connection.join('other:1')
  app.rooms.declare('late:*', { history: true })
  await app.room('late:1').send({ n: 1 })
  const [first] = await messages(anna.client, 1)
  t.equal(first.n, 1)
  await app.room('late:1').send({ n: 2 })
  t.same(numbers(await messages(anna.client, 1)), [2])
  t.match(await ben.connection.join('late:1', { since: first.eventId }), { recovered: true, replayed: 1 })
})

t.test('members in a process that does not declare the history get what comes out of it, live', async t => {
  const hub = new MemoryHub()
  const [one, two] = [await historyServer(t, hub), await historyServer(t, hub, { declaration: { history: false } })]
  const [anna, ben] = [await one.open(), await two.open()]
  await anna.connection.join('chat:1')
  await ben.connection.join('chat:1')
  await one.app.room('chat:1').send({ n: 1 }, { except: anna.connection })
  await one.app.room('chat:1').send({ n: 2 })
  t.same(numbers(await messages(ben.client, 2)), [1, 2])
  t.same(numbers(await messages(anna.client, 1)), [2])
})

t.test('clients that never read what is replayed to them cannot make the process hold the histories of all rooms', async t => {
  const limit = 8 * 1024 * 1024
  const { app, open } = await historyServer(t, undefined, { plugin: { budget: { connection: 64 * 1024, process: limit }, highWaterMark: 16 * 1024, heartbeat: false, closeTimeout: 100 } })
  const ends: CloseInfo[] = []
  const begun: Array<Promise<unknown>> = []
  app.ws('/slow', {
    onOpen (connection) {
      for (const room of range(1, 60)) begun.push(connection.join(`chat:${room}`, { since: sinces[room - 1] }).catch(error => error))
    },
    onClose (_connection, info) { ends.push(info) }
  }, () => {})
  const port = await listen(app)
  const anna = await open()
  const joined = await Promise.all(range(1, 60).map(room => anna.connection.join(`chat:${room}`)))
  const sinces = joined.map(({ eventId }) => eventId)
  const text = 'x'.repeat(10_000)
  for (const room of range(1, 60)) {
    await anna.connection.leave(`chat:${room}`)
    await Promise.all(range(1, 100).map(n => app.room(`chat:${room}`).send({ n, text })))
  }
  t.equal(app.wsStats().memory.held, 0)
  const clients = await Promise.all(range(1, 3).map(() => RawClient.open(port, '/slow')))
  for (const { socket } of clients) socket.pause()
  await until(() => ends.length === 3)
  t.same(ends.map(({ code }) => code), [1013, 1013, 1013])
  t.equal(app.wsStats().slowConsumers.closed, 3)
  await Promise.all(begun)
  const { held, peak } = app.wsStats().memory
  t.equal(held, 0)
  t.ok(peak < 2 * limit, `${peak} bytes`)
  t.match(await anna.connection.join('chat:7', { since: sinces[6] }), { recovered: true, replayed: 100 })
})
