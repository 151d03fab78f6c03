import { setImmediate as immediate } from 'node:timers/promises'
import { Type } from '@sinclair/typebox'
import t from 'tap'
import type { Connection, WsMessageEvent } from '../../types/index.ts'
import { buildApp, deferred, listen } from '../helpers/app.ts'
import { text } from '../helpers/bytes.ts'
import { RawClient } from '../helpers/raw-client.ts'
import { boundStore, Traced, uncaught } from '../helpers/traced.ts'

const Say = Type.Object({ type: Type.Literal('say'), text: Type.String() })
const Ask = Type.Object({ type: Type.Literal('ask') })
const schema = { receive: Type.Union([Say, Ask]) }

t.test('a handler is told from start to end, with what it answered', async t => {
  const traced = new Traced<WsMessageEvent>(t, 'message')
  const app = await buildApp(t)
  const opened: Connection[] = []
  app.register(async scope => {
    scope.ws('/chat/:room', { schema, onOpen (connection) { opened.push(connection) } }, {
      say: ({ text }) => {
        t.same(traced.names, ['start'])
        return { said: text }
      },
      ask: () => {}
    })
    scope.decorate('mark', 'scope')
  }, { prefix: '/v1' })
  const client = await RawClient.open(await listen(app), '/v1/chat/one')
  client.send({ type: 'say', id: 'a', text: 'hello' })
  t.same(await client.message(), { said: 'hello', id: 'a' })
  t.same(traced.names, ['start', 'end'])
  const [start, end] = traced.told
  t.notOk('result' in start.fields)
  t.same(end.fields.result, { said: 'hello' })
  t.equal(end.event, start.event)
  const { connection, instance, route, type, id, message } = start.event
  t.equal(connection, opened[0])
  t.ok(instance.hasDecorator('mark'), 'the instance is that of the route')
  t.same({ route, type, id, message }, { route: '/v1/chat/:room', type: 'say', id: 'a', message: { type: 'say', id: 'a', text: 'hello' } })
})

t.test('a handler that answers nothing has a result all the same, which is undefined', async t => {
  const traced = new Traced<WsMessageEvent>(t, 'message')
  const app = await buildApp(t)
  app.ws('/', () => {})
  const client = await RawClient.open(await listen(app), '/')
  client.send(1)
  await traced.until(2)
  const { fields } = traced.told[1]
  t.ok('result' in fields && fields.result === undefined)
  t.same([fields.type, fields.id], [undefined, undefined])
})

t.test('a promise is told to its end, before its reply is sent, by the same object', async t => {
  const traced = new Traced<WsMessageEvent>(t, 'message')
  const app = await buildApp(t)
  const answer = deferred<string>()
  app.ws('/', () => answer.promise)
  const client = await RawClient.open(await listen(app), '/')
  client.send('one')
  await traced.until(2)
  t.same(traced.names, ['start', 'end'])
  t.notOk('result' in traced.told[1].fields)
  traced.onEvent = name => { if (name === 'asyncEnd') t.equal(traced.told[0].event.connection.traffic.sent.messages, 0) }
  answer.resolve('two')
  t.equal(await client.message(), 'two')
  t.same(traced.names, ['start', 'end', 'asyncStart', 'asyncEnd'])
  t.equal(traced.told[2].fields.result, 'two')
  t.equal(new Set(traced.told.map(({ event }) => event)).size, 1)
})

const failures: Readonly<Record<string, { fail: (error: Error) => unknown, names: string[] }>> = {
  throws: { fail: error => { throw error }, names: ['start', 'error', 'end'] },
  rejects: { fail: error => Promise.reject(error), names: ['start', 'end', 'error', 'asyncStart', 'asyncEnd'] },
  'answers a promise of its own that rejects': {
    fail: error => ({ then: (_resolve: unknown, reject: (error: Error) => void) => { reject(error) } }),
    names: ['start', 'end', 'error', 'asyncStart', 'asyncEnd']
  }
}

