import dns from 'node:dns'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import { Readable } from 'node:stream'
import Fastify from 'fastify'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import type { Test } from 'tap'
import typedWs from '../../lib/index.ts'
import { until } from '../fuzz/until.ts'
import { buildApp, deferred, listen } from '../helpers/app.ts'
import { close, cut, ping, text } from '../helpers/bytes.ts'
import { Http1Client } from '../helpers/http1-client.ts'
import { addLateRoute, lateReplies } from '../helpers/late-replies.ts'
import { ServerSockets } from '../helpers/server-sockets.ts'
import { selfSigned } from '../helpers/tls.ts'

const ignore = (): void => {}

/** An `UPGRADE` request as bytes. */
const upgradeBytes = (path = '/'): string =>
  `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`

/* Bytes. */

t.test('frames in the same segment as the request are not lost', async t => {
  const app = await buildApp(t)
  app.ws('/', m => m)
  const client = await Http1Client.connect(await listen(app))
  client.request('/', { head: Buffer.concat([text('1'), text('2'), ping('p'), text('3').subarray(0, 3)]) })
  t.equal((await client.reply()).statusCode, 101)
  client.write(text('3').subarray(3))
  t.same([await client.message(), await client.message(), (await client.frame()).payload.toString(), await client.message()], [1, 2, 'p', 3])
})

t.test('frames that arrive while hooks run are not lost, whatever their size', async t => {
  const app = await buildApp(t, { maxPayload: 10_000_000 })
  const entered = deferred()
  const release = deferred()
  app.ws('/', { preHandler: async () => { entered.resolve(); await release.promise } }, message => (message as string).length)
  const sockets = new ServerSockets(app)
  const client = await Http1Client.connect(await listen(app))
  client.request('/', { head: text('"a"') })
  await entered.promise
  client.write(text(JSON.stringify('b'.repeat(3_000_000))))
  while (!sockets.all[0].isPaused()) await new Promise(resolve => setImmediate(resolve))
  release.resolve()
  t.equal((await client.reply()).statusCode, 101)
  t.equal(await client.message(), 1)
  t.equal(await client.message(), 3_000_000)
})

t.test('a request and frames that arrive one byte at a time are understood', async t => {
  const app = await buildApp(t)
  app.ws('/', m => m)
  const client = await Http1Client.connect(await listen(app))
  for (const byte of cut(Buffer.concat([Buffer.from(upgradeBytes()), text('"slow"')]), 1)) {
    await new Promise(resolve => client.socket.write(byte, resolve))
  }
  t.equal((await client.reply()).statusCode, 101)
  t.equal(await client.message(), 'slow')
})

t.test('an upgrade may follow other requests on a kept-alive connection', async t => {
  const app = await buildApp(t)
  app.get('/rest', async () => 'rest')
  app.ws('/', m => m)
  const client = await Http1Client.connect(await listen(app))
  for (let i = 0; i < 3; i++) {
    client.write('GET /rest HTTP/1.1\r\nHost: x\r\n\r\n')
    t.equal((await client.reply()).body, 'rest')
  }
  client.request('/', { head: text('"after"') })
  t.equal((await client.reply()).statusCode, 101)
  t.equal(await client.message(), 'after')
})

t.test('an upgrade pipelined behind requests still in progress waits for its turn', async t => {
  const app = await buildApp(t)
  const release = deferred()
  app.get('/slow', async () => { await release.promise; return 'slow' })
  app.get('/quick', async () => 'quick')
  app.ws('/', m => m)
  const client = await Http1Client.connect(await listen(app))
  const upgraded = once(app.server, 'upgrade')
  client.write(`GET /slow HTTP/1.1\r\nHost: x\r\n\r\nGET /quick HTTP/1.1\r\nHost: x\r\n\r\n${upgradeBytes()}`)
  await upgraded
  client.send('early')
  release.resolve()
  t.match(await client.reply(), { statusCode: 200, body: 'slow' })
  t.match(await client.reply(), { statusCode: 200, body: 'quick' })
  t.equal((await client.reply()).statusCode, 101)
  t.equal(await client.message(), 'early')
})

