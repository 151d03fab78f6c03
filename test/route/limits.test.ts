import rateLimit from '@fastify/rate-limit'
import t from 'tap'
import { until } from '../fuzz/until.ts'
import { buildApp, listen } from '../helpers/app.ts'
import { wrongVersionStatus } from '../helpers/http-version.ts'
import { enters, full, isRefused, knock, limited, routeFull, tooManyOfIp, tooManyOfKey } from '../helpers/limited.ts'
import type { Who } from '../helpers/limited.ts'
import { RawClient } from '../helpers/raw-client.ts'

const ignore = (): void => {}

t.test('one connection more than limits.connections, of all routes together, is answered 503', async t => {
  const app = await limited(t, { limits: { connections: 2 } })
  app.ws('/a', ignore).ws('/b', ignore)
  const port = await listen(app)
  await enters(t, port, '/a')
  const second = await enters(t, port, '/b')
  await isRefused(t, port, '/a', full)
  await isRefused(t, port, '/b', full)
  await second.close(1000)
  await until('it has ended', () => app.wsConnections.size === 1)
  await enters(t, port, '/a')
  t.same(app.wsStats().upgrades.refused, { 503: 2 })
})

t.test('limits.connections of a route holds for that route alone, beside the plugin\'s', async t => {
  const app = await limited(t, { limits: { connections: 3 } })
  app.ws('/a', { limits: { connections: 1 } }, ignore).ws('/b', ignore)
  const port = await listen(app)
  await enters(t, port, '/a')
  await isRefused(t, port, '/a', routeFull)
  await enters(t, port, '/b')
  await enters(t, port, '/b')
  await isRefused(t, port, '/b', full)
})

t.test('one connection more of an address than limits.connectionsPerIp is answered 429, and other addresses are not', async t => {
  const app = await limited(t, { limits: { connectionsPerIp: 2 } })
  app.ws('/a', ignore).ws('/b', { limits: { connectionsPerIp: 1 } }, ignore)
  const port = await listen(app)
  const first = await enters(t, port, '/a', { ip: '192.0.2.1' })
  await enters(t, port, '/b', { ip: '192.0.2.1' })
  await isRefused(t, port, '/a', tooManyOfIp, { ip: '::ffff:192.0.2.1' })
  await enters(t, port, '/b', { ip: '192.0.2.2' })
  await isRefused(t, port, '/b', tooManyOfIp, { ip: '192.0.2.2' })
  await enters(t, port, '/a', { ip: '192.0.2.2' })
  await first.close()
  await until('it has ended', () => app.wsConnections.size === 3)
  await enters(t, port, '/a', { ip: '192.0.2.1' })
})

t.test('IPv6 addresses of one block of 64 bits are one client', async t => {
  const app = await limited(t, { limits: { connectionsPerIp: 1 } })
  app.ws('/', ignore)
  const port = await listen(app)
  await enters(t, port, '/', { ip: '2001:db8:0:1::1' })
  await isRefused(t, port, '/', tooManyOfIp, { ip: '2001:DB8:0:1:ffff:0:0:2' })
  await enters(t, port, '/', { ip: '2001:db8:0:2::1' })
})

t.test('without trustProxy a header does not change the address that is counted', async t => {
  const app = await buildApp(t, { limits: { connectionsPerIp: 1 } })
  app.ws('/', ignore)
  const port = await listen(app)
  await enters(t, port, '/', { ip: '192.0.2.1' })
  await isRefused(t, port, '/', tooManyOfIp, { ip: '192.0.2.2' })
})

t.test('one connection more of a key than limits.connectionsPerKey is answered 429, and without a key none is counted', async t => {
  const app = await limited(t, { limits: { connectionsPerKey: 2 } })
  app.ws('/a', ignore).ws('/b', { limits: { connectionsPerKey: 1 } }, ignore)
  const port = await listen(app)
  const first = await enters(t, port, '/b', { user: 'u1' })
  await isRefused(t, port, '/b', tooManyOfKey, { user: 'u1' })
  await enters(t, port, '/a', { user: 'u1' })
  await isRefused(t, port, '/a', tooManyOfKey, { user: 'u1' })
  await enters(t, port, '/b', { user: 'u2' })
  for (let i = 0; i < 4; i++) await enters(t, port, '/b')
  first.socket.destroy()
  await until('it has ended', () => app.wsConnections.size === 6)
  await enters(t, port, '/b', { user: 'u1' })
})

t.test('keys and addresses that are names of Object.prototype are counted as any', async t => {
  const app = await limited(t, { limits: { connectionsPerKey: 1, connectionsPerIp: 1 } })
  app.ws('/', ignore)
  const port = await listen(app)
  for (const name of ['__proto__', 'constructor', 'hasOwnProperty']) {
    await enters(t, port, '/', { user: name, ip: name })
    await isRefused(t, port, '/', tooManyOfKey, { user: name })
    await isRefused(t, port, '/', tooManyOfIp, { ip: name })
  }
})

