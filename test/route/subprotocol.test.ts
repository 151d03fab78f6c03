import Fastify from 'fastify'
import t from 'tap'
import type { Test } from 'tap'
import { compileSubprotocols } from '../../lib/route/subprotocol.ts'
import typedWs from '../../lib/index.ts'
import type { SubprotocolsOption } from '../../types/index.ts'
import { buildApp, deferred, listen } from '../helpers/app.ts'
import { acceptStatus, versionOptions } from '../helpers/http-version.ts'
import { RawClient } from '../helpers/raw-client.ts'

const ignore = (): void => {}

/** The subprotocol of the 101, and the one that the connection has. */
async function chosen (t: Test, subprotocols: SubprotocolsOption | undefined, offered: string | readonly string[] | null): Promise<{ header: string | undefined, protocol: string }> {
  const app = await buildApp(t, { subprotocols })
  const protocol = deferred<string>()
  app.ws('/', { onOpen: connection => { protocol.resolve(connection.protocol) } }, ignore)
  const client = await RawClient.connect(await listen(app))
  client.request('/', { headers: { 'Sec-WebSocket-Protocol': offered } })
  const { statusCode, headers } = await client.reply()
  t.equal(statusCode, acceptStatus)
  return { header: headers['sec-websocket-protocol'], protocol: await protocol.promise }
}

const none = { header: undefined, protocol: '' }
const is = (name: string): object => ({ header: name, protocol: name })

t.test("the client's first one that the server has is chosen", async t => {
  t.same(await chosen(t, ['a', 'b', 'c'], 'x, c, a'), is('c'))
  t.same(await chosen(t, ['a', 'b', 'c'], 'b,a'), is('b'))
})

t.test('several headers are one list, in their order', async t => {
  t.same(await chosen(t, ['a', 'b'], ['x', 'b, a']), is('b'))
})

t.test('what the server does not have is never echoed', async t => {
  t.same(await chosen(t, ['a'], 'b, c'), none)
  t.same(await chosen(t, undefined, 'graphql-ws'), none)
  t.same(await chosen(t, [], 'a'), none)
})

t.test('names are compared exactly', async t => {
  t.same(await chosen(t, ['Chat'], 'chat'), none)
  t.same(await chosen(t, ['constructor'], 'toString, __proto__'), none)
})

t.test('a client that offers none gets none', async t => {
  t.same(await chosen(t, ['a'], null), none)
})

t.test('a function chooses, with the request', async t => {
  t.same(await chosen(t, offered => offered.at(-1) ?? null, 'a, b'), is('b'))
  t.same(await chosen(t, (_offered, request) => request.url === '/' ? 'a' : null, 'a, b'), is('a'))
})

t.test('a function may choose none', async t => {
  t.same(await chosen(t, () => null, 'a'), none)
})

t.test('a function is called with an empty list when the client offers none', async t => {
  t.same(await chosen(t, offered => offered.length === 0 ? null : 'a', null), none)
})

t.test('a function that answers what the client did not offer chooses none (RFC 6455 section 4.2.2)', async t => {
  t.same(await chosen(t, () => 'b', 'a'), none)
  t.same(await chosen(t, () => 'b', null), none)
})

t.test('a function that fails refuses the upgrade with 500', async t => {
  const app = await buildApp(t)
  app.ws('/', { subprotocols: () => { throw new Error('no') } }, ignore)
  const client = await RawClient.connect(await listen(app))
  client.request('/')
  t.equal((await client.reply()).statusCode, 500)
})

t.test('a map of codecs brings its keys as subprotocols, and the chosen one decides the codec', async t => {
  const app = await buildApp(t)
  app.ws('/', { codec: { plain: 'raw', 'chat.json': 'json' } }, message => typeof message)
  const port = await listen(app)
  const plain = await RawClient.open(port, '/', { headers: { 'Sec-WebSocket-Protocol': 'plain' } })
  plain.send({})
  t.equal((await plain.frame()).payload.toString(), 'string')
  const json = await RawClient.open(port, '/', { headers: { 'Sec-WebSocket-Protocol': 'x, chat.json' } })
  json.send({})
  t.equal(await json.message(), 'object')
})

t.test('a route overrides the plugin', async t => {
  const app = await buildApp(t, { subprotocols: ['a'] })
  app.ws('/', { subprotocols: ['b'] }, ignore)
  const client = await RawClient.connect(await listen(app))
  client.request('/', { headers: { 'Sec-WebSocket-Protocol': 'a, b' } })
  t.equal((await client.reply()).headers['sec-websocket-protocol'], 'b')
})

for (const subprotocols of [['cha t'], [''], ['a,b'], ['a\r\nX: y'], ['é'], [1], [null], 'chat', 1, true, { chat: true }, { [Symbol.iterator]: 1 }]) {
  t.test(`the option ${JSON.stringify(subprotocols)} is refused at start-up`, async t => {
    const app = await buildApp(t)
    t.throws(() => app.ws('/', { subprotocols: subprotocols as never }, ignore), { code: 'FST_ERR_WS_OPTION', message: /^option subprotocols: / })
  })
}

t.test('a key of a codec map that is no token is refused at start-up', async t => {
  const app = await buildApp(t)
  t.throws(() => app.ws('/', { codec: { 'not a token': 'json' } }, ignore), { code: 'FST_ERR_WS_OPTION', message: /not a token is not a token/ })
})

t.test('an invalid option of the plugin is refused when it is registered, before there is a route', async t => {
  const app = Fastify(versionOptions)
  await t.rejects(async () => { await app.register(typedWs, { subprotocols: ['cha t'] }) }, { code: 'FST_ERR_WS_OPTION', message: /^option subprotocols: / })
})

t.test('a function that answers a promise is refused, and its rejection is nobody\'s', async t => {
  const choose = compileSubprotocols((async () => { throw new Error('late') }) as never, { fallback: {} as never, bySubprotocol: null })
  t.throws(() => choose(['a'], {} as never), { code: 'FST_ERR_WS_OPTION' })
})
