import t from 'tap'
import type { Test } from 'tap'
import type { FastifyInstance } from 'fastify'
import { buildApp, listen } from '../helpers/app.ts'
import { acceptStatus, connectRequiredStatus, restReply } from '../helpers/http-version.ts'
import { RawClient } from '../helpers/raw-client.ts'
import type { RawRequest } from '../helpers/raw-client.ts'

const ignore = (): void => {}

/** A WebSocket route that says its name to whom it opens for. */
const named = (name: string) => ({ onOpen: (connection: { send (message: unknown): void }) => { connection.send(name) } })

/** Asks `port` for `path` both ways: the bodies, else the status codes. */
async function bothWays (port: number, path: string, headers: RawRequest['headers'] = {}): Promise<{ plain: unknown, upgrade: unknown }> {
  const plain = await RawClient.connect(port)
  plain.request(path, { headers: { ...headers, Upgrade: null, Connection: 'close' } })
  const plainReply = await plain.reply()
  const upgrade = await RawClient.connect(port)
  upgrade.request(path, { headers })
  const upgradeReply = await upgrade.reply()
  return {
    plain: plainReply.statusCode === 200 ? plainReply.body : plainReply.statusCode,
    upgrade: upgradeReply.statusCode === acceptStatus ? `ws ${String(await upgrade.message())}` : upgradeReply.statusCode === 200 ? upgradeReply.body : upgradeReply.statusCode
  }
}

/** Declares the routes in the order given and in the reverse one. */
function inBothOrders (title: string, declarations: Array<(app: FastifyInstance) => unknown>, check: (t: Test, port: number) => Promise<void>): void {
  for (const [order, all] of [['', declarations], [', in reverse', [...declarations].reverse()]] as const) {
    t.test(`${title}${order}`, async t => {
      const app = await buildApp(t)
      for (const declare of all) declare(app)
      await check(t, await listen(app))
    })
  }
}

inBothOrders('one URL may have a REST and a WebSocket route', [
  app => app.get('/x', async () => 'rest'),
  app => app.ws('/x', named('x'), ignore)
], async (t, port) => {
  t.same(await bothWays(port, '/x'), { plain: 'rest', upgrade: 'ws x' })
})

inBothOrders('a WebSocket URL alone: 426 to a plain GET', [
  app => app.ws('/x', named('x'), ignore),
  app => app.get('/y', async () => 'rest')
], async (t, port) => {
  t.same(await bothWays(port, '/x'), { plain: connectRequiredStatus, upgrade: 'ws x' })
})

inBothOrders('a REST URL alone has its ordinary reply to an upgrade', [
  app => app.ws('/x', named('x'), ignore),
  app => app.get('/y', async () => 'rest')
], async (t, port) => {
  t.same(await bothWays(port, '/y'), { plain: 'rest', upgrade: restReply('rest') })
})

inBothOrders('routes with parameters on one URL', [
  app => app.get('/x/:id', async request => JSON.stringify(request.params)),
  app => app.ws('/x/:id', { onOpen: (connection, request) => { connection.send(JSON.stringify(request.params)) } }, ignore)
], async (t, port) => {
  t.same(await bothWays(port, '/x/1'), { plain: '{"id":"1"}', upgrade: 'ws {"id":"1"}' })
})

inBothOrders('a REST wildcard beside a WebSocket URL: the more exact URL has the plain GET', [
  app => app.get('/*', async () => 'wildcard'),
  app => app.ws('/x', named('x'), ignore)
], async (t, port) => {
  t.same(await bothWays(port, '/x'), { plain: connectRequiredStatus, upgrade: 'ws x' })
  t.same(await bothWays(port, '/y'), { plain: 'wildcard', upgrade: restReply('wildcard') })
})

inBothOrders('a WebSocket wildcard beside a REST URL', [
  app => app.ws('/*', named('wildcard'), ignore),
  app => app.get('/x', async () => 'rest')
], async (t, port) => {
  t.same(await bothWays(port, '/x'), { plain: 'rest', upgrade: restReply('rest') })
  t.same(await bothWays(port, '/y'), { plain: connectRequiredStatus, upgrade: 'ws wildcard' })
})

inBothOrders('wildcards of both kinds', [
  app => app.get('/*', async () => 'rest'),
  app => app.ws('/*', named('wildcard'), ignore)
], async (t, port) => {
  t.same(await bothWays(port, '/any/where'), { plain: 'rest', upgrade: 'ws wildcard' })
})

inBothOrders('other methods of the URL are untouched', [
  app => app.post('/x', async () => 'posted'),
  app => app.ws('/x', named('x'), ignore),
  app => app.head('/x', async (_request, reply) => reply.header('x-head', 'yes').send())
], async (t, port) => {
  t.same(await bothWays(port, '/x'), { plain: connectRequiredStatus, upgrade: 'ws x' })
  const client = await RawClient.connect(port)
  client.request('/x', { method: 'POST', headers: { Upgrade: null, Connection: null, 'Content-Length': '0' } })
  t.equal((await client.reply()).body, 'posted')
})

inBothOrders('with a prefix', [
  app => app.register(async scope => { scope.get('/x', async () => 'rest') }, { prefix: '/p' }),
  app => app.register(async scope => { scope.ws('/x', named('x'), ignore) }, { prefix: '/p' })
], async (t, port) => {
  t.same(await bothWays(port, '/p/x'), { plain: 'rest', upgrade: 'ws x' })
  t.same(await bothWays(port, '/x'), { plain: 404, upgrade: 404 })
})

