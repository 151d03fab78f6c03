import { once } from 'node:events'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Type } from '@sinclair/typebox'
import t from 'tap'
import type { Test } from 'tap'
import type { CloseInfo, Connection, WsCommonOptions } from '../../types/index.ts'
import { buildApp, deferred, listen, logLines } from '../helpers/app.ts'
import { close, cut, frame, hex, ping, pong, text } from '../helpers/bytes.ts'
import { carriersOf } from '../helpers/carriers.ts'
import { RawClient } from '../helpers/raw-client.ts'
import { ServerSockets } from '../helpers/server-sockets.ts'

type Handler = (message: unknown, connection: Connection<unknown, unknown>) => unknown
type OnOpen = (connection: Connection, request: FastifyRequest) => unknown

interface Opened {
  app: FastifyInstance
  client: RawClient
  connection: Connection
  /** The server's end. */
  /** What carries it at the server. */
  carrier: Duplex
  /** What that lies on. */
  socket: Socket
  /** Settles when the route's `onClose` runs. */
  closed: Promise<CloseInfo>
  /** How often it ran. */
  closes: () => number
}

interface Route extends WsCommonOptions {
  onOpen?: OnOpen
  handler?: Handler
}

/** One connection over TCP: both ends of it, once it was accepted. */
async function open (t: Test, { onOpen = () => {}, handler = () => {}, ...options }: Route = {}): Promise<Opened> {
  const app = await buildApp(t)
  const sockets = new ServerSockets(app)
  const carriers = carriersOf(app)
  const { promise: closed, resolve } = deferred<CloseInfo>()
  const begun = deferred<Connection>()
  let closes = 0
  app.ws('/', {
    ...options,
    onOpen (connection, request) {
      begun.resolve(connection)
      return onOpen(connection, request)
    },
    onClose (_connection, info) {
      closes++
      resolve(info)
    }
  }, handler)
  const client = await RawClient.open(await listen(app), '/')
  t.teardown(() => client.socket.destroy())
  return { app, client, connection: await begun.promise, carrier: carriers[0], socket: sockets.all[0], closed, closes: () => closes }
}

const immediate = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

/** Until everything that is under way on the loopback interface has arrived: a round trip of this connection. */
async function roundTrip (client: RawClient): Promise<void> {
  client.write(ping('round trip'))
  await client.frame()
}

/** Makes the server's sending side full, and keeps the client from reading. */
async function choke ({ client, connection, carrier }: Opened, bytes = 12_000_000): Promise<void> {
  client.socket.pause()
  connection.send('x'.repeat(bytes))
  while (carrier.writableLength === 0) await immediate()
}

/** Answers the server's Close, and ends the client's side behind it. */
function answerClose (client: RawClient, code: number, reason?: string): void {
  client.socket.end(close(code, reason))
}

/* What it is. */

t.test('every connection has an id of its own', async t => {
  const app = await buildApp(t)
  app.ws('/', (_, connection) => connection.id)
  const ids = new Set<unknown>()
  for (let i = 0; i < 10; i++) {
    const client = await app.injectWS('/')
    client.send('')
    client.send({})
    await client.receive()
    ids.add(await client.receive())
  }
  t.equal(ids.size, 10)
  t.ok([...ids].every(id => typeof id === 'string' && id.length > 4))
})

t.test('data is what onOpen returns', async t => {
  const app = await buildApp(t)
  app.ws('/', { onOpen: () => ({ name: 'Ann' }) }, (_, connection) => connection.data.name)
  const client = await app.injectWS('/')
  client.send({})
  t.equal(await client.receive(), 'Ann')
})

t.test('data is what the promise of onOpen settles with', async t => {
  const app = await buildApp(t)
  app.ws('/', { async onOpen () { await immediate(); return { name: 'Ann' } } }, (_, connection) => connection.data.name)
  const client = await app.injectWS('/')
  client.send({})
  t.equal(await client.receive(), 'Ann')
})

t.test('onOpen is given the request, and this is the instance', async t => {
  const app = await buildApp(t)
  app.ws('/', { onOpen (_, request) { return [this === app, request.url, request.ip] } }, (_, connection) => connection.data)
  const client = await app.injectWS('/?a=1')
  client.send({})
  t.same(await client.receive(), [true, '/?a=1', '127.0.0.1'])
})

