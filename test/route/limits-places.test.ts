import t from 'tap'
import { until } from '../fuzz/until.ts'
import { deferred, listen } from '../helpers/app.ts'
import { acceptStatus } from '../helpers/http-version.ts'
import { enters, full, isRefused, knock, limited } from '../helpers/limited.ts'
import { RawClient } from '../helpers/raw-client.ts'

const ignore = (): void => {}

t.test('an upgrade that is still in its hooks has its place, and gives it back when it is refused', async t => {
  const app = await limited(t, { limits: { connections: 1 } })
  const entered = deferred()
  const let401 = deferred()
  app.ws('/', {
    preHandler: async request => {
      if (request.headers['x-user'] !== 'slow') return
      entered.resolve()
      await let401.promise
      throw Object.assign(new Error('who?'), { statusCode: 401 })
    }
  }, ignore)
  const port = await listen(app)
  const slow = knock(port, '/', { user: 'slow' })
  await entered.promise
  t.same(app.wsReadiness(), { ready: false, reason: 'full' })
  await isRefused(t, port, '/', full)
  let401.resolve()
  t.equal((await slow).statusCode, 401)
  // It has not closed its side, and yet there is room.
  t.same(app.wsReadiness(), { ready: true, reason: 'ok' })
  await enters(t, port, '/')
})

t.test('an upgrade whose client goes while a hook runs gives its place back, however the hook ends', async t => {
  const app = await limited(t, { limits: { connections: 1, connectionsPerKey: 1 } })
  const entered = deferred()
  const goOn = deferred()
  app.ws('/', { limitKey: async ({ headers }) => { if (headers['x-user'] === 'u1') { entered.resolve(); await goOn.promise } return 'key' } }, ignore)
  const port = await listen(app)
  const client = await RawClient.connect(port)
  client.request('/', { headers: { 'X-User': 'u1' } })
  await entered.promise
  client.socket.destroy()
  await until('there is room', () => app.wsReadiness().ready)
  goOn.resolve()
  await enters(t, port, '/')
  await isRefused(t, port, '/', full)
})

t.test('an upgrade that ends at handshakeTimeout gives its place back, and a late key changes nothing', async t => {
  const goOn = deferred()
  const app = await limited(t, {
    handshakeTimeout: 500,
    limits: { connections: 1, connectionsPerKey: 1 },
    limitKey: async ({ headers }) => { if (headers['x-user'] === 'slow') await goOn.promise; return 'key' }
  })
  app.ws('/', ignore)
  const port = await listen(app)
  await isRefused(t, port, '/', { statusCode: 503, code: 'FST_ERR_WS_HANDSHAKE_TIMEOUT' }, { user: 'slow' })
  goOn.resolve()
  await enters(t, port, '/')
  await isRefused(t, port, '/', full)
})

t.test('an upgrade whose client goes while the origin is asked never gets a place', async t => {
  const entered = deferred()
  const goOn = deferred()
  const app = await limited(t, { limits: { connections: 1 }, origin: async () => { entered.resolve(); await goOn.promise; return true } })
  app.ws('/', ignore)
  const port = await listen(app)
  const client = await RawClient.connect(port)
  client.request('/', { headers: { Origin: 'https://example.com' } })
  await entered.promise
  client.socket.destroy()
  await until('it is over', () => app.wsStats().upgrades.aborted === 1)
  goOn.resolve()
  await enters(t, port, '/')
})

t.test('an origin that is asked asynchronously is followed by the limits', async t => {
  const app = await limited(t, { limits: { connections: 1 }, origin: async () => true })
  app.ws('/', ignore)
  const port = await listen(app)
  const ask = async (): Promise<number> => {
    const client = await RawClient.connect(port)
    client.request('/', { headers: { Origin: 'https://example.com' } })
    return (await client.reply()).statusCode
  }
  t.equal(await ask(), acceptStatus)
  t.equal(await ask(), 503)
})

t.test('a request that a hook routes a second time has one place, of the route that it ends in', async t => {
  const app = await limited(t, { limits: { connections: 1 } })
  app.ws('/old', {
    limits: { connections: 1 },
    onRequest: (request, reply) => {
      reply.hijack()
      request.raw.url = '/new'
      app.routing(request.raw, reply.raw)
    }
  }, ignore)
  app.ws('/new', { limits: { connections: 1 } }, ignore)
  const port = await listen(app)
  for (let i = 0; i < 3; i++) {
    const client = await enters(t, port, '/old')
    await isRefused(t, port, '/new', full)
    await client.close()
    await until('it has ended', () => app.wsConnections.size === 0)
  }
})

t.test('a connection has its place until its onClose has settled', async t => {
  const app = await limited(t, { limits: { connections: 1 } })
  const begun = deferred()
  const goOn = deferred()
  app.ws('/', { onClose: async () => { begun.resolve(); await goOn.promise } }, ignore)
  const port = await listen(app)
  await (await enters(t, port, '/')).close()
  await begun.promise
  await isRefused(t, port, '/', full)
  goOn.resolve()
  await until('there is room', () => app.wsReadiness().ready)
  await enters(t, port, '/')
})