t.test('a client that ends while its pipelined upgrade waits is gone: it gets no connection', async t => {
  const app = await buildApp(t)
  const sockets = new ServerSockets(app)
  const release = deferred()
  app.get('/slow', async () => { await release.promise; return 'slow' })
  app.ws('/', { onOpen: () => t.fail('not to be opened') }, ignore)
  const client = await Http1Client.connect(await listen(app))
  const upgraded = once(app.server, 'upgrade')
  client.write(`GET /slow HTTP/1.1\r\nHost: x\r\n\r\n${upgradeBytes()}`)
  await upgraded
  const [socket] = sockets.all
  const ended = once(socket, 'end')
  client.socket.end()
  socket.resume()
  await ended
  const closed = once(socket, 'close')
  release.resolve()
  await closed
  t.equal(app.wsConnections.size, 0)
})

t.test('a reply header that can not be sent is a 500, as in REST, and the deadline stays', async t => {
  const app = await buildApp(t)
  app.ws('/', {
    onRequest: async (request, reply) => { reply.header('x-name', (request.query as { name: string }).name) },
    onOpen: () => t.fail('not to be opened')
  }, ignore)
  const port = await listen(app)
  for (const name of ['a%0Ab', '%E2%82%AC']) {
    const client = await Http1Client.connect(port)
    client.request(`/?name=${name}`)
    t.equal((await client.reply()).statusCode, 500, name)
    await client.ended()
  }
})

t.test('over TLS, replies still leave when the client has ended its side', async t => {
  const app = Fastify({ https: selfSigned() })
  t.after(() => { Http1Client.dropAll(); return app.close() })
  await app.register(typedWs)
  const release = deferred()
  const begun = deferred()
  app.ws('/', async message => { begun.resolve(); await release.promise; return message })
  const client = await Http1Client.connectTls(await listen(app as never))
  client.request('/')
  t.equal((await client.reply()).statusCode, 101)
  client.write(text('1'))
  await begun.promise
  client.socket.end(close(1000))
  release.resolve()
  t.equal(await client.message(), 1)
  t.same(await client.closeFrame(), { code: 1000, reason: '' })
})

t.test('another protocol pipelined behind a request in progress waits for its turn', async t => {
  const app = await buildApp(t)
  const release = deferred()
  app.get('/slow', async () => { await release.promise; return 'slow' })
  app.get('/', async () => 'rest')
  const client = await Http1Client.connect(await listen(app))
  const upgraded = once(app.server, 'upgrade')
  client.write(`GET /slow HTTP/1.1\r\nHost: x\r\n\r\n${upgradeBytes().replace('websocket', 'h2c')}GET / HTTP/1.1\r\nHost: x\r\n\r\n`)
  await upgraded
  release.resolve()
  t.same([(await client.reply()).body, (await client.reply()).body, (await client.reply()).body], ['slow', 'rest', 'rest'])
})

t.test('an upgrade pipelined behind the last request of a connection is not answered', async t => {
  const app = await buildApp(t)
  const release = deferred()
  app.get('/last', async (_request, reply) => { await release.promise; void reply.header('Connection', 'close'); return 'last' })
  app.ws('/', { onOpen: () => t.fail('not to be opened') }, ignore)
  const sockets = new ServerSockets(app)
  const client = await Http1Client.connect(await listen(app))
  const upgraded = once(app.server, 'upgrade')
  client.write(`GET /last HTTP/1.1\r\nHost: x\r\n\r\n${upgradeBytes()}`)
  await upgraded
  release.resolve()
  t.equal((await client.reply()).body, 'last')
  await client.ended()
  t.equal(client.unread.length, 0)
  client.socket.end()
  await sockets.open(0)
})

t.test('a large reply before a pipelined upgrade arrives whole', async t => {
  const app = await buildApp(t)
  const size = 8 * 1024 * 1024
  app.get('/large', async (_request, reply) => await reply.header('content-length', size).send(Readable.from(function * () {
    for (let sent = 0; sent < size; sent += 65_536) yield Buffer.alloc(65_536, 'x')
  }())))
  app.ws('/', m => m)
  const client = await Http1Client.connect(await listen(app))
  client.write(`GET /large HTTP/1.1\r\nHost: x\r\n\r\n${upgradeBytes()}`)
  t.equal((await client.reply()).body.length, size)
  t.equal((await client.reply()).statusCode, 101)
})

