import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import t from 'tap'
import type { Test } from 'tap'
import WebSocketOfWs from 'ws'
import type { ClientOptions } from 'ws'
import type { CloseInfo, Connection, WsPluginOptions } from '../../types/index.ts'
import { buildApp, deferred, listen } from '../helpers/app.ts'
import { binary, close, continuation, ping, text } from '../helpers/bytes.ts'
import { deflated, deflatedFinally, DeflatingPeer, readDeflate } from '../helpers/deflate.ts'
import { acceptStatus, http1Test } from '../helpers/http-version.ts'
import { RawClient } from '../helpers/raw-client.ts'

const mebibyte = 1024 * 1024
const offer = 'permessage-deflate; client_max_window_bits'

interface Echo {
  readonly port: number
  readonly connection: Promise<Connection>
  /** How the latest connection ended, and how often the route heard of it. */
  readonly closed: Promise<CloseInfo>
  readonly closeCount: () => number
}

/** An application that sends back what it receives on `/`, with compression of anything unless said otherwise. */
async function serve (t: Test, options: WsPluginOptions = {}): Promise<Echo> {
  const app = await buildApp(t, { codec: 'raw', perMessageDeflate: { threshold: 0 }, ...options })
  const connection = deferred<Connection>()
  const closed = deferred<CloseInfo>()
  let count = 0
  app.ws('/', {
    onOpen: opened => connection.resolve(opened),
    onClose (_connection, info) { count++; closed.resolve(info) }
  }, message => message)
  return { port: await listen(app), connection: connection.promise, closed: closed.promise, closeCount: () => count }
}

function open (port: number, extensions: string | null = offer, path = '/'): Promise<RawClient> {
  return RawClient.open(port, path, { headers: { 'Sec-WebSocket-Extensions': extensions } })
}

/** The extensions of the 101. */
async function agreed (port: number, extensions: string | null | readonly string[], path = '/'): Promise<string | undefined> {
  const client = await RawClient.connect(port)
  client.request(path, { headers: { 'Sec-WebSocket-Extensions': extensions } })
  const { statusCode, headers } = await client.reply()
  return statusCode === acceptStatus ? headers['sec-websocket-extensions'] : String(statusCode)
}

/** The next message of a server without context takeover, and whether it was compressed. */
async function message (client: RawClient): Promise<{ isCompressed: boolean, message: Buffer }> {
  const { opcode, rsv, fin, payload } = await client.frame()
  if (opcode > 2 || !fin || (rsv & 3) !== 0) throw new Error(`expected a message, got opcode ${opcode}, bits ${rsv}: ${String(payload)}`)
  return rsv === 4 ? { isCompressed: true, message: readDeflate(payload).message } : { isCompressed: false, message: payload }
}

const compressed = (bytes: string | Buffer): Buffer => binary(deflated(bytes), { rsv: 4 })

/* Negotiation. */

t.test('the 101 says what was agreed on', async t => {
  const { port } = await serve(t, { perMessageDeflate: true })
  t.equal(await agreed(port, offer), 'permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits=12')
  t.equal(await agreed(port, 'permessage-deflate; server_max_window_bits=9'),
    'permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9')
})

t.test('the 101 says nothing where nothing was offered, or nothing valid', async t => {
  const { port } = await serve(t, { perMessageDeflate: true })
  for (const extensions of [null, 'x-webkit-deflate-frame', 'permessage-deflate; server_max_window_bits=16', 'permessage-deflate; unknown']) {
    t.equal(await agreed(port, extensions), undefined)
  }
})

t.test('offers in several headers are one list', async t => {
  const { port } = await serve(t, { perMessageDeflate: { contextTakeover: true, windowBits: 15 } })
  t.equal(await agreed(port, ['permessage-deflate; server_max_window_bits=7', 'foo', 'permessage-deflate; server_max_window_bits=10']),
    'permessage-deflate; server_max_window_bits=10')
})

t.test('a malformed header is a 400, with compression and without', async t => {
  for (const perMessageDeflate of [true, false]) {
    const { port } = await serve(t, { perMessageDeflate })
    t.equal(await agreed(port, 'permessage-deflate; server_max_window_bits='), '400')
  }
})

t.test('compression is off by default', async t => {
  const { port } = await serve(t, { perMessageDeflate: undefined })
  t.equal(await agreed(port, offer), undefined)
})