t.test('log is the logger of the upgrade request', async t => {
  const { lines, stream } = logLines()
  const app = await buildApp(t, {}, { logger: { stream } })
  let reqId: unknown
  app.ws('/', { onOpen (_, request) { reqId = request.id } }, (_, connection) => { connection.log.info('hello'); return 'done' })
  const client = await app.injectWS('/')
  client.send({})
  await client.receive()
  t.match(lines.find(line => line.msg === 'hello'), { reqId })
})

t.test('protocol is the negotiated subprotocol, and empty without one', async t => {
  const app = await buildApp(t, { subprotocols: ['chat.v1'] })
  app.ws('/', (_, connection) => connection.protocol)
  for (const [protocols, protocol] of [[['other', 'chat.v1'], 'chat.v1'], [['other'], ''], [[], '']] as const) {
    const client = await app.injectWS('/', { protocols })
    client.send({})
    t.equal(await client.receive(), protocol)
    t.equal(client.protocol, protocol)
  }
})

t.test('readyState goes from connecting to open to closing to closed', async t => {
  const gate = deferred()
  const { client, connection, closed } = await open(t, { onOpen: () => gate.promise })
  t.equal(connection.readyState, 0)
  gate.resolve()
  await roundTrip(client)
  t.equal(connection.readyState, 1)
  connection.close()
  t.equal(connection.readyState, 2)
  await client.closeFrame()
  answerClose(client, 1000)
  await closed
  t.equal(connection.readyState, 3)
})

t.test('readyState is closing once the client has said so', async t => {
  const gate = deferred()
  const { client, connection, carrier } = await open(t, { handler: () => gate.promise })
  client.write(Buffer.concat([text('1'), close(1000)]))
  await once(carrier, 'data')
  t.equal(connection.readyState, 2)
  gate.resolve()
  await client.closeFrame()
})

t.test('an open connection is among app.wsConnections, a closed one is not', async t => {
  const { app, client, connection, closed } = await open(t)
  t.same([...app.wsConnections], [connection])
  await client.close()
  await closed
  await immediate()
  t.equal(app.wsConnections.size, 0)
})

/* Opening. */

t.test('an onOpen that throws closes with 1011, and onClose does not run', async t => {
  for (const onOpen of [() => { throw new Error('secret') }, async () => { await immediate(); throw new Error('secret') }]) {
    const { app, client, closes } = await open(t, { onOpen })
    t.same(await client.closeFrame(), { code: 1011, reason: '' })
    answerClose(client, 1011)
    while (app.wsConnections.size > 0) await immediate()
    t.equal(closes(), 0)
  }
})

t.test('an onOpen that throws is logged with the logger of the request', async t => {
  const { lines, stream } = logLines()
  const app = await buildApp(t, {}, { logger: { stream } })
  app.ws('/', { onOpen () { throw new Error('no database') } }, () => {})
  const client = await app.injectWS('/')
  await client.expectClose(1011)
  t.match(lines.filter(line => line.level === 50), [{ msg: 'onOpen failed', err: { message: 'no database' }, reqId: /^req/ }])
})

t.test('messages that came before onOpen failed are never handled', async t => {
  const gate = deferred()
  const handled: unknown[] = []
  const { client, carrier } = await open(t, { onOpen: () => gate.promise, handler: message => { handled.push(message) } })
  client.send('early')
  await once(carrier, 'data')
  gate.reject(new Error('no'))
  await client.closeFrame()
  t.same(handled, [])
})

t.test('onOpen may send and close', async t => {
  const { client } = await open(t, { onOpen (connection) { connection.send('welcome'); connection.close(4000, 'full') } })
  t.equal(await client.message(), 'welcome')
  t.same(await client.closeFrame(), { code: 4000, reason: 'full' })
})

t.test('messages that arrive while an async onOpen runs wait, with the socket paused, and none is lost', async t => {
  const gate = deferred()
  const handled: unknown[] = []
  const { client, carrier } = await open(t, { onOpen: () => gate.promise, handler: message => { handled.push(message); return message } })
  const messages = Array.from({ length: 1000 }, (_, index) => index)
  const paused = once(carrier, 'pause')
  client.write(Buffer.concat(messages.map(message => text(String(message)))))
  await paused
  t.ok(carrier.isPaused())
  t.same(handled, [])
  gate.resolve()
  for (const message of messages) t.equal(await client.message(), message) || t.bailout('order lost')
  t.same(handled, messages)
  t.notOk(carrier.isPaused())
})

