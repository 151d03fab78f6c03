import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import { hostile, needed, requestBytes, upgradeBytes } from '../helpers/hostile.ts'
import { RawClient } from '../helpers/raw-client.ts'
import type { HttpReply } from '../helpers/raw-client.ts'

/** What a refusal by this plugin says; whole, with its length. */
function isRefusal (t: Test, { statusCode, headers, body }: HttpReply, expected: number, code: string, title: string): void {
  t.match({ statusCode, connection: headers.connection, ...JSON.parse(body) }, { statusCode: expected, connection: /close$/, code }, title)
}

/* Long headers: as long as Node lets them be. */

const size = 15_000
const fill = (piece: string): string => piece.repeat(Math.floor(size / piece.length))

const shapes = {
  commas: `${fill(',')}x/`,
  spaces: `x${fill(' ')}x`,
  tabs: `x${fill('\t')}x`,
  quotes: fill('"'),
  'escaped quotes': `"${fill('\\"')}`,
  backslashes: fill('\\'),
  semicolons: `${fill(';')}/`,
  'cookies, or parameters': `${fill('a=b; ')}/`,
  'labels and a bad end': `${fill('a.')}@`,
  'almost websocket, or upgrade': `${fill('websocke,upgrad,')}/`,
  'almost a key': `${fill('dGhlIHNhbXBsZSBub25jZQ=')}/`,
  'almost an origin': `${fill('http://')} `,
  'bytes beyond ASCII': fill('\xff')
}

/** The status of an upgrade whose header has such a value, whatever its shape. */
const judged: ReadonlyArray<[name: string, without: Array<keyof typeof needed>, statusCode: number, code: string]> = [
  ['Host', ['host'], 400, 'FST_ERR_WS_HANDSHAKE'],
  ['Upgrade', ['upgrade'], 426, 'FST_ERR_WS_UPGRADE_REQUIRED'],
  ['Connection', ['connection'], 426, 'FST_ERR_WS_UPGRADE_REQUIRED'],
  ['Sec-WebSocket-Version', ['version'], 426, 'FST_ERR_WS_VERSION'],
  ['Sec-WebSocket-Key', ['key'], 400, 'FST_ERR_WS_HANDSHAKE'],
  ['Sec-WebSocket-Protocol', [], 400, 'FST_ERR_WS_HANDSHAKE'],
  ['Sec-WebSocket-Extensions', [], 400, 'FST_ERR_WS_HANDSHAKE'],
  ['Origin', [], 403, 'FST_ERR_WS_ORIGIN']
]

for (const [name, without, statusCode, code] of judged) {
  hostile(`a ${name} header of 15 KB of any shape is answered ${statusCode}`, async (t, { reply }) => {
    for (const [shape, value] of Object.entries(shapes)) {
      const { body, ...rest } = await reply(upgradeBytes([`${name}: ${value}`], { without }))
      t.match({ statusCode: rest.statusCode, ...JSON.parse(body) }, { statusCode, code }, shape)
      t.ok(body.length < 400, 'the reply does not repeat it')
    }
  })
}

for (const name of ['Cookie', 'User-Agent', 'X-Forwarded-For', 'Accept-Language', 'Authorization', 'Referer']) {
  hostile(`a ${name} header of 15 KB of any shape is no concern of the handshake`, async (t, { reply }) => {
    for (const [shape, value] of Object.entries(shapes)) {
      t.equal((await reply(upgradeBytes([`${name}: ${value}`]))).statusCode, 101, shape)
    }
  }, { server: { trustProxy: true } })
}

hostile('a list of websocket, 1,500 times, asks for one', async (t, { reply }) => {
  t.equal((await reply(upgradeBytes([`Upgrade: ${'websocket,'.repeat(1_500)}`], { without: ['upgrade'] }))).statusCode, 101)
})

hostile('thousands of subprotocols and extensions are no concern of other clients', async (t, { reply, port }) => {
  const other = await RawClient.open(port, '/')
  const names = Array.from({ length: 1_500 }, (_, i) => `p${i}`).join(', ')
  for (let i = 0; i < 200; i++) {
    t.equal((await reply(upgradeBytes([`Sec-WebSocket-Protocol: ${names}`]))).statusCode, 101)
    other.send(i)
    t.equal(await other.message(), i)
  }
})

/* Headers beyond what Node takes. */

const tooLong = {
  'a header': ['X: ' + 'a'.repeat(17_000)],
  'a header without an end': ['X: ' + 'a'.repeat(60_000)],
  'the name of a header': ['X'.repeat(17_000) + ': a'],
  'all headers together': Array.from({ length: 170 }, (_, i) => `X-${i}: ${'a'.repeat(100)}`),
  'a key': [`Sec-WebSocket-Key: ${'A'.repeat(17_000)}`]
}

for (const [what, headers] of Object.entries(tooLong)) {
  hostile(`${what} of more than 16 KiB: 431, whole`, async (t, { port }) => {
    const client = await RawClient.connect(port)
    client.write(upgradeBytes(headers))
    const { statusCode, body } = await client.reply()
    t.equal(statusCode, 431)
    t.match(JSON.parse(body), { statusCode: 431 })
    await client.ended()
    t.equal(client.unread.length, 0)
  })
}

