import { setImmediate as immediate } from 'node:timers/promises'
import t from 'tap'
import type { Connection, WsMessageEvent, WsUpgradeEvent } from '../../types/index.ts'
import { buildApp, deferred, listen } from '../helpers/app.ts'
import { text } from '../helpers/bytes.ts'
import { acceptStatus, http1Test, wrongVersionStatus } from '../helpers/http-version.ts'
import { RawClient } from '../helpers/raw-client.ts'
import { boundStore, Traced, uncaught } from '../helpers/traced.ts'

t.test('an upgrade that waits for a hook is told to its 101, by one object', async t => {
  const traced = new Traced<WsUpgradeEvent>(t, 'upgrade')
  const app = await buildApp(t)
  const opened: Connection[] = []
  app.register(async scope => {
    scope.ws('/:room', { onRequest: () => immediate(), onOpen (connection) { opened.push(connection) } }, () => {})
  }, { prefix: '/chat' })
  traced.onEvent = name => { if (name === 'asyncEnd') t.equal(opened.length, 0, 'onOpen comes later') }
  await RawClient.open(await listen(app), '/chat/one')
  t.same(traced.names, ['start', 'end', 'asyncStart', 'asyncEnd'])
  t.equal(new Set(traced.told.map(({ event }) => event)).size, 1)
  const [start, end, asyncStart] = traced.told
  t.same(Object.keys(start.fields), ['request', 'instance'])
  t.same(Object.keys(end.fields), ['request', 'instance'])
  t.equal(asyncStart.fields.statusCode, acceptStatus)
  t.equal(asyncStart.fields.connection, opened[0])
  t.equal(asyncStart.fields.route, '/chat/:room')
  t.equal(start.event.request.url, '/chat/one')
  t.equal(start.event.instance.server, app.server)
})

t.test('where no hook waits it is over before the router returns, and before a message that came with it', async t => {
  const traced = new Traced<WsUpgradeEvent>(t, 'upgrade')
  const messages = new Traced<WsMessageEvent>(t, 'message')
  const order: string[] = []
  traced.onEvent = name => { order.push(name) }
  messages.onEvent = name => { order.push(`message ${name}`) }
  const app = await buildApp(t)
  app.ws('/', () => 'answer')
  const client = await RawClient.open(await listen(app), '/', { head: text('"early"') })
  t.equal(await client.message(), 'answer')
  t.ok(order.indexOf('asyncEnd') < order.indexOf('end'), 'before the router returns')
  t.same(order.filter(name => name !== 'end'), ['start', 'asyncStart', 'asyncEnd', 'message start', 'message end'])
})

interface Refused {
  readonly path: string
  readonly headers?: Record<string, string>
  readonly status: number
  /** What counts headers is Node's parser of HTTP/1.1. */
  readonly isHttp1?: boolean
}

const refused: Readonly<Record<string, Refused>> = {
  'by a hook': { path: '/private', status: 401 },
  'by the handshake': { path: '/', headers: { 'Sec-WebSocket-Version': '12' }, status: wrongVersionStatus },
  'by its origin': { path: '/', headers: { Origin: 'https://evil.example' }, status: 403 },
  'by the router': { path: '/nowhere', status: 404 },
  'for its URL': { path: '/%zz', status: 400 },
  'for too many headers': { path: '/', headers: Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`X-${i}`, '1'])), status: 400, isHttp1: true }
}

for (const [title, { path, headers = {}, status, isHttp1 = false }] of Object.entries(refused)) {
  const test = isHttp1 ? http1Test : t.test.bind(t)
  test(`an upgrade that is refused ${title} is told with its status and no connection`, async t => {
    const traced = new Traced<WsUpgradeEvent>(t, 'upgrade')
    const app = await buildApp(t)
    app.server.maxHeadersCount = 20
    app.ws('/', () => {})
    app.ws('/private', { onRequest: async (_request, reply) => { await reply.code(401).send('no') } }, () => {})
    traced.onEvent = (name, { request }) => { if (name === 'asyncEnd') t.notOk(request.socket.destroyed, 'the client stays') }
    const client = await RawClient.connect(await listen(app))
    client.request(path, { headers })
    t.equal((await client.reply()).statusCode, status)
    // A reply is the end of the upgrade, not the goodbye after it.
    await traced.until(4)
    t.same([...traced.names].sort(), ['asyncEnd', 'asyncStart', 'end', 'start'])
    const { event } = traced.told[3]
    t.equal(event.statusCode, status)
    t.notOk('connection' in event || 'route' in event || 'error' in event)
    client.socket.destroy()
    await client.closed()
    await immediate()
    t.equal(traced.told.length, 4, 'once')
  })
}

