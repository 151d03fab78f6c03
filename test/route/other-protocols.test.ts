import Fastify from 'fastify'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import type { Test } from 'tap'
import typedWs from '../../lib/index.ts'
import { buildApp, deferred, listen } from '../helpers/app.ts'
import { cut, text } from '../helpers/bytes.ts'
import { Http1Client } from '../helpers/http1-client.ts'
import { ServerSockets } from '../helpers/server-sockets.ts'
import { selfSigned } from '../helpers/tls.ts'

/** What a client sends that would like to speak HTTP/2, but can do without. */
const offer = 'Host: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n'

const routes = (app: FastifyInstance): FastifyInstance => app
  .get('/', async request => ({ rest: request.method }))
  .post('/', async request => ({ got: request.body }))
  .ws('/', m => m)

async function restApp (t: Test): Promise<FastifyInstance> {
  return routes(await buildApp(t))
}

for (const protocol of ['h2c', 'TLS/1.0', 'websocket-two', 'h2c, foo/2']) {
  t.test(`Upgrade: ${protocol} is left to REST`, async t => {
    const app = await restApp(t)
    const client = await Http1Client.connect(await listen(app))
    client.request('/', { headers: { Upgrade: protocol, 'Sec-WebSocket-Key': null, 'Sec-WebSocket-Version': null } })
    t.match(await client.reply(), { statusCode: 200, body: '{"rest":"GET"}' })
  })
}

t.test('the connection is kept alive for the next request', async t => {
  const app = await restApp(t)
  const sockets = new ServerSockets(app)
  const client = await Http1Client.connect(await listen(app))
  for (let i = 0; i < 20; i++) {
    client.write(`GET / HTTP/1.1\r\n${offer}\r\n`)
    const { statusCode, headers } = await client.reply()
    t.same([statusCode, headers.connection], [200, 'keep-alive'])
  }
  await sockets.open(1)
})

t.test('requests pipelined in one segment are answered in order', async t => {
  const app = await restApp(t)
  const client = await Http1Client.connect(await listen(app))
  const body = '{"n":1}'
  client.write(`POST / HTTP/1.1\r\n${offer}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}GET / HTTP/1.1\r\n${offer}\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n`)
  t.same([(await client.reply()).body, (await client.reply()).body, (await client.reply()).body], ['{"got":{"n":1}}', '{"rest":"GET"}', '{"rest":"GET"}'])
})

t.test('a POST has its body, by Content-Length', async t => {
  const app = await restApp(t)
  const client = await Http1Client.connect(await listen(app))
  const body = JSON.stringify({ text: 'x'.repeat(200_000) })
  client.write(`POST / HTTP/1.1\r\n${offer}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`)
  for (const piece of cut(Buffer.from(body), 50_000)) {
    client.write(piece)
    await new Promise(resolve => setImmediate(resolve))
  }
  t.equal((await client.reply()).body, `{"got":${body}}`)
})

t.test('a POST has its body, chunked', async t => {
  const app = await restApp(t)
  const client = await Http1Client.connect(await listen(app))
  client.write(`POST / HTTP/1.1\r\n${offer}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{"n\r\n`)
  client.write('4\r\n":1}\r\n0\r\n\r\n')
  t.equal((await client.reply()).body, '{"got":{"n":1}}')
})

t.test('a POST that asks for a WebSocket is a POST', async t => {
  const app = await restApp(t)
  const client = await Http1Client.connect(await listen(app))
  const body = '{"n":1}'
  client.request('/', { method: 'POST', headers: { 'Content-Type': 'application/json', 'Content-Length': String(body.length) }, head: Buffer.from(body) })
  t.match(await client.reply(), { statusCode: 200, body: '{"got":{"n":1}}' })
})

t.test('a WebSocket may follow on the same connection', async t => {
  const app = await restApp(t)
  const client = await Http1Client.connect(await listen(app))
  client.write(`GET / HTTP/1.1\r\n${offer}\r\n`)
  t.equal((await client.reply()).statusCode, 200)
  client.request('/', { head: text('1') })
  t.equal((await client.reply()).statusCode, 101)
  t.equal(await client.message(), 1)
})

