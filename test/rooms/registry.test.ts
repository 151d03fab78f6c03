import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import t from 'tap'
import { Type } from '@sinclair/typebox'
import type { Test } from 'tap'
import { RecordingAdapter } from '../helpers/adapters.ts'
import { buildApp, listen, logLines } from '../helpers/app.ts'
import { pairedRoute, received } from '../helpers/pairs.ts'
import { RawClient } from '../helpers/raw-client.ts'
import type { Connection } from '../../types/index.ts'

const down = async (): Promise<void> => { throw new Error('broker down') }

/** The reasons of promises that were rejected with nobody listening while `act` ran, and in the turn after it. */
async function unhandledWhile (t: Test, act: () => unknown): Promise<unknown[]> {
  const reasons: unknown[] = []
  const listener = (reason: unknown): void => { reasons.push(reason) }
  process.on('unhandledRejection', listener)
  t.after(() => process.off('unhandledRejection', listener))
  await act()
  await new Promise(resolve => setImmediate(resolve))
  return reasons
}

t.test('app.rooms knows the rooms that have members, and their number', async t => {
  const app = await buildApp(t)
  const open = pairedRoute(app)
  const [anna, bert] = await Promise.all([open(), open()])
  t.equal(app.rooms.size, 0)
  anna.connection.join('a')
  bert.connection.join('a')
  bert.connection.join('b')
  t.equal(app.rooms.size, 2)
  t.same([app.rooms.has('a'), app.rooms.has('b'), app.rooms.has('c')], [true, true, false])
})

t.test('app.rooms is iterable, and so is each room of it', async t => {
  const app = await buildApp(t)
  const open = pairedRoute(app)
  const [anna, bert] = await Promise.all([open(), open()])
  anna.connection.join('a')
  bert.connection.join('a')
  bert.connection.join('b')
  const found = [...app.rooms].map(room => [room.name, [...room].map(({ id }) => id)])
  t.same(found, [['a', [anna.connection.id, bert.connection.id]], ['b', [bert.connection.id]]])
})

t.test('asking for a room does not make one', async t => {
  const app = await buildApp(t)
  await app.ready()
  t.equal(app.room('a').size, 0)
  await app.room('a').send('nobody hears this')
  t.equal(app.rooms.size, 0)
})

t.test('a join takes effect before its promise settles', async t => {
  const app = await buildApp(t, { adapter: new RecordingAdapter({ subscribe: () => new Promise(() => {}) }) })
  const { connection, client } = await pairedRoute(app)()
  void connection.join('a')
  t.ok(connection.rooms.has('a'))
  t.equal(app.room('a').size, 1)
  void app.room('a').send('hello')
  t.equal(await client.receive(), 'hello')
})

t.test('a join without history answers that nothing was recovered', async t => {
  const app = await buildApp(t)
  const { connection } = await pairedRoute(app)()
  t.same(await connection.join('a'), { recovered: false, replayed: 0, eventId: null })
  t.same(await connection.join('a', { since: 'x-1' }), { recovered: false, replayed: 0, eventId: null })
})

t.test('joining twice is joining once', async t => {
  const app = await buildApp(t)
  const pair = await pairedRoute(app)()
  await pair.connection.join('a')
  await pair.connection.join('a')
  void app.room('a').send('once')
  t.same(await received(pair), ['once'])
  await pair.connection.leave('a')
  t.equal(app.rooms.size, 0)
})

t.test('who has left a room receives nothing more of it', async t => {
  const app = await buildApp(t)
  const pair = await pairedRoute(app)()
  await pair.connection.join('a')
  void pair.connection.leave('a')
  void app.room('a').send('too late')
  t.same(await received(pair), [])
  t.equal(app.room('a').has(pair.connection), false)
})

t.test('leaving a room that one is not in does nothing', async t => {
  const adapter = new RecordingAdapter()
  const app = await buildApp(t, { adapter })
  const { connection } = await pairedRoute(app)()
  await connection.leave('a')
  t.same(adapter.calls, [])
})

