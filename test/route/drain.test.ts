import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import type { Test } from 'tap'
import type { CloseInfo, WsPluginOptions } from '../../types/index.ts'
import { buildApp, deferred, listen } from '../helpers/app.ts'
import { close, ping } from '../helpers/bytes.ts'
import { RawClient } from '../helpers/raw-client.ts'
import { ServerSockets } from '../helpers/server-sockets.ts'

const immediate = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

const goingAway = { code: 1001, reason: 'server is closing' }

interface Draining {
  app: FastifyInstance
  port: number
  /** How each connection ended. */
  ends: CloseInfo[]
  /** How many handlers have begun. */
  begun: () => number
  /** Lets the handlers that run reply. */
  release: () => void
}

/** A server whose handlers take their time. */
async function server (t: Test, options: WsPluginOptions): Promise<Draining> {
  const app = await buildApp(t, options)
  const released = deferred()
  const ends: CloseInfo[] = []
  let begun = 0
  app.ws('/', { onClose: (_connection, info) => { ends.push(info) } }, async message => {
    begun++
    await released.promise
    return { reply: message }
  })
  app.ws('/echo', { onClose: (_connection, info) => { ends.push(info) } }, message => message)
  return { app, port: await listen(app), ends, begun: () => begun, release: released.resolve }
}

/** A client, a message of whose is being handled. */
async function busyClient ({ port, begun }: Draining, message: unknown = 'late'): Promise<RawClient> {
  const client = await RawClient.open(port, '/')
  const before = begun()
  client.send(message)
  while (begun() === before) await immediate()
  return client
}

async function answer (client: RawClient): Promise<void> {
  client.write(close(1001))
  await client.ended()
  client.socket.end()
}

/** How many keep the process. */
function timers (): number {
  return process.getActiveResourcesInfo().filter(name => name === 'Timeout').length
}

/** Once `app.close()` has begun. */
async function closing (app: FastifyInstance): Promise<void> {
  while (app.wsReadiness().ready) await immediate()
}

t.test('a handler that runs has its reply sent, and the close frame follows', async t => {
  const draining = await server(t, {})
  const busy = await busyClient(draining)
  const idle = await RawClient.open(draining.port, '/')
  const closed = draining.app.close()
  t.same(await idle.closeFrame(), goingAway)
  await answer(idle)
  t.equal(busy.unread.length, 0, 'nothing before the reply')
  draining.release()
  t.same(await busy.message(), { reply: 'late' })
  t.same(await busy.closeFrame(), goingAway)
  await answer(busy)
  await closed
  t.match(draining.ends, [{ code: 1001, wasClean: true }, { code: 1001, wasClean: true, closedBy: 'server' }])
})

t.test('messages behind the one that is being handled are not handled any more, nor are those that come; what else comes is', async t => {
  const draining = await server(t, {})
  const client = await busyClient(draining, 1)
  for (let i = 2; i < 50; i++) client.send(i)
  // As many as may wait: nothing is read any more.
  while (draining.app.wsStats().traffic.received.messages < 17) await immediate()
  const closed = draining.app.close()
  await closing(draining.app)
  client.send(50)
  client.write(ping('read'))
  t.match(await client.frame(), { opcode: 10, payload: Buffer.from('read') })
  draining.release()
  t.same(await client.message(), { reply: 1 })
  t.same(await client.closeFrame(), goingAway)
  await answer(client)
  await closed
  t.equal(draining.begun(), 1)
})

t.test('a client that closes meanwhile has its own messages handled and is answered with its own code', async t => {
  const draining = await server(t, {})
  const client = await busyClient(draining, 1)
  const app = draining.app
  const closed = app.close()
  await closing(app)
  client.write(close(4000))
  while (![...app.wsConnections].some(({ readyState }) => readyState === 2)) await immediate()
  draining.release()
  t.same(await client.message(), { reply: 1 })
  t.equal((await client.closeFrame()).code, 4000)
  client.socket.end()
  await closed
  t.match(draining.ends, [{ code: 4000, wasClean: true, closedBy: 'client' }])
})

t.test('no handler is cut short by closeTimeout, whatever its client does', async t => {
  const draining = await server(t, { closeTimeout: 20, drain: { timeout: 60_000 } })
  const silent = await busyClient(draining)
  const closer = await busyClient(draining)
  const lost = await busyClient(draining)
  const ender = await busyClient(draining)
  // One has closed before the server does, the others do so later.
  const closed = draining.app.close()
  await closing(draining.app)
  closer.write(close(1000))
  lost.socket.destroy()
  ender.socket.end()
  // Several times closeTimeout: it can only be waited for that nothing happens.
  await delay(200)
  t.same(draining.ends, [])
  draining.release()
  for (const client of [silent, closer]) t.same(await client.message(), { reply: 'late' })
  for (const [client, code] of [[silent, 1001], [closer, 1000]] as const) t.equal((await client.closeFrame()).code, code)
  closer.socket.end()
  await closed
  t.equal(draining.ends.length, 4, 'each onClose has run once; the silent client was dropped after closeTimeout')
})

t.test('a connection whose client had closed before has the same time for its handlers, of all that it sent', async t => {
  const draining = await server(t, { closeTimeout: 100, drain: { timeout: 60_000 } })
  const client = await busyClient(draining, 'first')
  client.send('second')
  client.write(close(1000))
  while (![...draining.app.wsConnections].some(({ readyState }) => readyState === 2)) await immediate()
  const closed = draining.app.close()
  await delay(300)
  t.same(draining.ends, [])
  draining.release()
  t.same(await client.message(), { reply: 'first' })
  t.same(await client.message(), { reply: 'second' })
  t.equal((await client.closeFrame()).code, 1000)
  client.socket.end()
  await closed
  t.equal(draining.ends.length, 1)
})

