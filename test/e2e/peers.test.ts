import { once } from 'node:events'
import t from 'tap'
import type { Test } from 'tap'
import * as undici from 'undici'
import WebSocketOfWs from 'ws'
import type { CloseInfo, Connection } from '../../types/index.ts'
import { buildApp, deferred, listen } from '../helpers/app.ts'
import { suiteNeeding } from '../helpers/requirements.ts'
import { PythonPeer, undiciLike, ws } from './peers.ts'
import type { BrowserWebSocketClass, Peer, PeerConnection } from './peers.ts'

interface Served {
  readonly url: string
  /** The server's end of the latest connection, and how it ended. */
  readonly connection: Promise<Connection>
  readonly closeInfo: Promise<CloseInfo>
  /** What the peer asked to compress with. */
  readonly offeredExtensions: () => string
}

const mebibyte = 1024 * 1024

/** An application that sends back what it receives on `/echo`, and refuses on `/private`. */
async function serve (t: Test): Promise<Served> {
  const app = await buildApp(t, { codec: 'raw', subprotocols: ['chat', 'superchat'] })
  const connection = deferred<Connection>()
  const closeInfo = deferred<CloseInfo>()
  let offered = ''
  app.ws('/echo', {
    onOpen (opened, request) {
      offered = request.headers['sec-websocket-extensions'] ?? ''
      connection.resolve(opened)
    },
    onClose (_connection, info) { closeInfo.resolve(info) }
  }, message => message)
  app.ws('/private', { onRequest: async (_request, reply) => await reply.code(401).send({ error: 'who are you?' }) }, () => {})
  const port = await listen(app)
  return { url: `ws://127.0.0.1:${port}`, connection: connection.promise, closeInfo: closeInfo.promise, offeredExtensions: () => offered }
}

/* What each of them must see. */

function suite (t: Test, newPeer: (t: Test) => Peer): void {
  /** A connection to the echo. */
  async function connect (t: Test, protocols?: readonly string[]): Promise<{ client: PeerConnection, server: Served }> {
    const server = await serve(t)
    return { client: await newPeer(t).open(`${server.url}/echo`, protocols), server }
  }

  t.test('text comes back as it was, in any script', async t => {
    const { client } = await connect(t)
    for (const text of ['', 'hello', 'grüße', '日本語', '🎉👩‍👩‍👧', '\0\r\n\u2028']) {
      client.send(text)
      t.equal(await client.receive(), text)
    }
    await client.close(1000, '')
  })

  t.test('binary comes back as it was', async t => {
    const { client } = await connect(t)
    for (const bytes of [Buffer.alloc(0), Buffer.from([0]), Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))]) {
      client.send(bytes)
      t.same(await client.receive(), bytes)
    }
    await client.close(1000, '')
  })

  t.test('messages of every form of the length come back whole', async t => {
    const { client } = await connect(t)
    for (const size of [125, 126, 127, 65_535, 65_536, mebibyte]) {
      client.send('x'.repeat(size))
      t.ok(await client.receive() === 'x'.repeat(size), `${size} bytes of text`)
      const bytes = Buffer.alloc(size, 'abcdefghijklm')
      client.send(bytes)
      t.ok(bytes.equals(Buffer.from(await client.receive())), `${size} bytes`)
    }
    await client.close(1000, '')
  })

  t.test('many small messages come back in order', async t => {
    const { client } = await connect(t)
    const sent = Array.from({ length: 2000 }, (_, number) => `message ${number}`)
    for (const message of sent) client.send(message)
    const received = []
    while (received.length < sent.length) received.push(await client.receive())
    t.same(received, sent)
    await client.close(1000, '')
  })

  t.test('the server sees the code and the reason with which the peer closes, and completes the handshake', async t => {
    const { client, server } = await connect(t)
    t.match(await client.close(4001, 'tschüß'), { code: 4001 })
    t.match(await server.closeInfo, { code: 4001, reason: 'tschüß', wasClean: true })
  })

  t.test('the peer sees the code and the reason with which the server closes, and completes the handshake', async t => {
    const { client, server } = await connect(t)
    const connection = await server.connection
    connection.close(4002, 'tschüß')
    t.same(await client.closed(), { code: 4002, reason: 'tschüß' })
    // The reason of an answer is the peer's own choice (RFC 6455 section 7.1.6).
    t.match(await server.closeInfo, { code: 4002, wasClean: true })
  })

  t.test('messages that were sent before a close arrive before it', async t => {
    const { client, server } = await connect(t)
    const connection = await server.connection
    for (let number = 0; number < 10; number++) connection.send(`message ${number}`)
    connection.close(1001, '')
    for (let number = 0; number < 10; number++) t.equal(await client.receive(), `message ${number}`)
    t.same(await client.closed(), { code: 1001, reason: '' })
  })

  t.test('the peer answers a ping', async t => {
    const { client, server } = await connect(t)
    const connection = await server.connection
    const roundTrips = await Promise.all([connection.ping(), connection.ping()])
    t.ok(roundTrips.every(milliseconds => milliseconds >= 0))
    client.send('still here')
    t.equal(await client.receive(), 'still here')
    await client.close(1000, '')
  })

  t.test('the peer sees a lost connection as 1006', async t => {
    const { client, server } = await connect(t)
    const connection = await server.connection
    connection.terminate()
    t.match(await client.closed(), { code: 1006 })
  })

  t.test('a message that is too big is refused with 1009', async t => {
    const { client } = await connect(t)
    client.send('x'.repeat(mebibyte + 1))
    t.match(await client.closed(), { code: 1009 })
  })

  t.test('compression that the peer offers is declined', async t => {
    const { client, server } = await connect(t)
    t.match(server.offeredExtensions(), 'permessage-deflate')
    t.equal(client.extensions, '')
    client.send('x'.repeat(10_000))
    t.equal(await client.receive(), 'x'.repeat(10_000))
    await client.close(1000, '')
  })

  t.test('the subprotocol is one of those offered and known', async t => {
    const { client } = await connect(t, ['unknown', 'superchat', 'chat'])
    t.equal(client.protocol, 'superchat')
    await client.close(1000, '')
  })

  t.test('a refusal before the 101 is seen as its HTTP status', async t => {
    const { url } = await serve(t)
    t.equal(await newPeer(t).refusal(`${url}/private`), 401)
    t.equal(await newPeer(t).refusal(`${url}/unknown`), 404)
  })
}

