import { once } from 'node:events'
import type { Http2ServerResponse } from 'node:http2'
import { connect } from 'node:net'
import { Readable } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import type { FastifyReply } from 'fastify'
import t from 'tap'
import { until } from '../fuzz/until.ts'
import { deferred, listen, logLines } from '../helpers/app.ts'
import { Http1Client } from '../helpers/http1-client.ts'
import { Http2Client } from '../helpers/http2-client.ts'
import { buildHttp2App, ServerSessions } from '../helpers/http2-app.ts'
import { setting } from '../helpers/http2-frames.ts'
import { RawHttp2Client } from '../helpers/raw-http2-client.ts'
import { selfSigned } from '../helpers/tls.ts'

const ignore = (): void => {}

/** Grants nothing that flow control asks for: a body never comes. */
const noWindow = [[setting.initialWindowSize, 0]] as const

function isHttp2 (response: unknown): response is Http2ServerResponse {
  return typeof response === 'object' && response !== null && 'stream' in response
}

/* Deadlines. */

t.test('a hook that never answers: 503 at handshakeTimeout, and the stream is closed', async t => {
  const app = await buildHttp2App(t, { handshakeTimeout: 30 })
  app.ws('/', { preHandler: (_request, _reply, _done) => {}, onOpen: () => t.fail('not to be opened') }, ignore)
  const client = await Http2Client.connect(await listen(app))
  const stream = client.request('/')
  const closed = once(stream, 'close')
  const { statusCode, body } = await client.reply(stream)
  t.equal(statusCode, 503)
  t.match(JSON.parse(body), { statusCode: 503, code: 'FST_ERR_WS_HANDSHAKE_TIMEOUT', error: 'Service Unavailable', message: /handshakeTimeout/ })
  await closed
  t.match(app.wsStats().upgrades, { pending: 0, refused: { 503: 1 } })
})

const lateReplies: Record<string, (reply: FastifyReply) => unknown> = {
  'is let through': () => {},
  fails: () => { throw new Error('late') },
  replies: reply => reply.code(401).send('late'),
  'replies twice': reply => { void reply.code(401).send('late'); return reply.code(403).send('later') },
  'replies with a stream': reply => reply.code(401).send(Readable.from(['late', 'r'])),
  redirects: reply => reply.redirect('/late'),
  hijacks: reply => { reply.hijack(); reply.raw.writeHead(401); reply.raw.end('late') },
  'answers through the raw response': reply => { reply.raw.writeHead(401, { 'content-length': 4 }); reply.raw.write('la'); reply.raw.end('te') },
  'sets headers of the raw response': reply => { if (!reply.raw.headersSent) reply.raw.setHeader('x-late', '1'); return reply.send('late') }
}

for (const [way, act] of Object.entries(lateReplies)) {
  t.test(`a hook that ${way} after handshakeTimeout changes nothing`, async t => {
    const app = await buildHttp2App(t, { handshakeTimeout: 30 })
    const release = deferred()
    const acted = deferred()
    app.ws('/', {
      preHandler: async (_request, reply) => {
        await release.promise
        setImmediate(acted.resolve)
        return await act(reply) as undefined
      },
      onOpen: () => t.fail('not to be opened')
    }, ignore)
    const client = await Http2Client.connect(await listen(app))
    t.equal((await client.reply(client.request('/'))).statusCode, 503)
    release.resolve()
    await acted.promise
    await turn()
    await until('it is over', () => app.wsStats().upgrades.pending === 0)
    t.same(app.wsStats().upgrades.refused, { 503: 1 }, 'what the client was told is counted')
  })

  t.test(`a hook that ${way} after its client has cancelled changes nothing`, async t => {
    const app = await buildHttp2App(t)
    const begun = deferred()
    const release = deferred()
    const acted = deferred()
    app.ws('/', {
      preHandler: async (_request, reply) => {
        begun.resolve()
        await release.promise
        setImmediate(acted.resolve)
        return await act(reply) as undefined
      },
      onOpen: () => t.fail('not to be opened')
    }, ignore)
    const client = await RawHttp2Client.connect(await listen(app))
    const stream = client.open('/')
    await begun.promise
    client.reset(stream)
    await until('it is over', () => app.wsStats().upgrades.pending === 0)
    release.resolve()
    await acted.promise
    await turn()
    t.match(app.wsStats(), { upgrades: { pending: 0, refused: {}, aborted: 1 }, connections: { open: 0, opened: 0 } })
    t.notOk(client.statuses.has(stream))
  })
}

