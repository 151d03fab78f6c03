import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { FastifyInstance, FastifyServerOptions } from 'fastify'
import t from 'tap'
import type { Test } from 'tap'
import type { WsPluginOptions } from '../../types/index.ts'
import { buildApp, deferred } from '../helpers/app.ts'
import { text } from '../helpers/bytes.ts'
import { selfSigned } from '../helpers/tls.ts'

const ignore = (): void => {}

type Build = (options?: WsPluginOptions, serverOptions?: FastifyServerOptions) => Promise<FastifyInstance>

/** One test of each version of HTTP; `build` makes an app that speaks it. */
function overBoth (title: string, test: (t: Test, build: Build, isHttp2: boolean) => Promise<void>): void {
  for (const isHttp2 of [false, true]) {
    t.test(`${title} (HTTP/${isHttp2 ? 2 : 1.1})`, t => test(t, (options, serverOptions) => buildApp(t, options, { ...serverOptions, ...(isHttp2 ? { http2: true } : {}) } as object), isHttp2))
  }
}

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

overBoth('it works before listen(), and readies the app', async (t, build) => {
  const app = await build()
  let ready = false
  app.addHook('onReady', async () => { ready = true })
  app.ws('/', m => m)
  const connection = await app.injectWS('/')
  t.ok(ready)
  t.notOk(app.server.listening)
  connection.send({ hello: 1 })
  t.same(await connection.receive(), { hello: 1 })
})

overBoth('every hook runs, in the order of REST', async (t, build) => {
  const app = await build()
  const ran: string[] = []
  for (const hook of ['onRequest', 'preParsing', 'preValidation', 'preHandler'] as const) app.addHook(hook, async () => { ran.push(hook) })
  app.ws('/', { onOpen: () => { ran.push('onOpen') } }, ignore)
  await app.injectWS('/')
  t.same(ran, ['onRequest', 'preParsing', 'preValidation', 'preHandler', 'onOpen'])
})

overBoth('header names arrive in lower case, and repeated ones as Node joins them', async (t, build, isHttp2) => {
  const app = await build()
  const seen = deferred<Record<string, unknown>>()
  app.ws('/', { onOpen: (_connection, request) => { seen.resolve({ ...request.headers, host: request.host }) } }, ignore)
  await app.injectWS('/', { headers: { 'X-Trace-ID': 'Abc', Cookie: ['a=1', 'b=2'] } })
  const headers = await seen.promise
  t.match(headers, { 'x-trace-id': 'Abc', cookie: 'a=1; b=2', 'sec-websocket-version': '13' })
  t.match(headers, isHttp2 ? { ':authority': 'localhost', ':protocol': 'websocket' } : { host: 'localhost', upgrade: 'websocket' })
})

overBoth('the URL may be a path without its slash, or whole, as app.inject takes it', async (t, build) => {
  const app = await build()
  app.ws('/a', { onOpen: (connection, request) => { connection.send(request.url) } }, ignore)
  for (const url of ['/a?x=1', 'a?x=1', 'ws://localhost/a?x=1']) t.equal(await (await app.injectWS(url)).receive(), '/a?x=1')
})

overBoth('query is added to the URL', async (t, build) => {
  const app = await build()
  app.ws('/', { onOpen: (connection, request) => { connection.send(request.query) } }, ignore)
  const query = { name: 'Ann & Bob', b: '2' }
  t.same(await (await app.injectWS('/', { query })).receive(), query)
  t.same(await (await app.injectWS('/?a=1', { query })).receive(), { a: '1', ...query })
  t.same(await (await app.injectWS('/?a=1', { query: 'b=2&c=3' })).receive(), { a: '1', b: '2', c: '3' })
  t.same(await (await app.injectWS('/', { query: '?b=2' })).receive(), { b: '2' })
})

overBoth('request.ip is remoteAddress', async (t, build) => {
  const app = await build()
  app.ws('/', { onOpen: (connection, request) => { connection.send(request.ip) } }, ignore)
  t.equal(await (await app.injectWS('/')).receive(), '127.0.0.1')
  t.equal(await (await app.injectWS('/', { remoteAddress: '203.0.113.7' })).receive(), '203.0.113.7')
})

overBoth('remoteAddress counts for trustProxy', async (t, build) => {
  const app = await build({}, { trustProxy: '10.0.0.0/8' })
  app.ws('/', { onOpen: (connection, request) => { connection.send(request.ip) } }, ignore)
  const headers = { 'X-Forwarded-For': '203.0.113.7' }
  t.equal(await (await app.injectWS('/', { headers, remoteAddress: '10.1.2.3' })).receive(), '203.0.113.7')
  t.equal(await (await app.injectWS('/', { headers, remoteAddress: '192.0.2.1' })).receive(), '192.0.2.1')
})