t.test('ws', async t => { suite(t, () => ws) })
t.test('undici', async t => { suite(t, () => undiciLike(undici.WebSocket as BrowserWebSocketClass)) })
if (globalThis.WebSocket !== undefined) {
  t.test('Node\'s own WebSocket', async t => { suite(t, () => undiciLike(globalThis.WebSocket as BrowserWebSocketClass)) })
}
suiteNeeding(['python3-websockets'], 'Python websockets', async (t, { 'python3-websockets': interpreter }) => {
  suite(t, t => new PythonPeer(t, interpreter))

  t.test('a message in fragments arrives whole', async t => {
    const { url } = await serve(t)
    const client = await new PythonPeer(t, interpreter).open(`${url}/echo`)
    client.sendFragments(['grü', 'ße ', '', '🎉'])
    t.equal(await client.receive(), 'grüße 🎉')
    client.sendFragments([Buffer.from([1, 2]), Buffer.from([3])])
    t.same(await client.receive(), Buffer.from([1, 2, 3]))
    await client.close(1000, '')
  })

  t.test('a ping is answered', async t => {
    const { url } = await serve(t)
    const client = await new PythonPeer(t, interpreter).open(`${url}/echo`)
    await client.ping()
    t.match(await client.close(1000, ''), { code: 1000 })
  })
})

/* What only the npm package ws lets one do. */

async function connectWs (t: Test): Promise<{ socket: WebSocketOfWs, server: Served }> {
  const server = await serve(t)
  const socket = new WebSocketOfWs(`${server.url}/echo`)
  await once(socket, 'open')
  return { socket, server }
}

t.test('ws: a message in fragments arrives whole, pings between them are answered', async t => {
  const { socket } = await connectWs(t)
  const [message, pong] = [once(socket, 'message'), once(socket, 'pong')]
  socket.send('one ', { fin: false })
  socket.ping('between')
  socket.send('two ', { fin: false })
  socket.send('three', { fin: true })
  t.equal(String((await message)[0]), 'one two three')
  t.equal(String((await pong)[0]), 'between')
  socket.close()
  await once(socket, 'close')
})

t.test('ws: a character cut by a fragment arrives whole', async t => {
  const { socket } = await connectWs(t)
  const message = once(socket, 'message')
  const bytes = Buffer.from('🎉')
  for (let index = 0; index < bytes.length; index++) {
    socket.send(bytes.subarray(index, index + 1), { binary: false, fin: index === bytes.length - 1 })
  }
  const [data, isBinary] = await message
  t.same([String(data), isBinary], ['🎉', false])
  socket.close()
  await once(socket, 'close')
})

t.test('ws: a ping is answered with its own payload', async t => {
  const { socket } = await connectWs(t)
  for (const payload of ['', 'hello', 'x'.repeat(125)]) {
    const pong = once(socket, 'pong')
    socket.ping(payload)
    t.equal(String((await pong)[0]), payload)
  }
  socket.close()
  await once(socket, 'close')
})

t.test('ws: every close code that may be sent is seen and echoed', async t => {
  for (const code of [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 4999]) {
    const { socket, server } = await connectWs(t)
    socket.close(code, 'reason')
    t.same((await once(socket, 'close'))[0], code)
    t.match(await server.closeInfo, { code, reason: 'reason', wasClean: true })
  }
})

t.test('ws: a close without a code is echoed without one', async t => {
  const { socket, server } = await connectWs(t)
  socket.close()
  t.same((await once(socket, 'close'))[0], 1005)
  t.match(await server.closeInfo, { code: 1005, reason: '', wasClean: true })
})

t.test('ws: a peer that drops its TCP connection is seen as 1006', async t => {
  const { socket, server } = await connectWs(t)
  socket.terminate()
  t.match(await server.closeInfo, { code: 1006, wasClean: false })
})
