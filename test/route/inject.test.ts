import Fastify from 'fastify'
import t from 'tap'
import typedWs from '../../lib/index.ts'
import { buildApp, deferred } from '../helpers/app.ts'
import { text } from '../helpers/bytes.ts'
import { upgradeHeaders } from '../helpers/http-version.ts'
import { selfSigned } from '../helpers/tls.ts'

const ignore = (): void => {}

/** What a refused upgrade rejects with. */
interface Rejection extends Error {
  code: string
  response: { statusCode: number, headers: Record<string, string>, payload: string, json (): unknown }
}

async function rejectionOf (promise: Promise<unknown>): Promise<Rejection> {
  try {
    await promise
  } catch (error) {
    return error as Rejection
  }
  throw new Error('it did not reject')
}

t.test('it works before listen(), and readies the app', async t => {
  const app = await buildApp(t)
  let ready = false
  app.addHook('onReady', async () => { ready = true })
  app.ws('/', m => m)
  const connection = await app.injectWS('/')
  t.ok(ready)
  t.notOk(app.server.listening)
  connection.send({ hello: 1 })
  t.same(await connection.receive(), { hello: 1 })
})

t.test('every hook runs, in the order of REST', async t => {
  const app = await buildApp(t)
  const ran: string[] = []
  for (const hook of ['onRequest', 'preParsing', 'preValidation', 'preHandler'] as const) app.addHook(hook, async () => { ran.push(hook) })
  app.ws('/', { onOpen: () => { ran.push('onOpen') } }, ignore)
  await app.injectWS('/')
  t.same(ran, ['onRequest', 'preParsing', 'preValidation', 'preHandler', 'onOpen'])
})

t.test('header names arrive in lower case, and repeated ones as Node joins them', async t => {
  const app = await buildApp(t)
  const seen = deferred<Record<string, unknown>>()
  app.ws('/', { onOpen: (_connection, request) => { seen.resolve({ ...request.headers, host: request.host }) } }, ignore)
  await app.injectWS('/', { headers: { 'X-Trace-ID': 'Abc', Cookie: ['a=1', 'b=2'] } })
  const headers = await seen.promise
  t.match(headers, { 'x-trace-id': 'Abc', cookie: 'a=1; b=2', host: 'localhost', ...upgradeHeaders, 'sec-websocket-version': '13' })
})

t.test('the URL may be a path without its slash, or whole, as app.inject takes it', async t => {
  const app = await buildApp(t)
  app.ws('/a', { onOpen: (connection, request) => { connection.send(request.url) } }, ignore)
  for (const url of ['/a?x=1', 'a?x=1', 'ws://localhost/a?x=1']) t.equal(await (await app.injectWS(url)).receive(), '/a?x=1')
})

t.test('query is added to the URL', async t => {
  const app = await buildApp(t)
  app.ws('/', { onOpen: (connection, request) => { connection.send(request.query) } }, ignore)
  const query = { name: 'Ann & Bob', b: '2' }
  t.same(await (await app.injectWS('/', { query })).receive(), query)
  t.same(await (await app.injectWS('/?a=1', { query })).receive(), { a: '1', ...query })
  t.same(await (await app.injectWS('/?a=1', { query: 'b=2&c=3' })).receive(), { a: '1', b: '2', c: '3' })
  t.same(await (await app.injectWS('/', { query: '?b=2' })).receive(), { b: '2' })
})

t.test('request.ip is remoteAddress', async t => {
  const app = await buildApp(t)
  app.ws('/', { onOpen: (connection, request) => { connection.send(request.ip) } }, ignore)
  t.equal(await (await app.injectWS('/')).receive(), '127.0.0.1')
  t.equal(await (await app.injectWS('/', { remoteAddress: '203.0.113.7' })).receive(), '203.0.113.7')
})

t.test('remoteAddress counts for trustProxy', async t => {
  const app = await buildApp(t, {}, { trustProxy: '10.0.0.0/8' })
  app.ws('/', { onOpen: (connection, request) => { connection.send(request.ip) } }, ignore)
  const headers = { 'X-Forwarded-For': '203.0.113.7' }
  t.equal(await (await app.injectWS('/', { headers, remoteAddress: '10.1.2.3' })).receive(), '203.0.113.7')
  t.equal(await (await app.injectWS('/', { headers, remoteAddress: '192.0.2.1' })).receive(), '192.0.2.1')
})

