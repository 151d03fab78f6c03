import { once } from 'node:events'
import { Readable } from 'node:stream'
import t from 'tap'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { HttpReply } from '../helpers/raw-client.ts'
import { Http2Server, onHttp2, refusal } from '../helpers/http2-app.ts'

const ignore = (): void => {}
const opened = { onOpen: (): void => { throw new Error('not to be opened') } }

/** What hooks reply, and what its client is told. */
const replies: Record<string, { hook: (reply: FastifyReply, request: FastifyRequest) => unknown, expected: Partial<HttpReply> }> = {
  'an object': { hook: reply => reply.code(403).send({ error: 'no' }), expected: { statusCode: 403, headers: { 'content-type': 'application/json; charset=utf-8', 'content-length': '14' }, body: '{"error":"no"}' } },
  'a string': { hook: reply => reply.code(401).header('www-authenticate', 'Basic realm="x"').send('who are you?'), expected: { statusCode: 401, headers: { 'www-authenticate': 'Basic realm="x"' }, body: 'who are you?' } },
  'a Buffer': { hook: reply => reply.code(410).send(Buffer.from('gone')), expected: { statusCode: 410, headers: { 'content-type': 'application/octet-stream' }, body: 'gone' } },
  'a stream': { hook: reply => reply.code(403).send(Readable.from(['abc', 'def'])), expected: { statusCode: 403, body: 'abcdef' } },
  'a large stream': { hook: reply => reply.code(403).send(Readable.from(Array(20).fill(Buffer.alloc(65_536, 'x')))), expected: { statusCode: 403, body: 'x'.repeat(20 * 65_536) } },
  'a large string': { hook: reply => reply.code(403).send('y'.repeat(1_000_000)), expected: { statusCode: 403, body: 'y'.repeat(1_000_000) } },
  nothing: { hook: reply => reply.code(403).send(), expected: { statusCode: 403, headers: { 'content-length': '0' }, body: '' } },
  'a redirect': { hook: reply => reply.redirect('/login'), expected: { statusCode: 302, headers: { location: '/login' }, body: '' } },
  'another redirect': { hook: reply => reply.redirect('https://example.com/', 308), expected: { statusCode: 308, headers: { location: 'https://example.com/' } } },
  304: { hook: reply => reply.code(304).header('etag', '"a"').send(), expected: { statusCode: 304, headers: { etag: '"a"' }, body: '' } },
  429: { hook: reply => reply.code(429).header('retry-after', 7).send('later'), expected: { statusCode: 429, headers: { 'retry-after': '7' }, body: 'later' } },
  'cookies beside it': { hook: reply => reply.code(403).header('set-cookie', ['a=1', 'b=2']).send('no'), expected: { statusCode: 403, headers: { 'set-cookie': 'a=1, b=2' }, body: 'no' } },
  'an error': { hook: () => { throw Object.assign(new Error('no'), { statusCode: 418 }) }, expected: { statusCode: 418, body: '{"statusCode":418,"error":"I\'m a Teapot","message":"no"}' } },
  'an error without a status': { hook: () => { throw new Error('broken') }, expected: { statusCode: 500, body: '{"statusCode":500,"error":"Internal Server Error","message":"broken"}' } },
  'by the raw response': { hook: reply => { reply.hijack(); reply.raw.writeHead(402, { 'content-length': 3 }).end('pay') }, expected: { statusCode: 402, body: 'pay' } },
  'a 404 by hand': { hook: reply => { reply.callNotFound() }, expected: { statusCode: 404, body: /Route GET:\/hook.* not found/ as never } },
  '204, which would open the tunnel': { hook: reply => reply.code(204).send(), expected: { statusCode: 405, headers: { allow: 'GET' }, body: '' } },
  '200, which would open it': { hook: reply => reply.send({ cached: true }), expected: { statusCode: 405, headers: { allow: 'GET' }, body: '{"cached":true}' } },
  '299, which would open it': { hook: reply => { reply.hijack(); reply.raw.writeHead(299).end('odd') }, expected: { statusCode: 405, headers: { allow: 'GET' }, body: 'odd' } }
}

onHttp2('a hook may reply with any status and body, whole, and its stream is done with', async (t, server) => {
  const app = await server.build()
  app.ws('/hook', {
    ...opened,
    preHandler: async (request, reply) => {
      const { hook } = replies[String((request.query as { which: string }).which)]
      return await hook(reply, request)
    }
  }, ignore)
  app.ws('/echo', message => message)
  const client = await server.connect(app)
  const socket = await client.open('/echo')
  for (const [which, { expected }] of Object.entries(replies)) {
    const stream = client.request(`/hook?which=${encodeURIComponent(which)}`)
    const closed = once(stream, 'close')
    t.match(await client.reply(stream), expected, which)
    await closed
    t.equal(stream.rstCode, 0, `${which}: NO_ERROR`)
  }
  t.equal(app.wsStats().upgrades.pending, 0)
  socket.send('unharmed')
  t.equal(await socket.message(), 'unharmed')
})