t.test('a client that goes before it has a reply is told as an error, and has no status', async t => {
  const traced = new Traced<WsUpgradeEvent>(t, 'upgrade')
  const app = await buildApp(t)
  const arrived = deferred()
  const gone = deferred()
  app.ws('/', { onRequest: () => { arrived.resolve(); return gone.promise } }, () => {})
  const client = await RawClient.connect(await listen(app))
  client.request('/')
  await arrived.promise
  client.socket.destroy()
  await traced.until(5)
  gone.resolve()
  await immediate()
  t.same(traced.names, ['start', 'end', 'error', 'asyncStart', 'asyncEnd'])
  const { event } = traced.told[4]
  t.match(event.error, { code: 'FST_ERR_WS_ABORTED' })
  t.notOk('statusCode' in event || 'connection' in event)
})

t.test('an upgrade that the end of the server refuses is told with its 503', async t => {
  const traced = new Traced<WsUpgradeEvent>(t, 'upgrade')
  const app = await buildApp(t)
  const arrived = deferred()
  app.ws('/', { onRequest: () => { arrived.resolve(); return new Promise<void>(() => {}) } }, () => {})
  const client = await RawClient.connect(await listen(app))
  client.request('/')
  await arrived.promise
  const closed = app.close()
  t.equal((await client.reply()).statusCode, 503)
  client.socket.destroy()
  await closed
  t.same(traced.names, ['start', 'end', 'asyncStart', 'asyncEnd'])
  t.equal(traced.told[3].fields.statusCode, 503)
})

t.test('a store that is bound to start holds in hooks, before and after what they await, and in onOpen', async t => {
  const store = boundStore<WsUpgradeEvent, string | undefined>(t, 'upgrade', ({ request }) => request.url)
  const seen: unknown[] = []
  const opened = [deferred(), deferred()]
  const app = await buildApp(t)
  app.addHook('onRequest', async () => {
    seen.push(store.getStore())
    await immediate()
    seen.push(store.getStore())
  })
  app.ws('/', {
    async onOpen (_connection, request) {
      seen.push(store.getStore())
      await immediate()
      seen.push(store.getStore())
      opened[request.url === '/?a' ? 0 : 1].resolve()
    }
  }, () => {})
  const port = await listen(app)
  await Promise.all([RawClient.open(port, '/?a'), RawClient.open(port, '/?b'), ...opened.map(({ promise }) => promise)])
  t.same([...seen].sort(), ['/?a', '/?a', '/?a', '/?a', '/?b', '/?b', '/?b', '/?b'])
})

t.test('subscribers and stores that throw cost nobody an upgrade', async t => {
  const errors = uncaught(t)
  const traced = new Traced<WsUpgradeEvent>(t, 'upgrade')
  const broken = new Error('broken')
  traced.onEvent = () => { throw broken }
  boundStore(t, 'upgrade', () => { throw broken })
  const app = await buildApp(t)
  app.ws('/', () => 'answer')
  const client = await RawClient.open(await listen(app), '/')
  client.send('ask')
  t.equal(await client.message(), 'answer')
  await immediate()
  t.same(errors, [broken, broken, broken, broken, broken])
})

http1Test('a request for another protocol, or for REST, is no upgrade', async t => {
  const traced = new Traced<WsUpgradeEvent>(t, 'upgrade')
  const app = await buildApp(t)
  app.get('/', async () => 'rest')
  app.ws('/', () => {})
  const port = await listen(app)
  const client = await RawClient.connect(port)
  client.request('/', { headers: { Upgrade: 'h2c' } })
  t.equal((await client.reply()).statusCode, 200)
  t.equal((await fetch(`http://127.0.0.1:${port}/`)).status, 200)
  t.same(traced.told, [])
})

t.test('upgrades by injectWS are told, too', async t => {
  const traced = new Traced<WsUpgradeEvent>(t, 'upgrade')
  const app = await buildApp(t)
  app.ws('/', () => {})
  await app.injectWS('/')
  await t.rejects(app.injectWS('/nowhere'))
  await traced.until(8)
  t.same(traced.told.filter(({ name }) => name === 'asyncEnd').map(({ event }) => event.statusCode), [acceptStatus, 404])
})
