import cookie from '@fastify/cookie'
import jwt from '@fastify/jwt'
import Fastify from 'fastify'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import t from 'tap'
import typedWs from '../../lib/index.ts'
import { buildApp, deferred, listen, logLines } from '../helpers/app.ts'
import { text } from '../helpers/bytes.ts'
import { RawClient } from '../helpers/raw-client.ts'
import type { HttpReply, RawRequest } from '../helpers/raw-client.ts'

const ignore = (): void => {}

/** The reply to an upgrade that is refused. */
async function refusal (port: number, path: string, request?: RawRequest): Promise<HttpReply & { json: Record<string, unknown> }> {
  const client = await RawClient.connect(port)
  client.request(path, request)
  const reply = await client.reply()
  await client.ended()
  client.socket.end()
  return { ...reply, json: JSON.parse(reply.body) }
}

/** What `onOpen` sees of the request that `ask` sends. */
async function seenRequest (app: FastifyInstance, url: string, path: string, request?: RawRequest): Promise<FastifyRequest> {
  const seen = deferred<FastifyRequest>()
  app.ws(url, { onOpen: (_connection, request) => { seen.resolve(request as FastifyRequest) } }, ignore)
  await RawClient.open(await listen(app), path, request)
  return await seen.promise
}

t.test('app.ws answers the instance, as app.get does', async t => {
  const app = await buildApp(t)
  t.equal(app.ws('/a', ignore), app)
  t.equal(app.ws('/b', {}, ignore), app)
})

t.test('a route can be declared before the plugin of its scope is loaded and after it is', async t => {
  const app = await buildApp(t)
  app.register(async scope => { scope.ws('/early', m => m) })
  app.after(() => { app.ws('/late', m => m) })
  const port = await listen(app)
  for (const path of ['/early', '/late']) {
    const client = await RawClient.open(port, path)
    client.send({ path })
    t.same(await client.message(), { path })
  }
})

t.test('a prefix counts, however deep', async t => {
  const app = await buildApp(t)
  app.register(async api => {
    await api.register(async v1 => { v1.ws('/socket', m => m) }, { prefix: '/v1' })
  }, { prefix: '/api' })
  const port = await listen(app)
  await RawClient.open(port, '/api/v1/socket')
  t.equal((await refusal(port, '/socket')).statusCode, 404)
})

t.test('the root of a prefixed scope is a route with and without its slash', async t => {
  const app = await buildApp(t)
  app.register(async scope => { scope.ws('/', m => m) }, { prefix: '/chat' })
  const port = await listen(app)
  await RawClient.open(port, '/chat')
  await RawClient.open(port, '/chat/')
  t.pass('both upgraded')
})

t.test('hooks of a sibling scope do not run', async t => {
  const app = await buildApp(t)
  app.register(async scope => {
    scope.addHook('onRequest', async () => { throw new Error('not for you') })
    scope.ws('/guarded', m => m)
  })
  app.register(async scope => { scope.ws('/free', m => m) })
  const port = await listen(app)
  await RawClient.open(port, '/free')
  t.equal((await refusal(port, '/guarded')).statusCode, 500)
})

t.test('decorators of the scope are there, on the instance and on the request', async t => {
  const app = await buildApp(t)
  const seen = deferred<unknown>()
  app.register(async scope => {
    scope.decorate('answer', 42)
    scope.decorateRequest('tenant', 'acme')
    scope.ws('/', {
      onOpen (_connection, request) { seen.resolve([this.getDecorator('answer'), request.getDecorator('tenant')]) }
    }, ignore)
  })
  await RawClient.open(await listen(app), '/')
  t.same(await seen.promise, [42, 'acme'])
})

t.test('this is the encapsulating instance in the handler, onOpen and onClose', async t => {
  const app = await buildApp(t)
  const scopes: unknown[] = []
  const closed = deferred()
  let own: unknown
  app.register(async scope => {
    own = scope
    scope.ws('/', {
      onOpen () { scopes.push(this) },
      onClose () { scopes.push(this); closed.resolve() }
    }, function () {
      scopes.push(this)
      return 'handled'
    })
  }, { prefix: '/scope' })
  const client = await RawClient.open(await listen(app), '/scope/')
  client.send(1)
  await client.message()
  await client.close(1000)
  await closed.promise
  t.ok(own !== app && scopes.length === 3 && scopes.every(scope => scope === own), 'three times the scope')
})

