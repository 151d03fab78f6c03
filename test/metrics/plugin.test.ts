import { hasSubscribers } from 'node:diagnostics_channel'
import Fastify from 'fastify'
import { Counter, Gauge, register as globalRegister, Registry } from 'prom-client'
import type { OpenMetricsContentType } from 'prom-client'
import t from 'tap'
import typedWs from '../../lib/index.ts'
import wsMetrics, { plugin } from '../../lib/metrics/index.ts'
import { buildApp, listen, logLines } from '../helpers/app.ts'
import { Exposition } from '../helpers/exposition.ts'
import { buildMeasuredApp, scrape } from '../helpers/metrics.ts'
import { RawClient } from '../helpers/raw-client.ts'

const names = (register: Registry): string[] => register.getMetricsAsArray().map(({ name }) => name)

t.test('the named export is the default one', async t => {
  t.equal(plugin, wsMetrics)
})

t.test('they are registered after the plugin', async t => {
  const app = Fastify()
  t.after(() => app.close())
  await t.rejects(async () => { await app.register(wsMetrics) }, { code: 'FST_ERR_WS_METRICS', message: /register fastify-typed-ws before/ })
})

t.test('an option that is wrong is refused', async t => {
  const register = new Registry()
  const app = await buildApp(t)
  await t.rejects(async () => { await app.register(wsMetrics, { register, buckets: [] }) }, { code: 'FST_ERR_WS_OPTION' })
  t.same(names(register), [])
})