t.test('the adapter hears of the first member and of the last, not of those between', async t => {
  const adapter = new RecordingAdapter()
  const app = await buildApp(t, { adapter })
  const open = pairedRoute(app)
  const [anna, bert] = await Promise.all([open(), open()])
  await anna.connection.join('a')
  await bert.connection.join('a')
  await anna.connection.leave('a')
  t.same(adapter.calls, ['subscribe =a'])
  await bert.connection.leave('a')
  t.same(adapter.calls, ['subscribe =a', 'unsubscribe =a'])
})

t.test('a storm of joins and leaves of several connections leaves the adapter as the room is', async t => {
  const adapter = new RecordingAdapter({ subscribe: nextTurn, unsubscribe: nextTurn })
  const app = await buildApp(t, { adapter })
  const open = pairedRoute(app)
  const connections = (await Promise.all([open(), open(), open()])).map(({ connection }) => connection)
  const asked: Array<Promise<unknown>> = []
  for (let step = 0; step < 300; step++) {
    const connection = connections[step % 3]
    const room = `room ${step % 5}`
    asked.push((step * 7) % 11 < 6 ? connection.join(room) : connection.leave(room))
    if (step % 4 === 0) await nextTurn()
  }
  await Promise.all(asked)
  t.same(adapter.overlaps, [])
  t.same(new Set(adapter.rooms), new Set([...app.rooms].map(({ name }) => `=${name}`)))
  for (const connection of connections) for (const room of [...connection.rooms]) asked.push(connection.leave(room))
  await Promise.all(asked)
  t.same([adapter.rooms.size, app.rooms.size], [0, 0])
})

t.test('an empty room disappears when its last member closes', async t => {
  const app = await buildApp(t)
  const { client, connection, closed } = await pairedRoute(app)()
  await connection.join('a')
  await client.close()
  await closed
  t.same([app.rooms.size, app.rooms.has('a'), connection.rooms.size], [0, false, 0])
})

t.test('an empty room disappears when its last member is terminated', async t => {
  const app = await buildApp(t)
  const { connection, closed } = await pairedRoute(app)()
  await connection.join('a')
  connection.terminate()
  await closed
  t.equal(app.rooms.size, 0)
})

t.test('an empty room disappears when the TCP connection of its last member is reset', async t => {
  const app = await buildApp(t)
  const closed = new Promise<number>(resolve => {
    app.ws('/', {
      async onOpen (connection) { await connection.join('a') },
      onClose (_connection, { code }) { resolve(code) }
    }, () => 'ready')
  })
  const client = await RawClient.open(await listen(app), '/')
  client.send('are you?')
  await client.message()
  t.equal(app.room('a').size, 1)
  client.reset()
  t.equal(await closed, 1006)
  t.equal(app.rooms.size, 0)
})

t.test('onClose is told the rooms that the connection was in, and they are left by then', async t => {
  const app = await buildApp(t)
  const { client, connection, closed } = await pairedRoute(app)()
  await connection.join('a')
  await connection.join('b')
  await connection.join('c')
  await connection.leave('b')
  await client.close()
  t.same((await closed).rooms, ['a', 'c'])
  t.equal(connection.rooms.size, 0)
})

t.test('the adapter is told to unsubscribe from the rooms of a closed connection', async t => {
  const adapter = new RecordingAdapter()
  const app = await buildApp(t, { adapter })
  const { client, connection, closed } = await pairedRoute(app)()
  await Promise.all([connection.join('a'), connection.join('b')])
  await client.close()
  await closed
  while (adapter.rooms.size > 0) await new Promise(resolve => setImmediate(resolve))
  t.same(adapter.rooms.size, 0)
})

t.test('a closed connection joins nothing', async t => {
  const adapter = new RecordingAdapter()
  const app = await buildApp(t, { adapter })
  const { client, connection, closed } = await pairedRoute(app)()
  await client.close()
  await closed
  t.same(await connection.join('a'), { recovered: false, replayed: 0, eventId: null })
  t.same([app.rooms.size, connection.rooms.size, adapter.calls], [0, 0, []])
})

