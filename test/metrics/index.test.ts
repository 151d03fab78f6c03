import { once } from 'node:events'
import type { FastifyInstance } from 'fastify'
import { Type } from '@sinclair/typebox'
import t from 'tap'
import { deferred, listen } from '../helpers/app.ts'
import { binary, text } from '../helpers/bytes.ts'
import { buildMeasuredApp, closes, scrape } from '../helpers/metrics.ts'
import { RawClient } from '../helpers/raw-client.ts'

const messages = Type.Union([
  Type.Object({ type: Type.Literal('add'), a: Type.Number(), b: Type.Number() }),
  Type.Object({ type: Type.Literal('fail') })
])

function addCalculator (app: FastifyInstance, url: string): void {
  app.ws(url, { schema: { receive: messages } }, {
    add: ({ a, b }) => ({ sum: a + b }),
    fail () { throw new Error('no') }
  })
}

t.test('open connections are shown by route, and a route that is empty again stays at 0', async t => {
  const app = await buildMeasuredApp(t)
  addCalculator(app, '/one')
  await app.register(async scope => addCalculator(scope, '/:two'), { prefix: '/scope' })
  const port = await listen(app)
  const clients = await Promise.all(['/one', '/one', '/scope/x', '/scope/y', '/scope/z'].map(path => RawClient.open(port, path)))

  const open = await scrape(port)
  t.equal(open.value('ws_connections', { route: '/one' }), 2)
  t.equal(open.value('ws_connections', { route: '/scope/:two' }), 3)
  const ended = closes(t, app, 2)
  await Promise.all(clients.slice(0, 2).map(client => client.close(1000)))
  await ended

  const after = await scrape(port)
  t.equal(after.value('ws_connections', { route: '/one' }), 0)
  t.equal(after.value('ws_connections', { route: '/scope/:two' }), 3)
})

t.test('upgrades are counted by outcome and status', async t => {
  const app = await buildMeasuredApp(t)
  const waiting = deferred<{ gone: Promise<unknown> }>()
  const go = deferred()
  addCalculator(app, '/')
  app.ws('/slow', {
    async onRequest (request) {
      waiting.resolve({ gone: once(request.raw.socket, 'close') })
      await go.promise
    }
  }, () => {})
  const port = await listen(app)
  await RawClient.open(port, '/')
  await RawClient.open(port, '/')
  for (const [path, headers, status] of [
    ['/nowhere', {}, 404], ['/', { 'Sec-WebSocket-Key': 'short' }, 400], ['/', { Origin: 'https://other.example' }, 403], ['/', { Origin: 'null' }, 403]
  ] as const) {
    const client = await RawClient.connect(port)
    client.request(path, { headers })
    t.equal((await client.reply()).statusCode, status)
    client.socket.end()
    await client.closed()
  }
  await nothingPending(app)
  const impatient = await RawClient.connect(port)
  impatient.request('/slow')
  const { gone } = await waiting.promise
  t.equal((await scrape(port)).value('ws_upgrades_pending'), 1)
  impatient.socket.destroy()
  await gone
  go.resolve()
  await nothingPending(app)

  const metrics = await scrape(port)
  t.same(metrics.byLabel('ws_upgrades_total'), { accepted: 2, refused: 4, aborted: 1 })
  t.same(metrics.byLabel('ws_upgrades_refused_total'), { 400: 1, 403: 2, 404: 1 })
  t.equal(metrics.value('ws_upgrades_pending'), 0)
})

