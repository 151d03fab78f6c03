import type { FastifyInstance, FastifyServerOptions } from 'fastify'
import t from 'tap'
import type { Test } from 'tap'
import type { WsPluginOptions } from '../../types/index.ts'
import { buildApp, listen } from '../helpers/app.ts'
import { binary } from '../helpers/bytes.ts'
import { lastReply } from '../helpers/http-version.ts'
import { RawClient } from '../helpers/raw-client.ts'

const ignore = (): void => {}

const immediate = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

/** An app with a readiness route, as docs/operations.md has it. */
async function observedApp (t: Test, options: WsPluginOptions = {}, serverOptions: FastifyServerOptions = {}): Promise<FastifyInstance> {
  const app = await buildApp(t, options, serverOptions)
  app.get('/ready', async (_request, reply) => {
    const readiness = app.wsReadiness()
    return await reply.code(readiness.ready ? 200 : 503).send(readiness)
  })
  return app
}

/** What a load balancer sees: on a connection of its own, as most of them ask. */
async function ask (port: number, path = '/ready'): Promise<{ statusCode: number, connection: string | undefined, body: string }> {
  const client = await RawClient.connect(port)
  client.request(path, { headers: { Connection: 'keep-alive', Upgrade: null } })
  const { statusCode, headers, body } = await client.reply()
  client.socket.destroy()
  return { statusCode, connection: headers.connection, body }
}

t.test('before app.ready() a server is starting, and then it is ready', async t => {
  const app = await observedApp(t)
  app.ws('/', ignore)
  t.same(app.wsReadiness(), { ready: false, reason: 'starting' })
  const port = await listen(app)
  t.same(app.wsReadiness(), { ready: true, reason: 'ok' })
  t.match(await ask(port), { statusCode: 200, body: '{"ready":true,"reason":"ok"}' })
})

t.test('at limits.connections it is full, and ready again when a client has gone', async t => {
  const app = await observedApp(t, { limits: { connections: 2 } })
  app.ws('/', ignore)
  const port = await listen(app)
  const clients = [await RawClient.open(port, '/'), await RawClient.open(port, '/')]
  t.match(await ask(port), { statusCode: 503, body: '{"ready":false,"reason":"full"}' })
  await clients[0].close(1000)
  while (app.wsConnections.size === 2) await immediate()
  t.match(await ask(port), { statusCode: 200 })
})

t.test('while budget.process is nearly spent it lacks memory', async t => {
  const app = await observedApp(t, { budget: { process: 1_000_000 } })
  app.ws('/', { codec: 'raw' }, ignore)
  const port = await listen(app)
  const client = await RawClient.open(port, '/')
  // A message that does not end: nine tenths of the budget.
  client.write(binary(Buffer.alloc(900_000)).subarray(0, 890_000))
  while (app.wsReadiness().ready) await immediate()
  t.match(await ask(port), { statusCode: 503, body: '{"ready":false,"reason":"memory"}' })
  client.socket.destroy()
  while (app.wsConnections.size > 0) await immediate()
  t.match(await ask(port), { statusCode: 200 })
})

/** A server that has begun to close and goes on doing so until `end` is called. */
async function closingApp (t: Test, serverOptions: FastifyServerOptions = {}): Promise<{ port: number, end: () => Promise<void> }> {
  const app = await observedApp(t, {}, serverOptions)
  app.get('/rest', async () => 'rest')
  app.ws('/', ignore)
  const port = await listen(app)
  const client = await RawClient.open(port, '/')
  const closed = app.close()
  await client.closeFrame()
  t.same(app.wsReadiness(), { ready: false, reason: 'closing' })
  return {
    port,
    end: async () => {
      client.socket.destroy()
      await closed
      t.same(app.wsReadiness(), { ready: false, reason: 'closing' })
    }
  }
}

t.test('from app.close() on it is closing, and Fastify answers 503 in place of any route', async t => {
  const { port, end } = await closingApp(t)
  for (const path of ['/ready', '/rest']) t.match(await ask(port, path), { statusCode: 503, connection: lastReply, body: /Service Unavailable/ })
  await end()
})

t.test('where return503OnClosing is false, the readiness route itself says that it is closing, and REST goes on', async t => {
  const { port, end } = await closingApp(t, { return503OnClosing: false })
  t.match(await ask(port), { statusCode: 503, connection: lastReply, body: '{"ready":false,"reason":"closing"}' })
  t.match(await ask(port, '/rest'), { statusCode: 200, connection: lastReply, body: 'rest' })
  await end()
})

for (const return503OnClosing of [true, false]) {
  t.test(`while it closes, upgrades are answered 503 with our own code${return503OnClosing ? '' : ', where return503OnClosing is false too'}`, async t => {
    const { port, end } = await closingApp(t, { return503OnClosing })
    for (const path of ['/', '/ready', '/nowhere']) {
      const client = await RawClient.connect(port)
      client.request(path)
      const { statusCode, headers, body } = await client.reply()
      t.equal(statusCode, 503)
      t.equal(headers.connection, lastReply)
      t.same(JSON.parse(body), { statusCode: 503, code: 'FST_ERR_WS_CLOSING', error: 'Service Unavailable', message: 'the server is closing' })
      await client.ended()
      client.socket.end()
    }
    await end()
  })
}