hostile('a URL of more than 16 KiB: 431', async (t, { reply }) => {
  t.equal((await reply(upgradeBytes([], { line: `GET /${'a'.repeat(17_000)} HTTP/1.1` }))).statusCode, 431)
})

/* Headers beyond what Node keeps: it drops them and says nothing. */

const many = (count: number): string[] => Array.from({ length: count }, () => 'a:')

const dropped: Record<string, readonly string[]> = {
  'a second Host': ['Host: evil.example'],
  'a strange Origin': ['Origin: http://evil.example'],
  'a chunked body': ['Transfer-Encoding: chunked'],
  'a body': ['Content-Length: 5'],
  'a second key': [needed.key],
  'nothing at all': []
}

for (const [what, headers] of Object.entries(dropped)) {
  hostile(`${what} behind 1,500 other headers is not overlooked: 400, and no hook runs`, async (t, { reply }) => {
    isRefusal(t, await reply(upgradeBytes([...many(1_500), ...headers])), 400, 'FST_ERR_WS_HANDSHAKE', what)
  }, { routes: (app, t) => app.ws('/', { onRequest: async () => t.fail('not to be run'), onOpen: () => t.fail('not to be opened') }, () => {}) })
}

for (const [name, header] of Object.entries(needed)) {
  hostile(`an upgrade whose ${name} header stands behind 1,500 others: 400`, async (t, { reply }) => {
    const others = Object.values(needed).filter(one => one !== header)
    isRefusal(t, await reply(requestBytes(['GET / HTTP/1.1', ...others, ...many(1_500), header])), 400, 'FST_ERR_WS_HANDSHAKE', name)
  })
}

hostile('as many headers as Node lets by, 16,000 of one letter: 400', async (t, { reply }) => {
  isRefusal(t, await reply(upgradeBytes(many(16_000))), 400, 'FST_ERR_WS_HANDSHAKE', '16,000')
})

hostile('an upgrade with as many headers as fit is upgraded', async (t, { reply }) => {
  t.equal((await reply(upgradeBytes(many(990)))).statusCode, 101)
})

hostile('a limit of the server\'s own is known', async (t, { app, reply }) => {
  app.server.maxHeadersCount = 20
  t.equal((await reply(upgradeBytes(many(10)))).statusCode, 101)
  isRefusal(t, await reply(upgradeBytes([...many(20), 'Transfer-Encoding: chunked'])), 400, 'FST_ERR_WS_HANDSHAKE', 'beyond it')
})

hostile('a server without a limit sees all headers', async (t, { app, reply }) => {
  app.server.maxHeadersCount = 0
  t.equal((await reply(upgradeBytes(many(2_000)))).statusCode, 101)
  isRefusal(t, await reply(upgradeBytes([...many(2_000), 'Origin: http://evil.example'])), 403, 'FST_ERR_WS_ORIGIN', 'the last header')
})

hostile('the limit is that of the server whose parser read the request: Fastify opens two for localhost', async (t, { app, sockets }) => {
  const second = createServer()
  t.after(() => second.close())
  second.on('upgrade', app.server.emit.bind(app.server, 'upgrade'))
  app.server.maxHeadersCount = 0
  await new Promise<void>(resolve => { second.listen(0, '127.0.0.1', resolve) })
  const client = await RawClient.connect((second.address() as AddressInfo).port)
  client.write(upgradeBytes([...many(1_500), 'Origin: http://evil.example']))
  isRefusal(t, await client.reply(), 400, 'FST_ERR_WS_HANDSHAKE', 'beyond the limit of the second')
  client.socket.destroy()
  await sockets.open(0)
})

hostile('the body of an upgrade to another protocol never becomes a request, though its length is behind 1,500 headers', async (t, { port }) => {
  const body = 'GET /secret HTTP/1.1\r\nHost: a\r\n\r\n'
  for (const header of [`Content-Length: ${body.length}`, 'Transfer-Encoding: chunked']) {
    const client = await RawClient.connect(port)
    const lines = ['POST / HTTP/1.1', needed.host, needed.connection, 'Upgrade: h2c', 'Content-Type: text/plain', ...many(1_500), header]
    client.write(requestBytes(lines, body))
    isRefusal(t, await client.reply(), 400, 'FST_ERR_WS_HANDSHAKE', header)
    await client.ended()
    t.equal(client.unread.length, 0, 'one reply only')
  }
}, {
  routes: (app, t) => {
    app.post('/', async () => t.fail('not to be run'))
    app.get('/secret', async () => t.fail('not to be run'))
  }
})

/* Headers twice. */

