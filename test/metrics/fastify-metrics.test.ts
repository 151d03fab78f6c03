import fastifyMetrics from 'fastify-metrics'
import t from 'tap'
import wsMetrics from '../../lib/metrics/index.ts'
import { buildApp, listen } from '../helpers/app.ts'
import { scrape } from '../helpers/metrics.ts'
import { RawClient } from '../helpers/raw-client.ts'

t.test('fastify-metrics on the same app answers the metrics of both', async t => {
  const app = await buildApp(t)
  await app.register(fastifyMetrics.default, { endpoint: '/metrics' })
  await app.register(wsMetrics)
  app.get('/health', async () => 'ok')
  app.ws('/', message => message)
  const port = await listen(app)
  await fetch(`http://127.0.0.1:${port}/health`)
  const client = await RawClient.open(port, '/')
  client.send({ hello: 'world' })
  await client.message()

  const metrics = await scrape(port)
  t.equal(metrics.value('ws_connections', { route: '/' }), 1)
  t.equal(metrics.value('ws_messages_received_total'), 1)
  t.equal(metrics.value('http_request_duration_seconds_count', { method: 'GET', route: '/health', status_code: '200' }), 1)
  t.ok(metrics.value('process_resident_memory_bytes') > 0)
})

t.test('the register of the client that fastify-metrics found may be passed', async t => {
  const app = await buildApp(t)
  await app.register(fastifyMetrics.default, { endpoint: '/metrics', clearRegisterOnInit: true })
  await app.register(wsMetrics, { register: app.metrics.client.register })
  const port = await listen(app)
  t.equal((await scrape(port)).value('ws_rooms'), 0)
})
