import { spawnSync } from 'node:child_process'
import fastifyWebsocket from '@fastify/websocket'
import Fastify from 'fastify'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import t from 'tap'
import type { Test } from 'tap'
import typedWs, { plugin } from '../lib/index.ts'
import { buildApp, listen } from './helpers/app.ts'
import { packageRoot } from './helpers/paths.ts'
import { RawClient } from './helpers/raw-client.ts'
import { selfSigned } from './helpers/tls.ts'

const ignore = (): void => {}

function bareApp (t: Test): FastifyInstance {
  const app = Fastify()
  t.after(() => app.close())
  return app
}

/** Registers `plugins` in turn and readies the app: what fails first. */
async function startUp (app: FastifyInstance, ...plugins: unknown[]): Promise<void> {
  for (const one of plugins) await app.register(one as typeof typedWs)
  await app.ready()
}

t.test('it decorates the instance and every scope below', async t => {
  const app = await buildApp(t)
  app.register(async scope => {
    for (const name of ['ws', 'rooms', 'room', 'wsConnections', 'injectWS']) t.ok(scope.hasDecorator(name), name)
    t.equal(scope.rooms, app.rooms)
    t.equal(scope.wsConnections, app.wsConnections)
  })
  await app.ready()
})

t.test('it is exported by default, by name, and to require()', async t => {
  t.equal(plugin, typedWs)
  const all: Record<string, unknown> = await import('../lib/index.ts')
  t.equal(all['module.exports'], typedWs)
})

t.test('it has the name that other plugins may depend on', async t => {
  const app = await buildApp(t)
  t.ok(app.hasPlugin('fastify-typed-ws'))
  await app.register(fp(async () => {}, { dependencies: ['fastify-typed-ws'] }))
})

t.test('registered twice on one server, it fails with a clear error', async t => {
  await t.rejects(startUp(bareApp(t), typedWs, typedWs), { code: 'FST_ERR_WS_ALREADY_REGISTERED', message: 'fastify-typed-ws is already registered on this server' })
})

t.test('registered in two scopes of one server, it fails as well', async t => {
  const scoped = async (scope: FastifyInstance): Promise<void> => { await scope.register(typedWs) }
  await t.rejects(startUp(bareApp(t), scoped, scoped), { code: 'FST_ERR_WS_ALREADY_REGISTERED' })
})

t.test('two servers in one process may each have it', async t => {
  for (const app of [bareApp(t), bareApp(t)]) {
    await app.register(typedWs)
    app.ws('/', ignore)
    await app.injectWS('/')
  }
  t.pass('both')
})

t.test('registered in a scope, it is there and not above', async t => {
  const app = bareApp(t)
  t.after(() => { RawClient.dropAll() })
  await app.register(async scope => {
    await scope.register(typedWs)
    scope.ws('/socket', m => m)
  }, { prefix: '/scope' })
  t.notOk(app.hasDecorator('ws'))
  const client = await RawClient.open(await listen(app), '/scope/socket')
  client.send(1)
  t.equal(await client.message(), 1)
})

t.test('after @fastify/websocket, it fails with a clear error', async t => {
  await t.rejects(startUp(bareApp(t), fastifyWebsocket, typedWs), { code: 'FST_ERR_WS_CONFLICT', message: '@fastify/websocket also handles upgrades on this server: register only one of the two' })
})

t.test('before @fastify/websocket, start-up fails with a clear error', async t => {
  await t.rejects(startUp(bareApp(t), typedWs, fastifyWebsocket), { code: 'FST_ERR_WS_CONFLICT' })
})

t.test('beside @fastify/websocket in another scope, start-up fails with a clear error', async t => {
  const incumbent = async (scope: FastifyInstance): Promise<void> => { await scope.register(fastifyWebsocket) }
  await t.rejects(startUp(bareApp(t), incumbent, typedWs), { code: 'FST_ERR_WS_CONFLICT' })
  await t.rejects(startUp(bareApp(t), typedWs, incumbent), { code: 'FST_ERR_WS_CONFLICT' })
})

t.test('an app that failed to register it can be closed', async t => {
  const app = Fastify()
  await t.rejects(startUp(app, typedWs, typedWs))
  await app.close()
  t.pass('closed')
})

t.test('a server without WebSocket routes answers as ever', async t => {
  const app = await buildApp(t)
  app.get('/', async () => 'rest')
  const port = await listen(app)
  const client = await RawClient.connect(port)
  client.request('/')
  t.match(await client.reply(), { statusCode: 200, body: 'rest' })
  t.equal((await app.inject('/')).body, 'rest')
})

t.test('a Fastify that is not of version 5 is refused', async t => {
  const symbol = Object.getOwnPropertySymbols(typedWs).find(({ description }) => description === 'plugin-meta')
  t.match(symbol === undefined ? null : Reflect.get(typedWs, symbol), { name: 'fastify-typed-ws', fastify: '5.x' })
})

t.test('it keeps no process alive that has nothing else to do', async t => {
  const program = `
    import Fastify from 'fastify'
    import typedWs from '${new URL('../lib/index.js', import.meta.url).href}'
    const app = Fastify()
    await app.register(typedWs)
    app.ws('/', m => m)
    const connection = await app.injectWS('/')
    connection.send(['over'])
    console.log(...await connection.receive())
  `
  const { stdout, status } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { cwd: packageRoot, encoding: 'utf8', timeout: 20_000 })
  t.same({ stdout, status }, { stdout: 'over\n', status: 0 })
})

t.test('a server of HTTP/2 has the same routes, with and without HTTP/1.1 beside it', async t => {
  for (const options of [{ http2: true }, { http2: true, https: selfSigned() }, { http2: true, https: { ...selfSigned(), allowHTTP1: true } }] as const) {
    const app = Fastify(options as { http2: true })
    t.after(() => app.close())
    await app.register(typedWs)
    app.ws('/', message => message)
    const connection = await app.injectWS('/')
    connection.send(['over HTTP/2'])
    t.same(await connection.receive(), ['over HTTP/2'])
    await connection.close()
  }
})