t.test('this is the encapsulating instance in the handlers of a map', async t => {
  const app = await buildApp(t)
  let seen: unknown
  const schema = { receive: { type: 'object', required: ['type'], properties: { type: { const: 'go' } } } } as const
  app.ws('/', { schema }, { go (this: unknown) { seen = this; return {} } } as never)
  const client = await RawClient.open(await listen(app), '/')
  client.send({ type: 'go' })
  await client.message()
  t.equal(seen, app)
})

t.test('params, query and headers reach onOpen as a REST handler would see them', async t => {
  const app = await buildApp(t)
  const request = await seenRequest(app, '/rooms/:room', '/rooms/lobby?name=Ann&name=Bob', { headers: { 'X-Trace': 'abc' } })
  t.same(request.params, { room: 'lobby' })
  t.same(request.query, { name: ['Ann', 'Bob'] })
  t.equal(request.headers['x-trace'], 'abc')
})

for (const [part, schema, bad, good] of [
  ['querystring', { querystring: { type: 'object', required: ['n'], properties: { n: { type: 'integer' } } } }, '/x/1?n=one', '/x/1?n=1'],
  ['params', { params: { type: 'object', properties: { id: { type: 'integer' } } } }, '/x/one?n=1', '/x/1?n=1'],
  ['query', { query: { type: 'object', required: ['n'], properties: { n: { type: 'integer' } } } }, '/x/1', '/x/1?n=1']
] as const) {
  t.test(`a ${part} that is not valid is answered 400 before the 101`, async t => {
    const app = await buildApp(t)
    app.ws('/x/:id', { schema: schema as object, onOpen: () => t.fail('not to be opened') }, ignore)
    app.ws('/good/:id', { schema: schema as object }, ignore)
    const port = await listen(app)
    const { statusCode, json } = await refusal(port, bad)
    t.equal(statusCode, 400)
    t.match(json, { code: 'FST_ERR_VALIDATION', message: new RegExp(`^${part === 'query' ? 'querystring' : part}`) })
    await RawClient.open(port, good.replace('/x/', '/good/'))
  })
}

t.test('headers that are not valid are answered 400 before the 101', async t => {
  const app = await buildApp(t)
  app.ws('/', { schema: { headers: { type: 'object', required: ['x-key'], properties: { 'x-key': { type: 'string', minLength: 3 } } } } }, ignore)
  const port = await listen(app)
  t.match(await refusal(port, '/', { headers: { 'X-Key': 'ab' } }), { statusCode: 400, json: { message: /^headers\/x-key/ } })
  await RawClient.open(port, '/', { headers: { 'X-Key': 'abc' } })
})

t.test('the querystring is coerced by its schema, as in REST', async t => {
  const app = await buildApp(t)
  const seen = deferred<unknown>()
  const querystring = { type: 'object', properties: { n: { type: 'integer' }, size: { type: 'integer', default: 10 } } }
  app.ws('/', { schema: { querystring }, onOpen: (_connection, request) => { seen.resolve(request.query) } }, ignore)
  await RawClient.open(await listen(app), '/?n=5')
  t.same(await seen.promise, { n: 5, size: 10 })
})

t.test('attachValidation lets the route decide about an invalid request', async t => {
  const app = await buildApp(t)
  const seen = deferred<unknown>()
  app.ws('/', {
    attachValidation: true,
    schema: { querystring: { type: 'object', required: ['n'], properties: { n: { type: 'integer' } } } },
    onOpen: (_connection, request) => { seen.resolve(request.validationError?.message) }
  }, ignore)
  await RawClient.open(await listen(app), '/')
  t.equal(await seen.promise, "querystring must have required property 'n'")
})

t.test('a route errorHandler answers in place of the 101', async t => {
  const app = await buildApp(t)
  app.ws('/', {
    preHandler: async () => { throw new Error('no') },
    errorHandler: (error, _request, reply) => { void reply.code(418).header('x-by', 'route').send({ told: error.message }) }
  }, ignore)
  const { statusCode, headers, json } = await refusal(await listen(app), '/')
  t.equal(statusCode, 418)
  t.equal(headers['x-by'], 'route')
  t.same(json, { told: 'no' })
})

t.test("the error handler of the route's scope answers, not the root's", async t => {
  const app = await buildApp(t)
  app.setErrorHandler((_error, _request, reply) => reply.code(500).send({ by: 'root' }))
  app.register(async scope => {
    scope.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => reply.code(error.statusCode ?? 500).send({ by: 'scope', told: error.message }))
    scope.ws('/', { onRequest: async () => { throw Object.assign(new Error('no'), { statusCode: 402 }) } }, ignore)
  }, { prefix: '/scope' })
  t.match(await refusal(await listen(app), '/scope/'), { statusCode: 402, json: { by: 'scope', told: 'no' } })
})