/** A generator of numbers from 0 to 1 that always gives the same ones. */
function pseudoRandom (seed: number): () => number {
  return () => {
    seed = (seed * 1_664_525 + 1_013_904_223) >>> 0
    return seed / 2 ** 32
  }
}

/** Writes bytes in chunks of random sizes, most of them small. */
async function writeInRandomChunks (client: RawClient, bytes: Buffer): Promise<void> {
  const random = pseudoRandom(bytes.length)
  for (let at = 0; at < bytes.length;) {
    const size = Math.ceil(random() ** 3 * 4000)
    client.write(bytes.subarray(at, at + size))
    at += size
    if (random() < 0.5) await immediate()
  }
}

const endings = {
  'and nothing else': () => Buffer.alloc(0),
  'with Close right behind them': () => close(1000),
  'with FIN right behind them': () => null
}
for (const [title, ending] of Object.entries(endings)) {
  t.test(`10,000 messages in random chunks, ${title}, all arrive in their order though onOpen and the handler are slow`, async t => {
    const count = 10_000
    const handled: unknown[] = []
    const { client } = await open(t, {
      async onOpen () { for (let i = 0; i < 50; i++) await immediate() },
      async handler (message) {
        handled.push(message)
        if (handled.length % 3 === 0) await immediate()
        return message
      }
    })
    const expected = Array.from({ length: count }, (_, index) => index)
    const end = ending()
    await writeInRandomChunks(client, Buffer.concat([...expected.map(number => text(String(number))), end ?? Buffer.alloc(0)]))
    if (end === null) client.socket.end()
    const replies: unknown[] = []
    while (replies.length < count) replies.push(await client.message())
    t.same(replies, expected)
    t.same(handled, expected)
    if (end === null) await client.ended()
    else if (end.length > 0) t.equal((await client.closeFrame()).code, 1000)
  })
}

/* Handling. */

t.test('messages are handled one after the other', async t => {
  let running = 0
  let most = 0
  const { client } = await open(t, {
    async handler (message) {
      most = Math.max(most, ++running)
      for (let i = 0; i < 3; i++) await immediate()
      running--
      return message
    }
  })
  client.write(Buffer.concat([0, 1, 2, 3, 4].map(number => text(String(number)))))
  for (let i = 0; i < 5; i++) t.equal(await client.message(), i)
  t.equal(most, 1)
})

t.test('with concurrency n, n messages are handled at once and no more', async t => {
  let running = 0
  let most = 0
  const { client } = await open(t, {
    concurrency: 3,
    async handler () {
      most = Math.max(most, ++running)
      for (let i = 0; i < 3; i++) await immediate()
      running--
      return 'done'
    }
  })
  client.write(Buffer.concat(Array.from({ length: 20 }, () => text('1'))))
  for (let i = 0; i < 20; i++) await client.message()
  t.equal(most, 3)
})

t.test('a slow handler slows its client: the socket is paused until there is room again', async t => {
  const gate = deferred()
  let handled = 0
  const { client, carrier, socket } = await open(t, { async handler () { await gate.promise; handled++ } })
  const message = text(JSON.stringify('x'.repeat(10_000)))
  let sent = 0
  do sent++
  while (client.socket.write(message) || sent < 2000)
  while (!carrier.isPaused()) await immediate()
  const before = socket.bytesRead
  for (let i = 0; i < 20; i++) await immediate()
  t.ok(socket.bytesRead - before < 1_000_000, 'the server reads no more')
  t.ok(client.socket.writableLength > 1_000_000, 'the rest waits in the client')
  t.equal(handled, 0)

  gate.resolve()
  await once(client.socket, 'drain')
  await client.close()
  t.equal(handled, sent)
})

t.test('pings are answered while a handler runs', async t => {
  const gate = deferred()
  const { client } = await open(t, { async handler () { await gate.promise; return 'done' } })
  client.write(Buffer.concat([text('1'), text('2'), ping('are you there?')]))
  t.match(await client.frame(), { opcode: 10, payload: Buffer.from('are you there?') })
  gate.resolve()
  t.equal(await client.message(), 'done')
})

t.test('the reply to a message still leaves when Close came right behind it (RFC 6455 section 5.5.1)', async t => {
  const gate = deferred()
  const { client, carrier } = await open(t, { async handler () { await gate.promise; return 'done' } })
  client.write(Buffer.concat([text('1'), close(1000)]))
  await once(carrier, 'data')
  gate.resolve()
  t.equal(await client.message(), 'done')
  t.equal((await client.closeFrame()).code, 1000)
})