t.test('at the deadline a client hears why, and is dropped; its handler is not waited for', async t => {
  const draining = await server(t, { drain: { timeout: 50 } })
  const sockets = new ServerSockets(draining.app)
  const client = await busyClient(draining)
  await draining.app.close()
  t.same(await client.closeFrame(), goingAway)
  await client.ended()
  t.match(draining.ends, [{ code: 1001, wasClean: false, closedBy: 'server' }])
  await sockets.open(0)
  draining.release()
  await immediate()
  t.equal(draining.ends.length, 1, 'onClose runs no second time')
})

t.test('an onOpen that runs on at the deadline is not waited for', async t => {
  const app = await buildApp(t, { drain: { timeout: 50 } })
  const entered = deferred()
  const release = deferred()
  const ran: string[] = []
  app.ws('/', {
    onOpen: async () => { entered.resolve(); await release.promise; ran.push('onOpen') },
    onClose: () => { ran.push('onClose') }
  }, () => {})
  const client = await RawClient.open(await listen(app), '/')
  await entered.promise
  await app.close()
  t.same(await client.closeFrame(), goingAway)
  t.same(ran, [])
  release.resolve()
  await immediate()
  t.same(ran, ['onOpen', 'onClose'], 'and has its onClose all the same')
})

t.test('during the delay connections go on working, and nothing is closed', async t => {
  const draining = await server(t, { drain: { delay: 1_000 } })
  const client = await RawClient.open(draining.port, '/echo')
  const start = performance.now()
  const closed = draining.app.close()
  await closing(draining.app)
  client.send('still here')
  t.equal(await client.message(), 'still here')
  const late = await RawClient.connect(draining.port)
  late.request('/echo')
  t.equal((await late.reply()).statusCode, 503)
  late.socket.end()
  t.same(await client.closeFrame(), goingAway)
  t.ok(performance.now() - start >= 990)
  await answer(client)
  await closed
})

t.test('a server that does not listen has nobody to wait for: no delay', async t => {
  const app = await buildApp(t, { drain: { delay: 2 ** 31 - 1 } })
  app.ws('/', () => {})
  const client = await app.injectWS('/')
  const closed = app.close()
  t.same(await client.expectClose(1001), goingAway)
  await closed
})

t.test('300 clients are closed one after the other within spread, each once', async t => {
  const draining = await server(t, {})
  const clients = await Promise.all(Array.from({ length: 300 }, () => RawClient.open(draining.port, '/echo')))
  const turns = new Set<number>()
  let turn = 0
  const count = (): void => { turn++; counting = setImmediate(count) }
  let counting = setImmediate(count)
  const order: number[] = []
  const seen = clients.map(async (client, index) => {
    t.same(await client.closeFrame(), goingAway)
    turns.add(turn)
    order.push(index)
    await answer(client)
    t.equal(client.unread.length, 0)
  })
  await draining.app.close()
  await Promise.all(seen)
  clearImmediate(counting)
  t.ok(turns.size > 3, `in ${turns.size} turns of the event loop`)
  t.ok(order.some((index, place) => index !== place), 'in another order than they came')
  t.equal(draining.ends.length, 300)
})

t.test('when the last client has gone by itself, nothing is waited for', async t => {
  const draining = await server(t, { drain: { timeout: 2 ** 31 - 1, spread: 2 ** 31 - 1 } })
  const clients = await Promise.all(Array.from({ length: 150 }, () => RawClient.open(draining.port, '/echo')))
  const before = timers()
  const closed = draining.app.close()
  await closing(draining.app)
  t.ok(timers() > before)
  for (const client of clients) client.socket.destroy()
  await closed
  t.equal(draining.ends.length, 150)
  t.equal(timers(), before, 'no timer keeps the process')
})

t.test('a client that floods is closed like any other', async t => {
  const draining = await server(t, { drain: { timeout: 60_000 } })
  const client = await RawClient.open(draining.port, '/echo')
  client.socket.resume()
  let flooding = true
  const flood = (): void => {
    if (!flooding || client.socket.destroyed) return
    for (let i = 0; i < 100; i++) client.send(i)
    setImmediate(flood)
  }
  flood()
  const closed = draining.app.close()
  for (;;) {
    const { opcode, payload } = await client.frame()
    if (opcode !== 8) continue
    t.equal(payload.readUInt16BE(), 1001)
    break
  }
  flooding = false
  await answer(client)
  await closed
  t.match(draining.ends, [{ code: 1001, wasClean: true }])
})

t.test('an upgrade that is still to be decided is refused before the last connections are dropped, whose hooks may hang', async t => {
  const app = await buildApp(t, { drain: { timeout: 20 } })
  const begun = deferred()
  const handled = deferred()
  let upgrades: unknown
  app.ws('/', { onClose: () => { upgrades = app.wsStats().upgrades } }, () => {
    handled.resolve()
    return new Promise(() => {})
  })
  app.ws('/undecided', { onRequest: () => { begun.resolve(); return new Promise(() => {}) } }, message => message)
  const port = await listen(app)
  const busy = await RawClient.open(port, '/')
  busy.send('hangs')
  await handled.promise
  const undecided = await RawClient.connect(port)
  undecided.request('/undecided')
  await begun.promise
  const closed = app.close()
  t.equal((await undecided.reply()).statusCode, 503)
  undecided.socket.end()
  await closed
  t.match(upgrades, { pending: 0, refused: { 503: 1 } })
})