t.test('a connection that joins in its own onClose joins nothing', async t => {
  const app = await buildApp(t)
  const closed = new Promise<number>(resolve => {
    app.ws('/', {
      async onClose (connection) {
        await connection.join('a')
        resolve(app.rooms.size)
      }
    }, () => {})
  })
  const client = await app.injectWS('/')
  await client.close()
  t.equal(await closed, 0)
})

t.test('a name that is no string of 1 to 256 characters, or has lone surrogates, is refused at once', async t => {
  const app = await buildApp(t)
  const { connection } = await pairedRoute(app)()
  for (const name of ['', 'x'.repeat(257), 'a\ud800', '\udc00b', undefined, null, 5, {}, ['a']] as string[]) {
    const refused = { code: 'FST_ERR_WS_ROOM_NAME' }
    t.throws(() => app.room(name), refused)
    t.throws(() => connection.join(name), refused)
    t.throws(() => connection.leave(name), refused)
    t.throws(() => connection.to(name), refused)
  }
  t.equal(app.rooms.size, 0)
})

t.test('any other name is a room like the others', async t => {
  const app = await buildApp(t)
  const pair = await pairedRoute(app)()
  for (const name of ['__proto__', 'constructor', 'toString', 'x'.repeat(256), ' ', '*', 'a/b', 'größe 🎉', '\0']) {
    t.equal(app.room(name).size, 0, `${name} is empty`)
    await pair.connection.join(name)
    t.same([app.rooms.size, app.rooms.has(name), [...pair.connection.rooms]], [1, true, [name]])
    await app.room(name).send({ name })
    t.same(await received(pair), [{ name }])
    await pair.connection.leave(name)
  }
})

t.test('a join rejects when the adapter cannot subscribe, and holds here all the same', async t => {
  const app = await buildApp(t, { adapter: new RecordingAdapter({ subscribe: down }) })
  const pair = await pairedRoute(app)()
  await t.rejects(pair.connection.join('a'), { message: 'broker down' })
  void app.room('a').send('local')
  t.same(await received(pair), ['local'])
})

t.test('the next join subscribes where an earlier one could not', async t => {
  let isDown = true
  const adapter = new RecordingAdapter({ subscribe: async () => { if (isDown) await down() } })
  const app = await buildApp(t, { adapter })
  const open = pairedRoute(app)
  const [anna, bert] = await Promise.all([open(), open()])
  await t.rejects(anna.connection.join('a'))
  isDown = false
  await bert.connection.join('a')
  t.same([...adapter.rooms], ['=a'])
})

t.test('a join that nobody awaits is no unhandledRejection when it fails, and the failure is logged', async t => {
  const { lines, stream } = logLines()
  const app = await buildApp(t, { adapter: new RecordingAdapter({ subscribe: down }) }, { logger: { stream, level: 'warn' } })
  const { connection } = await pairedRoute(app)()
  t.same(await unhandledWhile(t, () => { connection.join('a') }), [])
  t.match(lines, [{ level: 40, room: 'a', err: { message: 'broker down' } }])
})

t.test('a leave that nobody awaits is no unhandledRejection when it fails, nor is a close', async t => {
  const app = await buildApp(t, { adapter: new RecordingAdapter({ unsubscribe: down }) })
  const { client, connection, closed } = await pairedRoute(app)()
  await Promise.all([connection.join('a'), connection.join('b')])
  t.same(await unhandledWhile(t, async () => {
    connection.leave('a')
    await client.close()
    await closed
  }), [])
  t.equal(app.rooms.size, 0)
})

t.test('a send rejects when the adapter cannot publish, and reaches the members here all the same', async t => {
  const app = await buildApp(t, { adapter: new RecordingAdapter({ publish: down }) })
  const pair = await pairedRoute(app)()
  await pair.connection.join('a')
  await t.rejects(app.room('a').send('hello'), { message: 'broker down' })
  t.same(await received(pair), ['hello'])
})