t.test('after this side has sent Close no message is handled any more', async t => {
  const handled: unknown[] = []
  const { client, connection, closed } = await open(t, { handler: message => { handled.push(message) } })
  connection.close()
  client.socket.end(Buffer.concat([text('1'), close(1000)]))
  await closed
  t.same(handled, [])
})

t.test('close() while reading is paused behind a handler reads on, so that the peer\'s Close is seen at once', async t => {
  const running = deferred()
  const { client, connection, carrier } = await open(t, { handler: () => running.promise })
  client.write(Buffer.concat([...Array.from({ length: 40 }, (_, n) => text(String(n))), close(4000)]))
  while (!carrier.isPaused()) await immediate()
  connection.close(4000)
  t.same(await client.closeFrame(), { code: 4000, reason: '' })
  await client.ended()
  running.resolve()
  client.socket.end()
})

/* Sending. */

/** What carries a connection at the server was given, one entry for each system call. */
function countCalls (carrier: Duplex): Buffer[] {
  const calls: Buffer[] = []
  const { _write, _writev } = carrier
  carrier._write = function (chunk: Buffer, encoding, callback) {
    if (chunk.length > 0) calls.push(chunk)
    return _write.call(this, chunk, encoding, callback)
  }
  carrier._writev = function (chunks, callback) {
    calls.push(Buffer.concat(chunks.map(({ chunk }) => chunk)))
    return _writev?.call(this, chunks, callback)
  }
  return calls
}

t.test('all that is sent in one tick leaves in one system call', async t => {
  const { client, connection, carrier } = await open(t)
  const calls = countCalls(carrier)
  for (let i = 0; i < 64; i++) connection.send(i)
  t.same(calls, [])
  for (let i = 0; i < 64; i++) t.equal(await client.message(), i)
  t.equal(calls.length, 1)
})

t.test('the replies of sync and async handlers to messages of one segment leave in one system call', async t => {
  const { client, carrier } = await open(t, {
    concurrency: 64,
    handler: message => Number(message) % 2 === 0 ? message : (async () => { for (let i = 0; i < Number(message); i++) await null; return message })()
  })
  const calls = countCalls(carrier)
  client.write(Buffer.concat(Array.from({ length: 32 }, (_, index) => text(String(index)))))
  const replies = new Set<unknown>()
  while (replies.size < 32) replies.add(await client.message())
  t.equal(calls.length, 1)
})

t.test('the replies of serial async handlers that wait for nothing leave in one system call', async t => {
  const { client, carrier } = await open(t, { handler: async message => message })
  const calls = countCalls(carrier)
  client.write(Buffer.concat([1, 2, 3, 4, 5].map(number => text(String(number)))))
  for (let i = 1; i <= 5; i++) t.equal(await client.message(), i)
  t.equal(calls.length, 1)
})

t.test('pongs leave with the replies of their tick', async t => {
  const { client, carrier } = await open(t, { handler: message => message })
  const calls = countCalls(carrier)
  client.write(Buffer.concat([text('1'), ping('a'), text('2')]))
  await client.message()
  t.match(await client.frame(), { opcode: 10 })
  await client.message()
  t.equal(calls.length, 1)
})

t.test('a message and the Close behind it leave in one system call', async t => {
  const { client, connection, carrier } = await open(t)
  const calls = countCalls(carrier)
  connection.send('bye')
  connection.close()
  await client.message()
  await client.closeFrame()
  t.equal(calls.length, 1)
})

t.test('send answers nothing, so that a handler that answers it sends once', async t => {
  const { client, connection } = await open(t, { handler: (message, connection) => connection.send(message) })
  t.equal(connection.send('first'), undefined)
  t.equal(await client.message(), 'first')
  client.send('second')
  t.equal(await client.message(), 'second')
  client.write(ping('nothing in between'))
  t.match(await client.frame(), { opcode: 10 })
})

t.test('send throws where the message is none of the schema', async t => {
  const app = await buildApp(t)
  const opened = deferred<Connection<unknown>>()
  const schema = { send: Type.Union([Type.Object({ type: Type.Literal('a') }), Type.Object({ type: Type.Literal('b') })]) }
  app.ws('/', { schema, onOpen (connection) { opened.resolve(connection as Connection) } }, () => {})
  await app.injectWS('/')
  const connection = await opened.promise
  t.throws(() => connection.send({ type: 'c' }), { code: 'FST_ERR_WS_SEND_INVALID' })
})

