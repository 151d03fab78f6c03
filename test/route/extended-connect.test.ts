import { once } from 'node:events'
import { request as httpsRequest } from 'node:https'
import type { IncomingMessage } from 'node:http'
import type { ClientHttp2Session } from 'node:http2'
import t from 'tap'
import type { Test } from 'tap'
import { listen } from '../helpers/app.ts'
import { Http2Server, onHttp2, refusal } from '../helpers/http2-app.ts'
import { StreamClient } from '../helpers/http2-client.ts'
import { Http1Client } from '../helpers/http1-client.ts'

const ignore = (): void => {}

/** Whatever Node warns of until the test ends: of a header that HTTP/2 does not have, above all. */
function noWarnings (t: Test): void {
  const onWarning = (warning: Error): void => { t.fail(`${warning.name}: ${warning.message}`) }
  process.on('warning', onWarning)
  t.after(() => process.removeListener('warning', onWarning))
}

/** The reply to any other request than CONNECT. */
async function rest (session: ClientHttp2Session, method: string, path: string, body?: string): Promise<{ status: number, allow: unknown, body: string }> {
  const stream = session.request({ ':method': method, ':path': path, ...(body === undefined ? {} : { 'content-type': 'application/json' }) }, { endStream: body === undefined })
  if (body !== undefined) stream.end(body)
  const chunks: Buffer[] = []
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  const [[{ ':status': status, allow }]] = await Promise.all([once(stream, 'response'), once(stream, 'end')])
  return { status, allow, body: Buffer.concat(chunks).toString() }
}

onHttp2('a WebSocket over HTTP/2', async (t, server) => {
  noWarnings(t)
  const app = await server.build()
  app.ws('/echo', message => message)
  const client = await server.connect(app)
  t.equal(client.session.remoteSettings.enableConnectProtocol, true)
  const stream = client.request('/echo')
  const socket = StreamClient.on(stream)
  const [headers] = await once(stream, 'response')
  t.same(Object.keys(headers).sort(), [':status', 'date'])
  socket.send(['over HTTP/2'])
  t.same(await socket.message(), ['over HTTP/2'])
  t.same(await socket.close(1000), { code: 1000, reason: '' })
  await socket.closed()
  t.equal(stream.rstCode, 0)
})

onHttp2('a key, which only HTTP/1.1 has, is ignored, whatever it is', async (t, server) => {
  const app = await server.build()
  app.ws('/', ignore)
  const client = await server.connect(app)
  for (const key of ['dGhlIHNhbXBsZSBub25jZQ==', 'no key']) await client.open('/', { 'sec-websocket-key': key })
  t.equal(app.wsStats().connections.opened, 2)
})

onHttp2('the request is a GET of its path, as hooks and handlers see it', async (t, server) => {
  const app = await server.build({}, { genReqId: () => 'id-7' })
  app.ws('/:a', {
    onOpen (connection, request) {
      const { id, method, url, originalUrl, params, ip, ips, host, hostname, port, protocol, raw, headers, body, is404, routeOptions } = request
      connection.send({ id, method, url, originalUrl, params, ip, ips, host, hostname, port, protocol, version: raw.httpVersion, rawMethod: raw.method, cookie: headers.cookie, body: body ?? null, is404, route: [routeOptions.method, routeOptions.url] })
    }
  }, ignore)
  const socket = await (await server.connect(app)).open('/b?c=1', { ':authority': '[::1]:8080', cookie: 'a=1; b=2' })
  t.match(await socket.message(), {
    id: 'id-7',
    method: 'GET',
    url: '/b?c=1',
    originalUrl: '/b?c=1',
    params: { a: 'b' },
    ip: '127.0.0.1',
    ips: undefined,
    host: '[::1]:8080',
    hostname: '[::1]',
    port: 8080,
    protocol: server.scheme,
    version: '2.0',
    rawMethod: 'GET',
    cookie: 'a=1; b=2',
    body: null,
    is404: false,
    route: ['GET', '/:a']
  })
})

onHttp2('behind a proxy that is trusted, its headers tell the address, the host and the scheme', async (t, server) => {
  const app = await server.build({}, { trustProxy: '127.0.0.1' })
  app.ws('/', { onOpen: (connection, { ip, ips, host, protocol }) => connection.send({ ip, ips, host, protocol }) }, ignore)
  const client = await server.connect(app)
  const socket = await client.open('/', { 'x-forwarded-for': '203.0.113.7', 'x-forwarded-host': 'chat.example', 'x-forwarded-proto': 'https', origin: 'https://chat.example' })
  t.same(await socket.message(), { ip: '203.0.113.7', ips: ['127.0.0.1', '203.0.113.7'], host: 'chat.example', protocol: 'https' })
})

