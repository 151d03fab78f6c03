import { deferred } from '../helpers/app.ts'
import { text } from '../helpers/bytes.ts'
import { hostile, needed, requestBytes, upgradeBytes } from '../helpers/hostile.ts'
import { RawClient } from '../helpers/raw-client.ts'

/* Bodies: their bytes would be taken for frames, or frames for a body. */

const hello = '5\r\nhello\r\n0\r\n\r\n'

const bodies: ReadonlyArray<[what: string, headers: readonly string[], behind: string]> = [
  ['a body', ['Content-Length: 5'], 'hello'],
  ['a body that does not come', ['Content-Length: 5'], ''],
  ['a length of 00', ['Content-Length: 00'], ''],
  ['a length of +0', ['Content-Length: +0'], ''],
  ['a length of -0', ['Content-Length: -0'], ''],
  ['a length of 0x0', ['Content-Length: 0x0'], ''],
  ['a length of 0,0', ['Content-Length: 0,0'], ''],
  ['a length of 0, 5', ['Content-Length: 0, 5'], 'hello'],
  ['an empty length', ['Content-Length:'], ''],
  ['a length of 2^53 + 1', ['Content-Length: 9007199254740993'], ''],
  ['a length of 2^64', ['Content-Length: 18446744073709551616'], ''],
  ['a length and a chunked body', ['Content-Length: 5', 'Transfer-Encoding: chunked'], hello],
  ['a chunked body and a length', ['Transfer-Encoding: chunked', 'Content-Length: 0'], hello],
  ['a chunked body', ['Transfer-Encoding: chunked'], hello],
  ['a chunked body without a byte', ['Transfer-Encoding: chunked'], '0\r\n\r\n'],
  ['a body chunked twice', ['Transfer-Encoding: chunked, chunked'], hello],
  ['a body chunked by another name', ['Transfer-Encoding: xchunked'], hello],
  ['a body chunked, and a tab', ['Transfer-Encoding: chunked\t'], hello],
  ['a transfer encoding of identity', ['Transfer-Encoding: identity'], 'hello'],
  ['an empty transfer encoding', ['Transfer-Encoding:'], '']
]

for (const [what, headers, behind] of bodies) {
  hostile(`an upgrade with ${what}: 400 and no more, whatever follows`, async (t, { port }) => {
    const client = await RawClient.connect(port)
    client.write(upgradeBytes(headers, { behind: `${behind}GET /rest HTTP/1.1\r\nHost: a\r\n\r\n` }))
    t.equal((await client.reply()).statusCode, 400)
    await client.ended()
    t.equal(client.unread.length, 0, 'one reply only')
  })
}

hostile('a length and a chunked body are refused by a lenient parser as well', async (t, { reply }) => {
  t.equal((await reply(upgradeBytes(['Content-Length: 0', 'Transfer-Encoding: chunked'], { behind: hello }))).statusCode, 400)
}, { server: { http: { insecureHTTPParser: true } } })

hostile('a length of 0 is no body', async (t, { reply }) => {
  t.equal((await reply(upgradeBytes(['Content-Length: 0']))).statusCode, 101)
})

hostile('a request behind an upgrade is frames, and bad ones: it is not answered', async (t, { port }) => {
  const client = await RawClient.connect(port)
  client.write(upgradeBytes([], { behind: 'GET /rest HTTP/1.1\r\nHost: a\r\n\r\n' }))
  t.equal((await client.reply()).statusCode, 101)
  t.equal((await client.closeFrame()).code, 1002)
  await client.ended()
  t.equal(client.unread.length, 0)
})

hostile('a request behind an upgrade that is refused is not answered', async (t, { port }) => {
  for (const without of ['key', 'version', 'host'] as const) {
    const client = await RawClient.connect(port)
    client.write(upgradeBytes([], { without: [without], behind: 'GET /rest HTTP/1.1\r\nHost: a\r\n\r\n' }))
    t.ok([400, 426].includes((await client.reply()).statusCode))
    await client.ended()
    t.equal(client.unread.length, 0)
  }
})

hostile('an upgrade behind an upgrade is frames as well', async (t, { app, port }) => {
  const client = await RawClient.connect(port)
  client.write(upgradeBytes([], { behind: upgradeBytes() }))
  t.equal((await client.reply()).statusCode, 101)
  t.equal((await client.closeFrame()).code, 1002)
  t.ok(app.wsConnections.size <= 1)
})

/* The request line. */