onHttp2('a large reply reaches a client that reads slowly, whole', async (t, server) => {
  const app = await server.build()
  const size = 4 * 1024 * 1024
  app.ws('/', { onRequest: async (_request, reply) => await reply.code(403).send('x'.repeat(size)) }, ignore)
  const client = await server.connect(app)
  const stream = client.request('/')
  await once(stream, 'response')
  for (let i = 0; i < 50; i++) await new Promise(resolve => setImmediate(resolve))
  let received = 0
  stream.on('data', (chunk: Buffer) => { received += chunk.length })
  await once(stream, 'end')
  stream.end()
  t.equal(received, size)
})

onHttp2('schemas of the querystring, the parameters and the headers hold, and coerce as those of REST', async (t, server) => {
  const app = await server.build()
  const integer = (name: string): object => ({ type: 'object', required: [name], properties: { [name]: { type: 'integer' } } })
  app.ws('/rooms/:room', {
    schema: { params: integer('room'), querystring: integer('page'), headers: integer('x-level') },
    onOpen: (connection, { params, query, headers }) => { connection.send([params, query, headers['x-level']]) }
  }, ignore)
  const client = await server.connect(app)
  const good = { 'x-level': '3' }
  const socket = await client.open('/rooms/1?page=2', good)
  t.same(await socket.message(), [{ room: 1 }, { page: 2 }, 3])
  for (const [path, headers, message] of [
    ['/rooms/one?page=2', good, 'params/room must be integer'],
    ['/rooms/1', good, "querystring must have required property 'page'"],
    ['/rooms/1?page=2', {}, "headers must have required property 'x-level'"]
  ] as const) {
    const { statusCode, body } = await refusal(client, path, headers)
    t.match({ statusCode, body: JSON.parse(body) }, { statusCode: 400, body: { statusCode: 400, code: 'FST_ERR_VALIDATION', error: 'Bad Request', message } })
  }
})

onHttp2('routes are chosen by the host, which is the :authority, and by their version', async (t, server) => {
  const app = await server.build()
  const told = (name: string) => ({ onOpen: (connection: { send (message: unknown): void }) => connection.send(name) })
  app.ws('/', { ...told('a'), constraints: { host: 'a.example' } }, ignore)
  app.ws('/', { ...told('b'), constraints: { host: /^b\.example(:\d+)?$/ } }, ignore)
  app.ws('/', { ...told('2.0'), constraints: { version: '2.0.0' } }, ignore)
  app.ws('/', told('any'), ignore)
  const client = await server.connect(app)
  const asked: Array<[Record<string, string>, string]> = [
    [{ ':authority': 'a.example' }, 'a'],
    [{ ':authority': 'b.example:444' }, 'b'],
    [{ 'accept-version': '2.x' }, '2.0'],
    [{}, 'any']
  ]
  for (const [headers, name] of asked) t.equal(await (await client.open('/', headers)).message(), name)
})

onHttp2('prefixes, parameters, wildcards and decorators of scopes are those of REST', async (t, server) => {
  const app = await server.build()
  app.decorate('greeting', 'hello')
  app.decorateRequest('user', '')
  await app.register(async scope => {
    scope.decorate('greeting', 'servus')
    scope.addHook('onRequest', async request => { Object.assign(request, { user: 'ann' }) })
    scope.ws('/:room/*', {
      onOpen (connection, request) { connection.send([this.getDecorator('greeting'), request.getDecorator('user'), request.params, request.query, request.routeOptions.url]) }
    }, ignore)
  }, { prefix: '/v1' })
  app.ws('/outside', { onOpen: (connection, request) => { connection.send(request.getDecorator('user')) } }, ignore)
  const client = await server.connect(app)
  const socket = await client.open('/v1/caf%C3%A9/a/b?x=1&x=2')
  t.same(await socket.message(), ['servus', 'ann', { room: 'café', '*': 'a/b' }, { x: ['1', '2'] }, '/v1/:room/*'])
  t.equal(await (await client.open('/outside')).message(), '')
})