overBoth('an Origin header is judged as any', async (t, build) => {
  const app = await build()
  app.ws('/', ignore)
  await app.injectWS('/', { headers: { Origin: 'http://localhost' } })
  const { response } = await rejectionOf(app.injectWS('/', { headers: { Origin: 'https://evil.net' } }))
  t.equal(response.statusCode, 403)
})

overBoth('protocols are offered, and the chosen one is known', async (t, build) => {
  const app = await build({ subprotocols: ['b', 'c'] })
  app.ws('/', ignore)
  t.equal((await app.injectWS('/', { protocols: ['a', 'c', 'b'] })).protocol, 'c')
  t.equal((await app.injectWS('/', { protocols: ['x'] })).protocol, '')
  t.equal((await app.injectWS('/', { protocols: [] })).protocol, '')
})

overBoth('the headers of the 101, or of the 200, are there', async (t, build, isHttp2) => {
  const app = await build()
  app.ws('/', { onRequest: async (_request, reply) => { void reply.header('x-hook', 'ran').header('set-cookie', ['a=1', 'b=2']) } }, ignore)
  const { headers } = await app.injectWS('/')
  t.match(headers, { 'x-hook': 'ran', 'set-cookie': ['a=1', 'b=2'] })
  t.equal(headers.upgrade, isHttp2 ? undefined : 'websocket')
})