t.test('an Origin header is judged as any', async t => {
  const app = await buildApp(t)
  app.ws('/', ignore)
  await app.injectWS('/', { headers: { Origin: 'http://localhost' } })
  const { response } = await rejectionOf(app.injectWS('/', { headers: { Origin: 'https://evil.net' } }))
  t.equal(response.statusCode, 403)
})

t.test('protocols are offered, and the chosen one is known', async t => {
  const app = await buildApp(t, { subprotocols: ['b', 'c'] })
  app.ws('/', ignore)
  t.equal((await app.injectWS('/', { protocols: ['a', 'c', 'b'] })).protocol, 'c')
  t.equal((await app.injectWS('/', { protocols: ['x'] })).protocol, '')
  t.equal((await app.injectWS('/', { protocols: [] })).protocol, '')
})

t.test('the headers of the reply are there', async t => {
  const app = await buildApp(t)
  app.ws('/', { onRequest: async (_request, reply) => { void reply.header('x-hook', 'ran').header('set-cookie', ['a=1', 'b=2']) } }, ignore)
  const { headers } = await app.injectWS('/')
  t.match(headers, { ...upgradeHeaders, 'x-hook': 'ran', 'set-cookie': ['a=1', 'b=2'] })
})

t.test('with chunkSize 1, messages of every size pass through unharmed, both ways', async t => {
  const app = await buildApp(t)
  app.ws('/', { codec: 'raw' }, m => m)
  const connection = await app.injectWS('/', { chunkSize: 1 })
  for (const size of [0, 1, 125, 126, 127, 4_000]) {
    const message = Buffer.alloc(size, 'ä')
    connection.send(message)
    t.same(await connection.receive(), message, `${size} bytes`)
  }
  connection.send('grüße, 👋')
  t.equal(await connection.receive(), 'grüße, 👋')
})

t.test('a refused upgrade rejects with the response, as app.inject would give it', async t => {
  const app = await buildApp(t)
  app.ws('/', { onRequest: async (_request, reply) => await reply.code(401).header('x-why', 'because').send({ error: 'no' }) }, ignore)
  const error = await rejectionOf(app.injectWS('/'))
  t.equal(error.code, 'FST_ERR_WS_INJECT_REJECTED')
  t.match(error.message, /401/)
  t.equal(error.response.statusCode, 401)
  t.equal(error.response.headers['x-why'], 'because')
  t.equal(error.response.payload, '{"error":"no"}')
  t.same(error.response.json(), { error: 'no' })
})

t.test('an unknown URL rejects with 404', async t => {
  const app = await buildApp(t)
  t.equal((await rejectionOf(app.injectWS('/nowhere'))).response.statusCode, 404)
})

t.test('a REST URL rejects with its reply', async t => {
  const app = await buildApp(t)
  app.get('/', async () => ({ rest: true }))
  t.same((await rejectionOf(app.injectWS('/'))).response.json(), { rest: true })
})

t.test('a refusal by a client in one-byte chunks is whole', async t => {
  const app = await buildApp(t)
  app.ws('/', { onRequest: async (_request, reply) => await reply.code(401).send('x'.repeat(1_000)) }, ignore)
  t.equal((await rejectionOf(app.injectWS('/', { chunkSize: 1 }))).response.payload.length, 1_000)
})

t.test('a hook that never answers rejects with 503', async t => {
  const app = await buildApp(t, { handshakeTimeout: 30 })
  app.ws('/', { preHandler: (_request, _reply, _done) => {} }, ignore)
  t.match((await rejectionOf(app.injectWS('/'))).response.json(), { code: 'FST_ERR_WS_HANDSHAKE_TIMEOUT' })
})

t.test('an app that does not start rejects with why', async t => {
  const app = await buildApp(t)
  app.addHook('onReady', async () => { throw new Error('no database') })
  await t.rejects(app.injectWS('/'), { message: 'no database' })
})

t.test('send: strings and Buffers as they are, all else as JSON', async t => {
  const app = await buildApp(t)
  app.ws('/', { codec: 'raw' }, message => typeof message === 'string' ? `text ${message}` : `binary ${String(message)}`)
  const connection = await app.injectWS('/')
  const replies = []
  for (const message of ['plain', Buffer.from('bytes'), { a: 1 }, [1], null, 5, true]) {
    connection.send(message)
    replies.push(await connection.receive())
  }
  t.same(replies, ['text plain', 'binary bytes', 'text {"a":1}', 'text [1]', 'text null', 'text 5', 'text true'])
})