t.test('a faulty handshake goes through the error handler too', async t => {
  const app = await buildApp(t)
  app.setErrorHandler((error: Error & { code: string, statusCode: number }, _request, reply) => reply.code(error.statusCode).send({ seen: error.code }))
  app.ws('/', ignore)
  t.match(await refusal(await listen(app), '/', { headers: { 'Sec-WebSocket-Key': 'short' } }), { statusCode: 400, json: { seen: 'FST_ERR_WS_HANDSHAKE' } })
})

t.test("the not-found handler of the URL's scope answers an unknown URL", async t => {
  const app = await buildApp(t)
  app.setNotFoundHandler((_request, reply) => reply.code(404).send({ by: 'root' }))
  app.register(async scope => {
    scope.setNotFoundHandler((request, reply) => reply.code(404).send({ by: 'scope', url: request.url }))
    scope.ws('/known', ignore)
  }, { prefix: '/scope' })
  const port = await listen(app)
  t.match(await refusal(port, '/elsewhere'), { statusCode: 404, json: { by: 'root' } })
  t.match(await refusal(port, '/scope/elsewhere'), { statusCode: 404, json: { by: 'scope', url: '/scope/elsewhere' } })
})

t.test('the hooks of a not-found handler run for an unknown URL', async t => {
  const app = await buildApp(t)
  const preHandler = async (_request: FastifyRequest, reply: FastifyReply): Promise<void> => { void reply.header('x-hook', 'ran') }
  app.setNotFoundHandler({ preHandler }, (_request, reply) => reply.code(404).send({}))
  t.match(await refusal(await listen(app), '/nowhere'), { statusCode: 404, headers: { 'x-hook': 'ran' } })
})

t.test('request.log and connection.log are one logger, bound to the request id', async t => {
  const { lines, stream } = logLines()
  const app = await buildApp(t, {}, { logger: { stream }, genReqId: () => 'req-x' })
  app.ws('/', {
    onOpen (connection, request) {
      t.equal(connection.log, request.log)
      connection.log.info('opened')
    }
  }, (_message, connection) => { connection.log.info('handled'); return 1 })
  const client = await RawClient.open(await listen(app), '/')
  client.send(1)
  await client.message()
  t.match(lines.find(line => line.msg === 'opened'), { reqId: 'req-x' })
  t.match(lines.find(line => line.msg === 'handled'), { reqId: 'req-x' })
})

t.test('an accepted upgrade has its line "request completed" with status 101', async t => {
  const { lines, stream } = logLines()
  const app = await buildApp(t, {}, { logger: { stream } })
  const responded = deferred()
  app.addHook('onResponse', async () => { responded.resolve() })
  app.ws('/', ignore)
  await RawClient.open(await listen(app), '/')
  await responded.promise
  t.match(lines.filter(line => line.msg === 'request completed'), [{ res: { statusCode: 101 } }])
})

t.test("a route's logLevel holds for its connections", async t => {
  const { lines, stream } = logLines()
  const app = await buildApp(t, {}, { logger: { stream } })
  app.ws('/', { logLevel: 'error' }, (_message, connection) => {
    connection.log.info('too low')
    connection.log.error('high enough')
    return 1
  })
  const client = await RawClient.open(await listen(app), '/')
  client.send(1)
  await client.message()
  t.same(lines.map(line => line.msg).filter(msg => msg === 'too low' || msg === 'high enough'), ['high enough'])
  t.notOk(lines.some(line => line.msg === 'incoming request'), 'nor are its requests logged')
})

t.test('the childLoggerFactory of the route makes the logger of the connection', async t => {
  const { lines, stream } = logLines()
  const app = await buildApp(t, {}, { logger: { stream } })
  app.ws('/', {
    childLoggerFactory: (logger, bindings, options) => logger.child({ ...bindings, tenant: 'acme' }, options)
  }, (_message, connection) => { connection.log.info('handled'); return 1 })
  const client = await RawClient.open(await listen(app), '/')
  client.send(1)
  await client.message()
  t.match(lines.find(line => line.msg === 'handled'), { tenant: 'acme' })
})

t.test('the config of the route is in request.routeOptions, for hooks and onOpen', async t => {
  const app = await buildApp(t)
  const seen: unknown[] = []
  app.addHook('onRequest', async request => { seen.push(request.routeOptions.config) })
  app.ws('/', { config: { role: 'admin' } as object, onOpen: (_connection, request) => { seen.push(request.routeOptions.config) } }, () => 1)
  const client = await RawClient.open(await listen(app), '/')
  client.send(1)
  await client.message()
  t.match(seen, [{ role: 'admin', url: '/', method: 'GET' }, { role: 'admin' }])
})