for (const [title, { fail, names }] of Object.entries(failures)) {
  t.test(`a handler that ${title} is told with its error, and the client is answered as ever`, async t => {
    const traced = new Traced<WsMessageEvent>(t, 'message')
    const app = await buildApp(t)
    const error = new Error('no')
    app.ws('/', message => message === 'fail' ? fail(error) : 'fine')
    const client = await RawClient.open(await listen(app), '/')
    client.send('fail')
    t.match(await client.message(), { type: 'error' })
    t.same(traced.names, names)
    const failed = traced.told.find(({ name }) => name === 'error')
    t.equal(failed?.fields.error, error)
    t.notOk('result' in traced.told[names.length - 1].fields)
    t.equal(app.wsStats().messages.failed, 1)
    client.send('work')
    t.equal(await client.message(), 'fine')
  })
}

t.test('a store that is bound to start holds in the handler and after what it awaits, and not in the next message', async t => {
  const ids: unknown[] = []
  const store = boundStore<WsMessageEvent, unknown>(t, 'message', ({ message }) => message)
  const traced = new Traced<WsMessageEvent>(t, 'message')
  const inEvents: unknown[] = []
  traced.onEvent = () => { inEvents.push(store.getStore()) }
  const app = await buildApp(t)
  app.ws('/', { concurrency: 2 }, async message => {
    ids.push([message, store.getStore()])
    await immediate()
    ids.push([message, store.getStore()])
    return store.getStore()
  })
  const client = await RawClient.open(await listen(app), '/')
  client.send('a')
  client.send('b')
  t.same(new Set([await client.message(), await client.message()]), new Set(['a', 'b']))
  t.same(ids.filter(pair => Array.isArray(pair) && pair[0] !== pair[1]), [])
  t.equal(ids.length, 4)
  t.same(inEvents, traced.told.map(({ event }) => event.message), 'events are told in it, too')
})

t.test('what follows a handler is not in its store', async t => {
  const store = boundStore<WsMessageEvent, string>(t, 'message', () => 'a handler\'s')
  const app = await buildApp(t)
  const decoded: unknown[] = []
  const closed = deferred<unknown>()
  app.ws('/', {
    codec: { decode: payload => decoded.push(store.getStore()) && String(payload), encode: String, binary: false },
    onClose: () => closed.resolve(store.getStore())
  }, async () => { await immediate() })
  const client = await RawClient.open(await listen(app), '/')
  client.write(Buffer.concat([text('one'), text('two'), text('three')]))
  await client.close(1000)
  t.equal(await closed.promise, undefined)
  t.same(decoded, [undefined, undefined, undefined], 'waiting messages are decoded outside of it')
})

t.test('a subscriber that throws costs nobody a message', async t => {
  const errors = uncaught(t)
  const traced = new Traced<WsMessageEvent>(t, 'message')
  const broken = new Error('broken')
  traced.onEvent = () => { throw broken }
  const app = await buildApp(t)
  app.ws('/', async message => message)
  const client = await RawClient.open(await listen(app), '/')
  client.send('one')
  t.equal(await client.message(), 'one')
  t.same(traced.names, ['start', 'end', 'asyncStart', 'asyncEnd'])
  await immediate()
  t.same(errors, [broken, broken, broken, broken], 'Node reports each as uncaught')
})

t.test('a bound store that throws costs nobody a message', async t => {
  const errors = uncaught(t)
  const broken = new Error('broken')
  const store = boundStore<WsMessageEvent, string>(t, 'message', () => { throw broken })
  const app = await buildApp(t)
  app.ws('/', () => String(store.getStore()))
  const client = await RawClient.open(await listen(app), '/')
  client.send('one')
  t.equal(await client.message(), 'undefined')
  await immediate()
  t.same(errors, [broken])
})

t.test('what is refused has no handler, and is not told', async t => {
  const traced = new Traced<WsMessageEvent>(t, 'message')
  const app = await buildApp(t)
  app.ws('/', { schema }, { say: () => 'said', ask: () => {} })
  const client = await RawClient.open(await listen(app), '/')
  client.send({ type: 'say', text: 1 })
  t.match(await client.message(), { type: 'error' })
  t.same(traced.told, [])
})

t.test('one function for all types knows the type, too', async t => {
  const traced = new Traced<WsMessageEvent>(t, 'message')
  const app = await buildApp(t)
  app.ws('/', { schema: { receive: Type.Union([Type.Object({ op: Type.Literal(1) }), Type.Object({ op: Type.Literal(2) })]) } }, () => {})
  const client = await RawClient.open(await listen(app), '/')
  client.send({ op: 2 })
  await traced.until(1)
  t.equal(traced.told[0].event.type, 2)
})