t.test('send does nothing once the close has begun', async t => {
  const { client, connection, closed } = await open(t)
  connection.close()
  t.equal(connection.send('too late'), undefined)
  await client.closeFrame()
  answerClose(client, 1000)
  await closed
  t.equal(connection.send('far too late'), undefined)
  await client.ended()
  t.equal(client.unread.length, 0)
})

t.test('a client that does not read makes bufferedAmount grow and writable false, until it reads', async t => {
  const opened = await open(t)
  const { client, connection } = opened
  t.equal(connection.writable, true)
  t.equal(connection.bufferedAmount, 0)
  await choke(opened)
  t.equal(connection.writable, false)
  t.ok(connection.bufferedAmount >= 64 * 1024)
  let isDrained = false
  const drained = connection.drained().then(() => { isDrained = true })
  for (let i = 0; i < 10; i++) await immediate()
  t.equal(isDrained, false)
  client.socket.resume()
  await drained
  t.equal(connection.writable, true)
  t.equal(connection.bufferedAmount, 0)
})

t.test('a client is heard again when its replies were dropped for a message that found no room either', async t => {
  const handled: unknown[] = []
  const opened = await open(t, {
    slowConsumer: 'drop-oldest',
    budget: { connection: 100_000 },
    handler: message => { handled.push(message); return 'reply' }
  })
  const { app, client, connection, socket } = opened
  app.rooms.declare('strict', { slowConsumer: 'drop-newest' })
  await connection.join('strict')
  await choke(opened)
  for (let i = 0; i < 9; i++) await app.room('strict').send('y'.repeat(10_000))
  for (const message of [1, 2, 3]) {
    const before = socket.bytesRead
    client.send(message)
    while (socket.bytesRead === before) await immediate()
  }
  t.same(handled, [1], 'the others wait behind the reply')
  connection.send('z'.repeat(20_000))
  client.socket.resume()
  await connection.drained()
  while (handled.length < 3) await immediate()
  t.same(handled, [1, 2, 3])
})

t.test('bufferedAmount counts what was sent in this tick', async t => {
  const { connection } = await open(t, { highWaterMark: 100 })
  connection.send('x'.repeat(90))
  t.equal(connection.bufferedAmount, 94)
  t.equal(connection.writable, true)
  connection.send('')
  connection.send('')
  t.equal(connection.writable, false)
})

t.test('drained is settled already below the high-water mark', async t => {
  const { connection } = await open(t)
  connection.send('a')
  let isDrained = false
  void connection.drained().then(() => { isDrained = true })
  await null
  await null
  t.equal(isDrained, true)
})

t.test('drained settles when the connection ends in any way', async t => {
  const ends: Array<(opened: Opened) => unknown> = [
    ({ connection }) => connection.terminate(),
    ({ client }) => client.reset(),
    ({ connection }) => { connection.close(); connection.terminate() }
  ]
  for (const end of ends) {
    const opened = await open(t)
    await choke(opened)
    const waiting = [opened.connection.drained(), opened.connection.drained()]
    await immediate()
    end(opened)
    await Promise.all(waiting)
    await opened.closed
    await opened.connection.drained()
  }
})

t.test('a producer that awaits drained does not grow the process', async t => {
  const opened = await open(t, { highWaterMark: 64 * 1024 })
  const { client, connection } = opened
  let most = 0
  const message = 'x'.repeat(16 * 1024)
  const bytes = client.bytesRead
  for (let i = 0; i < 1000; i++) {
    connection.send(message)
    most = Math.max(most, connection.bufferedAmount)
    await connection.drained()
  }
  await connection.drained()
  t.ok(most < 96 * 1024, String(most))
  while (client.bytesRead - bytes < 1000 * message.length) await once(client.socket, 'data')
})

t.test('what waits for a slow client still arrives when it has ended its side, whatever is sent meanwhile', async t => {
  const opened = await open(t)
  const { client, connection, carrier } = opened
  await choke(opened)
  client.socket.end()
  await once(carrier, 'end')
  connection.send('late')
  await connection.drained()
  connection.close()
  await immediate()
  client.socket.resume()
  t.equal((await client.frame()).payload.length, 12_000_002)
  await client.ended()
})

/* Pings. */

