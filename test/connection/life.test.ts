import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import type { Test } from 'tap'
import type { CloseInfo, Connection, WsCommonOptions } from '../../types/index.ts'
import { buildApp, deferred, listen } from '../helpers/app.ts'
import { ping, text } from '../helpers/bytes.ts'
import { keepAlive } from '../helpers/keep-alive.ts'
import { RawClient } from '../helpers/raw-client.ts'

t.before(() => keepAlive(t))

interface Opened {
  app: Awaited<ReturnType<typeof buildApp>>
  client: RawClient
  connection: Connection
  closed: Promise<CloseInfo>
}

interface Setup extends WsCommonOptions {
  /** What a hook says of the request. */
  expiresAt?: unknown
  /** Or how long after it, in milliseconds. */
  expiresIn?: number
  onExpiring?: (connection: Connection, expiresAt: Date) => unknown
  handler?: (message: unknown, connection: Connection) => unknown
}

async function build (t: Test, { expiresAt, expiresIn, handler = message => message, ...options }: Setup): Promise<Pick<Opened, 'app' | 'closed'> & { port: number, opened: Promise<Connection> }> {
  const app = await buildApp(t)
  const opened = deferred<Connection>()
  const closed = deferred<CloseInfo>()
  app.ws('/', {
    ...options,
    onRequest: async request => {
      if (expiresAt !== undefined) request.wsExpiresAt = expiresAt as number
      if (expiresIn !== undefined) request.wsExpiresAt = Date.now() + expiresIn
    },
    onOpen: connection => opened.resolve(connection),
    onClose: (_connection, info) => closed.resolve(info)
  }, handler)
  return { app, port: await listen(app), opened: opened.promise, closed: closed.promise }
}

async function open (t: Test, setup: Setup): Promise<Opened> {
  const { app, port, opened, closed } = await build(t, setup)
  const client = await RawClient.open(port, '/')
  return { app, client, connection: await opened, closed }
}

const json = async (client: RawClient): Promise<unknown> => JSON.parse((await client.frame()).payload.toString())

/* Idle timeout. */

t.test('a client that sends no message within idleTimeout is closed with 4408, and counted', async t => {
  const { app, client, closed } = await open(t, { idleTimeout: 50 })
  t.match(await client.closeFrame(), { code: 4408, reason: 'idle' })
  client.socket.destroy()
  t.match(await closed, { closedBy: 'server' })
  t.equal(app.wsStats().connections.idle, 1)
})

t.test('messages keep a connection from being idle, pings do not', async t => {
  const { app, client } = await open(t, { idleTimeout: 200 })
  for (let i = 0; i < 10; i++) {
    client.write(text(String(i)))
    t.equal(await json(client), i)
    await delay(30)
  }
  t.equal(app.wsStats().connections.idle, 0)
  const timer = setInterval(() => client.write(ping()), 10)
  t.teardown(() => clearInterval(timer))
  for (;;) if ((await client.frame()).opcode === 8) break
  t.equal(app.wsStats().connections.idle, 1)
})

t.test('a client is not idle while its message is being handled', async t => {
  const { app, client } = await open(t, { idleTimeout: 40, handler: async message => { await delay(300); return message } })
  client.write(text('1'))
  t.equal(await json(client), 1)
  t.equal(app.wsStats().connections.idle, 0)
})

t.test('a blocked event loop makes nobody idle whose message has come meanwhile', async t => {
  const { app, client } = await open(t, { idleTimeout: 100 })
  for (let i = 0; i < 5; i++) {
    client.write(text('1'))
    await new Promise(resolve => setImmediate(resolve))
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 120)
    t.equal(await json(client), 1)
  }
  t.equal(app.wsStats().connections.idle, 0)
})

/* Maximum lifetime. */

t.test('a connection is closed with 1001 in the last tenth of maxLifetime', async t => {
  const { client, closed } = await open(t, { maxLifetime: 200 })
  t.match(await client.closeFrame(), { code: 1001, reason: 'maximum lifetime' })
  client.socket.destroy()
  t.ok((await closed).duration >= 179)
})

t.test('connections that began together end one by one', async t => {
  const { port } = await build(t, { maxLifetime: 2_000 })
  const clients = await Promise.all(Array.from({ length: 20 }, () => RawClient.open(port, '/')))
  const ends = await Promise.all(clients.map(async client => {
    await client.closeFrame()
    return Math.round(performance.now())
  }))
  t.ok(new Set(ends).size > 5)
})

/* Expiry. */

t.test('a connection whose credentials expire is closed with 4401, and counted', async t => {
  const { app, client, connection, closed } = await open(t, { expiresIn: 150, expiryWarning: false })
  t.ok(connection.expiresAt instanceof Date)
  t.match(await client.closeFrame(), { code: 4401, reason: 'expired' })
  client.socket.destroy()
  t.match(await closed, { closedBy: 'server' })
  t.equal(app.wsStats().connections.expired, 1)
})