onHttp2('REST and WebSocket on one URL, declared in any order, over one session', async (t, server) => {
  noWarnings(t)
  const app = await server.build()
  app.get('/a', async () => 'rest a')
  app.ws('/a', message => message)
  app.ws('/b', message => message)
  app.get('/b', async () => 'rest b')
  app.post('/b', async request => request.body)
  app.ws('/alone', ignore)
  const client = await server.connect(app)
  for (const path of ['/a', '/b']) {
    const socket = await client.open(path)
    t.match(await rest(client.session, 'GET', path), { status: 200, body: `rest ${path.slice(1)}` })
    t.match(await rest(client.session, 'HEAD', path), { status: 200, body: '' })
    socket.send(path)
    t.equal(await socket.message(), path)
  }
  t.match(await rest(client.session, 'POST', '/b', '{"posted":1}'), { status: 200, body: '{"posted":1}' })
  t.match(await rest(client.session, 'OPTIONS', '/b'), { status: 404 })
  t.match(await rest(client.session, 'GET', '/alone'), { status: 405, allow: 'CONNECT', body: /FST_ERR_WS_CONNECT_REQUIRED/ })
  t.match(await rest(client.session, 'HEAD', '/alone'), { status: 404 })
  t.match(await rest(client.session, 'POST', '/alone', '{}'), { status: 404 })
})

onHttp2('an extended CONNECT to a URL that has REST only is no tunnel, even if its handler replies 200', async (t, server) => {
  const app = await server.build()
  app.get('/', async () => 'rest')
  app.get('/private', async (_request, reply) => await reply.code(401).send('no'))
  app.setNotFoundHandler(async (_request, reply) => await reply.code(200).type('text/html').send('<html>'))
  const client = await server.connect(app)
  t.match(await refusal(client, '/'), { statusCode: 405, headers: { allow: 'GET' }, body: 'rest' })
  t.match(await refusal(client, '/private'), { statusCode: 401, body: 'no' })
  t.match(await refusal(client, '/nowhere'), { statusCode: 405, headers: { allow: 'GET', 'content-type': /html/ }, body: '<html>' })
})

onHttp2('plain requests go on while WebSockets of the same session are busy', async (t, server) => {
  const app = await server.build()
  app.get('/:n', async request => (request.params as { n: string }).n)
  app.ws('/', message => message)
  const client = await server.connect(app)
  const sockets = await Promise.all(Array.from({ length: 20 }, () => client.open('/')))
  const echoes = sockets.map(async (socket, n) => {
    for (let i = 0; i < 10; i++) {
      socket.send([n, i])
      t.same(await socket.message(), [n, i])
    }
  })
  const replies = await Promise.all(Array.from({ length: 20 }, (_, n) => rest(client.session, 'GET', `/${n}`)))
  t.same(replies.map(({ status, body }) => [status, body]), Array.from({ length: 20 }, (_, n) => [200, String(n)]))
  await Promise.all(echoes)
  t.equal(app.wsConnections.size, 20)
})

t.test('both versions are served on one port, each by its own handshake', async t => {
  noWarnings(t)
  const server = new Http2Server(t, 'h2 beside HTTP/1.1')
  const app = await server.build()
  app.ws('/', { onOpen: (connection, request) => connection.send([request.raw.httpVersion, request.protocol]) }, message => message)
  app.get('/rest', async request => request.raw.httpVersion)
  const port = await listen(app)
  const old = await Http1Client.connectTls(port)
  old.request('/')
  t.match(await old.reply(), { statusCode: 101, headers: { upgrade: 'websocket', 'sec-websocket-accept': 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=' } })
  t.same(await old.message(), ['1.1', 'https'])
  const client = await server.join(port)
  const socket = await client.open('/')
  t.same(await socket.message(), ['2.0', 'https'])
  for (const one of [old, socket]) {
    one.send('both')
    t.equal(await one.message(), 'both')
  }
  t.equal((await rest(client.session, 'GET', '/rest')).body, '2.0')
  t.equal((await get(port, '/rest')).statusCode, 200)
  t.match(await rest(client.session, 'GET', '/'), { status: 405 })
  const plain = await get(port, '/')
  t.match(plain, { statusCode: 426, headers: { upgrade: 'websocket', connection: 'Upgrade' } })
  t.equal(app.wsConnections.size, 2)
})

/** A plain request over HTTP/1.1. */
async function get (port: number, path: string): Promise<IncomingMessage> {
  const request = httpsRequest({ port, host: '127.0.0.1', path, rejectUnauthorized: false, agent: false }).end()
  const [response] = await once(request, 'response') as [IncomingMessage]
  response.resume()
  await once(response, 'end')
  return response
}