t.test('a send that nobody awaits is no unhandledRejection when it fails, and the failure is logged', async t => {
  const { lines, stream } = logLines()
  const app = await buildApp(t, { adapter: new RecordingAdapter({ publish: down }) }, { logger: { stream, level: 'warn' } })
  const { connection } = await pairedRoute(app)()
  t.same(await unhandledWhile(t, () => {
    app.room('a').send('hello')
    connection.to('a').send('hello')
    app.room('a').close()
  }), [])
  t.match(lines, Array(3).fill({ level: 40, room: 'a', err: { message: 'broker down' } }))
})

t.test('a send settles when the adapter has taken the message, not before', async t => {
  let take: () => void = () => {}
  const app = await buildApp(t, { adapter: new RecordingAdapter({ publish: () => new Promise(resolve => { take = resolve }) }) })
  await app.ready()
  let taken = false
  const sent = app.room('a').send('hello').then(() => { taken = true })
  await nextTurn()
  t.equal(taken, false)
  take()
  await sent
})

t.test('a room keeps what its declaration says, and an undeclared field never leaves', async t => {
  const app = await buildApp(t)
  const chat = app.rooms.declare('chat:*', { send: Type.Object({ text: Type.String() }) })
  const open = pairedRoute(app)
  const [anna, bert] = await Promise.all([open(), open()])
  await Promise.all([anna.connection.join('chat:1'), bert.connection.join('chat:1')])
  const message = { text: 'hello', password: 'secret' }
  void app.room('chat:1').send(message)
  void anna.connection.to('chat:1').send(message)
  void chat.room('chat:1').send(message)
  t.same(await received(bert), Array(3).fill({ text: 'hello' }))
})

t.test('a declaration made once the application runs holds too', async t => {
  const app = await buildApp(t)
  const pair = await pairedRoute(app)()
  await pair.connection.join('late')
  app.rooms.declare('late', { send: Type.Object({ text: Type.String() }) })
  void app.room('late').send({ text: 'hello', password: 'secret' })
  t.same(await received(pair), [{ text: 'hello' }])
})

t.test('a kind of message that the room does not declare is refused at once, members or not', async t => {
  const app = await buildApp(t)
  app.rooms.declare('chat', {
    send: Type.Union([
      Type.Object({ type: Type.Literal('said'), text: Type.String() }),
      Type.Object({ type: Type.Literal('left') })
    ])
  })
  const pair = await pairedRoute(app)()
  for (const isMember of [false, true]) {
    if (isMember) await pair.connection.join('chat')
    for (const message of [{ type: 'nonsense' }, { type: 'constructor' }, {}, null, 5, undefined, 'text', Buffer.from('bytes')]) {
      t.throws(() => app.room('chat').send(message), { code: 'FST_ERR_WS_SEND_INVALID' })
      t.throws(() => pair.connection.to('chat').send(message), { code: 'FST_ERR_WS_SEND_INVALID' })
    }
  }
  await app.room('chat').send({ type: 'said', text: 'hello' })
  t.same(await pair.client.receive(), { type: 'said', text: 'hello' })
})

t.test('a refused message is not published either', async t => {
  const adapter = new RecordingAdapter()
  const app = await buildApp(t, { adapter })
  app.rooms.declare('chat', { send: Type.Union([Type.Object({ type: Type.Literal('a') }), Type.Object({ type: Type.Literal('b') })]) })
  await app.ready()
  for (const message of [{ type: 'c' }, 'text', Buffer.from('bytes')]) t.throws(() => app.room('chat').send(message))
  t.same(adapter.calls, [])
})