onHttp2('an unknown URL is the 404 of its scope, and a malformed one a 400', async (t, server) => {
  const app = await server.build()
  await app.register(async scope => {
    scope.setNotFoundHandler(async (_request, reply) => { await reply.code(404).send({ nothing: 'here' }) })
  }, { prefix: '/scope' })
  const client = await server.connect(app)
  t.match(await refusal(client, '/nowhere'), { statusCode: 404, body: /Route GET:\/nowhere not found/ })
  t.match(await refusal(client, '/scope/nowhere'), { statusCode: 404, body: '{"nothing":"here"}' })
  t.equal((await refusal(client, '/%zz')).statusCode, 400)
})

onHttp2('error handlers of the application, of a scope and of the route make the reply', async (t, server) => {
  const app = await server.build()
  app.setErrorHandler(async (error, _request, reply) => await reply.code(503).header('retry-after', '5').send({ outer: (error as Error).message }))
  await app.register(async scope => {
    scope.setErrorHandler(async error => ({ inner: (error as Error).message }))
    scope.ws('/scope', { preHandler: async () => { throw new Error('no') } }, ignore)
  })
  app.ws('/app', { preHandler: async () => { throw new Error('no') } }, ignore)
  app.ws('/route', { preHandler: async () => { throw new Error('no') }, errorHandler: (_error, _request, reply) => { void reply.code(409).send(Readable.from(['stream'])) } }, ignore)
  app.ws('/teapot', { preHandler: async () => { throw new Error('no') }, errorHandler: (_error, _request, reply) => { void reply.code(200).send('fine?') } }, ignore)
  const client = await server.connect(app)
  t.match(await refusal(client, '/app'), { statusCode: 503, headers: { 'retry-after': '5' }, body: '{"outer":"no"}' })
  t.match(await refusal(client, '/scope'), { statusCode: 405, body: '{"inner":"no"}' })
  t.match(await refusal(client, '/route'), { statusCode: 409, body: 'stream' })
  t.match(await refusal(client, '/teapot'), { statusCode: 405, body: 'fine?' })
})

onHttp2('what is no opening handshake is refused as over HTTP/1.1', async (t, server) => {
  const app = await server.build({ subprotocols: ['chat'] })
  app.ws('/', ignore)
  const client = await server.connect(app)
  const handshake = (message: RegExp): Partial<HttpReply> => ({ statusCode: 400, body: message as never })
  t.match(await refusal(client, '/', { 'sec-websocket-version': '8' }), { statusCode: 400, headers: { 'sec-websocket-version': '13' }, body: /FST_ERR_WS_VERSION/ })
  t.match(await refusal(client, '/', { 'sec-websocket-version': null }), { statusCode: 400, headers: { 'sec-websocket-version': '13' } })
  t.match(await refusal(client, '/', { 'sec-websocket-protocol': 'chat, chat' }), handshake(/twice/))
  t.match(await refusal(client, '/', { 'sec-websocket-extensions': 'permessage-deflate; =' }), handshake(/FST_ERR_WS_HANDSHAKE/))
  t.match(await refusal(client, '/', { 'content-length': '5' }), handshake(/no Content-Length/))
  t.match(await refusal(client, '/', { host: 'other.example' }), handshake(/:authority/))
  t.match(await refusal(client, '/', { ':scheme': 'ftp' }), handshake(/:scheme/))
  t.match(await refusal(client, '/', { origin: 'https://evil.example' }), { statusCode: 403, body: /FST_ERR_WS_ORIGIN/ })
  t.match(app.wsStats().upgrades, { refused: { 400: 7, 403: 1 }, pending: 0 })
})

onHttp2('a request that ends with its headers opens no tunnel, and asks no hook', async (t, server) => {
  const app = await server.build()
  app.ws('/', { onRequest: async () => { t.fail('not to be asked') } }, ignore)
  const client = await server.connect(app)
  const stream = client.session.request({ ':method': 'CONNECT', ':protocol': 'websocket', ':scheme': server.scheme, ':authority': 'localhost', ':path': '/', 'sec-websocket-version': '13' }, { endStream: true })
  t.match(await client.reply(stream), { statusCode: 400, body: /open/ })
})

onHttp2('another protocol is a 501, and a CONNECT without one a 405', async (t, server) => {
  const app = await server.build()
  app.ws('/', ignore)
  const client = await server.connect(app)
  t.match(await refusal(client, '/', { ':protocol': 'connect-udp' }), { statusCode: 501 })
  t.match(await refusal(client, '/', { ':protocol': null, ':scheme': null, ':path': null }), { statusCode: 405 })
  await client.open('/', { ':protocol': 'WebSocket' })
})

t.test('a client that does not end its side is told by a reset, without an error, that nobody waits for it', async t => {
  const server = new Http2Server(t, 'h2c')
  const app = await server.build()
  const client = await server.connect(app)
  const stream = client.request('/nowhere')
  stream.resume()
  await once(stream, 'close')
  t.equal(stream.rstCode, 0)
})