t.test('a route has its own option, or the plugin\'s', async t => {
  const app = await buildApp(t, { perMessageDeflate: { windowBits: 10 } })
  app.ws('/plugin', m => m)
  app.ws('/off', { perMessageDeflate: false }, m => m)
  app.ws('/own', { perMessageDeflate: { contextTakeover: true } }, m => m)
  const port = await listen(app)
  t.equal(await agreed(port, offer, '/plugin'), 'permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits=10')
  t.equal(await agreed(port, offer, '/off'), undefined)
  t.equal(await agreed(port, offer, '/own'), 'permessage-deflate; client_max_window_bits=12')
})

/* Messages. */

t.test('messages come back compressed, with RSV1', async t => {
  const client = await open((await serve(t)).port)
  const words = 'many words, '.repeat(20)
  client.write(text(deflated(words), { rsv: 4 }))
  const { opcode, rsv, payload } = await client.frame()
  t.same([opcode, rsv, String(readDeflate(payload).message)], [1, 4, words])
})

t.test('messages in fragments, with final blocks, and with pings in between are messages', async t => {
  const client = await open((await serve(t)).port)
  const payload = deflatedFinally('many words, '.repeat(20))
  client.write(Buffer.concat([
    binary(payload.subarray(0, 3), { rsv: 4, fin: false }), ping('1'), continuation(payload.subarray(3, 9), { fin: false }), continuation(payload.subarray(9))
  ]))
  t.equal(String((await client.frame()).payload), '1')
  t.equal(String((await message(client)).message), 'many words, '.repeat(20))
})

t.test('messages below the threshold are sent as they are', async t => {
  const client = await open((await serve(t, { perMessageDeflate: { threshold: 100 } })).port)
  for (const [length, isCompressed] of [[99, false], [100, true]] as const) {
    client.write(compressed(Buffer.alloc(length)))
    t.same(await message(client), { isCompressed, message: Buffer.alloc(length) })
  }
})

t.test('messages of mixed sizes, compressed and plain, are answered in order', async t => {
  const client = await open((await serve(t)).port)
  const messages = [10, 100_000, 5, 300_000, 20_000, 1, 0, 70_000, 3].map((length, i) => Buffer.concat([Buffer.from([i]), Buffer.alloc(length, 'ab'), randomBytes(length >> 3)]))
  client.write(Buffer.concat(messages.map((bytes, i) => i % 3 === 2 ? binary(bytes) : compressed(bytes))))
  for (const expected of messages) t.same((await message(client)).message, expected)
})

t.test('a client that takes its context over is understood', async t => {
  const client = await open((await serve(t, { perMessageDeflate: { threshold: 0, contextTakeover: true, windowBits: 15 } })).port, 'permessage-deflate; server_no_context_takeover')
  const peer = new DeflatingPeer()
  for (const words of ['some words', 'some words', 'x'.repeat(100_000), 'some words']) {
    client.write(text(await peer.deflate(words), { rsv: 4 }))
    t.equal(String((await message(client)).message), words)
  }
})

t.test('replies, errors and what a handler sends are compressed', async t => {
  const app = await buildApp(t, { perMessageDeflate: { threshold: 0 } })
  const long = 'long '.repeat(50)
  app.ws('/', { schema: { receive: { type: 'object', properties: { how: { enum: ['reply', 'send', 'throw'] } } } } }, (received, connection) => {
    const { how } = received as { how: string }
    if (how === 'reply') return { how, long }
    if (how === 'throw') throw Object.assign(new Error(long), { statusCode: 400 })
    connection.send({ how, long })
  })
  const client = await open(await listen(app))
  for (const how of ['reply', 'send', 'throw', 'invalid']) {
    client.write(text(deflated(JSON.stringify({ how })), { rsv: 4 }))
    const { isCompressed, message: bytes } = await message(client)
    const answer = JSON.parse(String(bytes)) as Record<string, unknown>
    t.ok(isCompressed, how)
    t.equal(answer.type === 'error' ? 'error' : answer.how, how === 'reply' || how === 'send' ? how : 'error')
  }
})

/* What breaks the protocol. */

t.test('RSV1 without agreement is 1002', async t => {
  for (const [perMessageDeflate, extensions] of [[false, offer], [true, null], [true, 'foo']] as const) {
    const client = await open((await serve(t, { perMessageDeflate })).port, extensions)
    client.write(compressed('a'))
    t.equal((await client.closeFrame()).code, 1002)
    await client.ended()
  }
})