/* Resets. */

/** Where a client may vanish: each stage resolves `reached` and goes on once `release` is. */
const stages: Record<string, (app: FastifyInstance, reached: () => void, release: Promise<void>) => void> = {
  'in an onRequest hook that lets it pass': (app, reached, release) => {
    app.ws('/', { onRequest: async () => { reached(); await release } }, ignore)
  },
  'in a preHandler hook that refuses': (app, reached, release) => {
    app.ws('/', { preHandler: async () => { reached(); await release; throw new Error('no') } }, ignore)
  },
  'in a hook that replies with a stream': (app, reached, release) => {
    app.ws('/', { preHandler: async (_request, reply) => { reached(); await release; return await reply.send(Readable.from(['a', 'b'])) } }, ignore)
  },
  'in the origin function': (app, reached, release) => {
    app.ws('/', { origin: async () => { reached(); await release; return true } }, ignore)
  },
  'in an onSend hook': (app, reached, release) => {
    app.addHook('onSend', async () => { reached(); await release })
    app.ws('/', { onRequest: async (_request, reply) => await reply.code(401).send('no') }, ignore)
  },
  'in an async onOpen': (app, reached, release) => {
    app.ws('/', { onOpen: async connection => { reached(); await release; connection.send('hello') } }, ignore)
  },
  'in an async onOpen that fails': (app, reached, release) => {
    app.ws('/', { onOpen: async () => { reached(); await release; throw new Error('no') } }, ignore)
  },
  'in the not-found handler': (app, reached, release) => {
    app.setNotFoundHandler(async () => { reached(); await release; return 'gone' })
  },
  'in a REST route that it asked to upgrade': (app, reached, release) => {
    app.get('/', async () => { reached(); await release; return 'rest' })
  }
}

for (const [stage, declare] of Object.entries(stages)) {
  for (const end of ['resetAndDestroy', 'destroy'] as const) {
    t.test(`a client that vanishes (${end}) ${stage} harms nobody`, async t => {
      const app = await buildApp(t)
      const reached = deferred()
      const release = deferred()
      declare(app, reached.resolve, release.promise)
      await survives(t, app, async client => {
        client.request('/', { headers: { Origin: `http://127.0.0.1:${client.socket.remotePort}` } })
        await reached.promise
        client.socket[end]()
      })
      release.resolve()
      await othersAreServed(t, app)
    })
  }
}

