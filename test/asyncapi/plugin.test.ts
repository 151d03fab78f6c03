import Fastify from 'fastify'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import type { Test } from 'tap'
import { parse } from 'yaml'
import asyncapi, { plugin } from '../../lib/asyncapi/index.ts'
import type { AsyncApiOptions } from '../../types/asyncapi.ts'
import { buildApp } from '../helpers/app.ts'
import { buildDocumented } from '../helpers/asyncapi.ts'

async function build (t: Test, options: AsyncApiOptions = {}): Promise<FastifyInstance> {
  const app = await buildDocumented(t, options)
  app.ws('/chat', () => {})
  return app
}

t.test('the named export is the default one', async t => {
  t.equal(plugin, asyncapi)
})

t.test('it is registered after the plugin, and once', async t => {
  const app = Fastify()
  t.after(() => app.close())
  await t.rejects(async () => { await app.register(asyncapi) }, { code: 'FST_ERR_WS_ASYNCAPI', message: /register fastify-typed-ws before/ })
  const other = await build(t)
  await t.rejects(async () => { await other.register(asyncapi) }, { code: 'FST_ERR_WS_ASYNCAPI', message: /registered already/ })
})

t.test('the document is there when the application is ready', async t => {
  const app = await build(t)
  t.throws(() => app.asyncapi(), { code: 'FST_ERR_WS_ASYNCAPI' })
  await app.ready()
  t.same(Object.keys(app.asyncapi().channels), ['chat'])
})

t.test('routes that were declared before it are in it', async t => {
  const app = await buildApp(t)
  app.ws('/early', () => {})
  await app.register(asyncapi, { page: false })
  await app.register(async scope => { scope.ws('/late', () => {}) })
  await app.ready()
  t.same(Object.keys(app.asyncapi().channels), ['early', 'late'])
})

t.test('it is served as JSON', async t => {
  const app = await build(t)
  const response = await app.inject('/asyncapi/json')
  t.equal(response.statusCode, 200)
  t.match(response.headers['content-type'], /^application\/asyncapi\+json; version=3\.0\.0/)
  t.same(response.json(), app.asyncapi())
})

t.test('it is served as YAML', async t => {
  const app = await build(t)
  const response = await app.inject('/asyncapi/yaml')
  t.equal(response.statusCode, 200)
  t.match(response.headers['content-type'], /^application\/asyncapi\+yaml/)
  t.same(parse(response.body), app.asyncapi())
})

t.test('who has it already is told so', async t => {
  const app = await build(t)
  const { headers: { etag, 'cache-control': caching } } = await app.inject('/asyncapi/json')
  t.equal(caching, 'private, no-cache', 'hooks may say who sees it')
  const again = async (known: string): Promise<number> => (await app.inject({ url: '/asyncapi/json', headers: { 'if-none-match': known } })).statusCode
  t.same(await Promise.all([`${etag}`, `"other", W/${etag}`, '*', '"other"'].map(again)), [304, 304, 304, 200])
})

t.test('it is served where the options say, or nowhere', async t => {
  const status = async (app: FastifyInstance, url: string): Promise<number> => (await app.inject(url)).statusCode
  const elsewhere = await build(t, { path: '/docs/ws' })
  t.same([await status(elsewhere, '/docs/ws/json'), await status(elsewhere, '/asyncapi/json')], [200, 404])
  const root = await build(t, { path: '/' })
  t.equal(await status(root, '/json'), 200)
  const nowhere = await build(t, { path: false })
  t.equal(await status(nowhere, '/asyncapi/json'), 404)
  t.ok(nowhere.asyncapi())
  const withoutYaml = await build(t, { yaml: false })
  t.same([await status(withoutYaml, '/asyncapi/json'), await status(withoutYaml, '/asyncapi/yaml')], [200, 404])
})

t.test('hooks say who may see it', async t => {
  const app = await build(t, { hooks: { onRequest: async (_request, reply) => reply.code(401).send({ message: 'who are you?' }) } })
  t.same([(await app.inject('/asyncapi/json')).statusCode, (await app.inject('/asyncapi/yaml')).statusCode], [401, 401])
})

t.test('options that are wrong are refused', async t => {
  const wrong: Array<[object, RegExp]> = [
    [{ titel: 'x' }, /option titel: is not an option/],
    [{ info: 'x' }, /option info: must be an object/],
    [{ info: { title: 1 } }, /option info\.title: must be a string/],
    [{ id: 'no uri' }, /option id: must be a URI/],
    [{ servers: { a: {} } }, /option servers\.a\.host: must be a string/],
    [{ servers: { a: { host: 'https://example.com' } } }, /option servers\.a\.host: must be a host/],
    [{ servers: { a: { host: 'a', protocol: 'http' } } }, /option servers\.a\.protocol: must be ws or wss/],
    [{ servers: { 'a b': { host: 'a' } } }, /option servers\.a b: may have letters/],
    [{ securitySchemes: { a: { scheme: 'bearer' } } }, /option securitySchemes\.a\.type/],
    [{ tags: ['chat'] }, /option tags\[0\]: must be an object/],
    [{ externalDocs: {} }, /option externalDocs\.url/],
    [{ path: 'asyncapi' }, /option path/],
    [{ path: '/asyncapi/' }, /option path/],
    [{ path: '/:x' }, /option path/],
    [{ path: false, yaml: true }, /option path: is false/],
    [{ page: 'yes' }, /option page: must be true or false/],
    [{ hooks: { onSend () {} } }, /option hooks\.onSend: is not an option/],
    [{ hooks: { onRequest: 'x' } }, /option hooks\.onRequest: must be a function/]
  ]
  for (const [options, message] of wrong) {
    const app = await buildApp(t)
    await t.rejects(async () => { await app.register(asyncapi, { page: false, ...options }) }, { code: 'FST_ERR_WS_OPTION', message }, message.source)
  }
})