t.test('websocket among several protocols is chosen', async t => {
  const app = await restApp(t)
  const client = await Http1Client.connect(await listen(app))
  client.request('/', { headers: { Upgrade: 'h2c, WebSocket', Connection: 'keep-alive, UPGRADE' } })
  t.equal((await client.reply()).statusCode, 101)
})

t.test('an unknown URL and method have the replies of REST', async t => {
  const app = await restApp(t)
  const client = await Http1Client.connect(await listen(app))
  client.write(`GET /nowhere HTTP/1.1\r\n${offer}\r\n`)
  t.equal((await client.reply()).statusCode, 404)
  client.write(`DELETE / HTTP/1.1\r\n${offer}\r\n`)
  t.equal((await client.reply()).statusCode, 404)
})

t.test('header values keep their bytes', async t => {
  const app = await buildApp(t)
  app.get('/', async request => request.headers['x-name'])
  const client = await Http1Client.connect(await listen(app))
  client.write(Buffer.from(`GET / HTTP/1.1\r\n${offer}X-Name: J\xfcrgen\r\n\r\n`, 'latin1'))
  t.equal((await client.reply()).body, 'Jürgen')
})

t.test('request.ip and the abort of the request are those of REST', async t => {
  const app = await buildApp(t)
  const ip = deferred<string>()
  const aborted = deferred()
  app.addHook('onRequestAbort', async _request => { aborted.resolve() })
  app.get('/', async request => { ip.resolve(request.ip); await aborted.promise })
  const client = await Http1Client.connect(await listen(app))
  client.write(`GET / HTTP/1.1\r\n${offer}\r\n`)
  t.equal(await ip.promise, '127.0.0.1')
  client.socket.destroy()
  await aborted.promise
})

t.test('app.close() ends such connections when they are idle', async t => {
  const app = await restApp(t)
  const client = await Http1Client.connect(await listen(app))
  client.write(`GET / HTTP/1.1\r\n${offer}\r\n`)
  await client.reply()
  await app.close()
  await client.ended()
})

t.test('a slow next request is cut at handshakeTimeout here, too', async t => {
  const app = routes(await buildApp(t, { handshakeTimeout: 100 }))
  const sockets = new ServerSockets(app)
  const client = await Http1Client.connect(await listen(app))
  client.write(`GET / HTTP/1.1\r\n${offer}\r\n`)
  await client.reply()
  client.write(`GET / HTTP/1.1\r\n${offer}`)
  t.equal((await client.reply()).statusCode, 408)
  await sockets.open(0)
})

t.test('over TLS, too: another protocol is left to REST, and a WebSocket opens', async t => {
  const app = Fastify({ https: selfSigned() })
  t.after(() => { Http1Client.dropAll(); return app.close() })
  await app.register(typedWs)
  const protocol = deferred<string>()
  app.addHook('onRequest', async request => { protocol.resolve(request.protocol) })
  app.get('/', async request => ({ rest: request.method }))
  app.post('/', async request => ({ got: request.body }))
  app.ws('/', m => m)
  const client = await Http1Client.connectTls(await listen(app as unknown as FastifyInstance))
  client.write(`POST / HTTP/1.1\r\n${offer}Content-Type: application/json\r\nContent-Length: 7\r\n\r\n{"n":1}`)
  t.match(await client.reply(), { statusCode: 200, body: '{"got":{"n":1}}' })
  client.write(`GET / HTTP/1.1\r\n${offer}\r\n`)
  t.match(await client.reply(), { statusCode: 200, body: '{"rest":"GET"}' })
  client.request('/', { headers: { Origin: `https://127.0.0.1:${client.socket.remotePort}` }, head: text('"secure"') })
  t.equal((await client.reply()).statusCode, 101)
  t.equal(await client.message(), 'secure')
  t.equal(await protocol.promise, 'https')
})