const moments: Record<string, (client: Http1Client) => void> = {
  'before its first byte': ignore,
  'amid the request': client => { client.write(upgradeBytes().slice(0, 50)) },
  'right behind the request': client => { client.write(upgradeBytes()) },
  'behind a request that is refused': client => { client.request('/', { headers: { 'Sec-WebSocket-Key': 'short' } }) },
  'behind a plain GET': client => { client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n') },
  'behind an upgrade to another protocol': client => { client.request('/', { headers: { Upgrade: 'h2c' } }) }
}

for (const [moment, write] of Object.entries(moments)) {
  t.test(`a client that resets ${moment} harms nobody`, async t => {
    const app = await buildApp(t)
    app.ws('/', m => m)
    await survives(t, app, async client => {
      write(client)
      client.reset()
    })
    await othersAreServed(t, app)
  })
}

const later: Record<string, (client: Http1Client) => Promise<void>> = {
  'between frames': async () => {},
  'amid a frame': async client => { client.write(text('"half of it"').subarray(0, 7)) },
  'while messages are handled': async client => { for (let i = 0; i < 100; i++) client.send(i) },
  'during the closing handshake that it began': async client => { client.write(close(1000)) },
  'during the closing handshake that the server began': async client => {
    client.send('close')
    await client.closeFrame()
  }
}

for (const [moment, act] of Object.entries(later)) {
  t.test(`a connection that is reset ${moment} ends with onClose, and harms nobody`, async t => {
    const app = await buildApp(t)
    const closed = deferred()
    app.ws('/', { onClose: () => { closed.resolve() } }, async (message, connection) => {
      if (message === 'close') return connection.close(1000)
      await new Promise(resolve => setImmediate(resolve))
      return message
    })
    await survives(t, app, async client => {
      client.request('/')
      await client.reply()
      await act(client)
      client.reset()
    })
    await closed.promise
    await othersAreServed(t, app)
  })
}

t.test('an error listener is on the socket before the first hook runs', async t => {
  const app = await buildApp(t)
  const seen = deferred<number>()
  app.addHook('onRequest', async request => { seen.resolve(request.raw.socket.listenerCount('error')) })
  app.ws('/', ignore)
  await Http1Client.open(await listen(app), '/')
  t.ok(await seen.promise > 0)
})

/** Lets one client do its worst, and waits until the server has none left. An unhandled error fails the test. */
async function survives (_t: Test, app: FastifyInstance, worst: (client: Http1Client) => Promise<void>): Promise<void> {
  const sockets = new ServerSockets(app)
  const client = await Http1Client.connect(await listen(app))
  await sockets.open(1)
  await worst(client)
  await sockets.open(0)
}

/** The server still answers, after everything that waited has run. */
async function othersAreServed (t: Test, app: FastifyInstance): Promise<void> {
  await new Promise(resolve => setImmediate(resolve))
  const address = app.server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const client = await Http1Client.connect(port)
  client.write('GET /elsewhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
  t.match((await client.reply()).statusCode, /200|404/)
}

/* Deadlines. */

t.test('a hook that never answers: 503 at handshakeTimeout, and the socket is freed', async t => {
  const app = await buildApp(t, { handshakeTimeout: 200 })
  app.ws('/', { preHandler: (_request, _reply, _done) => {}, onOpen: () => t.fail('not to be opened') }, ignore)
  const sockets = new ServerSockets(app)
  const client = await Http1Client.connect(await listen(app))
  client.request('/')
  const { statusCode, body } = await client.reply()
  t.equal(statusCode, 503)
  t.match(JSON.parse(body), { statusCode: 503, code: 'FST_ERR_WS_HANDSHAKE_TIMEOUT', error: 'Service Unavailable', message: /handshakeTimeout/ })
  await client.ended()
  client.socket.end()
  await sockets.open(0)
})

for (const [way, reply] of Object.entries(lateReplies)) {
  t.test(`a hook that ${way} after handshakeTimeout changes nothing`, async t => {
    const app = await buildApp(t, { handshakeTimeout: 200 })
    const late = addLateRoute(t, app, reply)
    const client = await Http1Client.connect(await listen(app))
    client.request('/')
    t.equal((await client.reply()).statusCode, 503)
    await late.act()
    await client.ended()
    t.equal(client.unread.length, 0, 'nothing follows the reply')
    client.socket.end()
    await until('it is over', () => app.wsStats().upgrades.pending === 0)
    t.same(app.wsStats().upgrades.refused, { 503: 1 }, 'what the client was told is counted')
  })
}

t.test('a late reply through the raw response throws nothing', async t => {
  const app = await buildApp(t, { handshakeTimeout: 200 })
  const response = deferred<ServerResponse>()
  app.ws('/', { preHandler: async (_request, reply) => { reply.hijack(); response.resolve(reply.raw) } }, ignore)
  const client = await Http1Client.connect(await listen(app))
  client.request('/')
  t.equal((await client.reply()).statusCode, 503)
  const raw = await response.promise
  raw.writeHead(200, { 'content-length': 4 })
  raw.end('late')
  await client.ended()
  t.equal(client.unread.length, 0)
})

t.test('an onSend hook that is late for handshakeTimeout changes nothing', async t => {
  for (const payload of ['late', Readable.from(['late', 'r'])]) {
    const app = await buildApp(t, { handshakeTimeout: 200 })
    const release = deferred()
    app.addHook('onSend', async (_request, _reply, payload) => { await release.promise; return payload })
    app.ws('/', { preHandler: async (_request, reply) => await reply.code(401).send(payload) }, ignore)
    const client = await Http1Client.connect(await listen(app))
    client.request('/')
    t.equal((await client.reply()).statusCode, 503)
    release.resolve()
    await client.ended()
    await othersAreServed(t, app)
    t.equal(client.unread.length, 0, 'nothing follows the reply')
  }
})

t.test('a refusal that the client does not read is cut at handshakeTimeout', async t => {
  const app = await buildApp(t, { handshakeTimeout: 100 })
  app.ws('/', { onRequest: async (_request, reply) => await reply.code(401).send(Buffer.alloc(16 * 1024 * 1024)) }, ignore)
  const sockets = new ServerSockets(app)
  const client = await Http1Client.connect(await listen(app))
  client.socket.pause()
  client.request('/')
  await sockets.open(1)
  await sockets.open(0)
})

t.test('an accepted upgrade outlives handshakeTimeout', async t => {
  const app = await buildApp(t, { handshakeTimeout: 200 })
  app.ws('/', async () => await new Promise(resolve => setTimeout(resolve, 400, 'still here')))
  const client = await Http1Client.open(await listen(app), '/')
  client.send(1)
  t.equal(await client.message(), 'still here')
})

t.test('a client that never finishes its headers is cut (slow-loris)', async t => {
  const app = await buildApp(t, { handshakeTimeout: 100 })
  app.ws('/', ignore)
  const sockets = new ServerSockets(app)
  const client = await Http1Client.connect(await listen(app))
  client.write(upgradeBytes().slice(0, -2))
  await sockets.open(1)
  t.equal((await client.reply()).statusCode, 408)
  await sockets.open(0)
})

t.test('a client that drips its headers is cut, however busily it drips', async t => {
  const app = await buildApp(t, { handshakeTimeout: 100 })
  app.ws('/', ignore)
  const sockets = new ServerSockets(app)
  const client = await Http1Client.connect(await listen(app))
  client.write(upgradeBytes().slice(0, -2))
  await sockets.open(1)
  const drip = setInterval(() => { client.write('x: y\r\n') }, 10)
  t.after(() => { clearInterval(drip) })
  await sockets.open(0)
})

t.test('a client that drips a second request on a kept-alive connection is cut as well', async t => {
  const app = await buildApp(t, { handshakeTimeout: 100 })
  app.get('/rest', async () => 'rest')
  const sockets = new ServerSockets(app)
  const client = await Http1Client.connect(await listen(app))
  client.write('GET /rest HTTP/1.1\r\nHost: x\r\n\r\n')
  await client.reply()
  client.write(upgradeBytes().slice(0, -2))
  t.equal((await client.reply()).statusCode, 408)
  await sockets.open(0)
})

t.test('a shorter headersTimeout of the application is kept', async t => {
  const app = Fastify({ http: { headersTimeout: 2_000 } })
  t.after(() => app.close())
  await app.register(typedWs)
  t.equal(app.server.headersTimeout, 2_000)
})

t.test('by default, headers may take ten seconds', async t => {
  const app = await buildApp(t)
  t.equal(app.server.headersTimeout, 10_000)
})

t.test('connectionTimeout of Fastify does not end a quiet connection', async t => {
  const app = await buildApp(t, {}, { connectionTimeout: 40 })
  app.ws('/', async () => await new Promise(resolve => setTimeout(resolve, 120, 'still here')))
  const client = await Http1Client.open(await listen(app), '/')
  client.send(1)
  t.equal(await client.message(), 'still here')
})

t.test('keepAliveTimeout of Fastify does not end a connection that came after other requests', async t => {
  const app = await buildApp(t, {}, { keepAliveTimeout: 40 })
  app.get('/rest', async () => 'rest')
  app.ws('/', async () => await new Promise(resolve => setTimeout(resolve, 1_500, 'still here')))
  const client = await Http1Client.connect(await listen(app))
  client.write('GET /rest HTTP/1.1\r\nHost: x\r\n\r\n')
  await client.reply()
  client.request('/', { head: text('1') })
  await client.reply()
  t.equal(await client.message(), 'still here')
})

/* Closing. */

t.test('an upgrade while app.close() waits for others is answered 503', async t => {
  for (const return503OnClosing of [true, false]) {
    const app = await buildApp(t, {}, { return503OnClosing })
    app.ws('/', { onOpen: () => { if (late !== null) t.fail('not to be opened') } }, ignore)
    let late: Http1Client | null = null
    const port = await listen(app)
    const client = await Http1Client.open(port, '/')
    late = await Http1Client.connect(port)
    const appClosed = app.close()
    t.equal((await client.closeFrame()).code, 1001)
    late.request('/')
    t.equal((await late.reply()).statusCode, 503)
    late.socket.end()
    client.write(close(1001))
    client.socket.end()
    await appClosed
  }
})

t.test('an upgrade whose hook is in progress when the app closes is answered 503', async t => {
  const app = await buildApp(t)
  const entered = deferred()
  app.ws('/', { preHandler: (_request, _reply, _done) => { entered.resolve() } }, ignore)
  const client = await Http1Client.connect(await listen(app))
  client.request('/')
  await entered.promise
  const appClosed = app.close()
  const { statusCode, body } = await client.reply()
  t.equal(statusCode, 503)
  t.equal(JSON.parse(body).code, 'FST_ERR_WS_CLOSING')
  client.socket.end()
  await appClosed
})

t.test('an upgrade that passes its hooks while the app closes is answered 503', async t => {
  const app = await buildApp(t)
  const entered = deferred()
  const release = deferred()
  app.ws('/', { onOpen: () => t.fail('not to be opened') }, ignore)
  app.ws('/late', { preHandler: async () => { entered.resolve(); await release.promise }, onOpen: () => t.fail('not to be opened') }, ignore)
  app.ws('/open', ignore)
  const port = await listen(app)
  const open = await Http1Client.open(port, '/open')
  const client = await Http1Client.connect(port)
  client.request('/late')
  await entered.promise
  const appClosed = app.close()
  await open.closeFrame()
  release.resolve()
  t.equal((await client.reply()).statusCode, 503)
  client.socket.end()
  open.write(close(1001))
  open.socket.end()
  await appClosed
})

/* Listening on more than one address. */

t.test("a server that listens on 'localhost', so on 127.0.0.1 and ::1, upgrades on both", async t => {
  const { lookup } = dns
  t.intercept(dns, 'lookup', {
    value: (host: string, ...rest: [object, (error: null, found: object) => void]) => {
      if (typeof rest[0] === 'function') Reflect.apply(lookup, dns, [host, ...rest])
      else rest[1](null, [{ address: '127.0.0.1', family: 4 }, { address: '::1', family: 6 }])
    }
  })
  const app = await buildApp(t)
  app.ws('/', m => m)
  const sockets: Socket[] = []
  await app.listen({ port: 0, host: 'localhost' })
  for (const { address, port } of app.addresses() as AddressInfo[]) {
    const client = await Http1Client.connect(port, address)
    client.request('/', { head: text('1') })
    t.equal((await client.reply()).statusCode, 101)
    t.equal(await client.message(), 1)
    sockets.push(client.socket)
  }
  const hasIpv6 = Object.values(networkInterfaces()).flat().some(found => found?.address === '::1')
  t.same(sockets.map(socket => socket.remoteAddress).sort(), hasIpv6 ? ['127.0.0.1', '::1'] : ['127.0.0.1'])
})

t.test('a server of its own making, by serverFactory, upgrades too', async t => {
  const { createServer } = await import('node:http')
  const app = Fastify({ serverFactory: handler => createServer(handler) })
  t.after(() => { Http1Client.dropAll(); return app.close() })
  await app.register(typedWs)
  app.ws('/', m => m)
  const client = await Http1Client.open(await listen(app), '/')
  client.send(1)
  t.equal(await client.message(), 1)
})

t.test('listeners that others put on the server still hear of the connection', async t => {
  const app = await buildApp(t)
  app.ws('/', ignore)
  const heard = once(app.server, 'upgrade')
  await Http1Client.open(await listen(app), '/')
  await heard
  t.pass('heard')
})