t.test('an onSend hook that is late for handshakeTimeout changes nothing', async t => {
  for (const payload of ['late', Readable.from(['late', 'r'])]) {
    const app = await buildHttp2App(t, { handshakeTimeout: 30 })
    const release = deferred()
    app.addHook('onSend', async (_request, _reply, payload) => { await release.promise; return payload })
    app.ws('/', { preHandler: async (_request, reply) => await reply.code(401).send(payload) }, ignore)
    const client = await Http2Client.connect(await listen(app))
    t.equal((await client.reply(client.request('/'))).statusCode, 503)
    release.resolve()
    await turn()
    await until('it is over', () => app.wsStats().upgrades.pending === 0)
    t.same(app.wsStats().upgrades.refused, { 503: 1 })
  }
})

/* Clients that do not read. */

t.test('a refusal that no window lets out is dropped: at handshakeTimeout, or a moment behind it', async t => {
  const app = await buildHttp2App(t, { handshakeTimeout: 60 })
  app.ws('/refused', { onRequest: async (_request, reply) => await reply.code(401).send('no') }, ignore)
  app.ws('/large', { onRequest: async (_request, reply) => await reply.code(401).send(Buffer.alloc(16 * 1024 * 1024)) }, ignore)
  app.ws('/never', { onRequest: () => new Promise<void>(() => {}) }, ignore)
  const client = await RawHttp2Client.connect(await listen(app), noWindow)
  const streams = ['/refused', '/large', '/never'].map(path => client.open(path))
  await client.until('the resets', () => streams.every(stream => client.resets.has(stream)))
  t.same(streams.map(stream => client.statuses.get(stream)), [401, 401, 503])
  t.equal(app.wsStats().upgrades.pending, 0)
})

t.test('app.close() ends, though refusals are not let out and hooks never settle', async t => {
  const app = await buildHttp2App(t)
  let asked = 0
  app.ws('/refused', { onRequest: async (_request, reply) => { asked++; return await reply.code(401).send('no') } }, ignore)
  app.ws('/never', { onRequest: () => { asked++; return new Promise<void>(() => {}) } }, ignore)
  const client = await RawHttp2Client.connect(await listen(app), noWindow)
  client.open('/refused')
  client.open('/never')
  await until('both are asked', () => asked === 2)
  await app.close()
  t.equal(app.wsStats().upgrades.pending, 0)
})

/* Replies. */

t.test('headers that no reply of HTTP/2 may carry are left out of the 200, and of a refusal', async t => {
  const app = await buildHttp2App(t)
  const headers = { connection: 'keep-alive', 'keep-alive': 'timeout=5', 'transfer-encoding': 'chunked', upgrade: 'websocket', 'proxy-connection': 'x', 'x-kept': '1' }
  app.addHook('onRequest', async (request, reply) => {
    void reply.headers(headers)
    if (request.url === '/refused') return await reply.code(401).send('no')
  })
  app.ws('/', ignore)
  app.ws('/refused', ignore)
  const client = await Http2Client.connect(await listen(app))
  const stream = client.request('/')
  const [accepted] = await once(stream, 'response')
  t.equal(accepted[':status'], 200)
  const refused = await client.reply(client.request('/refused'))
  t.equal(refused.statusCode, 401)
  for (const name of Object.keys(headers)) {
    for (const got of [accepted, refused.headers]) t.equal(got[name], name === 'x-kept' ? '1' : undefined, name)
  }
})