const twice: ReadonlyArray<[what: string, headers: readonly string[], statusCode: number, code?: string]> = [
  ['Host, and the same again', [needed.host], 400, 'FST_ERR_WS_HANDSHAKE'],
  ['Host, and another', ['Host: evil.example'], 400, 'FST_ERR_WS_HANDSHAKE'],
  ['Host, and an empty one', ['Host:'], 400, 'FST_ERR_WS_HANDSHAKE'],
  ['Host, and one in other letters', ['hOsT: evil.example'], 400, 'FST_ERR_WS_HANDSHAKE'],
  ['Host, and many', Array.from({ length: 100 }, () => needed.host), 400, 'FST_ERR_WS_HANDSHAKE'],
  ['key, and another', ['Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA=='], 400, 'FST_ERR_WS_HANDSHAKE'],
  ['key, and an empty one', ['Sec-WebSocket-Key:'], 400, 'FST_ERR_WS_HANDSHAKE'],
  ['version, and the same again', [needed.version], 426, 'FST_ERR_WS_VERSION'],
  ['version, and an empty one', ['Sec-WebSocket-Version:'], 426, 'FST_ERR_WS_VERSION'],
  ['Origin, and the same again', ['Origin: http://app.example.com', 'Origin: http://app.example.com'], 403, 'FST_ERR_WS_ORIGIN'],
  ['Origin, and an empty one', ['Origin: http://app.example.com', 'Origin:'], 403, 'FST_ERR_WS_ORIGIN'],
  ['Content-Length', ['Content-Length: 0', 'Content-Length: 0'], 400],
  ['Transfer-Encoding', ['Transfer-Encoding: identity', 'Transfer-Encoding: chunked'], 400],
  ['subprotocols with a twin', ['Sec-WebSocket-Protocol: a, b', 'Sec-WebSocket-Protocol: b'], 400, 'FST_ERR_WS_HANDSHAKE'],
  ['subprotocols', ['Sec-WebSocket-Protocol: a', 'Sec-WebSocket-Protocol: b'], 101],
  ['extensions', ['Sec-WebSocket-Extensions: a', 'Sec-WebSocket-Extensions: b; c'], 101],
  ['Upgrade, and another protocol', ['Upgrade: h2c'], 101],
  ['Connection, and another token', ['Connection: keep-alive'], 101],
  ['any other', ['X: a', 'X: b', 'Cookie: a=b', 'Cookie: c=d'], 101]
]

for (const [what, headers, statusCode, code] of twice) {
  hostile(`${what}, on lines of their own: ${statusCode}`, async (t, { reply }) => {
    const { statusCode: found, body } = await reply(upgradeBytes(headers))
    t.equal(found, statusCode)
    if (code !== undefined) t.match(JSON.parse(body), { code })
  })
}

hostile('two Host headers are refused though the server joins them', async (t, { reply }) => {
  isRefusal(t, await reply(upgradeBytes(['Host: evil.example'])), 400, 'FST_ERR_WS_HANDSHAKE', 'joined')
}, { server: { http: { joinDuplicateHeaders: true } } })

/* Bytes that have no place in a header. */

const malformed: Record<string, string> = {
  'a control character in a value': 'X: a\x01b',
  'NUL in a value': 'X: a\0b',
  'NUL in a name': 'X\0: b',
  'DEL in a value': 'X: a\x7f',
  'a vertical tab in a value': 'X: a\x0bb',
  'a byte beyond ASCII in a name': 'X\xe9: b',
  'a bare carriage return': 'X: a\rY: b',
  'a bare line feed': 'X: a\nY: b',
  'a folded value (RFC 9112 section 5.2)': 'X: a\r\n b',
  'a folded value that says nothing else': 'Sec-WebSocket-Protocol:\r\n\tchat',
  'white space before the colon': 'Transfer-Encoding : chunked',
  'no colon': 'X',
  'no name': ': a',
  'white space in a name': 'X Y: a',
  'a separator in a name': 'X(Y): a'
}

for (const [what, header] of Object.entries(malformed)) {
  hostile(`${what}: 400, and the connection ends`, async (t, { port }) => {
    for (const bytes of [upgradeBytes([header]), requestBytes(['GET / HTTP/1.1', header, ...Object.values(needed)])]) {
      const client = await RawClient.connect(port)
      client.write(bytes)
      t.equal((await client.reply()).statusCode, 400)
      await client.ended()
    }
  })
}

hostile('line feeds for ends of lines: 400', async (t, { reply }) => {
  t.equal((await reply(upgradeBytes().toString('latin1').replaceAll('\r\n', '\n'))).statusCode, 400)
})

hostile('bytes beyond ASCII are refused where they mean something', async (t, { reply }) => {
  const unusual: Array<[header: string, without: Array<keyof typeof needed>, statusCode: number]> = [
    ['Host: b\xc3\xbccher.example', ['host'], 400],
    ['Sec-WebSocket-Key: \xc3\xa9GhlIHNhbXBsZSBub25jZQ==', ['key'], 400],
    ['Sec-WebSocket-Version: 1\xb3', ['version'], 426],
    ['Sec-WebSocket-Protocol: ch\xe4t', [], 400],
    ['Upgrade: websocket\xa0', ['upgrade'], 426],
    ['Origin: http://\xe4pp.example.com', [], 403],
    ['X-Name: \xe4\xff\x80', [], 101]
  ]
  for (const [header, without, statusCode] of unusual) {
    t.equal((await reply(upgradeBytes([header], { without }))).statusCode, statusCode, header)
  }
})
