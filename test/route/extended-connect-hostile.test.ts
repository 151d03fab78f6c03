import { once } from 'node:events'
import { connect } from 'node:net'
import t from 'tap'
import { until } from '../fuzz/until.ts'
import { deferred, listen, logLines } from '../helpers/app.ts'
import { Http1Client } from '../helpers/http1-client.ts'
import { Http2Client } from '../helpers/http2-client.ts'
import { buildHttp2App, ServerSessions } from '../helpers/http2-app.ts'
import { frameType, http2Frame, setting } from '../helpers/http2-frames.ts'
import { RawHttp2Client } from '../helpers/raw-http2-client.ts'
import { selfSigned } from '../helpers/tls.ts'

const ignore = (): void => {}

/** Grants nothing that flow control asks for: a body never comes. */
const noWindow = [[setting.initialWindowSize, 0]] as const

/* Deadlines. */

t.test('a hook that never answers: 503 at handshakeTimeout, and the stream is closed', async t => {
  const app = await buildHttp2App(t, { handshakeTimeout: 30 })
  app.ws('/', { preHandler: (_request, _reply, _done) => {}, onOpen: () => t.fail('not to be opened') }, ignore)
  const client = await Http2Client.connect(await listen(app))
  const stream = client.request('/')
  const closed = once(stream, 'close')
  const { statusCode, body } = await client.reply(stream)
  t.equal(statusCode, 503)
  t.match(JSON.parse(body), { statusCode: 503, code: 'FST_ERR_WS_HANDSHAKE_TIMEOUT', error: 'Service Unavailable', message: /handshakeTimeout/ })
  await closed
  t.match(app.wsStats().upgrades, { pending: 0, refused: { 503: 1 } })
})

/* Clients that do not read. */

t.test('a refusal that no window lets out is dropped: at handshakeTimeout, or a moment behind it', async t => {
  const app = await buildHttp2App(t, { handshakeTimeout: 60 })
  app.ws('/refused', { onRequest: async (_request, reply) => await reply.code(401).send('no') }, ignore)
  app.ws('/large', { onRequest: async (_request, reply) => await reply.code(401).send(Buffer.alloc(16 * 1024 * 1024)) }, ignore)
  app.ws('/never', { onRequest: () => new Promise<void>(() => {}) }, ignore)
  const client = await RawHttp2Client.connect(await listen(app), { values: noWindow })
  const streams = ['/refused', '/large', '/never'].map(path => client.open(path))
  await client.until('the resets', () => streams.every(stream => client.resets.has(stream)))
  t.same(streams.map(stream => client.statuses.get(stream)), [401, 401, 503])
  t.equal(app.wsStats().upgrades.pending, 0)
})

t.test('app.close() ends, though refusals are not let out and hooks never settle', async t => {
  const app = await buildHttp2App(t)
  let asked = 0
  app.ws('/refused', { onRequest: async (_request, reply) => { asked++; return await reply.code(401).send('no') } }, ignore)
  app.ws('/never', { onRequest: () => { asked++; return new Promise<void>(() => {}) } }, ignore)
  const client = await RawHttp2Client.connect(await listen(app), { values: noWindow })
  client.open('/refused')
  client.open('/never')
  await until('both are asked', () => asked === 2)
  await app.close()
  t.equal(app.wsStats().upgrades.pending, 0)
})

/* Requests. */

t.test('CONNECT over HTTP/1.1 to a server that speaks both is ended without a word, and WebSockets go on', async t => {
  const { lines, stream } = logLines()
  const app = await buildHttp2App(t, {}, { https: { ...selfSigned(), allowHTTP1: true }, logger: { stream, level: 'error' } })
  app.ws('/', message => message)
  const port = await listen(app)
  const socket = await (await Http2Client.connect(port, { secure: true })).open('/')
  for (const target of ['a.example:80', '/', '*']) {
    const client = await Http1Client.connectTls(port)
    client.write(`CONNECT ${target} HTTP/1.1\r\nHost: a.example\r\n\r\n`)
    await client.ended()
    t.ok(client.unread.length === 0 || client.unread.toString('latin1').startsWith('HTTP/1.1 400 '))
  }
  socket.send('still here')
  t.equal(await socket.message(), 'still here')
  t.same(lines, [])
})

t.test('bytes that are no HTTP/2 at all end their own session only', async t => {
  const app = await buildHttp2App(t)
  app.ws('/', message => message)
  const port = await listen(app)
  const sessions = new ServerSessions(app)
  const socket = await (await Http2Client.connect(port)).open('/')
  for (const bytes of ['GET / HTTP/1.1\r\nHost: a\r\n\r\n', '\0'.repeat(100), 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nnot frames at all, and more of it']) {
    const client = connect(port, '127.0.0.1')
    client.on('error', ignore).resume()
    client.write(bytes)
    await once(client, 'close')
  }
  await until('they have gone', () => sessions.all.length === 1)
  socket.send('still here')
  t.equal(await socket.message(), 'still here')
})

t.test('a client that ends its side while a hook waits leaves no connection behind', async t => {
  const app = await buildHttp2App(t)
  const gate = deferred()
  const asked = deferred()
  const closed = deferred<{ code: number }>()
  app.ws('/', { onRequest: async () => { asked.resolve(); await gate.promise }, onClose: (_connection, info) => { closed.resolve(info) } }, () => {})
  const client = await RawHttp2Client.connect(await listen(app))
  const stream = client.open('/')
  await asked.promise
  client.send(stream, Buffer.alloc(0), true)
  client.write(http2Frame(frameType.ping, 0, 0, Buffer.alloc(8)))
  await client.until('the server has read it', () => client.pongs === 1)
  gate.resolve()
  t.equal((await closed.promise).code, 1006)
  await until('it is forgotten', () => app.wsConnections.size === 0)
})
