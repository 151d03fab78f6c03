import { once } from 'node:events'
import cookie from '@fastify/cookie'
import jwt from '@fastify/jwt'
import rateLimit from '@fastify/rate-limit'
import type { WsPluginOptions } from '../../types/index.ts'
import { until } from '../fuzz/until.ts'
import { binary, text } from '../helpers/bytes.ts'
import { deflated, readDeflate } from '../helpers/deflate.ts'
import { onHttp2, refusal } from '../helpers/http2-app.ts'

const ignore = (): void => {}

onHttp2('limits in total, by address and by key refuse with 503 and 429, and a place is given back once', async (t, server) => {
  const options: WsPluginOptions = { limits: { connections: 4 }, limitKey: ({ headers }) => headers['x-user'] as string | undefined }
  const app = await server.build(options, { trustProxy: true })
  app.ws('/any', ignore).ws('/ip', { limits: { connectionsPerIp: 1 } }, ignore).ws('/key', { limits: { connectionsPerKey: 1 } }, ignore)
  const client = await server.connect(app)
  const refused = async (path: string, headers: Record<string, string>): Promise<unknown> => {
    const { statusCode, headers: { 'retry-after': retryAfter }, body } = await refusal(client, path, headers)
    t.ok(Number(retryAfter) >= 5)
    return [statusCode, JSON.parse(body).message]
  }
  const first = await client.open('/ip', { 'x-forwarded-for': '192.0.2.1' })
  t.same(await refused('/ip', { 'x-forwarded-for': '192.0.2.1' }), [429, 'too many connections of this address'])
  await client.open('/ip', { 'x-forwarded-for': '192.0.2.2' })
  await client.open('/key', { 'x-user': 'ann' })
  t.same(await refused('/key', { 'x-user': 'ann' }), [429, 'too many connections of this key'])
  await client.open('/key', { 'x-user': 'bob' })
  t.same(await refused('/any', {}), [503, 'too many connections'])
  first.socket.destroy()
  await until('its place is free', () => app.wsConnections.size === 3)
  await client.open('/ip', { 'x-forwarded-for': '192.0.2.1' })
  t.same(app.wsStats().upgrades.refused, { 429: 2, 503: 1 })
})

onHttp2('who cancels while its key is looked up gives its place back', async (t, server) => {
  let asked = 0
  let goOn = ignore
  const app = await server.build({
    limits: { connections: 1 },
    limitKey: async ({ headers }) => {
      asked++
      if (headers['x-slow'] !== undefined) await new Promise<void>(resolve => { goOn = resolve })
      return 'key'
    }
  })
  app.ws('/', ignore)
  const client = await server.connect(app)
  const stream = client.request('/', { 'x-slow': '1' })
  await until('it is asked', () => asked === 1)
  stream.close(8)
  await until('it is over', () => app.wsStats().upgrades.pending === 0)
  goOn()
  await client.open('/')
  t.equal(app.wsStats().upgrades.aborted, 1)
})

onHttp2('credentials that expire refuse with 401, or close with 4401', async (t, server) => {
  const app = await server.build({ expiryWarning: false })
  app.ws('/', { onRequest: async request => { request.wsExpiresAt = Date.now() + Number((request.query as { in: string }).in) } }, ignore)
  const client = await server.connect(app)
  t.match(await refusal(client, '/?in=-1'), { statusCode: 401, body: /FST_ERR_WS_EXPIRED/ })
  const socket = await client.open('/?in=100')
  t.match(await socket.closeFrame(), { code: 4401, reason: 'expired' })
})

onHttp2('origins are judged by the :authority and the scheme', async (t, server) => {
  const app = await server.build()
  app.ws('/same', ignore)
  app.ws('/list', { origin: ['https://*.example.com'] }, ignore)
  app.ws('/asked', { origin: async origin => origin === 'https://friend.example' }, ignore)
  app.ws('/any', { origin: { dangerouslyAllowAny: true } }, ignore)
  const client = await server.connect(app)
  const statusOf = async (path: string, origin: string, authority = 'chat.example'): Promise<number> => {
    const stream = client.request(path, { origin, ':authority': authority })
    const [{ ':status': status }] = await once(stream, 'response')
    stream.end()
    return status
  }
  const other = server.isSecure ? 'http' : 'https'
  t.equal(await statusOf('/same', `${server.scheme}://chat.example`), 200)
  t.equal(await statusOf('/same', `${server.scheme}://chat.example`, `Chat.example:${server.isSecure ? 443 : 80}`), 200)
  t.equal(await statusOf('/same', `${server.scheme}://chat.example:8443`), 403)
  t.equal(await statusOf('/same', `${other}://chat.example`), 403)
  t.equal(await statusOf('/same', 'null'), 403)
  t.equal(await statusOf('/list', 'https://a.example.com'), 200)
  t.equal(await statusOf('/list', 'https://example.com.evil.net'), 403)
  t.equal(await statusOf('/asked', 'https://friend.example'), 200)
  t.equal(await statusOf('/asked', 'https://foe.example'), 403)
  t.equal(await statusOf('/any', 'https://anywhere.example'), 200)
})