const lines: ReadonlyArray<[line: string, statusCode: number]> = [
  ['GET /', 400],
  ['GET / HTTP/0.9', 400],
  ['GET / HTTP/1.0', 400],
  ['GET / HTTP/1.2', 400],
  ['GET / HTTP/1.10', 400],
  ['GET / HTTP/2.0', 400],
  ['GET / HTTP/11', 400],
  ['GET / http/1.1', 400],
  ['GET / HTTP/1.1 ', 400],
  ['GET / RTSP/1.0', 400],
  ['PRI * HTTP/2.0', 400],
  ['get / HTTP/1.1', 400],
  ['GETT / HTTP/1.1', 400],
  [' GET / HTTP/1.1', 400],
  ['GET\t/ HTTP/1.1', 400],
  ['GET /\tHTTP/1.1', 400],
  ['GET / / HTTP/1.1', 400],
  ['GET /\0 HTTP/1.1', 400],
  ['GET /\x7f HTTP/1.1', 400],
  ['GET /\xe9 HTTP/1.1', 400],
  ['GET /a\rb HTTP/1.1', 400],
  ['GET /a\nb HTTP/1.1', 400],
  ['GET /%zz HTTP/1.1', 400],
  ['GET HTTP/1.1', 400],
  ['GET x HTTP/1.1', 400],
  ['GET ?x HTTP/1.1', 400],
  ['GET app.example.com:80 HTTP/1.1', 400],
  ['GET * HTTP/1.1', 400],
  ['GET ws://app.example.com/ HTTP/1.1', 404],
  ['GET //app.example.com/ HTTP/1.1', 404],
  ['GET /../ HTTP/1.1', 404],
  ['GET /%2f HTTP/1.1', 404],
  ['POST / HTTP/1.1', 404],
  ['OPTIONS * HTTP/1.1', 404],
  ['GET http://app.example.com/ HTTP/1.1', 101],
  ['GET /?a=/../&b=http://evil.example HTTP/1.1', 101],
  ['\r\nGET / HTTP/1.1', 101]
]

for (const [line, statusCode] of lines) {
  hostile(`an upgrade by ${JSON.stringify(line)}: ${statusCode}`, async (t, { reply }) => {
    t.equal((await reply(upgradeBytes([], { line }))).statusCode, statusCode)
  })
}

for (const target of ['app.example.com:80', '/', '*']) {
  hostile(`CONNECT ${target} is ended without a word, as without this plugin`, async (t, { port }) => {
    const client = await RawClient.connect(port)
    client.write(upgradeBytes([], { line: `CONNECT ${target} HTTP/1.1` }))
    await client.ended()
    t.ok(client.unread.length === 0 || client.unread.toString('latin1').startsWith('HTTP/1.1 400 '))
  })
}

hostile('an absolute URL of another host gives no page of that host the same origin', async (t, { reply }) => {
  const line = 'GET http://evil.example/ HTTP/1.1'
  t.equal((await reply(upgradeBytes(['Origin: http://evil.example'], { line }))).statusCode, 403)
  t.equal((await reply(upgradeBytes(['Origin: http://app.example.com'], { line }))).statusCode, 101)
})

/* Kept-alive connections. */

hostile('an upgrade may follow requests with bodies, and one that other protocols were asked for in', async (t, { port }) => {
  const client = await RawClient.connect(port)
  const json = ['Content-Type: application/json']
  client.write(requestBytes(['POST /rest HTTP/1.1', needed.host, ...json, 'Content-Length: 7'], '{"n":1}'))
  client.write(requestBytes(['POST /rest HTTP/1.1', needed.host, ...json, 'Transfer-Encoding: chunked'], '7\r\n{"n":2}\r\n0\r\n\r\n'))
  client.write(requestBytes(['POST /rest HTTP/1.1', needed.host, needed.connection, 'Upgrade: h2c', ...json, 'Content-Length: 7'], '{"n":3}'))
  client.write(requestBytes(['GET /none HTTP/1.1', needed.host]))
  client.write(upgradeBytes([], { behind: text('4') }))
  const bodies = [await client.reply(), await client.reply(), await client.reply()].map(({ body }) => body)
  t.same(bodies, ['{"n":1}', '{"n":2}', '{"n":3}'])
  t.equal((await client.reply()).statusCode, 404)
  t.equal((await client.reply()).statusCode, 101)
  t.equal(await client.message(), 4)
}, { routes: app => app.post('/rest', async request => request.body).ws('/', message => message) })

