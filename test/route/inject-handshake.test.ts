import t from 'tap'
import { buildApp, deferred } from '../helpers/app.ts'
import { overBoth } from '../helpers/over-both.ts'
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

overBoth('a Host header chooses the host of the request', async (t, build) => {
  const app = await build()
  app.ws('/', { onOpen: (connection, request) => { connection.send(request.host) } }, ignore)
  t.equal(await (await app.injectWS('/', { headers: { Host: 'chat.example:8080' } })).receive(), 'chat.example:8080')
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

overBoth('a scope injects by the full URL, too', async (t, build) => {
  const app = await build()
  app.register(async scope => { scope.ws('/', m => m) }, { prefix: '/scope' })
  await app.injectWS('/scope')
  t.pass('opened')
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

for (const [title, options] of Object.entries({ HTTPS: {}, 'HTTP/2 by TLS': { http2: true }, 'both versions': { http2: true, allowHTTP1: true } })) {
  t.test(`it works on a server of ${title}`, async t => {
    const { allowHTTP1, ...serverOptions } = { allowHTTP1: false, ...options }
    const app = await buildApp(t, {}, { ...serverOptions, https: { ...selfSigned(), allowHTTP1 } } as object)
    app.ws('/', { onOpen: (connection, request) => { connection.send(request.url) } }, ignore)
    const connection = await app.injectWS('/?a=1')
    t.equal(await connection.receive(), '/?a=1')
  })
}