t.test('ping settles with the round trip in milliseconds', async t => {
  const { client, connection } = await open(t)
  const answer = connection.ping()
  const { opcode, payload } = await client.frame()
  t.equal(opcode, 9)
  client.write(pong(payload))
  t.ok(await answer < 5000)
})

t.test('ping rejects when the connection closes before the pong', async t => {
  const { client, connection } = await open(t)
  const answer = connection.ping()
  await client.frame()
  client.socket.destroy()
  await t.rejects(answer, { code: 'FST_ERR_WS_CLOSED' })
  await t.rejects(connection.ping(), { code: 'FST_ERR_WS_CLOSED' })
})

t.test('a ping that nobody awaits never becomes an unhandledRejection', async t => {
  const unhandled: unknown[] = []
  const listener = (reason: unknown): void => { unhandled.push(reason) }
  process.on('unhandledRejection', listener)
  t.teardown(() => process.off('unhandledRejection', listener))
  const { connection, closed } = await open(t)
  void connection.ping()
  connection.terminate()
  await closed
  void connection.ping()
  await immediate()
  t.same(unhandled, [])
})

t.test('a healthy burst of 10 pings gets 10 pongs (RFC 6455 section 5.5.2)', async t => {
  const { client } = await open(t)
  client.write(Buffer.concat(Array.from({ length: 10 }, (_, index) => ping(String(index)))))
  for (let i = 0; i < 10; i++) t.match(await client.frame(), { opcode: 10, payload: Buffer.from(String(i)) })
})

t.test('pongs to a peer that does not read are coalesced to the latest (RFC 6455 section 5.5.3)', async t => {
  const opened = await open(t)
  const { client, connection, carrier, socket } = opened
  await choke(opened)
  const before = connection.bufferedAmount
  const count = 50_000
  const read = socket.bytesRead
  const pings = Buffer.concat(Array.from({ length: count }, (_, index) => ping(String(index))))
  client.write(pings)
  while (socket.bytesRead - read < pings.length || carrier.isPaused()) await immediate()
  t.equal(connection.bufferedAmount, before, 'nothing is queued')
  client.socket.resume()
  await client.frame()
  t.match(await client.frame(), { opcode: 10, payload: Buffer.from(String(count - 1)) })
  await roundTrip(client)
  t.equal(client.unread.length, 0)
})

/* Closing. */

t.test('close sends its code and reason, 1000 by default', async t => {
  const first = await open(t)
  first.connection.close()
  t.same(await first.client.closeFrame(), { code: 1000, reason: '' })
  const second = await open(t)
  second.connection.close(4999, 'ü'.repeat(61))
  t.same(await second.client.closeFrame(), { code: 4999, reason: 'ü'.repeat(61) })
})

t.test('close refuses codes that must not be sent (RFC 6455 section 7.4)', async t => {
  const { connection } = await open(t)
  for (const code of [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 1000.5, NaN, -1, '1000']) {
    t.throws(() => connection.close(code as number), { code: 'FST_ERR_WS_CLOSE_CODE' }, String(code))
  }
  t.equal(connection.readyState, 1)
})

t.test('close refuses a reason of more than 123 bytes (RFC 6455 section 5.5)', async t => {
  const { connection } = await open(t)
  for (const reason of ['x'.repeat(124), 'ü'.repeat(62), 1, null, {}]) {
    t.throws(() => connection.close(1000, reason as string), { code: 'FST_ERR_WS_CLOSE_REASON' })
  }
  t.equal(connection.readyState, 1)
})

t.test('a second close sends nothing', async t => {
  const { client, connection } = await open(t)
  connection.close(4000)
  connection.close(4001)
  t.equal((await client.closeFrame()).code, 4000)
  client.write(close(4000))
  await client.ended()
  t.equal(client.unread.length, 0)
})

t.test('a client that never answers Close is terminated after closeTimeout', async t => {
  const { client, connection, closed } = await open(t, { closeTimeout: 20 })
  connection.close(4000, 'bye')
  await client.closeFrame()
  t.match(await closed, { code: 4000, reason: 'bye', wasClean: false, closedBy: 'server', rooms: [] })
  await client.ended()
})

t.test('a client that answers Close and never ends is terminated after closeTimeout', async t => {
  const { client, closed } = await open(t, { closeTimeout: 20 })
  client.write(close(1000))
  await client.closeFrame()
  await client.ended()
  t.match(await closed, { code: 1000, wasClean: true })
})

