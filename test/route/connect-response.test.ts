import { once } from 'node:events'
import type { Http2ServerResponse } from 'node:http2'
import { Readable } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import type { FastifyReply } from 'fastify'
import t from 'tap'
import { until } from '../fuzz/until.ts'
import { deferred, listen } from '../helpers/app.ts'
import { buildHttp2App, onHttp2 } from '../helpers/http2-app.ts'
import { Http2Client } from '../helpers/http2-client.ts'
import { addLateRoute, lateReplies } from '../helpers/late-replies.ts'
import type { LateReply } from '../helpers/late-replies.ts'
import { RawHttp2Client } from '../helpers/raw-http2-client.ts'

const ignore = (): void => {}

function isHttp2 (response: unknown): response is Http2ServerResponse {
  return typeof response === 'object' && response !== null && 'stream' in response
}

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

t.test('a header that cannot be sent is a 500 of an acceptance, as over HTTP/1.1, and left out of a refusal', async t => {
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

t.test('headers of a reply by hand may be given in all ways that Node knows', async t => {
  const ways: Record<string, (raw: FastifyReply['raw']) => unknown> = {
    '/object': raw => raw.writeHead(401, { 'x-a': '1', 'set-cookie': ['a=1', 'b=2'] }),
    '/list': raw => raw.writeHead(401, ['x-a', '1', 'set-cookie', ['a=1', 'b=2']] as unknown as Record<string, string>),
    '/repeated': raw => raw.writeHead(401, ['set-cookie', 'a=1', 'x-a', '1', 'set-cookie', 'b=2']),
    '/pairs': raw => raw.writeHead(401, [['x-a', '1'], ['set-cookie', 'a=1'], ['set-cookie', 'b=2']] as unknown as Record<string, string>),
    '/message': raw => raw.writeHead(401, 'Unauthorized', ['x-a', '1', 'set-cookie', 'a=1', 'set-cookie', 'b=2'])
  }
  const app = await buildHttp2App(t)
  app.addHook('onRequest', async (request, reply) => {
    reply.hijack()
    reply.raw.setHeader('x-a', 'before')
    ways[request.url](reply.raw)
    reply.raw.end('by hand')
  })
  for (const path of Object.keys(ways)) app.ws(path, { onOpen: () => t.fail('not to be opened') }, ignore)
  const client = await Http2Client.connect(await listen(app))
  for (const path of Object.keys(ways)) {
    const stream = client.request(path)
    const [headers] = await once(stream, 'response')
    t.match(headers, { ':status': 401, 'x-a': '1', 'set-cookie': ['a=1', 'b=2'] }, path)
    stream.end()
    stream.resume()
  }
})

/* Replies that come too late. */

onHttp2('a reply that comes behind the 200 changes nothing', async (t, server) => {
  const app = await server.build()
  const replies: FastifyReply[] = []
  app.ws('/', { onRequest: async (_request, reply) => { replies.push(reply) } }, message => message)
  const client = await server.connect(app)
  const socket = await client.open('/')
  for (const { raw } of replies) {
    raw.writeHead(500)
    raw.write('late')
    raw.end('late')
  }
  await turn()
  socket.send('unharmed')
  t.equal(await socket.message(), 'unharmed')
  t.same(await socket.close(1000), { code: 1000, reason: '' })
})

/** Over HTTP/2 the response is ours, too. */
const allReplies: Readonly<Record<string, LateReply>> = {
  ...lateReplies,
  'replies twice': reply => { void reply.code(401).send('late'); return reply.code(403).send('later') },
  hijacks: reply => { reply.hijack(); reply.raw.writeHead(401); reply.raw.end('late') },
  'answers through the raw response': reply => { reply.raw.writeHead(401, { 'content-length': 4 }); reply.raw.write('la'); reply.raw.end('te') },
  'sets headers of the raw response': reply => { if (!reply.raw.headersSent) reply.raw.setHeader('x-late', '1'); return reply.send('late') }
}

for (const [way, reply] of Object.entries(allReplies)) {
  t.test(`a hook that ${way} after handshakeTimeout changes nothing`, async t => {
    const app = await buildHttp2App(t, { handshakeTimeout: 30 })
    const late = addLateRoute(t, app, reply)
    const client = await Http2Client.connect(await listen(app))
    t.equal((await client.reply(client.request('/'))).statusCode, 503)
    await late.act()
    await turn()
    await until('it is over', () => app.wsStats().upgrades.pending === 0)
    t.same(app.wsStats().upgrades.refused, { 503: 1 }, 'what the client was told is counted')
  })

  t.test(`a hook that ${way} after its client has cancelled changes nothing`, async t => {
    const app = await buildHttp2App(t)
    const late = addLateRoute(t, app, reply)
    const client = await RawHttp2Client.connect(await listen(app))
    const stream = client.open('/')
    await late.begun
    client.reset(stream)
    await until('it is over', () => app.wsStats().upgrades.pending === 0)
    await late.act()
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