const violations: Record<string, { bytes: Buffer, code: number }> = {
  'RSV1 on a continuation': { bytes: Buffer.concat([binary('a', { rsv: 4, fin: false }), continuation('b', { rsv: 4 })]), code: 1002 },
  'RSV1 on a ping': { bytes: ping('a', { rsv: 4 }), code: 1002 },
  'RSV2 beside RSV1': { bytes: binary('a', { rsv: 6 }), code: 1002 },
  'a corrupt message': { bytes: binary(Buffer.from([0x07]), { rsv: 4 }), code: 1007 },
  'a message cut short': { bytes: binary(deflated('many words').subarray(0, -2), { rsv: 4 }), code: 1007 },
  'a large corrupt message': { bytes: binary(Buffer.concat([deflated(randomBytes(50_000)), Buffer.from([0x07])]), { rsv: 4 }), code: 1007 },
  'text that is not UTF-8 once inflated': { bytes: text(deflated(Buffer.from([0xc3, 0x28])), { rsv: 4 }), code: 1007 },
  'too many final blocks': { bytes: binary(Buffer.concat([...Array(300).fill(Buffer.from([3, 0])), Buffer.alloc(1)]), { rsv: 4 }), code: 1008 },
  'a bomb': { bytes: compressed(Buffer.alloc(50 * mebibyte)), code: 1009 }
}

for (const [title, { bytes, code }] of Object.entries(violations)) {
  t.test(`${title} is closed with ${code}, behind the replies to what came before`, async t => {
    const { port, closed, closeCount } = await serve(t)
    const client = await open(port)
    client.write(Buffer.concat([compressed('before'), bytes, compressed('after')]))
    t.equal(String((await message(client)).message), 'before')
    t.equal((await client.closeFrame()).code, code)
    await client.ended()
    client.socket.end()
    t.equal((await closed).wasClean, false)
    t.equal(closeCount(), 1)
  })
}

t.test('a hundred bombs take no more than maxPayload each, the garbage included', async t => {
  const { port } = await serve(t, { perMessageDeflate: true })
  const bomb = compressed(Buffer.alloc(50 * mebibyte))
  const clients = await Promise.all(Array.from({ length: 100 }, () => open(port)))
  const before = process.memoryUsage().arrayBuffers
  let most = 0
  await Promise.all(clients.map(async client => {
    client.write(bomb)
    t.equal((await client.closeFrame()).code, 1009)
    most = Math.max(most, process.memoryUsage().arrayBuffers - before)
  }))
  t.ok(most < 200 * mebibyte, `${Math.round(most / mebibyte)} MiB`)
})

/* Rooms. */

t.test('a broadcast reaches members with different parameters, each as it can read it', async t => {
  const app = await buildApp(t, { codec: 'raw', perMessageDeflate: { threshold: 100, contextTakeover: true, windowBits: 15 } })
  app.ws('/', { onOpen: async connection => { await connection.join('all') } }, (received, connection) => { connection.send(received) })
  app.ws('/plain', { perMessageDeflate: false, onOpen: async connection => { await connection.join('all') } }, m => m)
  const port = await listen(app)
  const extensions = [
    offer, 'permessage-deflate', 'permessage-deflate; server_no_context_takeover', 'permessage-deflate; server_max_window_bits=8',
    'permessage-deflate; server_max_window_bits=9; server_no_context_takeover', 'permessage-deflate; server_max_window_bits=12', null
  ]
  const clients = await Promise.all([...extensions.map(one => open(port, one)), open(port, offer, '/plain')])
  const windows = clients.map(() => Buffer.alloc(0))
  // Room and own messages by turns, so that both are in the windows.
  for (const length of [50, 500, 5000, 50_000, 400, 100_000, 1000]) {
    const own = Buffer.from(`own ${'words, '.repeat(length / 10)}`)
    const shared = Buffer.from(`shared ${'words, '.repeat(length / 10)}`)
    for (const client of clients) client.write(binary(own))
    for (const expected of [own, shared]) {
      await Promise.all(clients.map(async (client, i) => {
        const { rsv, payload } = await client.frame()
        const isPlain = i >= 6
        t.equal(rsv, isPlain || expected.length < 100 ? 0 : 4)
        const bytes = rsv === 4 ? readDeflate(payload, windows[i]).message : payload
        t.same(bytes, expected)
        if (rsv === 4 && !extensions[i]?.includes('server_no_context_takeover')) windows[i] = Buffer.concat([windows[i], bytes]).subarray(-32_768)
      }))
      if (expected === own) await app.room('all').send(shared)
    }
  }
})

/* The end. */