t.test('a violator that goes on sending is terminated after closeTimeout', async t => {
  const { client, closed } = await open(t, { closeTimeout: 20 })
  client.write(hex('ff'))
  client.write(hex('ff'))
  t.match(await client.closeFrame(), { code: 1002 })
  const flood = setInterval(() => client.write(Buffer.alloc(1000)), 1)
  t.teardown(() => clearInterval(flood))
  t.match(await closed, { code: 1002, wasClean: false })
})

t.test('the server ends the TCP connection first (RFC 6455 section 7.1.1)', async t => {
  const { client } = await open(t)
  client.write(close(1000))
  await client.closeFrame()
  await client.ended()
})

t.test('terminate drops the connection without a Close', async t => {
  const { client, connection, closed } = await open(t)
  connection.terminate()
  t.match(await closed, { code: 1006, reason: '', wasClean: false, closedBy: 'server', rooms: [] })
  await client.ended()
  t.equal(client.unread.length, 0)
})

t.test('a connection that was dropped is closed by nothing else: no code that the client never saw is told', async t => {
  const { connection, closed } = await open(t)
  connection.terminate()
  connection.close(4000, 'too late')
  t.match(await closed, { code: 1006, reason: '', wasClean: false, closedBy: 'server' })
  t.equal(connection.traffic.sent.bytes, 0)
})

t.test('signal is the same one every time, and aborted when the connection closes', async t => {
  const { client, connection, closed } = await open(t)
  const { signal } = connection
  t.equal(connection.signal, signal)
  t.equal(signal.aborted, false)
  const aborted = once(signal, 'abort')
  client.socket.destroy()
  await aborted
  t.match(signal.reason, { code: 'FST_ERR_WS_CLOSED' })
  await closed
})

t.test('a signal that is first asked for after the close is aborted', async t => {
  const { client, connection, closed } = await open(t)
  client.socket.destroy()
  await closed
  t.equal(connection.signal.aborted, true)
  t.match(connection.signal.reason, { code: 'FST_ERR_WS_CLOSED' })
})

/** Every way in which a connection ends, and what `onClose` is told of it. */
const ways: Record<string, { end: (opened: Opened) => unknown, info: Partial<CloseInfo> }> = {
  'the client closes': { end: ({ client }) => client.close(4001, 'done'), info: { code: 4001, reason: 'done', wasClean: true } },
  'the client closes without a code': { end: ({ client }) => client.close(), info: { code: 1005, reason: '', wasClean: true } },
  'the client ends its side': { end: ({ client }) => client.socket.end(), info: { code: 1006, reason: '', wasClean: false } },
  'the client resets': { end: ({ client }) => client.reset(), info: { code: 1006, reason: '', wasClean: false } },
  'the server closes': {
    async end ({ client, connection }) { connection.close(4002, 'enough'); await client.closeFrame(); answerClose(client, 4002, 'enough') },
    info: { code: 4002, reason: 'enough', wasClean: true }
  },
  'the server terminates': { end: ({ connection }) => connection.terminate(), info: { code: 1006, reason: '', wasClean: false } },
  'the client violates the protocol': {
    async end ({ client }) { client.write(frame({ opcode: 1, rsv: 4 })); await client.closeFrame(); client.socket.end() },
    info: { code: 1002, wasClean: false }
  },
  'the application closes': {
    async end ({ app, client }) {
      const ended = app.close()
      t.match(await client.closeFrame(), { code: 1001 })
      answerClose(client, 1001)
      await ended
    },
    info: { code: 1001, wasClean: true }
  }
}

for (const [way, { end, info }] of Object.entries(ways)) {
  t.test(`when ${way}, onClose runs once and is told how it ended`, async t => {
    const opened = await open(t, { onOpen (connection) { void connection.join('a'); void connection.join('b') } })
    await end(opened)
    t.match(await opened.closed, { ...info, rooms: ['a', 'b'] })
    while (opened.app.wsConnections.size > 0) await immediate()
    opened.connection.close()
    opened.connection.terminate()
    await immediate()
    t.equal(opened.closes(), 1)
    t.equal(opened.connection.readyState, 3)
    t.equal(opened.connection.rooms.size, 0)
  })

  t.test(`when ${way} while onOpen runs, onClose runs once and not before onOpen is done`, async t => {
    const gate = deferred()
    const opened = await open(t, { onOpen: () => gate.promise })
    const ended = end(opened)
    while (opened.connection.readyState !== 3) await immediate()
    t.equal(opened.closes(), 0)
    gate.resolve()
    t.match(await opened.closed, info)
    await ended
    await immediate()
    t.equal(opened.closes(), 1)
  })
}

