import { logLines } from '../helpers/app.ts'
import { close, text } from '../helpers/bytes.ts'
import { hostile } from '../helpers/hostile.ts'
import { RawClient } from '../helpers/raw-client.ts'

/* What is in the log, and what is not. */

const forged = '\r\n{"level":60,"msg":"forged"}\u2028\u001b[31m'

const seen = logLines()

hostile('whatever a client says of itself, a line of the log stays one line', async (t, { app, port }) => {
  const client = await RawClient.open(port, `/${encodeURIComponent(forged)}?a=%0d%0a{"level":60}`, { headers: { 'User-Agent': '{"level":60}', Origin: null } })
  client.write(text(JSON.stringify({ type: forged })))
  t.match(await client.message(), { type: 'error' })
  await client.close(4000, forged)
  while (app.wsConnections.size > 0) await new Promise(resolve => setImmediate(resolve))
  // Each was parsed on its own: `logLines` would have thrown otherwise.
  t.match(seen.lines.at(-1), { msg: 'WebSocket closed', code: 4000, reason: forged })
  t.same(seen.lines.filter(({ level, msg }) => level === 60 || msg === 'forged'), [])
}, {
  server: { logger: { stream: seen.stream } },
  routes: app => app.ws('/:name', { schema: { receive: { type: 'object', properties: { type: { const: 'a' } }, required: ['type'] } } }, m => m)
})

const secret = 'secret-of-Ada'
const quiet = logLines()

hostile('no line of a connection has a payload, a header or a query in it, and a serializer keeps a token in the query out of the others', async (t, { app, port }) => {
  const client = await RawClient.open(port, `/?access_token=${secret}`, { headers: { Cookie: `session=${secret}`, Authorization: `Bearer ${secret}`, 'Sec-WebSocket-Protocol': `chat, token.${secret}` } })
  client.write(text(`{"password":"${secret}"}`))
  t.match(await client.message(), { type: 'error' })
  client.write(text(`not JSON ${secret}`))
  t.match(await client.message(), { type: 'error' })
  client.write(Buffer.concat([text(JSON.stringify({ type: secret })), close(1000)]))
  t.match(await client.message(), { type: 'error' })
  await client.closeFrame()
  await client.ended()
  client.socket.end()
  while (app.wsConnections.size > 0) await new Promise(resolve => setImmediate(resolve))
  t.same(quiet.lines.map(({ msg }) => msg).filter(msg => !String(msg).startsWith('Server listening')), ['incoming request', 'request completed', 'WebSocket closed'])
  t.notMatch(JSON.stringify(quiet.lines), secret)
}, {
  server: {
    logger: {
      stream: quiet.stream,
      serializers: { req: ({ method, url, ip }) => ({ method, url: url.split('?')[0], remoteAddress: ip }) }
    }
  },
  routes: app => app.ws('/', { subprotocols: ['chat'], schema: { receive: { type: 'object', properties: { type: { const: 'a' } }, required: ['type'] } } }, m => m)
})

/* Tokens, where browsers can put them. */

hostile('a token among the subprotocols is for a hook to read: it is never sent back, and what is chosen is another', async (t, { port }) => {
  const client = await RawClient.connect(port)
  client.request('/', { headers: { 'Sec-WebSocket-Protocol': `chat, token.${secret}` } })
  const { statusCode, headers } = await client.reply()
  t.same([statusCode, headers['sec-websocket-protocol']], [101, 'chat'])
  t.notMatch(JSON.stringify(headers), secret)
  const stranger = await RawClient.connect(port)
  stranger.request('/', { headers: { 'Sec-WebSocket-Protocol': 'chat, token.wrong' } })
  t.equal((await stranger.reply()).statusCode, 401)
}, {
  routes: app => app.ws('/', {
    subprotocols: ['chat'],
    onRequest: async (request, reply) => {
      const offered = String(request.headers['sec-websocket-protocol']).split(', ')
      if (!offered.includes(`token.${secret}`)) return reply.code(401).send()
    }
  }, m => m)
})

/* Names. */

const rebound = { Host: 'evil.example', Origin: 'http://evil.example' }

hostile('same-origin believes the Host header: a page whose name was made to lead here may connect, unless a list says which may', async (t, { port }) => {
  for (const [path, statusCode] of [['/same', 101], ['/list', 403]] as const) {
    const client = await RawClient.connect(port)
    client.request(path, { headers: rebound })
    t.equal((await client.reply()).statusCode, statusCode, path)
  }
}, { routes: app => app.ws('/same', m => m).ws('/list', { origin: ['https://app.example.com'] }, m => m) })

/* Patterns of the application. */

hostile('a text that is too long is not tried against a pattern, however slow that is', async (t, { port }) => {
  const client = await RawClient.open(port, '/')
  // Tried, it would take longer than anybody waits.
  client.send(`${'a'.repeat(1000)}!`)
  t.match(await client.message(), { type: 'error', errors: [{ keyword: 'maxLength' }] })
}, { routes: app => app.ws('/', { schema: { receive: { type: 'string', maxLength: 20, pattern: '^(a+)+$' } } }, m => m) })

/* Headers of the 101. */

hostile('a subprotocol or a header with an end of line in it is no way into the reply', async (t, { port }) => {
  const strange = 'a\r\nSet-Cookie: x=1'
  for (const [path, statusCode] of [['/protocol', 101], ['/header', 500]] as const) {
    const client = await RawClient.connect(port)
    client.request(`${path}?name=${encodeURIComponent(strange)}`, { headers: { 'Sec-WebSocket-Protocol': 'a' } })
    const { statusCode: status, headers } = await client.reply()
    t.same([status, headers['set-cookie'], headers['sec-websocket-protocol']], [statusCode, undefined, undefined], path)
  }
}, {
  routes: app => app
    .ws('/protocol', { subprotocols: (_offered, request) => (request.query as { name: string }).name }, m => m)
    .ws('/header', { onRequest: async (request, reply) => { void reply.header('x-name', (request.query as { name: string }).name) } }, m => m)
})

/* Memory. */

hostile('what is no text is no reason of a close, and what is no bytes no raw message: neither is a number of bytes to send', async (t, { port }) => {
  const client = await RawClient.open(port, '/')
  client.write(text('go on'))
  t.equal((await client.frame()).payload.toString(), 'FST_ERR_WS_CLOSE_REASON FST_ERR_WS_CLOSE_REASON FST_ERR_WS_SEND_INVALID')
}, {
  routes: app => app.ws('/', { codec: 'raw' }, (_message, connection) => {
    const codes = []
    for (const act of [
      () => Reflect.apply(connection.close, connection, [1000, new Float32Array(20)]),
      () => Reflect.apply(connection.close, connection, [1000, 80]),
      () => Reflect.apply(connection.send, connection, [80])
    ]) {
      try {
        act()
      } catch (error) {
        codes.push((error as { code: string }).code)
      }
    }
    return codes.join(' ')
  })
})

/* The first bytes. */

hostile('the worst of bytes in the segment of the handshake end their own connection only', async (t, { port }) => {
  const other = await RawClient.open(port, '/')
  const worst = ['ff'.repeat(14), '00'.repeat(14), '81ff7fffffffffffffff00000000', '8180', '888100000000ff', '89fe007e00000000', 'c18000000000', '0080'].map(bytes => Buffer.from(bytes, 'hex'))
  for (const head of worst) {
    const client = await RawClient.open(port, '/', { head })
    client.socket.end()
    await client.closed()
  }
  other.send('still here')
  t.equal(await other.message(), 'still here')
})