overBoth('with chunkSize 1, messages of every size pass through unharmed, both ways', async (t, build) => {
  const app = await build()
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

overBoth('a refused upgrade rejects with the response, as app.inject would give it', async (t, build) => {
  const app = await build()
  app.ws('/', { onRequest: async (_request, reply) => await reply.code(401).header('x-why', 'because').send({ error: 'no' }) }, ignore)
  const error = await rejectionOf(app.injectWS('/'))
  t.equal(error.code, 'FST_ERR_WS_INJECT_REJECTED')
  t.match(error.message, /401/)
  t.equal(error.response.statusCode, 401)
  t.equal(error.response.headers['x-why'], 'because')
  t.equal(error.response.payload, '{"error":"no"}')
  t.same(error.response.json(), { error: 'no' })
})

overBoth('an unknown URL rejects with 404', async (t, build) => {
  const app = await build()
  t.equal((await rejectionOf(app.injectWS('/nowhere'))).response.statusCode, 404)
})

overBoth('a REST URL rejects with its reply', async (t, build) => {
  const app = await build()
  app.get('/', async () => ({ rest: true }))
  t.same((await rejectionOf(app.injectWS('/'))).response.json(), { rest: true })
})

overBoth('a refusal by a client in one-byte chunks is whole', async (t, build) => {
  const app = await build()
  app.ws('/', { onRequest: async (_request, reply) => await reply.code(401).send('x'.repeat(1_000)) }, ignore)
  t.equal((await rejectionOf(app.injectWS('/', { chunkSize: 1 }))).response.payload.length, 1_000)
})

overBoth('a hook that never answers rejects with 503', async (t, build) => {
  const app = await build({ handshakeTimeout: 30 })
  app.ws('/', { preHandler: (_request, _reply, _done) => {} }, ignore)
  t.match((await rejectionOf(app.injectWS('/'))).response.json(), { code: 'FST_ERR_WS_HANDSHAKE_TIMEOUT' })
})

overBoth('an app that does not start rejects with why', async (t, build) => {
  const app = await build()
  app.addHook('onReady', async () => { throw new Error('no database') })
  await t.rejects(app.injectWS('/'), { message: 'no database' })
})

overBoth('send: strings and Buffers as they are, all else as JSON', async (t, build) => {
  const app = await build()
  app.ws('/', { codec: 'raw' }, message => typeof message === 'string' ? `text ${message}` : `binary ${String(message)}`)
  const connection = await app.injectWS('/')
  const replies = []
  for (const message of ['plain', Buffer.from('bytes'), { a: 1 }, [1], null, 5, true]) {
    connection.send(message)
    replies.push(await connection.receive())
  }
  t.same(replies, ['text plain', 'binary bytes', 'text {"a":1}', 'text [1]', 'text null', 'text 5', 'text true'])
})

overBoth('receive: JSON is parsed, other text is a string, binary a Buffer; in order', async (t, build) => {
  const app = await build()
  app.ws('/', {
    codec: 'raw',
    onOpen: connection => { for (const message of ['{"a":1}', 'not JSON', Buffer.from('bytes'), 'null']) connection.send(message) }
  }, ignore)
  const connection = await app.injectWS('/')
  t.same([await connection.receive(), await connection.receive(), await connection.receive(), await connection.receive()], [{ a: 1 }, 'not JSON', Buffer.from('bytes'), null])
})

overBoth('receives that wait are served in order', async (t, build) => {
  const app = await build()
  app.ws('/', m => m)
  const connection = await app.injectWS('/')
  const waiting = Promise.all([connection.receive(), connection.receive()])
  connection.send(1)
  connection.send(2)
  t.same(await waiting, [1, 2])
})

overBoth('messages of onOpen, which leave with the 101, are received', async (t, build) => {
  const app = await build()
  app.ws('/', { onOpen: connection => { connection.send('welcome') } }, ignore)
  for (const chunkSize of [1, 10, undefined]) t.equal(await (await app.injectWS('/', { chunkSize })).receive(), 'welcome')
})

overBoth('receive rejects once the server closes, whether it waits already or not', async (t, build) => {
  const app = await build()
  app.ws('/', (_message, connection) => { connection.send('last'); connection.close(4000) })
  const connection = await app.injectWS('/')
  const first = connection.receive()
  const waiting = t.rejects(connection.receive(), { code: 'FST_ERR_WS_CLOSED' })
  connection.send(1)
  t.equal(await first, 'last')
  await waiting
  await t.rejects(connection.receive(), { code: 'FST_ERR_WS_CLOSED' })
})

overBoth('messages that came before the close can be received after it', async (t, build) => {
  const app = await build()
  app.ws('/', { onOpen: connection => { connection.send('one'); connection.close(4000) } }, ignore)
  const connection = await app.injectWS('/')
  await connection.expectClose(4000)
  t.equal(await connection.receive(), 'one')
  await t.rejects(connection.receive(), { code: 'FST_ERR_WS_CLOSED' })
})

overBoth('expectClose waits for the close of the server and tells its reason', async (t, build) => {
  const app = await build()
  app.ws('/', (_message, connection) => { connection.close(4001, 'enough') })
  const connection = await app.injectWS('/')
  connection.send(1)
  t.same(await connection.expectClose(4001), { code: 4001, reason: 'enough' })
})

overBoth('expectClose rejects when the code is another one', async (t, build) => {
  const app = await build()
  app.ws('/', { onOpen: connection => { connection.close(4001, 'enough') } }, ignore)
  await t.rejects((await app.injectWS('/')).expectClose(1000), { code: 'FST_ERR_WS_INJECT_CLOSE', message: /1000.*4001.*enough/ })
})

overBoth('a connection that the server drops has closed with 1006', async (t, build) => {
  const app = await build()
  app.ws('/', (_message, connection) => { connection.terminate() })
  const connection = await app.injectWS('/')
  connection.send(1)
  t.match(await connection.expectClose(1006), { code: 1006 })
})

overBoth('close does the closing handshake, and settles when the server has closed', async (t, build) => {
  const app = await build()
  const info = deferred<unknown>()
  app.ws('/', { onClose: (_connection, closeInfo) => { info.resolve(closeInfo) } }, ignore)
  await (await app.injectWS('/')).close(4002, 'bye')
  t.match(await info.promise, { code: 4002, reason: 'bye', wasClean: true })
})

overBoth('close without a code is 1000', async (t, build) => {
  const app = await build()
  const info = deferred<unknown>()
  app.ws('/', { onClose: (_connection, closeInfo) => { info.resolve(closeInfo) } }, ignore)
  await (await app.injectWS('/')).close()
  t.match(await info.promise, { code: 1000, wasClean: true })
})

overBoth('terminate drops the connection without the closing handshake', async (t, build) => {
  const app = await build()
  const info = deferred<unknown>()
  app.ws('/', { onClose: (_connection, closeInfo) => { info.resolve(closeInfo) } }, ignore)
  const connection = await app.injectWS('/')
  connection.terminate()
  t.match(await info.promise, { code: 1006, wasClean: false })
})

overBoth('ping settles with the payload of the pong', async (t, build) => {
  const app = await build()
  app.ws('/', ignore)
  const connection = await app.injectWS('/')
  t.same(await connection.ping(), Buffer.alloc(0))
  t.same(await connection.ping('payload'), Buffer.from('payload'))
})

overBoth('a ping that is not answered rejects when the connection closes', async (t, build) => {
  const app = await build()
  app.ws('/', (_message, connection) => { connection.terminate() })
  const connection = await app.injectWS('/')
  connection.send(1)
  await t.rejects(connection.ping(), { code: 'FST_ERR_WS_CLOSED' }, 'one that waits')
  await t.rejects(connection.ping(), { code: 'FST_ERR_WS_CLOSED' }, 'one that is too late')
})

overBoth('pings of the server are answered', async (t, build) => {
  const app = await build()
  const rtt = deferred<number>()
  app.ws('/', { onOpen: connection => { void connection.ping().then(rtt.resolve) } }, ignore)
  await app.injectWS('/')
  t.type(await rtt.promise, 'number')
})

overBoth('write sends any bytes', async (t, build) => {
  const app = await build()
  app.ws('/', m => m)
  const connection = await app.injectWS('/')
  connection.write(text('"by hand"'))
  t.equal(await connection.receive(), 'by hand')
  connection.write(Buffer.from([0xff, 0xff]))
  await connection.expectClose(1002)
})

overBoth('send after the close does nothing', async (t, build) => {
  const app = await build()
  app.ws('/', { onOpen: connection => { connection.close() } }, () => t.fail('no message'))
  const connection = await app.injectWS('/')
  await connection.expectClose(1000)
  connection.send(1)
})

overBoth('app.close() closes it with 1001', async (t, build) => {
  const app = await build()
  const info = deferred<unknown>()
  app.ws('/', { onClose: (_connection, closeInfo) => { info.resolve(closeInfo) } }, ignore)
  const connection = await app.injectWS('/')
  await app.close()
  t.same(await connection.expectClose(1001), { code: 1001, reason: 'server is closing' })
  t.match(await info.promise, { code: 1001, wasClean: true })
})

overBoth('after app.close(), it rejects', async (t, build) => {
  const app = await build()
  app.ws('/', ignore)
  await app.ready()
  await app.close()
  await t.rejects(app.injectWS('/'))
})

overBoth('a scope injects by the full URL, too', async (t, build) => {
  const app = await build()
  app.register(async scope => { scope.ws('/', m => m) }, { prefix: '/scope' })
  await app.injectWS('/scope')
  t.pass('opened')
})

overBoth('a large message in both directions', async (t, build) => {
  const app = await build({ maxPayload: 10_000_000 })
  app.ws('/', m => m)
  const connection = await app.injectWS('/')
  const message = 'x'.repeat(5_000_000)
  connection.send({ message })
  t.same(await connection.receive(), { message })
})

overBoth('many at once are kept apart', async (t, build) => {
  const app = await build()
  app.ws('/:n', { onOpen: (_connection, request) => (request.params as { n: string }).n }, (_message, connection) => connection.data)
  const connections = await Promise.all(Array.from({ length: 50 }, (_, n) => app.injectWS(`/${n}`)))
  const replies = await Promise.all(connections.map(connection => { connection.send(1); return connection.receive() }))
  t.same(replies, Array.from({ length: 50 }, (_, n) => String(n)))
})

for (const [title, options] of Object.entries({ HTTPS: {}, 'HTTP/2 by TLS': { http2: true }, 'both versions': { http2: true, allowHTTP1: true } })) {
  t.test(`it works on a server of ${title}`, async t => {
    const { allowHTTP1, ...serverOptions } = { allowHTTP1: false, ...options }
    const app = await buildApp(t, {}, { ...serverOptions, https: { ...selfSigned(), allowHTTP1 } } as object)
    app.ws('/', { onOpen: (connection, request) => { connection.send(request.url) } }, ignore)
    const connection = await app.injectWS('/?a=1')
    t.equal(await connection.receive(), '/?a=1')
  })
}

overBoth('a chunkSize that is no size is refused', async (t, build) => {
  const app = await build()
  app.ws('/', ignore)
  for (const chunkSize of [0, -1, NaN, 1.5]) await t.rejects(app.injectWS('/', { chunkSize }), { code: 'FST_ERR_WS_OPTION' }, String(chunkSize))
})

overBoth('a Host header chooses the host of the request', async (t, build) => {
  const app = await build()
  app.ws('/', { onOpen: (connection, request) => { connection.send(request.host) } }, ignore)
  t.equal(await (await app.injectWS('/', { headers: { Host: 'chat.example:8080' } })).receive(), 'chat.example:8080')
})

overBoth('a connection that is left open keeps no process alive', async (t, _build, isHttp2) => {
  const script = `
    import Fastify from 'fastify'
    import typedWs from ${JSON.stringify(new URL('../../lib/index.js', import.meta.url).href)}
    const app = Fastify({ http2: ${isHttp2} })
    await app.register(typedWs)
    app.ws('/', message => message)
    const connection = await app.injectWS('/')
    connection.send(1)
    process.stdout.write(String(await connection.receive()))
    await app.injectWS('/nowhere').catch(({ response }) => process.stdout.write(String(response.statusCode)))`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => child.kill())
  let printed = ''
  child.stdout.on('data', (chunk: Buffer) => { printed += String(chunk) })
  t.same(await once(child, 'close'), [0, null])
  t.equal(printed, '1404')
})
