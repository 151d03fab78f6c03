import { constants } from 'node:http2'
import { setImmediate as immediate } from 'node:timers/promises'
import swagger from '@fastify/swagger'
import { Registry } from 'prom-client'
import { parse } from 'yaml'
import asyncapi from '../../lib/asyncapi/index.ts'
import wsMetrics from '../../lib/metrics/index.ts'
import type { Connection, WsUpgradeEvent } from '../../types/index.ts'
import { until } from '../fuzz/until.ts'
import { deferred, logLines } from '../helpers/app.ts'
import { Exposition } from '../helpers/exposition.ts'
import { onHttp2, refusal } from '../helpers/http2-app.ts'
import type { Http2Client } from '../helpers/http2-client.ts'
import type { HttpReply } from '../helpers/raw-client.ts'
import { Traced } from '../helpers/traced.ts'

const ignore = (): void => {}

/** A plain GET in the same session. */
function get (client: Http2Client, path: string): Promise<HttpReply> {
  return client.reply(client.plainRequest('GET', path))
}

onHttp2('the log has the request at the 200, with its bindings, and the connection at its end', async (t, server) => {
  const { lines, stream } = logLines()
  const app = await server.build({}, { logger: { stream }, genReqId: () => 'id-7' })
  app.ws('/', message => message)
  const client = await server.connect(app)
  const linesOf = (): unknown[] => lines.filter(({ reqId }) => reqId === 'id-7').map(({ msg }) => msg)
  const socket = await client.open('/?a=1')
  await until('it is completed', () => linesOf().length === 2)
  t.match(lines.filter(({ reqId }) => reqId === 'id-7'), [
    { msg: 'incoming request', req: { method: 'GET', url: '/?a=1', host: /^127\.0\.0\.1:\d+$/, remoteAddress: '127.0.0.1', remotePort: Number } },
    { msg: 'request completed', res: { statusCode: 200 }, responseTime: Number }
  ])
  socket.send(1)
  await socket.message()
  await socket.close(1000)
  await socket.closed()
  await until('its end is there', () => linesOf().length === 3)
  client.session.destroy()
  await until('the session is gone', () => client.session.destroyed)
  await immediate()
  t.same(linesOf(), ['incoming request', 'request completed', 'WebSocket closed'])
  t.match(lines.find(({ msg }) => msg === 'WebSocket closed'), { code: 1000, closedBy: 'client' })
})

onHttp2('the log has a refusal with its status, and nothing at all with disableRequestLogging', async (t, server) => {
  for (const disableRequestLogging of [false, true]) {
    const { lines, stream } = logLines()
    const app = await server.build({}, { logger: { stream }, disableRequestLogging })
    app.ws('/', ignore)
    app.ws('/no', { onRequest: async (_request, reply) => await reply.code(401).send('no') }, ignore)
    const client = await server.connect(app)
    await refusal(client, '/no')
    const socket = await client.open('/')
    await socket.close(1000)
    await until('it has ended', () => app.wsConnections.size === 0)
    const told = (): string[] => lines.filter(({ reqId }) => reqId !== undefined).map(({ msg, res }) => `${String(msg)} ${(res as { statusCode: number } | undefined)?.statusCode ?? ''}`.trim())
    if (!disableRequestLogging) await until('the refused stream is done with', () => told().includes('request completed 401'))
    t.same(told().sort(), disableRequestLogging
      ? []
      : ['WebSocket closed', 'incoming request', 'incoming request', 'request completed 200', 'request completed 401'])
  }
})

onHttp2('the channel of upgrades tells of one from its start to its 200, by one object', async (t, server) => {
  const traced = new Traced<WsUpgradeEvent>(t, 'upgrade')
  const app = await server.build()
  const opened: Connection[] = []
  app.ws('/:room', { onRequest: () => immediate(), onOpen: connection => { opened.push(connection) } }, ignore)
  const client = await server.connect(app)
  await client.open('/one')
  t.same(traced.names, ['start', 'end', 'asyncStart', 'asyncEnd'])
  t.equal(new Set(traced.told.map(({ event }) => event)).size, 1)
  const { event } = traced.told[3]
  t.match(event, { statusCode: 200, route: '/:room' })
  t.equal(event.connection, opened[0])
  t.equal(event.request.url, '/one')
  t.equal(event.instance.server, app.server)
})

