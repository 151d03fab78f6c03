import { Type } from '@sinclair/typebox'
import t from 'tap'
import type { Codec } from '../../types/index.ts'
import { buildApp } from '../helpers/app.ts'
import { selfSigned } from '../helpers/tls.ts'

const binary: Codec = { decode: payload => payload, encode: String, binary: true }
const ignore = (): void => {}

t.test('routes are listed in their order, with the prefixes of their scopes and what Fastify calls their parameters', async t => {
  const app = await buildApp(t)
  t.same(app.wsRoutes, [])
  app.ws('/', ignore)
  app.ws('/rooms/:room', ignore)
  await app.register(async scope => {
    scope.ws('/inner', ignore)
    await scope.register(async inner => { inner.ws('/deep/*', ignore) }, { prefix: '/:tenant' })
    t.same(scope.wsRoutes, app.wsRoutes, 'every scope lists all')
  }, { prefix: '/outer' })
  t.same(app.wsRoutes.map(({ url }) => url), ['/', '/rooms/:room', '/outer/inner', '/outer/:tenant/deep/*'])
})

t.test('the root of a prefixed scope, and a prefix with a slash at its end, have the URL of the router', async t => {
  const app = await buildApp(t)
  await app.register(async scope => {
    scope.ws('/', ignore)
    scope.ws('/:id', ignore)
  }, { prefix: '/a' })
  await app.register(async scope => { scope.ws('/', { prefixTrailingSlash: 'slash' }, ignore) }, { prefix: '/b' })
  await app.register(async scope => { scope.ws('/c', ignore) }, { prefix: '/slash/' })
  await app.register(async scope => { scope.ws('', ignore) }, { prefix: '/empty' })
  const urls = app.wsRoutes.map(({ url }) => url)
  t.same(urls, ['/a', '/a/:id', '/b/', '/slash/c', '/empty'])
  for (const url of urls) await (await app.injectWS(url.replace(':id', '1'))).close()
})

t.test('the schema is the one that was declared, and so is config', async t => {
  const app = await buildApp(t)
  const schema = { receive: Type.Object({ type: Type.Literal('say') }), replies: { say: Type.String() }, summary: 'Chat' }
  const config: object = { rank: 1 }
  app.ws('/declared', { schema, config }, () => 'hello')
  app.ws('/plain', ignore)
  const [declared, plain] = app.wsRoutes
  t.equal(declared.schema, schema)
  t.equal(declared.config, config)
  t.match(plain, { schema: null, config: undefined })
})

t.test('a tool may sort its list, and change nothing of what others see', async t => {
  const app = await buildApp(t)
  app.ws('/b', { constraints: { host: 'example.com' } }, ignore)
  app.ws('/a', ignore)
  ;(app.wsRoutes as unknown[]).sort().length = 0
  t.same(app.wsRoutes.map(({ url }) => url), ['/b', '/a'])
  const [route] = app.wsRoutes
  for (const part of [route, route.constraints, route.contentTypes]) t.throws(() => Object.assign(part, { '': 'else', url: '/c' }), TypeError)
})

t.test('shared schemas are those of its scope, also where they are added later', async t => {
  const app = await buildApp(t)
  app.addSchema({ $id: 'root', type: 'string' })
  await app.register(async scope => {
    scope.ws('/inner', ignore)
    scope.addSchema({ $id: 'inner', type: 'string' })
  })
  app.ws('/outer', ignore)
  const [inner, outer] = app.wsRoutes
  t.same(Object.keys(inner.sharedSchemas), ['root', 'inner'])
  t.same(Object.keys(outer.sharedSchemas), ['root'])
})

t.test('codecs have content types, their own before what they are by default', async t => {
  const app = await buildApp(t)
  const codecs: Array<[object, Record<string, string>]> = [
    [{}, { '': 'application/json' }],
    [{ codec: 'raw' }, { '': 'application/octet-stream' }],
    [{ codec: binary }, { '': 'application/octet-stream' }],
    [{ codec: { ...binary, binary: false } }, { '': 'text/plain' }],
    [{ codec: { ...binary, contentType: 'application/vnd.msgpack' } }, { '': 'application/vnd.msgpack' }],
    [{ codec: { json: 'json', raw: 'raw', packed: { ...binary, contentType: 'application/vnd.msgpack' } } },
      { '': 'application/json', json: 'application/json', raw: 'application/octet-stream', packed: 'application/vnd.msgpack' }]
  ]
  for (const [index, [options]] of codecs.entries()) app.ws(`/${index}`, options, ignore)
  t.same(app.wsRoutes.map(({ contentTypes }) => contentTypes), codecs.map(([, contentTypes]) => contentTypes))
})

