/** Every behaviour of RFC 6455 sections 4 to 8 that binds a server, each test titled with its section. */
import { createHash } from 'node:crypto'
import t from 'tap'
import type { Test } from 'tap'
import type { CloseInfo, Connection, WsPluginOptions } from '../types/index.ts'
import { buildApp, deferred, listen } from './helpers/app.ts'
import { binary, close, continuation, cut, frame, hex, ping, pong, text } from './helpers/bytes.ts'
import { RawClient } from './helpers/raw-client.ts'
import type { HttpReply, RawRequest } from './helpers/raw-client.ts'

interface Peer {
  client: RawClient
  /** The server's end. */
  connection: Connection
  /** What onClose is told. */
  info: Promise<CloseInfo>
}

/** A server with an echo route at /echo: text for text, binary for binary. */
async function echoServer (t: Test, options: WsPluginOptions = {}): Promise<{ port: number, opened: Promise<Connection>, info: Promise<CloseInfo> }> {
  const app = await buildApp(t, options)
  const opened = deferred<Connection>()
  const info = deferred<CloseInfo>()
  app.ws('/echo', {
    codec: 'raw',
    onOpen: connection => { opened.resolve(connection) },
    onClose: (_connection, closeInfo) => { info.resolve(closeInfo) }
  }, message => message)
  return { port: await listen(app), opened: opened.promise, info: info.promise }
}

async function openEcho (t: Test, options: WsPluginOptions = {}): Promise<Peer> {
  const { port, opened, info } = await echoServer(t, options)
  const client = await RawClient.open(port, '/echo')
  return { client, connection: await opened, info }
}

/** The reply to an upgrade request for /echo. */
async function handshake (t: Test, request: RawRequest, options: WsPluginOptions = {}): Promise<HttpReply> {
  const { port } = await echoServer(t, options)
  const client = await RawClient.connect(port)
  client.request('/echo', request)
  return await client.reply()
}

/** Nothing but a close frame with this code comes, then the server ends TCP. */
async function closesWith (t: Test, client: RawClient, code: number): Promise<string> {
  const status = await client.closeFrame()
  t.equal(status.code, code)
  await client.ended()
  t.equal(client.unread.length, 0, 'nothing comes after the close frame')
  client.socket.end()
  return status.reason
}

/** The bytes make the server fail the connection with this code, in one segment and byte by byte. */
async function failsWith (t: Test, bytes: Buffer, code: number, options: WsPluginOptions = {}): Promise<void> {
  for (const pieces of [[bytes], cut(bytes, 1).slice(0, 200)]) {
    const { client } = await openEcho(t, options)
    for (const piece of pieces) client.write(piece)
    await closesWith(t, client, code)
  }
}

/** The server has read all that was sent so far. */
async function roundTrip (client: RawClient): Promise<void> {
  client.write(ping('read so far'))
  const { opcode, payload } = await client.frame()
  if (opcode !== 10 || payload.toString() !== 'read so far') throw new Error(`expected the pong, got opcode ${opcode}: ${payload.toString()}`)
}

/* 4.1, 4.2.1: the client's opening handshake. */

t.test('4.2.1: accepts a GET over HTTP/1.1 with all the headers', async t => {
  t.equal((await handshake(t, {})).statusCode, 101)
})

t.test('4.2.1: does not upgrade another method', async t => {
  for (const method of ['POST', 'PUT', 'OPTIONS']) {
    t.equal((await handshake(t, { method })).statusCode, 404, method)
  }
})

t.test('4.2.1: does not upgrade HTTP/1.0', async t => {
  t.equal((await handshake(t, { httpVersion: '1.0' })).statusCode, 400)
})

t.test('4.2.1: refuses a request without Host', async t => {
  t.equal((await handshake(t, { headers: { Host: null } })).statusCode, 400)
})

t.test('4.2.1: finds websocket in the Upgrade header in any case', async t => {
  for (const Upgrade of ['WebSocket', 'WEBSOCKET', 'websocket']) {
    t.equal((await handshake(t, { headers: { Upgrade } })).statusCode, 101, Upgrade)
  }
})

t.test('4.2.1: finds upgrade among the tokens of the Connection header in any case', async t => {
  for (const Connection of ['upgrade', 'UPGRADE', 'keep-alive, Upgrade']) {
    t.equal((await handshake(t, { headers: { Connection } })).statusCode, 101, Connection)
  }
})

t.test('4.2.1: does not upgrade without the Upgrade header, or without its token in Connection', async t => {
  t.equal((await handshake(t, { headers: { Upgrade: null } })).statusCode, 426)
  t.equal((await handshake(t, { headers: { Connection: 'keep-alive' } })).statusCode, 426)
  t.equal((await handshake(t, { headers: { Connection: null } })).statusCode, 426)
})

t.test('4.2.1: header names have no case', async t => {
  const reply = await handshake(t, {
    headers: { 'Sec-WebSocket-Key': null, 'SEC-WEBSOCKET-KEY': 'dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Version': null, 'sec-websocket-version': '13' }
  })
  t.equal(reply.statusCode, 101)
})