t.test('receive: JSON is parsed, other text is a string, binary a Buffer; in order', async t => {
  const app = await buildApp(t)
  app.ws('/', {
    codec: 'raw',
    onOpen: connection => { for (const message of ['{"a":1}', 'not JSON', Buffer.from('bytes'), 'null']) connection.send(message) }
  }, ignore)
  const connection = await app.injectWS('/')
  t.same([await connection.receive(), await connection.receive(), await connection.receive(), await connection.receive()], [{ a: 1 }, 'not JSON', Buffer.from('bytes'), null])
})

t.test('receives that wait are served in order', async t => {
  const app = await buildApp(t)
  app.ws('/', m => m)
  const connection = await app.injectWS('/')
  const waiting = Promise.all([connection.receive(), connection.receive()])
  connection.send(1)
  connection.send(2)
  t.same(await waiting, [1, 2])
})

t.test('messages of onOpen, which leave with the 101, are received', async t => {
  const app = await buildApp(t)
  app.ws('/', { onOpen: connection => { connection.send('welcome') } }, ignore)
  for (const chunkSize of [1, 10, undefined]) t.equal(await (await app.injectWS('/', { chunkSize })).receive(), 'welcome')
})

t.test('receive rejects once the server closes, whether it waits already or not', async t => {
  const app = await buildApp(t)
  app.ws('/', (_message, connection) => { connection.send('last'); connection.close(4000) })
  const connection = await app.injectWS('/')
  const first = connection.receive()
  const waiting = t.rejects(connection.receive(), { code: 'FST_ERR_WS_CLOSED' })
  connection.send(1)
  t.equal(await first, 'last')
  await waiting
  await t.rejects(connection.receive(), { code: 'FST_ERR_WS_CLOSED' })
})

t.test('messages that came before the close can be received after it', async t => {
  const app = await buildApp(t)
  app.ws('/', { onOpen: connection => { connection.send('one'); connection.close(4000) } }, ignore)
  const connection = await app.injectWS('/')
  await connection.expectClose(4000)
  t.equal(await connection.receive(), 'one')
  await t.rejects(connection.receive(), { code: 'FST_ERR_WS_CLOSED' })
})

t.test('expectClose waits for the close of the server and tells its reason', async t => {
  const app = await buildApp(t)
  app.ws('/', (_message, connection) => { connection.close(4001, 'enough') })
  const connection = await app.injectWS('/')
  connection.send(1)
  t.same(await connection.expectClose(4001), { code: 4001, reason: 'enough' })
})

t.test('expectClose rejects when the code is another one', async t => {
  const app = await buildApp(t)
  app.ws('/', { onOpen: connection => { connection.close(4001, 'enough') } }, ignore)
  await t.rejects((await app.injectWS('/')).expectClose(1000), { code: 'FST_ERR_WS_INJECT_CLOSE', message: /1000.*4001.*enough/ })
})

t.test('a connection that the server drops has closed with 1006', async t => {
  const app = await buildApp(t)
  app.ws('/', (_message, connection) => { connection.terminate() })
  const connection = await app.injectWS('/')
  connection.send(1)
  t.match(await connection.expectClose(1006), { code: 1006 })
})

t.test('close does the closing handshake, and settles when the server has closed', async t => {
  const app = await buildApp(t)
  const info = deferred<unknown>()
  app.ws('/', { onClose: (_connection, closeInfo) => { info.resolve(closeInfo) } }, ignore)
  await (await app.injectWS('/')).close(4002, 'bye')
  t.match(await info.promise, { code: 4002, reason: 'bye', wasClean: true })
})

t.test('close without a code is 1000', async t => {
  const app = await buildApp(t)
  const info = deferred<unknown>()
  app.ws('/', { onClose: (_connection, closeInfo) => { info.resolve(closeInfo) } }, ignore)
  await (await app.injectWS('/')).close()
  t.match(await info.promise, { code: 1000, wasClean: true })
})