t.test('whoever is refused is told to come back in 5 to 15 seconds, not all in the same', async t => {
  const app = await limited(t, { limits: { connections: 2, connectionsPerIp: 1 } })
  app.ws('/', ignore).ws('/key', { limits: { connectionsPerKey: 1 } }, ignore)
  const port = await listen(app)
  const seconds = new Set<string>()
  const ask = async (statusCode: number, path: string, who: Who): Promise<void> => {
    for (let i = 0; i < 10; i++) {
      const reply = await knock(port, path, who)
      t.equal(reply.statusCode, statusCode)
      t.match(reply.headers['retry-after'], /^([5-9]|1[0-5])$/)
      seconds.add(reply.headers['retry-after'])
      reply.client.socket.destroy()
    }
  }
  await enters(t, port, '/key', { ip: 'a', user: 'u1' })
  await ask(429, '/', { ip: 'a' })
  await ask(429, '/key', { ip: 'b', user: 'u1' })
  await enters(t, port, '/', { ip: 'b' })
  await ask(503, '/', { ip: 'c' })
  t.ok(seconds.size > 1, `${[...seconds].join()}`)
})

t.test('the total and the address are checked before any hook of the route runs', async t => {
  const app = await limited(t, { limits: { connections: 1 } })
  let hooks = 0
  app.ws('/', { onRequest: async () => { hooks++ } }, ignore)
  const port = await listen(app)
  await enters(t, port, '/')
  await isRefused(t, port, '/', full)
  t.equal(hooks, 1)
})

t.test('an upgrade that is no handshake, or of a strange origin, takes no place', async t => {
  const app = await limited(t, { limits: { connections: 1 } })
  app.ws('/', ignore)
  const port = await listen(app)
  await enters(t, port, '/')
  for (const [headers, statusCode] of [[{ 'Sec-WebSocket-Version': '12' }, wrongVersionStatus], [{ Origin: 'https://evil.example' }, 403]] as const) {
    const client = await RawClient.connect(port)
    client.request('/', { headers })
    t.equal((await client.reply()).statusCode, statusCode)
  }
})

t.test('@fastify/rate-limit refuses upgrades with its 429 beside these limits, and such an upgrade gives its place back', async t => {
  const app = await limited(t, { limits: { connectionsPerIp: 1 } })
  await app.register(rateLimit, { max: 2, timeWindow: '1 hour' })
  app.ws('/', ignore)
  const port = await listen(app)
  const first = await enters(t, port, '/')
  // Refused before the rate is counted.
  for (let i = 0; i < 3; i++) await isRefused(t, port, '/', tooManyOfIp)
  await first.close()
  await until('it has ended', () => app.wsConnections.size === 0)
  const second = await enters(t, port, '/')
  await second.close()
  await until('it has ended', () => app.wsConnections.size === 0)
  for (let i = 0; i < 3; i++) {
    const reply = await knock(port, '/')
    t.match(reply, { statusCode: 429, headers: { 'x-ratelimit-limit': '2' }, message: /^Rate limit exceeded/ })
    reply.client.socket.destroy()
  }
})

t.test('all connections of a key are closed by app.wsConnections.filter', async t => {
  const app = await limited(t, {})
  app.ws('/', ignore)
  const port = await listen(app)
  const clients = [await enters(t, port, '/', { user: 'u1' }), await enters(t, port, '/', { user: 'u1' })]
  const other = await enters(t, port, '/', { user: 'u2' })
  for (const connection of app.wsConnections.filter(({ key }) => key === 'u1')) connection.close(4403, 'banned')
  for (const client of clients) t.same(await client.closeFrame(), { code: 4403, reason: 'banned' })
  t.same(app.wsConnections.filter(({ readyState }) => readyState === 1).map(({ key }) => key), ['u2'])
  t.equal(other.unread.length, 0)
})

t.test('all connections of a key, of the whole cluster, are closed through a room', async t => {
  const app = await limited(t, {})
  app.ws('/', { onOpen: async connection => { if (connection.key !== undefined) await connection.join(`user:${connection.key}`) } }, ignore)
  const port = await listen(app)
  const clients = [await enters(t, port, '/', { user: 'u1' }), await enters(t, port, '/', { user: 'u1' })]
  const other = await enters(t, port, '/', { user: 'u2' })
  await until('all are in', () => app.room('user:u1').size === 2 && app.room('user:u2').size === 1)
  await app.room('user:u1').close(4403, 'banned')
  for (const client of clients) t.same(await client.closeFrame(), { code: 4403, reason: 'banned' })
  t.equal(app.room('user:u2').size, 1)
  t.equal(other.unread.length, 0)
})