t.test('the endpoint answers in the format of the register', async t => {
  const app = await buildMeasuredApp(t, { endpoint: '/internal/metrics' })
  const response = await app.inject('/internal/metrics')
  t.equal(response.statusCode, 200)
  t.equal(response.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8')
  t.ok(new Exposition(response.body).families.size > 20)
})

t.test('without an endpoint there is no route', async t => {
  const register = new Registry()
  const app = await buildApp(t)
  await app.register(wsMetrics, { register })
  t.equal((await app.inject('/metrics')).statusCode, 404)
  t.ok(new Exposition(await register.metrics()).families.has('ws_rooms'))
})

t.test('the endpoint is no part of a documented API, and a scrape is no line of the log', async t => {
  const { lines, stream } = logLines()
  const app = await buildApp(t, {}, { logger: { stream } })
  const hidden: unknown[] = []
  app.addHook('onRoute', ({ method, schema }) => { if (method === 'GET') hidden.push(schema) })
  await app.register(wsMetrics, { register: new Registry(), endpoint: '/metrics' })
  await app.inject('/metrics')
  t.match(hidden, [{ hide: true }])
  t.same(lines, [])
})

t.test('an endpoint that another route has fails, and nothing is left of the metrics once the app is closed', async t => {
  const register = new Registry()
  const app = await buildApp(t)
  app.get('/metrics', async () => 'mine')
  await t.rejects(async () => { await app.register(wsMetrics, { register, endpoint: '/metrics' }) }, { code: 'FST_ERR_DUPLICATED_ROUTE' })
  await app.close()
  t.same(names(register), [])
  t.notOk(hasSubscribers('tracing:fastify-typed-ws:message:start'))
})

t.test('a scope gives the endpoint its prefix and its hooks', async t => {
  const app = await buildApp(t)
  await app.register(async scope => {
    scope.addHook('onRequest', async request => {
      if (request.headers.authorization !== 'Bearer scraper') throw Object.assign(new Error('no'), { statusCode: 401 })
    })
    await scope.register(wsMetrics, { register: new Registry(), endpoint: '/metrics' })
  }, { prefix: '/internal' })
  app.ws('/', () => {})
  t.equal((await app.inject('/internal/metrics')).statusCode, 401)
  await app.injectWS('/')
  const response = await app.inject({ url: '/internal/metrics', headers: { authorization: 'Bearer scraper' } })
  t.equal(new Exposition(response.body).value('ws_connections', { route: '/' }), 1)
})

t.test('the stats are read once a scrape, and anew at the next', async t => {
  const register = new Registry()
  const app = await buildApp(t)
  let reads = 0
  const { wsStats } = app
  app.wsStats = () => {
    reads++
    return wsStats()
  }
  await app.register(wsMetrics, { register })
  t.equal(reads, 0)
  await register.metrics()
  t.equal(reads, 1)
  await register.getMetricsAsJSON()
  t.equal(reads, 2)
})

t.test('the prefix begins every name, and is none of the endpoint', async t => {
  const app = await buildMeasuredApp(t, { prefix: 'chat_' })
  const { families } = new Exposition((await app.inject('/metrics')).body)
  t.ok(families.has('chat_connections_closed_total'))
  t.same([...families.keys()].filter(name => !name.startsWith('chat_')), [])
})

t.test('when the app closes its metrics leave the register, and others stay', async t => {
  const register = new Registry()
  const other = new Gauge({ name: 'other', help: 'Of the application.', registers: [register] })
  const app = await buildMeasuredApp(t, { register })
  await app.ready()
  t.ok(names(register).length > 20)
  await app.close()
  t.same(register.getMetricsAsArray(), [other])
})

t.test('a metric that took the place of one stays when the app closes', async t => {
  const register = new Registry()
  const app = await buildMeasuredApp(t, { register })
  await app.ready()
  register.clear()
  const later = new Gauge({ name: 'ws_rooms', help: 'Of another server.', registers: [register] })
  await app.close()
  t.equal(register.getSingleMetric('ws_rooms'), later)
})

t.test('a register in the OpenMetrics format works, and is left as it was found', async t => {
  const register = new Registry<OpenMetricsContentType>()
  register.setContentType(Registry.OPENMETRICS_CONTENT_TYPE)
  const app = await buildMeasuredApp(t, { register })
  for (let round = 0; round < 2; round++) {
    const response = await app.inject('/metrics')
    t.match(response.headers['content-type'], /^application\/openmetrics-text/)
    t.match(response.body, /^# TYPE ws_messages_invalid counter\nws_messages_invalid_total 0$/m)
    t.match(response.body, /# EOF\n$/)
  }
  await app.close()
  t.same(register.getMetricsAsArray(), [])
})

t.test('two servers in a process have registers of their own', async t => {
  const apps = [await buildMeasuredApp(t), await buildMeasuredApp(t)]
  const ports: number[] = []
  for (const [index, app] of apps.entries()) {
    app.ws('/', () => {})
    const port = await listen(app)
    for (let n = 0; n <= index; n++) await RawClient.open(port, '/')
    ports.push(port)
  }
  const opened = await Promise.all(ports.map(async port => (await scrape(port)).value('ws_upgrades_total', { outcome: 'accepted' })))
  t.same(opened, [1, 2])
})

t.test('two servers in one register are refused, and the first one is unharmed', async t => {
  const register = new Registry()
  const first = await buildMeasuredApp(t, { register })
  const before = names(register)
  const second = await buildApp(t)
  await t.rejects(async () => { await second.register(wsMetrics, { register }) }, { code: 'FST_ERR_WS_METRICS', message: /the register has ws_connections already; give each server/ })
  t.same(names(register), before)
  await second.close()
  t.same(names(register), before)
  t.equal((await first.inject('/metrics')).statusCode, 200)
})

t.test('two servers in one register have prefixes of their own', async t => {
  const register = new Registry()
  const first = await buildMeasuredApp(t, { register, prefix: 'a_' })
  const second = await buildMeasuredApp(t, { register, prefix: 'b_' })
  for (const app of [first, second]) {
    const { families } = new Exposition((await app.inject('/metrics')).body)
    t.ok(families.has('a_rooms') && families.has('b_rooms'))
  }
})

t.test('a name that the application has in the register already is refused, and nothing is left of the metrics', async t => {
  const register = new Registry()
  const own = new Counter({ name: 'ws_messages_invalid_total', help: 'Of the application.', registers: [register] })
  const app = await buildApp(t)
  await t.rejects(async () => { await app.register(wsMetrics, { register }) }, { code: 'FST_ERR_WS_METRICS', message: /ws_messages_invalid_total/ })
  t.same(register.getMetricsAsArray(), [own])
})

t.test('the default register is the global one, for one server at a time', async t => {
  const build = async (): Promise<ReturnType<typeof Fastify>> => {
    const app = Fastify()
    await app.register(typedWs)
    await app.register(wsMetrics)
    return app
  }
  const first = await build()
  t.ok(globalRegister.getSingleMetric('ws_rooms'))
  await t.rejects(build(), { code: 'FST_ERR_WS_METRICS' })
  await first.close()
  const second = await build()
  t.ok(globalRegister.getSingleMetric('ws_rooms'))
  await second.close()
  t.same(globalRegister.getMetricsAsArray(), [])
})