t.test('the client is warned before, once', async t => {
  const { client, connection } = await open(t, { expiresIn: 300, expiryWarning: 200 })
  t.same(await json(client), { type: 'expiring', expiresAt: connection.expiresAt?.toISOString() })
  t.match(await client.closeFrame(), { code: 4401 })
  t.equal(client.unread.length, 0)
})

t.test('onExpiring says in the words of the route what the client is told, or says nothing', async t => {
  const { client } = await open(t, {
    expiresIn: 300,
    expiryWarning: 200,
    onExpiring: (connection, expiresAt) => connection.send({ type: 'token', same: Number(connection.expiresAt) === Number(expiresAt) })
  })
  t.same(await json(client), { type: 'token', same: true })
  const silent = await open(t, { expiresIn: 200, onExpiring: () => {} })
  t.equal((await silent.client.frame()).opcode, 8)
})

t.test('an onExpiring that throws or rejects costs the warning, not the connection', async t => {
  for (const onExpiring of [() => { throw new Error('no') }, async () => { throw new Error('no') }]) {
    const { client } = await open(t, { expiresIn: 200, onExpiring })
    t.match(await client.closeFrame(), { code: 4401 })
  }
})

t.test('renew puts it off, and warns again', async t => {
  const { client, connection } = await open(t, { expiresIn: 1_000, expiryWarning: 950 })
  t.match(await json(client), { type: 'expiring' })
  const later = Date.now() + 500
  connection.renew(later)
  t.equal(Number(connection.expiresAt), later)
  t.same(await json(client), { type: 'expiring', expiresAt: new Date(later).toISOString() })
  t.match(await client.closeFrame(), { code: 4401 })
  t.ok(Date.now() >= later)
})

t.test('renew(null) lets it live, renew with a time in the past ends it', async t => {
  const { client, connection } = await open(t, { expiresIn: 300, expiryWarning: false })
  connection.renew(null)
  t.equal(connection.expiresAt, null)
  await delay(400)
  t.equal(connection.readyState, 1)
  connection.renew(Date.now() - 1)
  t.match(await client.closeFrame(), { code: 4401 })
})

t.test('onOpen may set when a connection expires', async t => {
  const app = await buildApp(t)
  app.ws('/', { expiryWarning: false, onOpen: connection => connection.renew(Date.now() + 50) }, () => {})
  const client = await RawClient.open(await listen(app), '/')
  t.match(await client.closeFrame(), { code: 4401 })
})

t.test('credentials that have expired already are a 401 before the 101', async t => {
  const { app, port } = await build(t, { expiresAt: Date.now() - 1 })
  const client = await RawClient.connect(port)
  client.request('/')
  const reply = await client.reply()
  t.equal(reply.statusCode, 401)
  t.match(JSON.parse(reply.body), { code: 'FST_ERR_WS_EXPIRED' })
  t.same(app.wsStats().upgrades, { pending: 0, refused: { 401: 1 }, aborted: 0 })
})

t.test('what is no time is an error, not a connection for ever', async t => {
  for (const expiresAt of [NaN, new Date('never'), '2030-01-01', {}]) {
    const { port } = await build(t, { expiresAt })
    const client = await RawClient.connect(port)
    client.request('/')
    t.equal((await client.reply()).statusCode, 500)
  }
  const { connection } = await open(t, {})
  for (const time of [NaN, new Date('never'), '2030-01-01']) t.throws(() => connection.renew(time as number), { code: 'FST_ERR_WS_EXPIRES_AT' })
  connection.renew(Infinity)
  t.equal(connection.expiresAt, null)
})

t.test('renew after the end does nothing', async t => {
  const { client, connection, closed } = await open(t, { expiresAt: Date.now() + 60_000 })
  client.socket.destroy()
  await closed
  connection.renew(Date.now() + 10)
  await delay(30)
  t.equal(connection.readyState, 3)
})

t.test('a lifetime or an expiry that is due while the server ends does not cut a handler short', async t => {
  for (const bound of [{ maxLifetime: 200 }, { expiryWarning: false as const }]) {
    const called = deferred()
    const { app, client, connection } = await open(t, { ...bound, handler: async message => { called.resolve(); await delay(400); return message } })
    client.write(text('1'))
    await called.promise
    if (!('maxLifetime' in bound)) connection.renew(Date.now() + 200)
    const closing = app.close()
    t.equal(await json(client), 1)
    t.match(await client.closeFrame(), { code: 1001, reason: 'server is closing' })
    client.socket.destroy()
    await closing
  }
})