t.test("subprotocols are the option's, else the keys of codec; a function keeps its own counsel", async t => {
  const app = await buildApp(t, { subprotocols: ['plugin'] })
  app.ws('/inherits', ignore)
  app.ws('/own', { subprotocols: ['v2', 'v1'] }, ignore)
  app.ws('/function', { subprotocols: () => null }, ignore)
  t.same(app.wsRoutes.map(({ subprotocols }) => subprotocols), [['plugin'], ['v2', 'v1'], null])
  const other = await buildApp(t)
  other.ws('/none', ignore)
  other.ws('/map', { codec: { json: 'json', raw: 'raw' } }, ignore)
  t.same(other.wsRoutes.map(({ subprotocols }) => subprotocols), [[], ['json', 'raw']])
})

t.test('maxPayload is what holds for the route', async t => {
  const app = await buildApp(t, { maxPayload: 100 })
  app.ws('/inherits', ignore)
  app.ws('/own', { maxPayload: 200 }, ignore)
  t.same(app.wsRoutes.map(({ maxPayload }) => maxPayload), [100, 200])
})

t.test('a route that is refused is not listed', async t => {
  const app = await buildApp(t)
  t.throws(() => app.ws('/', { maxPayload: 0 }, ignore), { code: 'FST_ERR_WS_OPTION' })
  t.same(app.wsRoutes, [])
  app.ws('/', ignore)
  t.throws(() => app.ws('/', ignore), { code: 'FST_ERR_DUPLICATED_ROUTE' })
  t.equal(app.wsRoutes.length, 1)
})

t.test('what is told of a route can not be changed', async t => {
  const app = await buildApp(t)
  app.ws('/', ignore)
  t.ok(Object.isFrozen(app.wsRoutes[0]))
})

t.test('what else chooses a route is told, and what its own messages are written in', async t => {
  const app = await buildApp(t)
  app.ws('/raw', { codec: 'raw', constraints: { version: '1.0.0' } }, ignore)
  app.ws('/own', { codec: binary }, ignore)
  t.match(app.wsRoutes, [
    { constraints: { version: '1.0.0' }, noticeContentType: 'application/json' },
    { constraints: {}, noticeContentType: 'application/octet-stream' }
  ])
})

t.test('notices are those that can come', async t => {
  const app = await buildApp(t)
  app.ws('/plain', () => {})
  app.ws('/quiet', { expiryWarning: false, heartbeat: false }, () => {})
  app.ws('/loud', { heartbeat: { notify: true }, onExpiring () {} }, () => {})
  const notices = (): string[] => app.wsRoutes.map(({ notices }) => notices.join(' '))
  t.same(notices(), ['error expiring', 'error', 'error heartbeat'])
  app.rooms.declare('kept', { history: true, presence: true })
  t.same(notices(), ['error expiring gap', 'error gap', 'error heartbeat gap'])
  app.rooms.declare('seen', { presence: { notify: true } })
  t.same(notices()[1], 'error gap presence')
})

t.test('the schema of the upgrade request is a copy: the application\'s stays as it is', async t => {
  const app = await buildApp(t)
  const schema = { summary: 'Talk', querystring: { type: 'object', properties: { name: { type: 'string' } } } } as const
  const before = JSON.stringify(schema)
  app.ws('/chat', { schema }, () => {})
  await app.ready()
  const [{ operation }] = app.wsRoutes
  t.match(operation, { summary: 'Talk', response: { 101: {}, 426: {} } })
  t.equal(JSON.stringify(schema), before)
  t.same(Object.getOwnPropertySymbols(schema), [])
})

const certificate = selfSigned()
const servers: Array<[title: string, options: object, statuses: string[]]> = [
  ['HTTP/1.1', {}, ['101', '426']],
  ['HTTPS', { https: certificate }, ['101', '426']],
  ['HTTP/2 in cleartext', { http2: true }, ['200', '405']],
  ['HTTP/2 by TLS', { http2: true, https: certificate }, ['200', '405']],
  ['both versions', { http2: true, https: { ...certificate, allowHTTP1: true } }, ['101', '200', '405', '426']]
]

for (const [title, options, statuses] of servers) {
  t.test(`OpenAPI is told the replies of a server of ${title}`, async t => {
    const app = await buildApp(t, {}, options)
    app.ws('/chat', ignore)
    await app.ready()
    t.same(Object.keys(app.wsRoutes[0].operation.response as object), statuses)
  })
}