onHttp2('the channel of upgrades tells of a refusal with its status, and of a client that has gone as an error', async (t, server) => {
  const traced = new Traced<WsUpgradeEvent>(t, 'upgrade')
  const app = await server.build()
  const entered = deferred()
  const gone = deferred()
  app.ws('/slow', { onRequest: () => { entered.resolve(); return gone.promise } }, ignore)
  const client = await server.connect(app)
  await refusal(client, '/nowhere')
  await traced.until(4)
  t.same(traced.told[3].fields.statusCode, 404)
  const stream = client.request('/slow')
  await entered.promise
  stream.close(constants.NGHTTP2_CANCEL)
  await traced.until(9)
  gone.resolve()
  await immediate()
  t.same(traced.names.slice(4), ['start', 'end', 'error', 'asyncStart', 'asyncEnd'])
  const { event } = traced.told[8]
  t.match(event.error, { code: 'FST_ERR_WS_ABORTED' })
  t.notOk('statusCode' in event || 'connection' in event)
})

onHttp2('upgrades are counted by what became of them', async (t, server) => {
  const app = await server.build()
  const entered = deferred()
  app.ws('/no', { onRequest: async (_request, reply) => await reply.code(403).send() }, ignore)
  app.ws('/slow', { onRequest: () => { entered.resolve(); return new Promise<void>(() => {}) } }, ignore)
  app.ws('/', ignore)
  const client = await server.connect(app)
  for (const path of ['/no', '/no', '/nowhere']) await refusal(client, path)
  const stream = client.request('/slow')
  await entered.promise
  t.equal(app.wsStats().upgrades.pending, 1)
  stream.close(constants.NGHTTP2_CANCEL)
  await until('it is over', () => app.wsStats().upgrades.pending === 0)
  const socket = await client.open('/')
  t.same(app.wsStats().upgrades, { pending: 0, refused: { 403: 2, 404: 1 }, aborted: 1 })
  t.match(app.wsStats().connections, { open: 1, opened: 1, byRoute: { '/': 1 } })
  await socket.close(1000)
  await until('it has ended', () => app.wsConnections.size === 0)
  t.match(app.wsStats().connections, { open: 0, closed: { 1000: 1 } })
})

onHttp2('metrics are served beside the WebSockets that they count', async (t, server) => {
  const app = await server.build({ heartbeat: false })
  await app.register(wsMetrics, { register: new Registry(), endpoint: '/metrics' })
  app.ws('/', message => message)
  const client = await server.connect(app)
  const socket = await client.open('/')
  await refusal(client, '/nowhere')
  socket.send(1)
  await socket.message()
  const { statusCode, body } = await get(client, '/metrics')
  t.equal(statusCode, 200)
  const { families } = new Exposition(body)
  t.ok(families.size > 20)
  t.match(body, /^ws_connections\{route="\/"\} 1$/m)
})

onHttp2('documents and their pages are served: AsyncAPI as JSON and YAML, to read and to try, and OpenAPI', async (t, server) => {
  const app = await server.build()
  await app.register(swagger, { openapi: {} })
  await app.register(asyncapi, { servers: { production: { host: 'chat.example' } } })
  app.ws('/chat', ignore)
  const client = await server.connect(app)
  const json = await get(client, '/asyncapi/json')
  t.match(json, { statusCode: 200, headers: { 'content-type': /^application\/asyncapi\+json/ as never } })
  t.same(JSON.parse(json.body), app.asyncapi())
  t.match(app.asyncapi(), { servers: { production: { host: 'chat.example', protocol: 'wss' } }, channels: { chat: { address: '/chat' } } })
  t.same(parse((await get(client, '/asyncapi/yaml')).body), app.asyncapi())
  for (const page of ['/asyncapi', '/asyncapi/try']) {
    const { statusCode, body } = await get(client, page)
    t.equal(statusCode, 200)
    const assets = [...body.matchAll(/(?:src|href)="(\.\/[^"]*assets\/[^"]+)"/g)].map(([, url]) => new URL(url, `http://localhost${page}`).pathname)
    t.ok(assets.length > 0)
    for (const asset of assets) t.equal((await get(client, asset)).statusCode, 200, asset)
  }
  const { responses } = (app.swagger() as { paths: Record<string, { get: { responses: object } }> }).paths['/chat'].get
  t.same(Object.keys(responses), server.way === 'h2 beside HTTP/1.1' ? ['101', '200', '405', '426'] : ['200', '405'])
})