t.test('the close frame comes last, also while a large message is still being compressed', async t => {
  const { port, connection } = await serve(t)
  const client = await open(port)
  const server = await connection
  const sent = [Buffer.alloc(200_000, 'a'), Buffer.from('b'.repeat(50)), Buffer.alloc(100_000, 'c')]
  for (const bytes of sent) server.send(bytes)
  server.close(4000, 'enough')
  for (const bytes of sent) t.same((await message(client)).message, bytes)
  t.same(await client.closeFrame(), { code: 4000, reason: 'enough' })
})

t.test('a client\'s close frame behind a large message is answered behind the reply to that', async t => {
  const { port, closed, closeCount } = await serve(t)
  const client = await open(port)
  client.write(Buffer.concat([compressed(Buffer.alloc(200_000)), close(1000, 'done')]))
  t.equal((await message(client)).message.length, 200_000)
  t.equal((await client.closeFrame()).code, 1000)
  await client.ended()
  client.socket.end()
  t.match(await closed, { code: 1000, wasClean: true })
  t.equal(closeCount(), 1)
})

t.test('a client that half-closes behind a large message gets its reply', async t => {
  const { port, closed, closeCount } = await serve(t)
  const client = await open(port)
  client.socket.end(compressed(Buffer.alloc(200_000)))
  t.equal((await message(client)).message.length, 200_000)
  await client.ended()
  t.match(await closed, { code: 1006, wasClean: false })
  t.equal(closeCount(), 1)
})

t.test('a client that resets while its message is inflated, or its reply compressed, ends once and harms nobody', async t => {
  const { port } = await serve(t)
  for (const bytes of [compressed(Buffer.alloc(mebibyte)), binary(Buffer.alloc(mebibyte - 1)), compressed(randomBytes(mebibyte - 1))]) {
    const own = await serve(t)
    const client = await open(own.port)
    await new Promise<void>(resolve => client.socket.write(bytes, () => resolve()))
    client.reset()
    t.match(await own.closed, { code: 1006, wasClean: false })
    t.equal(own.closeCount(), 1)
  }
  const other = await open(port)
  other.write(compressed('still here'))
  t.equal(String((await message(other)).message), 'still here')
})

t.test('a connection that is terminated while inflating and compressing ends once', async t => {
  const { port, connection, closed, closeCount } = await serve(t)
  const client = await open(port)
  const server = await connection
  server.send(Buffer.alloc(500_000))
  client.write(compressed(Buffer.alloc(500_000)))
  server.terminate()
  await client.closed()
  t.match(await closed, { code: 1006, wasClean: false })
  t.equal(closeCount(), 1)
})

/* A client that somebody else wrote. */

const peers: Array<[title: string, server: WsPluginOptions['perMessageDeflate'], client: ClientOptions['perMessageDeflate']]> = [
  ['defaults', true, true],
  ['context takeover', { contextTakeover: true, windowBits: 15, threshold: 0 }, { threshold: 0 }],
  ['context takeover in small windows', { contextTakeover: true, windowBits: 9, threshold: 0 }, { threshold: 0, serverMaxWindowBits: 9, clientMaxWindowBits: 9 }],
  ['a window of 8 bits for the server', { contextTakeover: true, windowBits: 8, threshold: 0 }, { threshold: 0, serverMaxWindowBits: 8 }],
  ['no context takeover', { contextTakeover: true, threshold: 0 }, { threshold: 0, serverNoContextTakeover: true, clientNoContextTakeover: true }],
  ['a server that does not compress', false, true],
  ['a client that does not', true, false]
]

for (const [title, perMessageDeflate, options] of peers) {
  http1Test(`ws: messages of all sizes come back with ${title}`, async t => {
    const { port, closed } = await serve(t, { perMessageDeflate })
    const socket = new WebSocketOfWs(`ws://127.0.0.1:${port}/`, { perMessageDeflate: options })
    await once(socket, 'open')
    t.equal(socket.extensions.includes('permessage-deflate'), perMessageDeflate !== false && options !== false)
    const messages = [0, 1, 100, 1023, 1024, 5000, 20_000, 70_000, 300_000, 7].map(length => Buffer.concat([randomBytes(length >> 2), Buffer.alloc(length - (length >> 2), 'abc')]))
    const received: Buffer[] = []
    const all = deferred()
    socket.on('message', bytes => { if (received.push(bytes as Buffer) === messages.length * 2) all.resolve() })
    for (const bytes of [...messages, ...messages]) socket.send(bytes)
    await all.promise
    t.same(received, [...messages, ...messages])
    socket.close(1000)
    await once(socket, 'close')
    t.match(await closed, { code: 1000, wasClean: true })
  })
}