inBothOrders('with versions: each kind of route has its own', [
  app => app.get('/x', { constraints: { version: '1.0.0' } }, async () => 'rest 1'),
  app => app.get('/x', { constraints: { version: '2.0.0' } }, async () => 'rest 2'),
  app => app.ws('/x', { ...named('1'), constraints: { version: '1.0.0' } }, ignore),
  app => app.ws('/x', { ...named('2'), constraints: { version: '2.0.0' } }, ignore)
], async (t, port) => {
  t.same(await bothWays(port, '/x', { 'Accept-Version': '1.x' }), { plain: 'rest 1', upgrade: 'ws 1' })
  t.same(await bothWays(port, '/x', { 'Accept-Version': '2.x' }), { plain: 'rest 2', upgrade: 'ws 2' })
  t.same(await bothWays(port, '/x', { 'Accept-Version': '3.x' }), { plain: 404, upgrade: 404 })
})

inBothOrders('with versions on the WebSocket routes only: 426 to a plain GET of the version', [
  app => app.ws('/x', { ...named('1'), constraints: { version: '1.0.0' } }, ignore),
  app => app.ws('/x', { ...named('2'), constraints: { version: '2.0.0' } }, ignore)
], async (t, port) => {
  t.same(await bothWays(port, '/x', { 'Accept-Version': '1.x' }), { plain: connectRequiredStatus, upgrade: 'ws 1' })
  t.same(await bothWays(port, '/x', { 'Accept-Version': '2.x' }), { plain: connectRequiredStatus, upgrade: 'ws 2' })
})

inBothOrders('with hosts', [
  app => app.ws('/x', { ...named('a'), constraints: { host: 'a.example' } }, ignore),
  app => app.ws('/x', { ...named('b'), constraints: { host: 'b.example' } }, ignore),
  app => app.get('/x', { constraints: { host: 'a.example' } }, async () => 'rest a')
], async (t, port) => {
  t.same(await bothWays(port, '/x', { Host: 'a.example' }), { plain: 'rest a', upgrade: 'ws a' })
  t.match(await bothWays(port, '/x', { Host: 'b.example' }), { upgrade: 'ws b' })
  t.same(await bothWays(port, '/x', { Host: 'c.example' }), { plain: 404, upgrade: 404 })
})

inBothOrders('a WebSocket route of one host beside a REST route of all', [
  app => app.get('/x', async () => 'rest'),
  app => app.ws('/x', { ...named('a'), constraints: { host: 'a.example' } }, ignore)
], async (t, port) => {
  t.same(await bothWays(port, '/x', { Host: 'a.example' }), { plain: 'rest', upgrade: 'ws a' })
  t.same(await bothWays(port, '/x', { Host: 'b.example' }), { plain: 'rest', upgrade: restReply('rest') })
})

inBothOrders('with hosts on the WebSocket routes only: 426 to a plain GET of the host', [
  app => app.ws('/x', { ...named('a'), constraints: { host: 'a.example' } }, ignore),
  app => app.ws('/x', { ...named('b'), constraints: { host: 'b.example' } }, ignore)
], async (t, port) => {
  t.same(await bothWays(port, '/x', { Host: 'a.example' }), { plain: connectRequiredStatus, upgrade: 'ws a' })
  t.same(await bothWays(port, '/x', { Host: 'b.example' }), { plain: connectRequiredStatus, upgrade: 'ws b' })
  t.same(await bothWays(port, '/x', { Host: 'c.example' }), { plain: 404, upgrade: 404 })
})

t.test('a constraint strategy of the application stands beside ours', async t => {
  const app = await buildApp(t)
  app.addConstraintStrategy({
    name: 'tenant',
    storage: () => {
      const tenants = new Map<unknown, never>()
      return { get: tenant => tenants.get(tenant) ?? null, set: (tenant, routes) => { tenants.set(tenant, routes as never) } }
    },
    deriveConstraint: request => request.headers['x-tenant'],
    mustMatchWhenDerived: false
  })
  app.ws('/x', { ...named('acme'), constraints: { tenant: 'acme' } as never }, ignore)
  app.get('/x', { constraints: { tenant: 'acme' } as never }, async () => 'rest acme')
  const port = await listen(app)
  t.same(await bothWays(port, '/x', { 'X-Tenant': 'acme' }), { plain: 'rest acme', upgrade: 'ws acme' })
  t.same(await bothWays(port, '/x', { 'X-Tenant': 'other' }), { plain: 404, upgrade: 404 })
})

t.test('many URLs, each with both kinds', async t => {
  const app = await buildApp(t)
  for (let i = 0; i < 40; i++) {
    if (i % 2 === 0) app.get(`/r/${i}`, async () => `rest ${i}`)
    app.ws(`/r/${i}`, named(String(i)), ignore)
    if (i % 2 === 1) app.get(`/r/${i}`, async () => `rest ${i}`)
  }
  const port = await listen(app)
  for (const i of [0, 1, 17, 38, 39]) t.same(await bothWays(port, `/r/${i}`), { plain: `rest ${i}`, upgrade: `ws ${i}` })
})

t.test('hasRoute and findRoute know WebSocket routes by their constraint', async t => {
  const app = await buildApp(t)
  app.ws('/x', ignore)
  t.ok(app.hasRoute({ method: 'GET', url: '/x', constraints: { upgrade: 'websocket' } as never }))
  t.notOk(app.hasRoute({ method: 'GET', url: '/x' }))
})
