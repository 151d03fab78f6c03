import t from 'tap'
import { Connections } from '../../lib/route/connections.ts'
import { buildApp, deferred, listen } from '../helpers/app.ts'
import { close } from '../helpers/bytes.ts'
import { RawClient } from '../helpers/raw-client.ts'
import { ServerSockets } from '../helpers/server-sockets.ts'

const ignore = (): void => {}

t.test('ids begin with that of the process and never repeat', async t => {
  const connections = new Connections('node')
  const ids = Array.from({ length: 1_000 }, () => connections.nextId())
  t.equal(new Set(ids).size, 1_000)
  t.ok(ids.every(id => id.startsWith('node-')))
})

t.test('two servers have different ids', async t => {
  const ids: string[] = []
  for (const app of [await buildApp(t), await buildApp(t)]) {
    app.ws('/', { onOpen: connection => { ids.push(connection.id) } }, ignore)
    await app.injectWS('/')
  }
  t.not(ids[0].split('-')[0], ids[1].split('-')[0])
})

t.test('app.wsConnections holds the open connections, from onOpen until they have ended', async t => {
  const app = await buildApp(t)
  const gone = deferred()
  app.ws('/', { onOpen: connection => { t.ok([...app.wsConnections].includes(connection)) }, onClose: () => { setImmediate(gone.resolve) } }, ignore)
  const port = await listen(app)
  t.equal(app.wsConnections.size, 0)
  const client = await RawClient.open(port, '/')
  t.equal(app.wsConnections.size, 1)
  await client.close(1000)
  await gone.promise
  t.equal(app.wsConnections.size, 0)
})

t.test('app.close() on a server without connections ends at once', async t => {
  const app = await buildApp(t)
  app.ws('/', ignore)
  await listen(app)
  await app.close()
  t.pass('closed')
})

t.test('app.close() closes all with 1001, waits for their answers, and each onClose has run', async t => {
  const app = await buildApp(t)
  const codes: unknown[] = []
  app.ws('/', { onClose: async (_connection, info) => { await new Promise(resolve => setImmediate(resolve)); codes.push(info) } }, ignore)
  const port = await listen(app)
  const clients = await Promise.all(Array.from({ length: 5 }, () => RawClient.open(port, '/')))
  const closed = app.close()
  for (const client of clients) {
    t.same(await client.closeFrame(), { code: 1001, reason: 'server is closing' })
    t.equal(codes.length, 0, 'not before the answers')
  }
  for (const client of clients) {
    client.write(close(1001))
    client.socket.end()
  }
  await closed
  t.same(codes.length, 5)
  t.match(codes[0], { code: 1001, wasClean: true })
})

t.test('app.close() waits for handlers, whose replies still leave', async t => {
  const app = await buildApp(t)
  const entered = deferred()
  const release = deferred()
  let done = false
  app.ws('/', { onClose: () => { t.ok(done, 'onClose comes after the handler') } }, async () => {
    entered.resolve()
    await release.promise
    done = true
    return 'reply'
  })
  const client = await RawClient.open(await listen(app), '/')
  client.send(1)
  await entered.promise
  const closed = app.close()
  while (app.wsReadiness().ready) await new Promise(resolve => setImmediate(resolve))
  release.resolve()
  t.equal(await client.message(), 'reply')
  t.equal((await client.closeFrame()).code, 1001)
  client.write(close(1001))
  client.socket.end()
  await closed
  t.ok(done)
})

t.test('app.close() drops clients that do not answer within closeTimeout', async t => {
  const app = await buildApp(t, { closeTimeout: 30 })
  const info = deferred<unknown>()
  app.ws('/', { onClose: (_connection, closeInfo) => { info.resolve(closeInfo) } }, ignore)
  const sockets = new ServerSockets(app)
  const client = await RawClient.open(await listen(app), '/')
  await app.close()
  t.match(await info.promise, { code: 1001, wasClean: false })
  t.equal((await client.closeFrame()).code, 1001)
  await sockets.open(0)
})

t.test('app.close() drops clients that do not even read', async t => {
  const app = await buildApp(t, { closeTimeout: 30 })
  app.ws('/', { onOpen: connection => { connection.send('x'.repeat(8_000_000)) } }, ignore)
  const client = await RawClient.connect(await listen(app))
  client.request('/')
  client.socket.pause()
  while (app.wsConnections.size === 0) await new Promise(resolve => setImmediate(resolve))
  await app.close()
  t.equal(app.wsConnections.size, 0)
})

t.test('app.close() does not hang on a handler that never settles; onClose runs all the same', async t => {
  const app = await buildApp(t, { drain: { timeout: 30 } })
  let closed = 0
  app.ws('/', { onClose: () => { closed++ } }, async () => await new Promise(() => {}))
  const client = await RawClient.open(await listen(app), '/')
  client.send(1)
  await app.close()
  t.equal(closed, 1)
})

t.test('app.close() while onOpen runs waits for it, and onClose follows', async t => {
  const app = await buildApp(t)
  const entered = deferred()
  const release = deferred()
  const ran: string[] = []
  app.ws('/', {
    onOpen: async () => { entered.resolve(); await release.promise; ran.push('onOpen') },
    onClose: () => { ran.push('onClose') }
  }, ignore)
  const client = await RawClient.open(await listen(app), '/')
  await entered.promise
  const closed = app.close()
  t.equal((await client.closeFrame()).code, 1001)
  client.write(close(1001))
  client.socket.end()
  release.resolve()
  await closed
  t.same(ran, ['onOpen', 'onClose'])
})

t.test('app.close() twice at the same time is once', async t => {
  const app = await buildApp(t)
  let closed = 0
  app.ws('/', { onClose: () => { closed++ } }, ignore)
  const client = await RawClient.open(await listen(app), '/')
  const both = Promise.all([app.close(), app.close()])
  await client.closeFrame()
  client.write(close(1001))
  client.socket.end()
  await both
  t.equal(closed, 1)
})

t.test('app.close() by a handler works', async t => {
  const app = await buildApp(t)
  const closed = deferred()
  app.ws('/', () => { void app.close().then(closed.resolve) })
  const client = await RawClient.open(await listen(app), '/')
  client.send(1)
  t.equal((await client.closeFrame()).code, 1001)
  client.write(close(1001))
  client.socket.end()
  await closed.promise
})

t.test('what has not ended at the deadline of drain is dropped, and it settles when that does not help', async t => {
  const connections = new Connections('node')
  const did: string[] = []
  const says = (what: string) => (code?: number) => { did.push(code === undefined ? what : `${what} ${code}`) }
  connections.add({ retire: says('retire'), close: says('close'), drop: says('drop') } as never)
  await connections.drain({ timeout: 10, spread: 0 })
  t.same(did, ['retire 1001'])
  await connections.drop()
  t.same(did, ['retire 1001', 'close 1001', 'drop'])
})

t.test('those whose turn had not come at the deadline of drain are closed, too', async t => {
  const connections = new Connections('node')
  const crowd = Array.from({ length: 150 }, () => {
    const calls: string[] = []
    const connection = { retire: () => {}, close: () => { calls.push('close') }, drop: () => { calls.push('drop'); connections.delete(connection as never) } }
    connections.add(connection as never)
    return calls
  })
  await connections.drain({ timeout: 10, spread: 60_000 })
  await connections.drop()
  for (const calls of crowd) t.same(calls, ['close', 'drop'])
})