onHttp2('a subprotocol is chosen from the list of the server, or by a function', async (t, server) => {
  const app = await server.build({ subprotocols: ['b', 'c'] })
  app.ws('/', { onOpen: connection => connection.send(connection.protocol) }, ignore)
  app.ws('/chosen', { subprotocols: (protocols: readonly string[]) => protocols.at(-1) ?? null }, ignore)
  const client = await server.connect(app)
  const chosen = async (path: string, offered: string | null): Promise<unknown> => {
    const [headers] = await once(client.request(path, { 'sec-websocket-protocol': offered }), 'response')
    return [headers[':status'], headers['sec-websocket-protocol']]
  }
  t.same(await chosen('/', 'a, c, b'), [200, 'c'])
  t.same(await chosen('/', 'x'), [200, undefined])
  t.same(await chosen('/', null), [200, undefined])
  t.same(await chosen('/chosen', 'a, z'), [200, 'z'])
  t.equal(await (await client.open('/', { 'sec-websocket-protocol': 'b' })).message(), 'b')
})

onHttp2('permessage-deflate is agreed on, and used both ways', async (t, server) => {
  const app = await server.build({ codec: 'raw', perMessageDeflate: { threshold: 0 } })
  app.ws('/', message => message)
  app.ws('/off', { perMessageDeflate: false }, message => message)
  const client = await server.connect(app)
  const offer = { 'sec-websocket-extensions': 'permessage-deflate; client_max_window_bits' }
  const extensionsOf = async (path: string, headers = {}): Promise<unknown> => (await once(client.request(path, headers), 'response'))[0]['sec-websocket-extensions']
  t.match(await extensionsOf('/', offer), /^permessage-deflate; /)
  t.equal(await extensionsOf('/'), undefined)
  t.equal(await extensionsOf('/off', offer), undefined)
  const socket = await client.open('/', offer)
  const message = Buffer.from('much the same, '.repeat(50))
  socket.write(binary(deflated(message), { rsv: 4 }))
  const { rsv, payload } = await socket.frame()
  t.equal(rsv, 4)
  t.ok(payload.length < message.length / 2)
  t.same(readDeflate(payload).message, message)
})

onHttp2('a message above maxPayload, which bodyLimit is where nothing else is said, closes 1009', async (t, server) => {
  const app = await server.build({}, { bodyLimit: 100 })
  app.ws('/body', message => message)
  app.ws('/own', { maxPayload: 10 }, message => message)
  const client = await server.connect(app)
  for (const [path, most] of [['/body', 100], ['/own', 10]] as const) {
    const socket = await client.open(path)
    const largest = 'x'.repeat(most - 2)
    socket.send(largest)
    t.equal(await socket.message(), largest)
    socket.write(text(`"${largest}x"`))
    t.match(await socket.closeFrame(), { code: 1009 })
  }
})

onHttp2('plugins of Fastify hold: cookies, sessions by JSON Web Tokens, rate limits', async (t, server) => {
  const app = await server.build()
  await app.register(cookie)
  await app.register(jwt, { secret: 'a secret of the test', cookie: { cookieName: 'token', signed: false } })
  await app.register(rateLimit, { global: false })
  app.ws('/', {
    preValidation: async request => { await request.jwtVerify({ onlyCookie: true }) },
    onSend: async (request, reply) => { void reply.setCookie('seen', request.cookies.name ?? '').setCookie('more', '2', { httpOnly: true }) },
    onOpen: (connection, request) => connection.send((request.user as { name: string }).name)
  }, ignore)
  app.ws('/limited', { config: { rateLimit: { max: 1, timeWindow: 60_000 } } }, ignore)
  const client = await server.connect(app)
  const stream = client.request('/', { cookie: `token=${app.jwt.sign({ name: 'ann' })}; name=ann` })
  const [headers] = await once(stream, 'response')
  t.match(headers, { ':status': 200, 'set-cookie': ['seen=ann', 'more=2; HttpOnly'] })
  t.match(await refusal(client, '/'), { statusCode: 401, body: /FST_JWT_NO_AUTHORIZATION_IN_COOKIE/ })
  await client.open('/limited')
  t.match(await refusal(client, '/limited'), { statusCode: 429, headers: { 'retry-after': '60' } })
})