hostile('an upgrade in the body of another request is a body', async (t, { port }) => {
  const client = await RawClient.connect(port)
  const body = upgradeBytes()
  client.write(requestBytes(['POST /rest HTTP/1.1', needed.host, 'Content-Type: text/plain', `Content-Length: ${body.length}`], body))
  t.equal((await client.reply()).body, String(body.length))
  client.write(upgradeBytes())
  t.equal((await client.reply()).statusCode, 101)
}, {
  routes: (app, t) => app
    .post('/rest', async request => (request.body as string).length)
    .ws('/', { onOpen: connection => { t.equal([...app.wsConnections].length, 1, connection.id) } }, () => {})
})

hostile('a refused upgrade is the last request of its connection', async (t, { port }) => {
  const client = await RawClient.connect(port)
  client.write(requestBytes(['GET /rest HTTP/1.1', needed.host]))
  t.equal((await client.reply()).body, 'rest')
  client.write(upgradeBytes([], { without: ['key'] }))
  t.equal((await client.reply()).statusCode, 400)
  client.write(upgradeBytes())
  await client.ended()
  t.equal(client.unread.length, 0)
})

hostile('a hundred requests that wait, and an upgrade behind them: all are answered, in their order', async (t, { port }) => {
  const client = await RawClient.connect(port)
  const slow = requestBytes(['GET /slow HTTP/1.1', needed.host])
  client.write(Buffer.concat([...Array.from({ length: 100 }, () => slow), upgradeBytes([], { behind: text('"last"') })]))
  for (let i = 1; i <= 100; i++) t.equal((await client.reply()).body, String(i))
  t.equal((await client.reply()).statusCode, 101)
  t.equal(await client.message(), 'last')
}, {
  routes: app => {
    const all = deferred()
    let waiting = 0
    app.get('/slow', async () => {
      const own = ++waiting
      if (own === 100) all.resolve()
      await all.promise
      return String(own)
    })
    app.ws('/', message => message)
  }
})

hostile('a second upgrade pipelined behind requests that wait is frames of the first', async (t, { port }) => {
  const client = await RawClient.connect(port)
  client.write(Buffer.concat([requestBytes(['GET /rest HTTP/1.1', needed.host]), upgradeBytes(), upgradeBytes()]))
  t.equal((await client.reply()).body, 'rest')
  t.equal((await client.reply()).statusCode, 101)
  t.equal((await client.closeFrame()).code, 1002)
})

/* Host, where the same origin is asked for. */

const hosts: ReadonlyArray<[host: string, origin: string, statusCode: number]> = [
  ['app.example.com:80', 'http://app.example.com', 101],
  ['app.example.com:', 'http://app.example.com', 101],
  ['APP.EXAMPLE.COM', 'http://app.example.com', 101],
  ['app.example.com.', 'http://app.example.com.', 101],
  ['[0:0:0:0:0:0:0:1]:80', 'http://[::1]', 101],
  ['app.example.com.', 'http://app.example.com', 403],
  ['app.example.com', 'http://app.example.com.', 403],
  ['app.example.com:443', 'https://app.example.com', 403],
  ['app.example.com:99999', 'http://app.example.com', 403],
  ['app.example.com%2eevil.example', 'http://app.example.com', 403],
  ['app.example.com%00', 'http://app.example.com', 403],
  ['app.example.com,evil.example', 'http://app.example.com', 403],
  ['[::ffff:127.0.0.1]', 'http://127.0.0.1', 403],
  ['null', 'null', 403],
  ['undefined', '', 403],
  ['', 'http://', 400],
  ['app.example.com:80:80', 'http://app.example.com', 400],
  ['app.example.com:http', 'http://app.example.com', 400],
  ['evil.example@app.example.com', 'http://app.example.com', 400],
  ['app.example.com@evil.example', 'http://app.example.com', 400],
  ['app.example.com/evil.example', 'http://app.example.com', 400],
  ['app.example.com?evil.example', 'http://app.example.com', 400],
  ['app.example.com#evil.example', 'http://app.example.com', 400],
  ['app.example.com\\evil.example', 'http://app.example.com', 400],
  ['app.example.com, evil.example', 'http://app.example.com', 400],
  ['app.example.com evil.example', 'http://app.example.com', 400],
  ['app.exa\tmple.com', 'http://app.example.com', 400],
  ['http://app.example.com', 'http://app.example.com', 400],
  ['[::1', 'http://[::1]', 400],
  ['::1', 'http://[::1]', 400]
]

for (const [host, origin, statusCode] of hosts) {
  hostile(`a page of ${JSON.stringify(origin)} to the host ${JSON.stringify(host)}: ${statusCode}`, async (t, { reply }) => {
    t.equal((await reply(upgradeBytes([`Host: ${host}`, `Origin: ${origin}`], { without: ['host'] }))).statusCode, statusCode)
  })
}