t.test('messages and bytes are those that clients sent and got, of open connections and of those that have ended', async t => {
  const app = await buildMeasuredApp(t)
  addCalculator(app, '/')
  const port = await listen(app)
  const clients = await Promise.all(Array.from({ length: 3 }, () => RawClient.open(port, '/')))
  const handshakes = { read: sum(clients, 'bytesRead'), written: sum(clients, 'bytesWritten') }
  for (const [index, client] of clients.entries()) {
    for (let n = 0; n <= index; n++) {
      client.send({ type: 'add', a: n, b: 1 })
      t.same(await client.message(), { sum: n + 1 })
    }
  }
  const ended = closes(t, app, 1)
  await clients[0].close(1000, 'bye')
  await ended

  const metrics = await scrape(port)
  t.equal(metrics.value('ws_messages_received_total'), 6)
  t.equal(metrics.value('ws_messages_sent_total'), 6)
  t.equal(metrics.value('ws_received_bytes_total'), sum(clients, 'bytesWritten') - handshakes.written)
  t.equal(metrics.value('ws_sent_bytes_total'), sum(clients, 'bytesRead') - handshakes.read)
})

t.test('refused messages and failing handlers are counted apart', async t => {
  const app = await buildMeasuredApp(t)
  addCalculator(app, '/')
  const port = await listen(app)
  const client = await RawClient.open(port, '/')
  const payloads = ['not JSON', '{"type":"shout"}', '{"type":"add","a":1}', '{"type":"fail"}', '{"type":"fail"}', '{"type":"add","a":1,"b":2}']
  for (const payload of payloads) {
    client.write(text(payload))
    await client.message()
  }
  const metrics = await scrape(port)
  t.equal(metrics.value('ws_messages_invalid_total'), 3)
  t.equal(metrics.value('ws_handler_errors_total'), 2)
})

t.test('connections that have ended are counted by close code, those of which a client makes one up under other', async t => {
  const app = await buildMeasuredApp(t, {}, { maxPayload: 1_000 })
  addCalculator(app, '/')
  const port = await listen(app)
  const ended = closes(t, app, 6)
  for (const code of [1000, 1000, 3001, 4999]) await (await RawClient.open(port, '/')).close(code)
  const lost = await RawClient.open(port, '/')
  lost.socket.destroy()
  const large = await RawClient.open(port, '/')
  large.write(binary(Buffer.alloc(1_001)))
  t.equal((await large.closeFrame()).code, 1009)
  large.socket.destroy()
  await ended

  const metrics = await scrape(port)
  t.same(metrics.byLabel('ws_connections_closed_total'), { 1000: 2, 1006: 1, 1009: 1, other: 2 })
  t.same(metrics.byLabel('ws_connections_evicted_total'), { too_big: 1 })
})

t.test('what waits for a client that does not read is shown in bytes', async t => {
  const app = await buildMeasuredApp(t, {}, { budget: { connection: 64_000_000, process: 128_000_000 } })
  const size = 16_000_000
  app.ws('/', { codec: 'raw', onOpen (connection) { connection.send('x'.repeat(size)) } }, () => {})
  const port = await listen(app)
  const client = await RawClient.open(port, '/')
  client.socket.pause()
  const metrics = await scrape(port)
  const buffered = metrics.value('ws_memory_buffered_bytes')
  t.ok(buffered > 0 && buffered <= size + 16, `${buffered}`)
  t.ok(metrics.value('ws_memory_held_bytes') >= buffered)
  t.ok(metrics.value('ws_memory_peak_bytes') >= metrics.value('ws_memory_held_bytes'))
  t.equal(metrics.value('ws_memory_limit_bytes'), 128_000_000)
})

t.test('rooms with members are counted', async t => {
  const app = await buildMeasuredApp(t)
  app.ws('/:room', { async onOpen (connection, request) { await connection.join((request.params as { room: string }).room) } }, () => {})
  const port = await listen(app)
  for (const room of ['a', 'b', 'b']) {
    const client = await RawClient.open(port, `/${room}`)
    client.send({})
  }
  while (app.rooms.size < 2) await new Promise(resolve => setImmediate(resolve))
  t.equal((await scrape(port)).value('ws_rooms'), 2)
})

async function nothingPending (app: FastifyInstance): Promise<void> {
  while (app.wsStats().upgrades.pending > 0) await new Promise(resolve => setImmediate(resolve))
}

function sum (clients: readonly RawClient[], direction: 'bytesRead' | 'bytesWritten'): number {
  return clients.reduce((total, client) => total + client[direction], 0)
}