t.test('with trustProxy, ip, protocol and host are those that the proxy saw', async t => {
  const app = await buildApp(t, {}, { trustProxy: true })
  const headers = { 'X-Forwarded-For': '203.0.113.7', 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'chat.example.com' }
  const { ip, protocol, host } = await seenRequest(app, '/', '/', { headers })
  t.same({ ip, protocol, host }, { ip: '203.0.113.7', protocol: 'https', host: 'chat.example.com' })
})

t.test('without trustProxy, what a client says of itself is not believed', async t => {
  const app = await buildApp(t)
  const headers = { Host: 'real.example.com', 'X-Forwarded-For': '203.0.113.7', 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'chat.example.com' }
  const { ip, protocol, host } = await seenRequest(app, '/', '/', { headers })
  t.same({ ip, protocol, host }, { ip: '127.0.0.1', protocol: 'http', host: 'real.example.com' })
})

t.test('rewriteUrl is applied before the route is looked up', async t => {
  const app = await buildApp(t, {}, { rewriteUrl: request => (request.url ?? '').replace('/old', '/new') })
  const request = await seenRequest(app, '/new', '/old?x=1')
  t.equal(request.url, '/new?x=1')
  t.equal(request.originalUrl, '/old?x=1')
})

t.test('router options hold: case, trailing slash and an own querystring parser', async t => {
  const app = await buildApp(t, {}, {
    routerOptions: { caseSensitive: false, ignoreTrailingSlash: true, querystringParser: query => ({ raw: query }) }
  })
  const request = await seenRequest(app, '/Socket', '/sOCKET/?a=1')
  t.same(request.query, { raw: 'a=1' })
})

t.test('headers that hooks set are on the 101, Set-Cookie each on its own', async t => {
  const app = await buildApp(t)
  app.addHook('onRequest', async (_request, reply) => {
    void reply.header('X-Trace', 'abc').header('Set-Cookie', 'a=1').header('Set-Cookie', 'b=2')
  })
  app.ws('/', ignore)
  const client = await RawClient.connect(await listen(app))
  client.request('/')
  const { statusCode, headers } = await client.reply()
  t.equal(statusCode, 101)
  t.equal(headers['x-trace'], 'abc')
  t.equal(headers['set-cookie'], 'a=1, b=2')
})

t.test('hooks cannot spoil the 101: its own headers win, and it has no body', async t => {
  const app = await buildApp(t)
  app.addHook('onRequest', async (_request, reply) => {
    void reply.headers({
      Connection: 'close',
      Upgrade: 'h2c',
      'Content-Length': '5',
      'Content-Type': 'text/plain',
      'Transfer-Encoding': 'chunked',
      'Sec-WebSocket-Accept': 'forged',
      'Sec-WebSocket-Extensions': 'permessage-deflate',
      'Sec-WebSocket-Protocol': 'forged'
    })
  })
  app.ws('/', m => m)
  const client = await RawClient.connect(await listen(app))
  client.request('/')
  const { headers } = await client.reply()
  t.match(headers, { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-accept': 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=' })
  for (const name of ['content-length', 'content-type', 'transfer-encoding', 'sec-websocket-extensions', 'sec-websocket-protocol']) {
    t.notOk(name in headers, name)
  }
  client.send('still frames')
  t.equal(await client.message(), 'still frames')
})

t.test('@fastify/cookie: its hook reads cookies before ours and sets them on the 101', async t => {
  const app = await buildApp(t)
  await app.register(cookie)
  app.ws('/', {
    onRequest: async (request, reply) => {
      if (request.cookies.session !== 'abc') return await reply.code(401).send({ error: 'no session' })
      void reply.setCookie('seen', '1', { path: '/' })
    }
  }, ignore)
  const port = await listen(app)
  t.match(await refusal(port, '/'), { statusCode: 401, json: { error: 'no session' } })
  const client = await RawClient.connect(port)
  client.request('/', { headers: { Cookie: 'session=abc' } })
  t.match(await client.reply(), { statusCode: 101, headers: { 'set-cookie': 'seen=1; Path=/' } })
})

