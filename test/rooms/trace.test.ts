import { setImmediate as immediate } from 'node:timers/promises'
import t from 'tap'
import { Type } from '@sinclair/typebox'
import type { Connection, WsBroadcastEvent } from '../../types/index.ts'
import { RecordingAdapter } from '../helpers/adapters.ts'
import { buildApp, deferred, listen } from '../helpers/app.ts'
import { RawClient } from '../helpers/raw-client.ts'
import { boundStore, Traced, uncaught } from '../helpers/traced.ts'

const named = { send: Type.Object({ n: Type.Integer() }) }

t.test('what is sent to a room is told until the adapter has taken it', async t => {
  const traced = new Traced<WsBroadcastEvent>(t, 'broadcast')
  const taken = deferred()
  const app = await buildApp(t, { adapter: new RecordingAdapter({ publish: () => taken.promise }) })
  app.ws('/', { onOpen: async connection => { await connection.join('a') } }, () => {})
  const port = await listen(app)
  const clients = await Promise.all([RawClient.open(port, '/'), RawClient.open(port, '/')])
  for (const client of clients) {
    client.write(Buffer.from([0x89, 0x80, 0, 0, 0, 0]))
    t.equal((await client.frame()).opcode, 10)
  }
  const message = { n: 1 }
  const sent = app.room('a').send(message)
  t.same(traced.names, ['start', 'end'])
  t.same(await clients[0].message(), { n: 1 }, 'members here have it')
  t.same(traced.names, ['start', 'end'])
  taken.resolve()
  await sent
  t.same(traced.names, ['start', 'end', 'asyncStart', 'asyncEnd'])
  t.equal(new Set(traced.told.map(({ event }) => event)).size, 1)
  const { event } = traced.told[0]
  t.equal(event.message, message)
  t.same([event.room, event.size], ['a', 2])
  t.equal(event.instance.server, app.server)
})

t.test('what a connection sends to the others of a room is told likewise', async t => {
  const traced = new Traced<WsBroadcastEvent>(t, 'broadcast')
  const app = await buildApp(t)
  app.ws('/', { onOpen: async connection => { await connection.join('a') } }, async (message, connection: Connection) => {
    await connection.to('a').send(message)
    return 'sent'
  })
  const client = await RawClient.open(await listen(app), '/')
  client.send('hello')
  t.equal(await client.message(), 'sent')
  t.same(traced.names, ['start', 'end', 'asyncStart', 'asyncEnd'])
  t.match(traced.told[0].event, { room: 'a', message: 'hello', size: 1 })
})

t.test('an adapter that fails is told as an error, and nobody has to await it', async t => {
  const unhandled: unknown[] = []
  const listener = (reason: unknown): void => { unhandled.push(reason) }
  process.on('unhandledRejection', listener)
  t.after(() => process.off('unhandledRejection', listener))
  const traced = new Traced<WsBroadcastEvent>(t, 'broadcast')
  const down = new Error('broker down')
  const app = await buildApp(t, { adapter: new RecordingAdapter({ publish: async () => { throw down } }) })
  await app.ready()
  void app.room('a').send('one')
  await traced.until(5)
  await immediate()
  t.same(traced.names, ['start', 'end', 'error', 'asyncStart', 'asyncEnd'])
  t.equal(traced.told[2].fields.error, down)
  t.same(unhandled, [])
  await t.rejects(app.room('a').send('two'), down)
})

t.test('a message that the room does not carry is told as an error, and thrown', async t => {
  const traced = new Traced<WsBroadcastEvent>(t, 'broadcast')
  const app = await buildApp(t)
  const numbers = app.rooms.declare('numbers', named)
  await app.ready()
  t.throws(() => { void numbers.room('numbers').send(JSON.parse('{"n":"x"}')) }, { code: 'FST_ERR_WS_SEND_INVALID' })
  t.same(traced.names, ['start', 'error', 'end'])
  t.match(traced.told[1].fields.error, { code: 'FST_ERR_WS_SEND_INVALID' })
})

t.test('the adapter is called in the store that is bound to start', async t => {
  const store = boundStore<WsBroadcastEvent, string>(t, 'broadcast', ({ room }) => room)
  const seen: unknown[] = []
  const app = await buildApp(t, { adapter: new RecordingAdapter({ publish: async () => { seen.push(store.getStore()) } }) })
  await app.ready()
  await app.room('a').send('one')
  t.same(seen, ['a'])
  t.equal(store.getStore(), undefined)
})

t.test('a subscriber that throws costs nobody a broadcast', async t => {
  const errors = uncaught(t)
  const broken = new Error('broken')
  const traced = new Traced<WsBroadcastEvent>(t, 'broadcast')
  traced.onEvent = () => { throw broken }
  const app = await buildApp(t)
  await app.ready()
  await app.room('a').send('one')
  await immediate()
  t.same(errors, [broken, broken, broken, broken])
})