t.test('terminate drops the connection without the closing handshake', async t => {
  const app = await buildApp(t)
  const info = deferred<unknown>()
  app.ws('/', { onClose: (_connection, closeInfo) => { info.resolve(closeInfo) } }, ignore)
  const connection = await app.injectWS('/')
  connection.terminate()
  t.match(await info.promise, { code: 1006, wasClean: false })
})

t.test('ping settles with the payload of the pong', async t => {
  const app = await buildApp(t)
  app.ws('/', ignore)
  const connection = await app.injectWS('/')
  t.same(await connection.ping(), Buffer.alloc(0))
  t.same(await connection.ping('payload'), Buffer.from('payload'))
})

t.test('a ping that is not answered rejects when the connection closes', async t => {
  const app = await buildApp(t)
  app.ws('/', (_message, connection) => { connection.terminate() })
  const connection = await app.injectWS('/')
  connection.send(1)
  await t.rejects(connection.ping(), { code: 'FST_ERR_WS_CLOSED' }, 'one that waits')
  await t.rejects(connection.ping(), { code: 'FST_ERR_WS_CLOSED' }, 'one that is too late')
})

t.test('pings of the server are answered', async t => {
  const app = await buildApp(t)
  const rtt = deferred<number>()
  app.ws('/', { onOpen: connection => { void connection.ping().then(rtt.resolve) } }, ignore)
  await app.injectWS('/')
  t.type(await rtt.promise, 'number')
})

t.test('write sends any bytes', async t => {
  const app = await buildApp(t)
  app.ws('/', m => m)
  const connection = await app.injectWS('/')
  connection.write(text('"by hand"'))
  t.equal(await connection.receive(), 'by hand')
  connection.write(Buffer.from([0xff, 0xff]))
  await connection.expectClose(1002)
})

t.test('send after the close does nothing', async t => {
  const app = await buildApp(t)
  app.ws('/', { onOpen: connection => { connection.close() } }, () => t.fail('no message'))
  const connection = await app.injectWS('/')
  await connection.expectClose(1000)
  connection.send(1)
})

t.test('app.close() closes it with 1001', async t => {
  const app = await buildApp(t)
  const info = deferred<unknown>()
  app.ws('/', { onClose: (_connection, closeInfo) => { info.resolve(closeInfo) } }, ignore)
  const connection = await app.injectWS('/')
  await app.close()
  t.same(await connection.expectClose(1001), { code: 1001, reason: 'server is closing' })
  t.match(await info.promise, { code: 1001, wasClean: true })
})

t.test('after app.close(), it rejects', async t => {
  const app = await buildApp(t)
  app.ws('/', ignore)
  await app.ready()
  await app.close()
  await t.rejects(app.injectWS('/'))
})

t.test('a scope injects by the full URL, too', async t => {
  const app = await buildApp(t)
  app.register(async scope => { scope.ws('/', m => m) }, { prefix: '/scope' })
  await app.injectWS('/scope')
  t.pass('opened')
})

t.test('a large message in both directions', async t => {
  const app = await buildApp(t, { maxPayload: 10_000_000 })
  app.ws('/', m => m)
  const connection = await app.injectWS('/')
  const message = 'x'.repeat(5_000_000)
  connection.send({ message })
  t.same(await connection.receive(), { message })
})

t.test('many at once are kept apart', async t => {
  const app = await buildApp(t)
  app.ws('/:n', { onOpen: (_connection, request) => (request.params as { n: string }).n }, (_message, connection) => connection.data)
  const connections = await Promise.all(Array.from({ length: 50 }, (_, n) => app.injectWS(`/${n}`)))
  const replies = await Promise.all(connections.map(connection => { connection.send(1); return connection.receive() }))
  t.same(replies, Array.from({ length: 50 }, (_, n) => String(n)))
})

t.test('it works on an https server', async t => {
  const app = Fastify({ https: selfSigned() })
  t.after(() => app.close())
  await app.register(typedWs)
  app.ws('/', { onOpen: (connection, request) => { connection.send(request.url) } }, ignore)
  const connection = await app.injectWS('/?a=1')
  t.equal(await connection.receive(), '/?a=1')
})

t.test('a chunkSize that is no size is refused', async t => {
  const app = await buildApp(t)
  app.ws('/', ignore)
  for (const chunkSize of [0, -1, NaN, 1.5]) await t.rejects(app.injectWS('/', { chunkSize }), { code: 'FST_ERR_WS_OPTION' }, String(chunkSize))
})