t.test('4.2.1: refuses a missing key with 400', async t => {
  t.equal((await handshake(t, { headers: { 'Sec-WebSocket-Key': null } })).statusCode, 400)
})

t.test('4.2.1: refuses a key that is not the base64 of 16 bytes with 400', async t => {
  for (const key of ['', 'short', 'dGhlIHNhbXBsZSBub25jZQ', 'dGhlIHNhbXBsZSBub25jZR==', Buffer.alloc(15).toString('base64'), Buffer.alloc(17).toString('base64')]) {
    t.equal((await handshake(t, { headers: { 'Sec-WebSocket-Key': key } })).statusCode, 400, key)
  }
})

t.test('4.2.1: refuses a key sent twice with 400', async t => {
  const key = 'dGhlIHNhbXBsZSBub25jZQ=='
  t.equal((await handshake(t, { headers: { 'Sec-WebSocket-Key': [key, key] } })).statusCode, 400)
})

t.test('4.2.1: the request may name the resource by an absolute URI', async t => {
  const { port } = await echoServer(t)
  const client = await RawClient.connect(port)
  client.request(`http://127.0.0.1:${port}/echo`)
  t.equal((await client.reply()).statusCode, 101)
})

t.test('4.2.1: the request may come in any pieces', async t => {
  const { port } = await echoServer(t)
  const client = await RawClient.connect(port)
  const request = [
    'GET /echo HTTP/1.1', 'Host: a', 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='
  ].join('\r\n')
  for (const piece of cut(Buffer.from(`${request}\r\n\r\n`), 1)) client.write(piece)
  t.equal((await client.reply()).statusCode, 101)
  await roundTrip(client)
})

t.test('4.2.1: ignores headers that it does not know, and cookies', async t => {
  t.equal((await handshake(t, { headers: { 'X-Unknown': 'a', Cookie: 'a=b', Pragma: 'no-cache' } })).statusCode, 101)
})

t.test('4.2.1: a refused handshake is answered in full and ended', async t => {
  const { port } = await echoServer(t)
  const client = await RawClient.connect(port)
  client.request('/echo', { headers: { 'Sec-WebSocket-Key': 'bad' } })
  const reply = await client.reply()
  t.match(JSON.parse(reply.body), { statusCode: 400, code: 'FST_ERR_WS_HANDSHAKE' })
  await client.ended()
  client.socket.end()
})

t.test('4.2.1: refuses a body, whose bytes would be taken for frames', async t => {
  t.equal((await handshake(t, { headers: { 'Content-Length': '7' }, head: text('a') })).statusCode, 400)
})

t.test('4.1: refuses a subprotocol list that is empty, malformed or has a name twice', async t => {
  for (const list of ['', 'a b', 'chat, chat', '"chat"']) {
    t.equal((await handshake(t, { headers: { 'Sec-WebSocket-Protocol': list } })).statusCode, 400, list)
  }
})

/* 4.2.2: the server's opening handshake. */