t.test('onClose does not run before the handlers have settled', async t => {
  const gate = deferred()
  const order: string[] = []
  const { client, connection, closed, carrier } = await open(t, { async handler () { await gate.promise; order.push('handler') } })
  client.send(1)
  await once(carrier, 'data')
  client.reset()
  while (connection.readyState !== 3) await immediate()
  void closed.then(() => order.push('onClose'))
  await immediate()
  gate.resolve()
  await closed
  t.same(order, ['handler', 'onClose'])
})

t.test('an onClose that throws or rejects is logged and harms nobody', async t => {
  const { lines, stream } = logLines()
  const app = await buildApp(t, {}, { logger: { stream } })
  app.ws('/sync', { onClose () { throw new Error('sync') } }, () => {})
  app.ws('/async', { async onClose () { await immediate(); throw new Error('async') } }, () => {})
  for (const url of ['/sync', '/async']) await (await app.injectWS(url)).close()
  while (app.wsConnections.size > 0) await immediate()
  t.match(lines.filter(line => line.msg === 'onClose failed'), [{ err: { message: 'sync' } }, { err: { message: 'async' } }])
})

t.test('data is still there in onClose', async t => {
  const app = await buildApp(t)
  const seen = deferred<string>()
  app.ws('/', { onOpen: () => ({ name: 'Ann' }), onClose (connection) { seen.resolve(connection.data.name) } }, () => {})
  await (await app.injectWS('/')).close()
  t.equal(await seen.promise, 'Ann')
})

t.test('a violation closes with its code and says why', async t => {
  const { client } = await open(t)
  client.write(text(Buffer.from([0xff])))
  t.same(await client.closeFrame(), { code: 1007, reason: 'text must be valid UTF-8' })
  await client.ended()
})

t.test('a message larger than maxPayload closes with 1009 before it has arrived', async t => {
  const { client } = await open(t, { maxPayload: 100 })
  client.write(text('x', { length: 101 }).subarray(0, 8))
  t.match(await client.closeFrame(), { code: 1009 })
})

t.test('nothing behind a violation is handled (RFC 6455 section 7.1.7)', async t => {
  const handled: unknown[] = []
  const { client, closed } = await open(t, { handler: message => { handled.push(message) } })
  client.write(Buffer.concat([text('1'), frame({ opcode: 3 }), text('2')]))
  await client.closeFrame()
  client.socket.end()
  await closed
  t.same(handled, [1])
})

t.test('a message may come in the segment of the handshake, byte by byte or fragmented', async t => {
  const app = await buildApp(t)
  app.ws('/', message => message)
  const port = await listen(app)
  const client = await RawClient.open(port, '/', { head: Buffer.concat([text('"a', { fin: false }), frame({ opcode: 0, payload: 'b"' })]) })
  t.equal(await client.message(), 'ab')
  for (const byte of cut(text('"c"'), 1)) {
    client.write(byte)
    await immediate()
  }
  t.equal(await client.message(), 'c')
  client.socket.destroy()
})

/* What it holds. */

t.test('an idle connection does not hold its request', async t => {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as () => void
  let request: WeakRef<object> | null = null
  let raw: WeakRef<object> | null = null
  const { client } = await open(t, { onOpen (_, seen) { request = new WeakRef(seen); raw = new WeakRef(seen.raw) } })
  const alive = (): unknown[] => [request?.deref(), raw?.deref()].filter(Boolean)
  for (let i = 0; i < 100 && alive().length > 0; i++) {
    await roundTrip(client)
    gc()
  }
  t.equal(alive().length, 0)
})

t.test('closeTimeout is for each handler: messages behind a Close are all handled, however long that takes', async t => {
  const handled: unknown[] = []
  const { client, closed } = await open(t, {
    closeTimeout: 50,
    handler: message => new Promise<void>(resolve => setTimeout(() => { handled.push(message); resolve() }, 20))
  })
  client.write(Buffer.concat([...Array.from({ length: 10 }, (_, n) => text(String(n))), close(1000)]))
  t.same(await client.closeFrame(), { code: 1000, reason: '' })
  client.socket.end()
  t.match(await closed, { code: 1000, wasClean: true })
  t.same(handled, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
})
