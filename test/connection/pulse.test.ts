import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import type { Test } from 'tap'
import type { ServerConnection } from '../../lib/connection/connection.ts'
import { Heartbeat } from '../../lib/connection/heartbeat.ts'
import type { Beating } from '../../lib/connection/heartbeat.ts'
import type { CloseInfo, Connection, WsCommonOptions } from '../../types/index.ts'
import { buildApp, deferred, listen } from '../helpers/app.ts'
import { pong, text } from '../helpers/bytes.ts'
import { keepAlive } from '../helpers/keep-alive.ts'
import { RawClient } from '../helpers/raw-client.ts'

t.before(() => keepAlive(t))

interface Opened {
  app: Awaited<ReturnType<typeof buildApp>>
  client: RawClient
  connection: Connection
  pulse: Beating
  closed: Promise<CloseInfo>
}

/** A connection whose heartbeat beats when the test says so. */
async function open (t: Test, handler: () => unknown = () => {}, options: WsCommonOptions = {}): Promise<Opened> {
  const { add } = Heartbeat.prototype
  let pulse: Beating | null = null
  Heartbeat.prototype.add = beating => { pulse = beating }
  t.teardown(() => { Heartbeat.prototype.add = add })
  const app = await buildApp(t)
  const opened = deferred<Connection>()
  const closed = deferred<CloseInfo>()
  app.ws('/', { ...options, onOpen: connection => opened.resolve(connection), onClose: (_connection, info) => closed.resolve(info) }, handler)
  const client = await RawClient.open(await listen(app), '/')
  const connection = await opened.promise
  if (pulse === null) throw new Error('the heartbeat was given no pulse')
  return { app, client, connection, pulse, closed: closed.promise }
}

/** Sends until the operating system takes no more. */
async function fill (connection: Connection): Promise<void> {
  for (let before = -1; !(connection.bufferedAmount > 0 && connection.bufferedAmount === before);) {
    before = connection.bufferedAmount
    if (connection.writable) connection.send('x'.repeat(1_000_000))
    await delay(20)
  }
}

t.test('a client whose handler was slow is not taken for silent before what it sent meanwhile is read', async t => {
  const called = deferred()
  const released = deferred()
  const { app, client, pulse } = await open(t, async () => {
    called.resolve()
    await released.promise
  })
  client.write(Buffer.concat(Array.from({ length: 40 }, () => text('1'))))
  await called.promise
  pulse.beat()
  released.resolve()
  await new Promise(resolve => process.nextTick(resolve))
  pulse.endIfSilent()
  t.match(app.wsStats().connections, { open: 1, silent: 0 })
})

t.test('a client that was behind with reading when its ping was due got none, and is not taken for silent', async t => {
  const { app, client, connection, pulse } = await open(t)
  client.socket.pause()
  await fill(connection)
  pulse.beat()
  client.socket.resume()
  while (connection.bufferedAmount > 0) await delay(1)
  pulse.endIfSilent()
  t.match(app.wsStats().connections, { open: 1, silent: 0 })
  t.equal(connection.readyState, 1)
})

t.test('a client that does not read is sent neither a ping nor the notice of one', async t => {
  const { client, connection, pulse } = await open(t, () => {}, { heartbeat: { notify: true } })
  client.socket.pause()
  await fill(connection)
  const { messages } = connection.traffic.sent
  pulse.beat()
  t.equal(connection.traffic.sent.messages, messages)
  client.socket.resume()
  while (!connection.writable) await delay(1)
  pulse.beat()
  t.equal(connection.traffic.sent.messages, messages + 1)
})

t.test('a client that takes nothing of what it is sent between a beat and its end is dropped: it would have answered no ping either', async t => {
  const { app, client, connection, pulse, closed } = await open(t)
  client.socket.pause()
  await fill(connection)
  pulse.beat()
  pulse.endIfSilent()
  t.match(await closed, { code: 1006, wasClean: false, closedBy: 'network' })
  t.equal(app.wsStats().connections.silent, 1)
})

t.test('a client that takes little by little stays', async t => {
  const { app, client, connection, pulse } = await open(t)
  client.socket.pause()
  await fill(connection)
  const waiting = connection.bufferedAmount
  pulse.beat()
  client.socket.resume()
  while (connection.bufferedAmount === waiting) await delay(1)
  client.socket.pause()
  pulse.endIfSilent()
  t.match(app.wsStats().connections, { open: 1, silent: 0 })
})

t.test('a client that its rate keeps from being read is not taken for silent, and is asked again', async t => {
  const { app, client, connection, pulse } = await open(t, () => 'handled', { limits: { messages: { perSecond: 20, burst: 1 } } })
  client.write(Buffer.concat([text('1'), text('2')]))
  for (let i = 0; i < 2; i++) await client.frame()
  pulse.beat()
  pulse.endIfSilent()
  t.equal(app.wsStats().connections.silent, 0)
  while (app.wsStats().traffic.received.messages < 2 || (connection as ServerConnection).isBusy) await delay(1)
  pulse.endIfSilent()
  t.equal(app.wsStats().connections.silent, 0)
  t.equal((await client.frame()).opcode, 9)
})

t.test('a client that closes is left to its closing handshake', async t => {
  const { app, connection, pulse } = await open(t)
  pulse.beat()
  connection.close()
  pulse.endIfSilent()
  t.equal(app.wsStats().connections.silent, 0)
})

t.test("latency is the round trip of the heartbeat's last ping that was answered", async t => {
  const { client, connection, pulse } = await open(t)
  t.equal(connection.latency, null)
  pulse.beat()
  t.equal((await client.frame()).opcode, 9)
  await delay(30)
  client.write(pong(''))
  while (connection.latency === null) await delay(1)
  t.ok(connection.latency >= 29)
  const { latency } = connection
  client.write(pong(''))
  client.write(pong('1234'))
  client.write(text('1'))
  await delay(10)
  t.equal(connection.latency, latency, 'a pong that answers nothing says nothing')
})

t.test("latency is that of the application's own ping, too", async t => {
  const { client, connection } = await open(t)
  const answered = connection.ping()
  client.write(pong((await client.frame()).payload))
  t.equal(await answered, connection.latency)
})