t.test('a room declared to carry strings checks and carries them', async t => {
  const app = await buildApp(t)
  app.rooms.declare('news', { send: Type.String() })
  const [openJson, openRaw] = [pairedRoute(app, '/json'), pairedRoute(app, '/raw', { codec: 'raw' })]
  const [json, raw] = await Promise.all([openJson(), openRaw()])
  await Promise.all([json.connection.join('news'), raw.connection.join('news')])
  await app.room('news').send('grüße')
  t.same(await received(json), ['grüße'])
  t.same(await received(raw), ['grüße'])
})

t.test('a message without a JSON form is refused at once', async t => {
  const app = await buildApp(t)
  await app.ready()
  const circular: Record<string, unknown> = {}
  circular.self = circular
  for (const message of [undefined, () => {}, 1n, circular]) {
    t.throws(() => app.room('a').send(message), { code: 'FST_ERR_WS_SEND_INVALID' })
  }
})

t.test('a declared schema may refer to a shared one', async t => {
  const app = await buildApp(t)
  app.addSchema({ $id: 'said', type: 'object', properties: { text: { type: 'string' } } })
  app.rooms.declare('chat', { send: { $ref: 'said#' } })
  const pair = await pairedRoute(app)()
  await pair.connection.join('chat')
  await app.room('chat').send({ text: 'hello', password: 'secret' })
  t.same(await received(pair), [{ text: 'hello' }])
})

t.test('a declared schema is compiled by the serializer compiler of the instance', async t => {
  const app = await buildApp(t)
  app.setSerializerCompiler(() => message => JSON.stringify({ own: message }))
  app.rooms.declare('chat', { send: Type.Object({ text: Type.String() }) })
  const pair = await pairedRoute(app)()
  await pair.connection.join('chat')
  await app.room('chat').send({ text: 'hello' })
  t.same(await received(pair), [{ own: { text: 'hello' } }])
})

t.test('a declared schema that does not compile fails at start-up and says whose it is', async t => {
  const app = await buildApp(t)
  app.rooms.declare('chat:*', { send: { $ref: 'missing#' } })
  await t.rejects(async () => await app.ready(), { code: 'FST_ERR_WS_SCHEMA', message: /chat:\*/ })
})

t.test('a bad or repeated pattern fails where it is declared', async t => {
  const app = await buildApp(t)
  app.rooms.declare('chat:*', {})
  t.throws(() => app.rooms.declare('chat:*', {}), { code: 'FST_ERR_WS_ROOM_DECLARED' })
  t.throws(() => app.rooms.declare('a*b', {}), { code: 'FST_ERR_WS_ROOM_PATTERN' })
})

t.test('an undeclared room carries what a connection sends as the connection\'s route declares it', async t => {
  const app = await buildApp(t)
  const openDeclared = pairedRoute(app, '/declared', { schema: { send: Type.Object({ text: Type.String() }) } })
  const openUndeclared = pairedRoute(app, '/undeclared')
  const [anna, bert] = await Promise.all([openDeclared(), openUndeclared()])
  await Promise.all([anna.connection.join('a'), bert.connection.join('a')])
  void anna.connection.to('a').send({ text: 'by route', password: 'secret' })
  void bert.connection.to('a').send({ text: 'as it is', mood: 'good' })
  t.same(await received(bert), [{ text: 'by route' }])
  t.same(await anna.client.receive(), { text: 'as it is', mood: 'good' })
})

t.test('an undeclared room refuses at once what the route of the sender does not declare', async t => {
  const app = await buildApp(t)
  const send = Type.Union([Type.Object({ type: Type.Literal('said') }), Type.Object({ type: Type.Literal('left') })])
  const { connection } = await pairedRoute(app, '/', { schema: { send } })()
  t.throws(() => connection.to('a').send({ type: 'nonsense' }), { code: 'FST_ERR_WS_SEND_INVALID' })
  t.equal(await connection.to('a').send({ type: 'said' }), undefined)
})