t.test('4.2.2: answers 101 with Upgrade, Connection and the accept value', async t => {
  const { statusCode, headers } = await handshake(t, { headers: { 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==' } })
  t.equal(statusCode, 101)
  t.equal(headers.upgrade?.toLowerCase(), 'websocket')
  t.equal(headers.connection?.toLowerCase(), 'upgrade')
  t.equal(headers['sec-websocket-accept'], 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=')
})

t.test('4.2.2: the accept value is of the key as it was sent', async t => {
  const key = 'AAECAwQFBgcICQoLDA0ODw=='
  const { headers } = await handshake(t, { headers: { 'Sec-WebSocket-Key': `  ${key} ` } })
  t.equal(headers['sec-websocket-accept'], createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64'))
})

t.test('4.2.2: the 101 has no body and says nothing of one', async t => {
  const { port } = await echoServer(t)
  const client = await RawClient.connect(port)
  client.request('/echo')
  const { headers } = await client.reply()
  t.same([headers['content-length'], headers['transfer-encoding']], [undefined, undefined])
  await roundTrip(client)
  await client.close(1000)
})

t.test('4.2.2: refuses another origin with 403', async t => {
  t.equal((await handshake(t, { headers: { Origin: 'https://evil.example' } })).statusCode, 403)
})

t.test('4.2.2: answers 404 for a resource that is not there', async t => {
  const { port } = await echoServer(t)
  const client = await RawClient.connect(port)
  client.request('/nowhere')
  t.equal((await client.reply()).statusCode, 404)
  client.socket.destroy()
})

t.test('4.2.2: may ask who the client is with 401, or send it elsewhere with 3xx', async t => {
  const app = await buildApp(t)
  app.ws('/private', { onRequest: async (_request, reply) => await reply.code(401).header('WWW-Authenticate', 'Basic').send() }, () => {})
  app.ws('/moved', { onRequest: async (_request, reply) => await reply.redirect('/echo', 307) }, () => {})
  const port = await listen(app)
  const [stranger, mover] = [await RawClient.connect(port), await RawClient.connect(port)]
  stranger.request('/private')
  t.match(await stranger.reply(), { statusCode: 401, headers: { 'www-authenticate': 'Basic' } })
  mover.request('/moved')
  t.match(await mover.reply(), { statusCode: 307, headers: { location: '/echo' } })
})

t.test('4.2.2: chooses one of the client\'s subprotocols that it speaks itself', async t => {
  const reply = await handshake(t, { headers: { 'Sec-WebSocket-Protocol': 'unknown, v2, v1' } }, { subprotocols: ['v1', 'v2'] })
  t.equal(reply.statusCode, 101)
  t.equal(reply.headers['sec-websocket-protocol'], 'v2')
})

t.test('4.2.2: names no subprotocol when it speaks none of the client\'s', async t => {
  const reply = await handshake(t, { headers: { 'Sec-WebSocket-Protocol': 'unknown' } }, { subprotocols: ['v1'] })
  t.equal(reply.statusCode, 101)
  t.equal(reply.headers['sec-websocket-protocol'], undefined)
})

t.test('4.2.2: names no subprotocol when the client named none', async t => {
  const reply = await handshake(t, {}, { subprotocols: ['v1'] })
  t.equal(reply.headers['sec-websocket-protocol'], undefined)
})

t.test('4.2.2: names no extension that it does not use', async t => {
  const reply = await handshake(t, { headers: { 'Sec-WebSocket-Extensions': 'x-unknown; a=1, x-other' } })
  t.equal(reply.statusCode, 101)
  t.equal(reply.headers['sec-websocket-extensions'], undefined)
})

t.test('4.2.2: the connection is open from the 101 on, for frames in the same segment as the request too', async t => {
  const { port } = await echoServer(t)
  const client = await RawClient.connect(port)
  client.request('/echo', { head: Buffer.concat([text('early'), text('bird').subarray(0, 3)]) })
  t.equal((await client.reply()).statusCode, 101)
  t.equal((await client.frame()).payload.toString(), 'early')
  client.write(text('bird').subarray(3))
  t.equal((await client.frame()).payload.toString(), 'bird')
  await client.close(1000)
})

t.test('4.3: a subprotocol header on several lines is one list', async t => {
  const reply = await handshake(t, { headers: { 'Sec-WebSocket-Protocol': ['unknown', 'v1, v2'] } }, { subprotocols: ['v1'] })
  t.equal(reply.headers['sec-websocket-protocol'], 'v1')
})

t.test('4.3: the reply names at most one subprotocol, on one line', async t => {
  const reply = await handshake(t, { headers: { 'Sec-WebSocket-Protocol': 'v2, v1' } }, { subprotocols: ['v1', 'v2'] })
  t.equal(reply.headers['sec-websocket-protocol'], 'v2')
})

t.test('4.4: refuses another version with 426, and names the one that it speaks', async t => {
  for (const version of ['0', '8', '12', '14', '13, 8', null]) {
    const reply = await handshake(t, { headers: { 'Sec-WebSocket-Version': version } })
    t.equal(reply.statusCode, 426, String(version))
    t.equal(reply.headers['sec-websocket-version'], '13')
  }
})

/* 5.1: overview. */

t.test('5.1: closes with 1002 when a frame is not masked', async t => {
  await failsWith(t, text('Hello', { mask: false }), 1002)
  await failsWith(t, ping('', { mask: false }), 1002)
  await failsWith(t, close(1000, '', { mask: false }), 1002)
})

t.test('5.1: masks no frame of its own', async t => {
  const { client, connection } = await openEcho(t)
  client.write(Buffer.concat([text('a'), binary('b'), ping('c')]))
  const frames = [await client.frame(), await client.frame(), await client.frame()]
  connection.close(1000)
  frames.push(await client.frame())
  t.same(frames.map(({ opcode, masked }) => ({ opcode, masked })), [1, 2, 10, 8].map(opcode => ({ opcode, masked: false })))
})

/* 5.2: base framing protocol. */

for (const [name, rsv] of Object.entries({ RSV1: 4, RSV2: 2, RSV3: 1 })) {
  t.test(`5.2: closes with 1002 when ${name} is set, for want of an extension that gives it a meaning`, async t => {
    await failsWith(t, text('Hello', { rsv }), 1002)
    await failsWith(t, ping('Hello', { rsv }), 1002)
  })
}

for (const opcode of [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]) {
  t.test(`5.2: closes with 1002 for the reserved opcode ${opcode}`, async t => {
    await failsWith(t, frame({ opcode, payload: 'Hello' }), 1002)
  })
}

for (const length of [0, 1, 125, 126, 127, 65535, 65536, 1_000_000]) {
  t.test(`5.2: reads and writes a payload of ${length} bytes, its length in the fewest bytes`, async t => {
    const { client } = await openEcho(t)
    const payload = Buffer.alloc(length, 0x5a)
    const before = client.bytesRead
    client.write(binary(payload))
    t.match(await client.frame(), { fin: true, rsv: 0, opcode: 2, payload })
    t.equal(client.bytesRead - before, (length < 126 ? 2 : length < 65536 ? 4 : 10) + length)
    t.equal((await client.close(1000)).code, 1000)
  })
}

t.test('5.2: closes with 1002 when a length is not in the fewest bytes', async t => {
  await failsWith(t, text('Hello', { lengthBits: 16 }), 1002)
  await failsWith(t, text('Hello', { lengthBits: 64 }), 1002)
  await failsWith(t, text('a'.repeat(126), { lengthBits: 64 }), 1002)
})

t.test('5.2: closes with 1002 when the top bit of a 64-bit length is set', async t => {
  await failsWith(t, binary('', { length: 2n ** 63n }), 1002)
  await failsWith(t, binary('', { length: 2n ** 64n - 1n }), 1002)
})

t.test('5.2: a frame may come in any pieces', async t => {
  const { client } = await openEcho(t)
  for (const piece of cut(text('Hello'), 1)) client.write(piece)
  t.equal((await client.frame()).payload.toString(), 'Hello')
})

/* 5.3: client-to-server masking. */

t.test('5.3: unmasks with the key of each frame', async t => {
  const { client } = await openEcho(t)
  const keys = ['00000000', 'ffffffff', '01020304', '80000000', '37fa213d'].map(hex)
  for (const mask of keys) client.write(text(`with ${mask.toString('hex')}`, { mask }))
  for (const mask of keys) t.equal((await client.frame()).payload.toString(), `with ${mask.toString('hex')}`)
})

/* 5.4: fragmentation. */

t.test('5.4: joins the fragments of a text message', async t => {
  const { client } = await openEcho(t)
  client.write(Buffer.concat([text('Hel', { fin: false }), continuation('lo', { fin: false }), continuation('!')]))
  t.match(await client.frame(), { fin: true, opcode: 1, payload: Buffer.from('Hello!') })
})

t.test('5.4: joins the fragments of a binary message', async t => {
  const { client } = await openEcho(t)
  client.write(Buffer.concat([binary(hex('00ff'), { fin: false }), continuation(hex('fe'))]))
  t.match(await client.frame(), { fin: true, opcode: 2, payload: hex('00fffe') })
})

t.test('5.4: joins empty fragments, and fragments that cut a character', async t => {
  const { client } = await openEcho(t)
  client.write(Buffer.concat([text('', { fin: false }), continuation(hex('e282'), { fin: false }), continuation('', { fin: false }), continuation(hex('ac'))]))
  t.match(await client.frame(), { opcode: 1, payload: Buffer.from('€') })
})

t.test('5.4: answers a ping in the middle of a fragmented message, before the message', async t => {
  const { client } = await openEcho(t)
  client.write(Buffer.concat([text('Hel', { fin: false }), ping('1'), continuation('l', { fin: false }), pong('2'), ping('3'), continuation('o')]))
  const frames = [await client.frame(), await client.frame(), await client.frame()]
  t.same(frames.map(({ opcode, payload }) => [opcode, payload.toString()]), [[10, '1'], [10, '3'], [1, 'Hello']])
})

t.test('5.4: answers a ping while the message around it is not complete', async t => {
  const { client } = await openEcho(t)
  client.write(text('Hel', { fin: false }))
  await roundTrip(client)
  client.write(continuation('lo'))
  t.equal((await client.frame()).payload.toString(), 'Hello')
})

t.test('5.4: answers a close frame in the middle of a fragmented message', async t => {
  const { client } = await openEcho(t)
  client.write(Buffer.concat([text('Hel', { fin: false }), close(1001)]))
  await closesWith(t, client, 1001)
})

t.test('5.4: closes with 1002 for a continuation without a message to continue', async t => {
  await failsWith(t, continuation('Hello'), 1002)
  await failsWith(t, continuation('Hello', { fin: false }), 1002)
})

t.test('5.4: closes with 1002 for a new message inside a fragmented one', async t => {
  await failsWith(t, Buffer.concat([text('a', { fin: false }), text('b')]), 1002)
  await failsWith(t, Buffer.concat([text('a', { fin: false }), binary('b', { fin: false })]), 1002)
})

t.test('5.4: many small fragments make one message', async t => {
  const { client } = await openEcho(t)
  const payload = 'fragment '.repeat(1000)
  const [first, ...others] = cut(Buffer.from(payload), 1)
  const last = others.pop() ?? Buffer.alloc(0)
  client.write(Buffer.concat([text(first, { fin: false }), ...others.map(byte => continuation(byte, { fin: false })), continuation(last)]))
  t.equal((await client.frame()).payload.toString(), payload)
})

/* 5.5: control frames. */

t.test('5.5: accepts a control frame of 125 bytes', async t => {
  const { client } = await openEcho(t)
  client.write(ping('p'.repeat(125)))
  t.equal((await client.frame()).payload.toString(), 'p'.repeat(125))
  t.equal((await client.close(1000, 'r'.repeat(123))).code, 1000)
})

t.test('5.5: closes with 1002 for a control frame of more than 125 bytes', async t => {
  for (const opcode of [8, 9, 10]) await failsWith(t, frame({ opcode, payload: Buffer.alloc(126) }), 1002)
})

t.test('5.5: closes with 1002 for a fragmented control frame', async t => {
  for (const opcode of [8, 9, 10]) await failsWith(t, frame({ opcode, fin: false }), 1002)
})

t.test('5.5.1: echoes the close code', async t => {
  for (const code of [1000, 1001, 1008, 3000, 4999]) {
    const { client } = await openEcho(t)
    client.write(close(code, 'bye'))
    await closesWith(t, client, code)
  }
})

t.test('5.5.1: answers a close frame without a code by one without a code', async t => {
  const { client } = await openEcho(t)
  client.write(close())
  await closesWith(t, client, 1005)
})

t.test('5.5.1: closes with 1002 when the payload of a close frame has one byte', async t => {
  await failsWith(t, frame({ opcode: 8, payload: hex('03') }), 1002)
})

t.test('5.5.1: sends one close frame only, whatever the client goes on sending', async t => {
  const { client } = await openEcho(t)
  client.write(Buffer.concat([close(1000), close(1001), close(1002)]))
  await closesWith(t, client, 1000)
})

t.test('5.5.1: does not answer the answer to its own close frame', async t => {
  const { client, connection } = await openEcho(t)
  connection.close(4000, 'done')
  t.same(await client.closeFrame(), { code: 4000, reason: 'done' })
  client.write(close(4000))
  await client.ended()
  t.equal(client.unread.length, 0)
})

t.test('5.5.1: sends no data after its own close frame', async t => {
  const { client, connection } = await openEcho(t)
  connection.send('before')
  connection.close(1000)
  connection.send('after')
  client.write(Buffer.concat([text('late'), ping('late')]))
  t.equal((await client.frame()).payload.toString(), 'before')
  t.equal((await client.closeFrame()).code, 1000)
  client.write(close(1000))
  await client.ended()
  t.equal(client.unread.length, 0)
})

t.test('5.5.1: ignores data that comes after the client\'s close frame', async t => {
  const { client } = await openEcho(t)
  client.write(Buffer.concat([close(1000), text('late'), ping('late'), hex('ff ff')]))
  await closesWith(t, client, 1000)
})

t.test('5.5.1: what the client sent before its close frame is still handled and answered', async t => {
  const { client } = await openEcho(t)
  client.write(Buffer.concat([text('1'), text('2'), close(1000)]))
  t.equal((await client.frame()).payload.toString(), '1')
  t.equal((await client.frame()).payload.toString(), '2')
  await closesWith(t, client, 1000)
})

t.test('5.5.1: a close from both sides at once is a clean one', async t => {
  const { client, connection, info } = await openEcho(t)
  connection.close(4001)
  client.write(close(4002))
  t.equal((await client.closeFrame()).code, 4001)
  await client.ended()
  t.equal(client.unread.length, 0, 'the client\'s close frame is not answered a second time')
  client.socket.end()
  t.match(await info, { code: 4002, wasClean: true })
})

t.test('5.5.2: answers a ping with a pong of the same payload', async t => {
  const { client } = await openEcho(t)
  client.write(ping(hex('00 ff 61')))
  t.match(await client.frame(), { fin: true, opcode: 10, payload: hex('00ff61') })
})

t.test('5.5.2: answers a ping without payload with a pong without payload', async t => {
  const { client } = await openEcho(t)
  client.write(ping())
  t.match(await client.frame(), { fin: true, opcode: 10, payload: Buffer.alloc(0) })
})

t.test('5.5.2: answers every ping of a burst, in order', async t => {
  const { client } = await openEcho(t)
  client.write(Buffer.concat(Array.from({ length: 50 }, (_, i) => ping(String(i)))))
  const answers: string[] = []
  for (let i = 0; i < 50; i++) answers.push((await client.frame()).payload.toString())
  t.same(answers, Array.from({ length: 50 }, (_, i) => String(i)))
})

t.test('5.5.2: answers a ping while a handler is still busy', async t => {
  const app = await buildApp(t)
  const done = deferred()
  app.ws('/slow', { codec: 'raw' }, async () => { await done.promise; return 'done' })
  const client = await RawClient.open(await listen(app), '/slow')
  client.write(text('begin'))
  await roundTrip(client)
  done.resolve()
  t.equal((await client.frame()).payload.toString(), 'done')
})

t.test('5.5.2: a ping after the client\'s close frame is not answered', async t => {
  const { client } = await openEcho(t)
  client.write(Buffer.concat([close(1000), ping('late')]))
  await closesWith(t, client, 1000)
})

t.test('5.5.2: a ping of the server carries at most 125 bytes and is answered by its pong', async t => {
  const { client, connection } = await openEcho(t)
  const answered = connection.ping()
  const { opcode, payload, fin } = await client.frame()
  t.same([opcode, fin], [9, true])
  t.ok(payload.length <= 125)
  client.write(pong(payload))
  t.type(await answered, 'number')
})

t.test('5.5.3: ignores a pong that nobody asked for', async t => {
  const { client } = await openEcho(t)
  client.write(Buffer.concat([pong(), pong('unsolicited'), text('Hello')]))
  t.equal((await client.frame()).payload.toString(), 'Hello')
})

t.test('5.5.3: a pong of the latest ping answers those before it', async t => {
  const { client, connection } = await openEcho(t)
  const answered = Promise.all([connection.ping(), connection.ping()])
  await client.frame()
  client.write(pong((await client.frame()).payload))
  t.equal((await answered).length, 2)
})

/* 5.6: data frames. */

t.test('5.6: text stays text and binary stays binary', async t => {
  const { client } = await openEcho(t)
  client.write(Buffer.concat([text('Grüße'), binary(hex('00 80 ff'))]))
  t.match(await client.frame(), { opcode: 1, payload: Buffer.from('Grüße') })
  t.match(await client.frame(), { opcode: 2, payload: hex('0080ff') })
})

/* 6: sending and receiving data. */

t.test('6.1: a message of the server is one final frame with the opcode of its type', async t => {
  const { client, connection } = await openEcho(t)
  connection.send('text')
  connection.send(Buffer.from('binary'))
  t.match(await client.frame(), { fin: true, rsv: 0, opcode: 1, masked: false })
  t.match(await client.frame(), { fin: true, rsv: 0, opcode: 2, masked: false })
})

t.test('6.1: text of the server is UTF-8', async t => {
  const { client, connection } = await openEcho(t)
  connection.send('é€😀 \ud800')
  t.same((await client.frame()).payload, hex('c3a9 e282ac f09f9880 20 efbfbd'))
})

t.test('6.2: messages are received whole, in the order in which they were sent', async t => {
  const { client } = await openEcho(t)
  const payloads = Array.from({ length: 200 }, (_, i) => `${i} `.repeat(i))
  for (const piece of cut(Buffer.concat(payloads.map(payload => text(payload))), 777)) client.write(piece)
  for (const payload of payloads) t.equal((await client.frame()).payload.toString(), payload)
})

/* 7: closing the connection. */

t.test('7.1.1: the server ends TCP first, after the client\'s close frame', async t => {
  const { client } = await openEcho(t)
  client.write(close(1000))
  t.equal((await client.closeFrame()).code, 1000)
  await client.ended()
  t.notOk(client.socket.writableEnded, 'the client has not ended its side')
  client.socket.end()
})

t.test('7.1.1: the server ends TCP first, after the answer to its own close frame', async t => {
  const { client, connection } = await openEcho(t)
  connection.close(1000)
  await client.closeFrame()
  client.write(close(1000))
  await client.ended()
  t.notOk(client.socket.writableEnded)
  client.socket.end()
})

t.test('7.1.1: a client that does not end its side is dropped after closeTimeout', async t => {
  const { client, info } = await openEcho(t, { closeTimeout: 50 })
  client.write(close(1000))
  await client.ended()
  t.match(await info, { code: 1000, wasClean: true }, 'the connection is over although the client holds its side open')
  client.socket.destroy()
})

t.test('7.1.1: all that was sent before the close frame arrives', async t => {
  const { client, connection } = await openEcho(t)
  const payload = Buffer.alloc(3_000_000, 1)
  connection.send(payload)
  connection.close(1000)
  t.equal((await client.frame()).payload.length, payload.length)
  t.equal((await client.closeFrame()).code, 1000)
})

t.test('7.1.2: the server starts the closing handshake with a code and a reason', async t => {
  const { client, connection } = await openEcho(t)
  connection.close(4321, 'grün')
  t.same(await client.closeFrame(), { code: 4321, reason: 'grün' })
})

t.test('7.1.2: the server does not end TCP before the client has answered', async t => {
  const { client, connection } = await openEcho(t)
  connection.close(1000)
  await client.closeFrame()
  client.write(Buffer.concat([text('still'), pong('here')]))
  t.equal(connection.readyState, 2)
  client.write(close(1000))
  await client.ended()
})

t.test('7.1.2: a client that does not answer the close frame is dropped after closeTimeout', async t => {
  const { client, connection, info } = await openEcho(t, { closeTimeout: 50 })
  connection.close(4000)
  t.equal((await client.closeFrame()).code, 4000)
  await client.ended()
  t.match(await info, { code: 4000, wasClean: false })
})

t.test('7.1.3: the connection is closing once either close frame is on its way', async t => {
  const { client, connection } = await openEcho(t)
  t.equal(connection.readyState, 1)
  connection.close(1000)
  t.equal(connection.readyState, 2)
  await client.closeFrame()
  client.write(close(1000))
  await client.ended()
})

t.test('7.1.4: it is closed cleanly when both close frames were exchanged', async t => {
  const { client, connection, info } = await openEcho(t)
  await client.close(1000)
  t.match(await info, { wasClean: true })
  t.equal(connection.readyState, 3)
})

t.test('7.1.4: it is not closed cleanly when TCP ends without a close frame', async t => {
  const { client, info } = await openEcho(t)
  client.socket.end()
  t.match(await info, { wasClean: false })
})

t.test('7.1.5: the code of the connection is that of the client\'s close frame', async t => {
  const { client, info } = await openEcho(t)
  await client.close(4567)
  t.match(await info, { code: 4567 })
})

t.test('7.1.5: the code is 1005 when the close frame had none', async t => {
  const { client, info } = await openEcho(t)
  await client.close()
  t.match(await info, { code: 1005, reason: '', wasClean: true })
})

t.test('7.1.5: the code is 1006 when there was no close frame', async t => {
  const ended = await openEcho(t)
  ended.client.socket.end()
  t.match(await ended.info, { code: 1006, reason: '' })
  const reset = await openEcho(t)
  reset.client.reset()
  t.match(await reset.info, { code: 1006, reason: '', wasClean: false })
})

t.test('7.1.6: the reason is that of the client\'s close frame, in UTF-8', async t => {
  const { client, info } = await openEcho(t)
  await client.close(1000, 'tschüß 😀')
  t.match(await info, { reason: 'tschüß 😀' })
})

t.test('7.1.7: a failed connection gets a close frame with the reason before TCP ends', async t => {
  const { client } = await openEcho(t)
  client.write(text('Hello', { mask: false }))
  t.not(await closesWith(t, client, 1002), '')
})

t.test('7.1.7: nothing that comes after a violation is handled or answered', async t => {
  const { client } = await openEcho(t)
  client.write(Buffer.concat([text('before'), hex('83 80 00000000'), text('after'), ping('after'), close(1000)]))
  t.equal((await client.frame()).payload.toString(), 'before')
  await closesWith(t, client, 1002)
})

t.test('7.1.7: a client in the middle of sending still gets the close frame', async t => {
  const { client } = await openEcho(t, { maxPayload: 1000 })
  client.write(binary('', { length: 20_000_000 }))
  for (let i = 0; i < 20; i++) client.write(Buffer.alloc(1_000_000))
  await closesWith(t, client, 1009)
})

t.test('7.1.7: a violation after the server\'s own close frame ends TCP, without a second one', async t => {
  const { client, connection } = await openEcho(t, { closeTimeout: 60_000 })
  connection.close(4000)
  t.equal((await client.closeFrame()).code, 4000)
  client.write(text('Hello', { mask: false }))
  await client.ended()
  t.equal(client.unread.length, 0)
  client.socket.end()
})

t.test('7.1.7: the failure of one connection is no concern of another', async t => {
  const { port } = await echoServer(t)
  const [good, bad] = [await RawClient.open(port, '/echo'), await RawClient.open(port, '/echo')]
  bad.write(hex('ff ff ff ff'))
  await closesWith(t, bad, 1002)
  good.write(text('still here'))
  t.equal((await good.frame()).payload.toString(), 'still here')
})

t.test('7.2.2: a client that ends TCP without a close frame is answered by the end of TCP', async t => {
  const { client } = await openEcho(t)
  client.socket.end()
  await client.closed()
  t.equal(client.unread.length, 0)
})

t.test('7.2.2: a connection cut in the middle of a frame gives no message', async t => {
  const { client, info } = await openEcho(t)
  client.write(text('Hello').subarray(0, 8))
  client.socket.end()
  await client.closed()
  t.match(await info, { code: 1006 })
  t.equal(client.unread.length, 0)
})

/* 7.4: status codes. */

t.test('7.4.1: 1000 is what close() sends', async t => {
  const { client, connection } = await openEcho(t)
  connection.close()
  t.same(await client.closeFrame(), { code: 1000, reason: '' })
})

t.test('7.4.1: 1001 is what the clients of a closing server get', async t => {
  const app = await buildApp(t)
  app.ws('/echo', message => message)
  const client = await RawClient.open(await listen(app), '/echo')
  const closing = app.close()
  t.equal((await client.closeFrame()).code, 1001)
  client.write(close(1001))
  await client.ended()
  client.socket.end()
  await closing
})

t.test('7.4.1: 1003 for a type of data that the route does not take', async t => {
  const app = await buildApp(t, { onInvalid: 'close' })
  app.ws('/json', message => message)
  const client = await RawClient.open(await listen(app), '/json')
  client.write(binary('{}'))
  await closesWith(t, client, 1003)
})

t.test('7.4.1: 1007 for data that is not what its type says', async t => {
  const app = await buildApp(t, { onInvalid: 'close' })
  app.ws('/json', message => message)
  const client = await RawClient.open(await listen(app), '/json')
  client.write(text('{'))
  await closesWith(t, client, 1007)
})

t.test('7.4.1: 1008 for a message that breaks the route\'s rules', async t => {
  const app = await buildApp(t, { onInvalid: 'close' })
  app.ws('/json', { schema: { receive: { type: 'string' } } }, message => message)
  const client = await RawClient.open(await listen(app), '/json')
  client.write(text('5'))
  await closesWith(t, client, 1008)
})

t.test('7.4.1: 1009 for a message that is too big', async t => {
  await failsWith(t, binary(Buffer.alloc(101)), 1009, { maxPayload: 100 })
})

t.test('7.4.1: 1009 from the header alone, for any length', async t => {
  for (const length of [1001, 65536, 2n ** 32n, 2n ** 53n + 1n, 2n ** 63n - 1n]) {
    await failsWith(t, binary('', { length }), 1009, { maxPayload: 1000 })
  }
})

t.test('7.4.1: 1009 for fragments that are too big together', async t => {
  const { client } = await openEcho(t, { maxPayload: 100 })
  client.write(Buffer.concat([text('a'.repeat(60), { fin: false }), continuation('a'.repeat(41))]))
  await closesWith(t, client, 1009)
})

t.test('7.4.1: a message of exactly the limit is taken', async t => {
  const { client } = await openEcho(t, { maxPayload: 100 })
  client.write(Buffer.concat([text('a'.repeat(60), { fin: false }), continuation('a'.repeat(40))]))
  t.equal((await client.frame()).payload.length, 100)
})

t.test('7.4.1: 1011 when onOpen fails', async t => {
  const app = await buildApp(t)
  app.ws('/fails', { onOpen: () => { throw new Error('secret') } }, message => message)
  const client = await RawClient.open(await listen(app), '/fails')
  t.equal(await closesWith(t, client, 1011), '', 'without internals')
})

for (const code of [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535]) {
  t.test(`7.4: closes with 1002 when a close frame has the code ${code}`, async t => {
    const { client } = await openEcho(t)
    client.write(close(code))
    await closesWith(t, client, 1002)
  })
}

for (const code of [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999]) {
  t.test(`7.4: accepts a close frame with the code ${code}`, async t => {
    const { client, info } = await openEcho(t)
    t.equal((await client.close(code)).code, code)
    t.match(await info, { code, wasClean: true })
  })
}

t.test('7.4: the server does not send a code that must not be on the wire', async t => {
  const { client, connection } = await openEcho(t)
  for (const code of [999, 1004, 1005, 1006, 1015, 2999, 5000]) {
    t.throws(() => connection.close(code), { code: 'FST_ERR_WS_CLOSE_CODE' }, String(code))
  }
  await roundTrip(client)
})

/* 8: error handling. */

t.test('8.1: closes with 1007 for invalid UTF-8', async t => {
  for (const bytes of ['ff', 'c080', 'e09fbf', 'eda080', 'f08fbfbf', 'f4908080', '48656c ce', 'cebae1bdb9cf83cebcceb5eda080656469746564']) {
    await failsWith(t, text(hex(bytes)), 1007)
  }
})

t.test('8.1: closes with 1007 for a character that the end of the message cuts', async t => {
  await failsWith(t, text(hex('e282')), 1007)
  await failsWith(t, Buffer.concat([text(hex('e2'), { fin: false }), continuation(hex('82'))]), 1007)
})

t.test('8.1: closes with 1007 for invalid UTF-8 that only the joined fragments have', async t => {
  await failsWith(t, Buffer.concat([text(hex('e2'), { fin: false }), continuation(hex('28a1'))]), 1007)
})

t.test('8.1: closes with 1007 at the first bad byte, without waiting for the end of the fragment', async t => {
  const { client } = await openEcho(t)
  client.write(text('fine', { fin: false }))
  client.write(continuation(hex('61 ff'), { length: 1000 }))
  await closesWith(t, client, 1007)
})

t.test('8.1: closes with 1007 for invalid UTF-8 in the reason of a close frame', async t => {
  const { client } = await openEcho(t)
  client.write(close(1000, hex('c328')))
  await closesWith(t, client, 1007)
})

t.test('8.1: accepts every kind of valid UTF-8', async t => {
  const { client } = await openEcho(t)
  const valid = '\u0000\u007f\u0080\u07ff\u0800\ud7ff\ue000\ufeff\ufffd\uffff\u{10000}\u{10ffff}'
  client.write(text(valid))
  t.equal((await client.frame()).payload.toString(), valid)
})

t.test('8.1: does not look for UTF-8 in binary messages, pings and pongs', async t => {
  const { client } = await openEcho(t)
  client.write(Buffer.concat([pong(hex('ff')), ping(hex('c0')), binary(hex('eda080'))]))
  t.same((await client.frame()).payload, hex('c0'))
  t.same((await client.frame()).payload, hex('eda080'))
})
