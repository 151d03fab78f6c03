import t from 'tap'
import type { Test } from 'tap'
import { buildApp, listen } from '../helpers/app.ts'
import { RawClient } from '../helpers/raw-client.ts'
import type { HttpReply, RawRequest } from '../helpers/raw-client.ts'
import { ServerSockets } from '../helpers/server-sockets.ts'

const ignore = (): void => {}

/** The reply to a request for `/`, which has a WebSocket route only. */
async function reply (t: Test, request: RawRequest): Promise<HttpReply> {
  const app = await buildApp(t)
  app.ws('/', { onOpen: () => { t.comment('opened') } }, ignore)
  const client = await RawClient.connect(await listen(app))
  client.request('/', request)
  return await client.reply()
}

const faults: Array<[title: string, statusCode: number, code: string, headers: RawRequest['headers']]> = [
  ['without a key', 400, 'FST_ERR_WS_HANDSHAKE', { 'Sec-WebSocket-Key': null }],
  ['with an empty key', 400, 'FST_ERR_WS_HANDSHAKE', { 'Sec-WebSocket-Key': '' }],
  ['with a key that is too short', 400, 'FST_ERR_WS_HANDSHAKE', { 'Sec-WebSocket-Key': 'c2hvcnQ=' }],
  ['with a key of 17 bytes', 400, 'FST_ERR_WS_HANDSHAKE', { 'Sec-WebSocket-Key': Buffer.alloc(17).toString('base64') }],
  ['with a key that is not base64', 400, 'FST_ERR_WS_HANDSHAKE', { 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25j*Q==' }],
  ['with two keys', 400, 'FST_ERR_WS_HANDSHAKE', { 'Sec-WebSocket-Key': ['dGhlIHNhbXBsZSBub25jZQ==', 'dGhlIHNhbXBsZSBub25jZQ=='] }],
  ['without a version', 426, 'FST_ERR_WS_VERSION', { 'Sec-WebSocket-Version': null }],
  ['with an old version', 426, 'FST_ERR_WS_VERSION', { 'Sec-WebSocket-Version': '8' }],
  ['with a version to come', 426, 'FST_ERR_WS_VERSION', { 'Sec-WebSocket-Version': '14' }],
  ['with two versions', 426, 'FST_ERR_WS_VERSION', { 'Sec-WebSocket-Version': ['13', '8'] }],
  ['with a subprotocol that is no token', 400, 'FST_ERR_WS_HANDSHAKE', { 'Sec-WebSocket-Protocol': 'cha t' }],
  ['with a subprotocol twice', 400, 'FST_ERR_WS_HANDSHAKE', { 'Sec-WebSocket-Protocol': 'chat, chat' }],
  ['with an empty list of subprotocols', 400, 'FST_ERR_WS_HANDSHAKE', { 'Sec-WebSocket-Protocol': ' , ' }],
  ['with a body by Content-Length', 400, 'FST_ERR_WS_HANDSHAKE', { 'Content-Length': '5' }],
  ['with a chunked body', 400, 'FST_ERR_WS_HANDSHAKE', { 'Transfer-Encoding': 'chunked' }],
  ['from a strange origin', 403, 'FST_ERR_WS_ORIGIN', { Origin: 'https://evil.example' }]
]

for (const [title, statusCode, code, headers] of faults) {
  t.test(`an upgrade ${title} is answered ${statusCode}`, async t => {
    const { body, ...rest } = await reply(t, { headers })
    t.equal(rest.statusCode, statusCode)
    t.match(JSON.parse(body), { statusCode, code })
  })
}

t.test('the reply to a wrong version names the right one (RFC 6455 section 4.4)', async t => {
  const { headers } = await reply(t, { headers: { 'Sec-WebSocket-Version': '12' } })
  t.match(headers, { 'sec-websocket-version': '13', upgrade: 'websocket', connection: /^Upgrade\b/ })
})

t.test('an upgrade by HTTP/1.0 is answered 400', async t => {
  const { statusCode, body } = await reply(t, { httpVersion: '1.0' })
  t.equal(statusCode, 400)
  t.match(JSON.parse(body), { code: 'FST_ERR_WS_HANDSHAKE', message: /HTTP\/1\.1/ })
})

t.test('what may look unusual and is allowed is upgraded', async t => {
  const unusual: Array<RawRequest['headers']> = [
    { Upgrade: 'WebSocket' },
    { Connection: 'keep-alive, Upgrade' },
    { 'Content-Length': '0' },
    { 'Sec-WebSocket-Protocol': 'chat,,superchat' },
    { 'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits' },
    { 'Sec-WebSocket-Key': '  dGhlIHNhbXBsZSBub25jZQ==  ' }
  ]
  for (const headers of unusual) {
    t.equal((await reply(t, { headers })).statusCode, 101, JSON.stringify(headers))
  }
})

t.test('extensions that were not agreed on are not in the 101', async t => {
  const { headers } = await reply(t, { headers: { 'Sec-WebSocket-Extensions': 'permessage-deflate' } })
  t.notOk('sec-websocket-extensions' in headers)
})

t.test('a plain GET on a WebSocket URL is answered 426, with what to upgrade to', async t => {
  const { statusCode, headers, body } = await reply(t, { headers: { Upgrade: null, Connection: null } })
  t.equal(statusCode, 426)
  t.match(headers, { upgrade: 'websocket', connection: /upgrade/i, 'sec-websocket-version': '13' })
  t.match(JSON.parse(body), { statusCode: 426, code: 'FST_ERR_WS_UPGRADE_REQUIRED', error: 'Upgrade Required', message: /WebSocket/ })
})

t.test('a GET whose Connection header does not say Upgrade is a plain one', async t => {
  t.equal((await reply(t, { headers: { Connection: 'keep-alive' } })).statusCode, 426)
})

t.test('app.inject of a WebSocket URL is answered 426 as well', async t => {
  const app = await buildApp(t)
  app.ws('/', ignore)
  const { statusCode, headers } = await app.inject('/')
  t.equal(statusCode, 426)
  t.equal(headers.upgrade, 'websocket')
})

t.test('a 426 leaves the connection of a plain GET open for the next request', async t => {
  const app = await buildApp(t)
  app.get('/rest', async () => 'rest')
  app.ws('/', ignore)
  const sockets = new ServerSockets(app)
  const client = await RawClient.connect(await listen(app))
  client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  t.equal((await client.reply()).statusCode, 426)
  client.write('GET /rest HTTP/1.1\r\nHost: x\r\n\r\n')
  t.equal((await client.reply()).body, 'rest')
  await sockets.open(1)
})

t.test('other methods of a WebSocket URL are not found, as those of a GET route', async t => {
  const app = await buildApp(t)
  app.ws('/', ignore)
  for (const method of ['HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS'] as const) {
    t.equal((await app.inject({ method, url: '/' })).statusCode, 404, method)
  }
})

t.test('a faulty handshake is refused before the hooks of the route run, and after those of the instance', async t => {
  const app = await buildApp(t)
  const ran: string[] = []
  app.addHook('onRequest', async () => { ran.push('instance') })
  app.ws('/', { onRequest: async () => { ran.push('route') }, preHandler: async () => { ran.push('preHandler') } }, ignore)
  const client = await RawClient.connect(await listen(app))
  client.request('/', { headers: { 'Sec-WebSocket-Key': null } })
  t.equal((await client.reply()).statusCode, 400)
  t.same(ran, ['instance'])
})

t.test('a refused handshake ends the connection and frees the descriptor', async t => {
  for (const [,, , headers] of faults) {
    const app = await buildApp(t)
    app.ws('/', ignore)
    const sockets = new ServerSockets(app)
    const client = await RawClient.connect(await listen(app))
    client.request('/', { headers })
    t.match((await client.reply()).headers.connection, /\bclose$/)
    await client.ended()
    client.socket.end()
    await sockets.open(0)
  }
})