t.test('what a room declares counts before what the connection\'s route does', async t => {
  const app = await buildApp(t)
  app.rooms.declare('a', { send: Type.Object({ room: Type.String() }) })
  const openDeclared = pairedRoute(app, '/declared', { schema: { send: Type.Object({ route: Type.String() }) } })
  const openUndeclared = pairedRoute(app, '/undeclared')
  const [anna, bert] = await Promise.all([openDeclared(), openUndeclared()])
  await bert.connection.join('a')
  void anna.connection.to('a').send({ room: 'r', route: 'r' })
  t.same(await received(bert), [{ room: 'r' }])
})

t.test('app.close() closes the members, then stops the adapter', async t => {
  const adapter = new RecordingAdapter()
  const app = await buildApp(t, { adapter })
  const { client, connection } = await pairedRoute(app)()
  await connection.join('a')
  await Promise.all([client.expectClose(1001), app.close()])
  t.same(adapter.calls, ['subscribe =a', 'unsubscribe =a', 'stop'])
})

t.test('an adapter that cannot start fails the start-up', async t => {
  const adapter = new RecordingAdapter()
  adapter.start = down
  const app = await buildApp(t, { adapter })
  await t.rejects(async () => await app.ready(), { message: 'broker down' })
})

function nextTurn (): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}

t.test('a loop over connection.rooms whose body leaves and joins ends', async t => {
  const app = await buildApp(t)
  const { connection } = await pairedRoute(app)()
  connection.join('a')
  connection.join('b')
  for (const room of connection.rooms) {
    connection.leave(room)
    connection.join(room)
  }
  t.same([...connection.rooms].sort(), ['a', 'b'])
})

t.test('an adapter that does not stop properly does not keep the server from ending', async t => {
  const { lines, stream } = logLines()
  const adapter = Object.assign(new RecordingAdapter(), { stop: async () => { throw new Error('broker down') } })
  const app = await buildApp(t, { adapter }, { logger: { stream } })
  await app.ready()
  await app.close()
  t.match(lines.filter(line => line.err !== undefined), [{ msg: 'adapter did not stop', err: { message: 'broker down' } }])
})

t.test('an adapter whose publish throws at once has failed as one that rejects', async t => {
  const adapter = Object.assign(new RecordingAdapter(), { publish: () => { throw new Error('broker down') } })
  const app = await buildApp(t, { adapter })
  const { client, connection } = await pairedRoute(app)()
  connection.join('a')
  await t.rejects(app.room('a').send({ n: 1 }), { message: 'broker down' })
  t.same(await client.receive(), { n: 1 })
})

t.test('a declaration with a policy for slow consumers that is none is refused', async t => {
  const app = await buildApp(t)
  for (const slowConsumer of ['drop', null, {}, { policy: 'keep-latest' }, { policy: 'keep-latest', key: 'symbol' }]) {
    t.throws(() => app.rooms.declare('chat:*', { slowConsumer: slowConsumer as never }), { code: 'FST_ERR_WS_OPTION' })
  }
  app.rooms.declare('chat:*', { slowConsumer: { policy: 'keep-latest', key: () => 'all' } })
})

t.test('a member that leaves and joins again while a message is sent gets it once', async t => {
  const app = await buildApp(t, { budget: { connection: 1 }, slowConsumer: 'drop-newest' })
  app.ws('/', { codec: 'raw', onOpen: async connection => { await connection.join('lobby') } }, () => {})
  const port = await listen(app)
  const clients = [await RawClient.open(port, '/'), await RawClient.open(port, '/')]
  for (const client of clients) client.socket.pause()
  for (const connection of app.wsConnections) {
    while (connection.writable) {
      connection.send('x'.repeat(1_000_000))
      await new Promise(resolve => setImmediate(resolve))
    }
    connection.send('what waits')
  }
  let told = 0
  const rejoin = (message: unknown): void => {
    const { connection } = message as { connection: Connection }
    if (++told > 10) return
    void connection.leave('lobby')
    void connection.join('lobby')
  }
  subscribe('fastify-typed-ws:slow-consumer', rejoin)
  t.after(() => unsubscribe('fastify-typed-ws:slow-consumer', rejoin))
  await app.room('lobby').send('dropped')
  t.equal(told, 2)
})