t.test('a header that can not be sent is a 500 of an acceptance, as over HTTP/1.1, and left out of a refusal', async t => {
  const app = await buildHttp2App(t)
  app.ws('/', {
    onRequest: async (request, reply) => {
      const { name, status } = request.query as { name: string, status: string }
      void reply.header('set-cookie', name)
      if (status === '401') return await reply.code(401).send('no')
    },
    onOpen: () => t.fail('not to be opened')
  }, ignore)
  const client = await Http2Client.connect(await listen(app))
  for (const name of ['a%0Ab', 'a%00b', '%E2%82%AC']) {
    for (const status of ['200', '401']) {
      const { statusCode, headers } = await client.reply(client.request(`/?name=${name}&status=${status}`))
      t.match({ statusCode, headers }, { statusCode: status === '200' ? 500 : 401, headers: { 'set-cookie': undefined } }, `${name} ${status}`)
    }
  }
  await until('it is over', () => app.wsStats().upgrades.pending === 0)
})

t.test('an onSend hook that fails refuses the handshake', async t => {
  const app = await buildHttp2App(t)
  app.addHook('onSend', async () => { throw new Error('broken') })
  app.ws('/', { onOpen: () => t.fail('not to be opened') }, ignore)
  const client = await Http2Client.connect(await listen(app))
  t.equal((await client.reply(client.request('/'))).statusCode, 500)
})

t.test('a reply by hand: hijacked, through the raw response, and through its stream', async t => {
  const app = await buildHttp2App(t)
  app.addHook('onRequest', async (request, reply) => {
    const raw: unknown = reply.raw
    reply.hijack()
    if (!isHttp2(raw)) throw new Error('not over HTTP/2')
    if (request.url === '/raw') raw.writeHead(401, { 'x-raw': '1' }).end('by hand')
    else if (request.url === '/pieces') { raw.statusCode = 401; raw.write('by '); raw.end('hand') } else { raw.stream.respond({ ':status': 401 }); raw.stream.end('by hand') }
  })
  for (const path of ['/raw', '/pieces', '/stream']) app.ws(path, { onOpen: () => t.fail('not to be opened') }, ignore)
  const client = await Http2Client.connect(await listen(app))
  for (const path of ['/raw', '/pieces', '/stream']) t.match(await client.reply(client.request(path)), { statusCode: 401, body: 'by hand' }, path)
  await until('all are over', () => app.wsStats().upgrades.pending === 0)
  t.same(app.wsStats().upgrades.refused, { 401: 3 })
})

/* Requests. */

t.test('an extended CONNECT that ends its stream at once is a 400, and asks no hook', async t => {
  const app = await buildHttp2App(t)
  app.ws('/', { onRequest: async () => { t.fail('not to be asked') } }, ignore)
  const client = await RawHttp2Client.connect(await listen(app))
  t.equal(await client.status(client.open('/', true)), 400)
})

t.test('CONNECT over HTTP/1.1 to a server that speaks both is ended without a word, and WebSockets go on', async t => {
  const { lines, stream } = logLines()
  const app = await buildHttp2App(t, {}, { https: { ...selfSigned(), allowHTTP1: true }, logger: { stream, level: 'error' } })
  app.ws('/', message => message)
  const port = await listen(app)
  const socket = await (await Http2Client.connect(port, { secure: true })).open('/')
  for (const target of ['a.example:80', '/', '*']) {
    const client = await Http1Client.connectTls(port)
    client.write(`CONNECT ${target} HTTP/1.1\r\nHost: a.example\r\n\r\n`)
    await client.ended()
    t.ok(client.unread.length === 0 || client.unread.toString('latin1').startsWith('HTTP/1.1 400 '))
  }
  socket.send('still here')
  t.equal(await socket.message(), 'still here')
  t.same(lines, [])
})

t.test('bytes that are no HTTP/2 at all end their own session only', async t => {
  const app = await buildHttp2App(t)
  app.ws('/', message => message)
  const port = await listen(app)
  const sessions = new ServerSessions(app)
  const socket = await (await Http2Client.connect(port)).open('/')
  for (const bytes of ['GET / HTTP/1.1\r\nHost: a\r\n\r\n', '\0'.repeat(100), 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nnot frames at all, and more of it']) {
    const client = connect(port, '127.0.0.1')
    client.on('error', ignore).resume()
    client.write(bytes)
    await once(client, 'close')
  }
  await until('they have gone', () => sessions.all.length === 1)
  socket.send('still here')
  t.equal(await socket.message(), 'still here')
})