t.test('@fastify/jwt: jwtVerify guards a route, registered before or after the plugin', async t => {
  for (const isFirst of [true, false]) {
    const app = Fastify()
    t.after(() => { RawClient.dropAll(); return app.close() })
    if (isFirst) await app.register(jwt, { secret: 'a secret of tests' })
    await app.register(typedWs)
    if (!isFirst) await app.register(jwt, { secret: 'a secret of tests' })
    const user = deferred<unknown>()
    app.ws('/', { onRequest: async request => { await request.jwtVerify() }, onOpen: (_connection, request) => { user.resolve(request.user) } }, ignore)
    const port = await listen(app)
    t.match(await refusal(port, '/'), { statusCode: 401, json: { code: 'FST_JWT_NO_AUTHORIZATION_IN_HEADER' } })
    await RawClient.open(port, '/', { headers: { Authorization: `Bearer ${app.jwt.sign({ name: 'Ann' })}` } })
    t.match(await user.promise, { name: 'Ann' })
  }
})

t.test('addHttpMethod, versions and hosts: the other constraints of Fastify stand beside ours', async t => {
  const app = await buildApp(t)
  app.ws('/x', { constraints: { version: '1.0.0' }, onOpen: connection => { connection.send('v1') } }, ignore)
  app.ws('/x', { constraints: { version: '2.0.0' }, onOpen: connection => { connection.send('v2') } }, ignore)
  const port = await listen(app)
  for (const [version, greeting] of [['1.x', 'v1'], ['2.x', 'v2']] as const) {
    const client = await RawClient.open(port, '/x', { headers: { 'Accept-Version': version } })
    t.equal(await client.message(), greeting)
  }
  t.equal((await refusal(port, '/x', { headers: { 'Accept-Version': '3.x' } })).statusCode, 404)
})

t.test('messages that came with the request wait for an async onOpen', async t => {
  const app = await buildApp(t)
  app.ws('/', { onOpen: async () => { await new Promise(resolve => setImmediate(resolve)); return { greeted: true } } }, (message, connection) => [message, connection.data])
  const client = await RawClient.connect(await listen(app))
  client.request('/', { head: text('"early"') })
  await client.reply()
  t.same(await client.message(), ['early', { greeted: true }])
})

t.test('onOpen that fails closes with 1011, and onClose is not called', async t => {
  for (const onOpen of [() => { throw new Error('no') }, async () => { throw new Error('no') }]) {
    const { lines, stream } = logLines()
    const app = await buildApp(t, {}, { logger: { stream } })
    app.ws('/', { onOpen, onClose: () => { t.fail('onClose without onOpen') } }, ignore)
    const client = await RawClient.open(await listen(app), '/')
    t.same(await client.closeFrame(), { code: 1011, reason: '' })
    t.match(lines.find(line => line.msg === 'onOpen failed'), { err: { message: 'no' } })
  }
})

t.test('a wrong call of app.ws is refused at once with a clear error', async t => {
  const app = await buildApp(t)
  const call = (...args: unknown[]) => () => Reflect.apply(app.ws, app, args)
  t.throws(call(1, ignore), { code: 'FST_ERR_WS_HANDLER', message: /the URL must be a string/ })
  t.throws(call('/x'), { code: 'FST_ERR_WS_HANDLER', message: /route \/x/ })
  t.throws(call('/x', null, ignore), { code: 'FST_ERR_WS_HANDLER', message: /options must be an object/ })
  t.throws(call('/x', {}, null), { code: 'FST_ERR_WS_HANDLER', message: /must be a function, or an object of functions/ })
  t.throws(call('/x', {}, 'handler'), { code: 'FST_ERR_WS_HANDLER' })
  t.throws(call('/x', {}, { join: 1 }), { code: 'FST_ERR_WS_HANDLER', message: /join is not a function/ })
})

t.test('the same WebSocket URL twice is refused, as in REST', async t => {
  const app = await buildApp(t)
  app.ws('/x', ignore)
  t.throws(() => app.ws('/x', ignore), { code: 'FST_ERR_DUPLICATED_ROUTE' })
})

t.test('a schema that does not compile fails ready() and names the route', async t => {
  for (const part of ['receive', 'send'] as const) {
    const app = await buildApp(t)
    app.register(async scope => {
      scope.ws('/bad', { schema: { [part]: { $ref: 'nowhere#' } } }, ignore)
    }, { prefix: '/p' })
    await t.rejects(async () => { await app.ready() }, { code: 'FST_ERR_WS_SCHEMA', message: new RegExp(`schema\\.${part} of WebSocket route /p/bad`) })
  }
})

t.test('a handler map that does not match its schema fails ready()', async t => {
  const app = await buildApp(t)
  const schema = { receive: { type: 'object', required: ['type'], properties: { type: { const: 'go' } } } }
  app.ws('/bad', { schema }, { stop: ignore } as never)
  await t.rejects(async () => { await app.ready() }, { code: 'FST_ERR_WS_HANDLER', message: /WebSocket route \/bad/ })
})
