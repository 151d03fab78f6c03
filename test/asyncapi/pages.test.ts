import { createRequire } from 'node:module'
import t from 'tap'
import type { Test } from 'tap'
import swagger from '@fastify/swagger'
import type { FastifyInstance } from 'fastify'
import asyncapi from '../../lib/asyncapi/index.ts'
import { Assets } from '../../lib/asyncapi/assets.ts'
import { linksFrom } from '../../lib/asyncapi/html.ts'
import { registerPages } from '../../lib/asyncapi/pages.ts'
import type { AsyncApiOptions } from '../../types/asyncapi.ts'
import { buildApp } from '../helpers/app.ts'

async function buildPages (t: Test, options: AsyncApiOptions = {}): Promise<FastifyInstance> {
  const app = await buildApp(t)
  await app.register(asyncapi, options)
  app.ws('/chat', () => {})
  return app
}

/** What a page loads, as its HTML names it. */
function assetsOf (html: string): string[] {
  return [...html.matchAll(/(?:src|href)="(\.\/[^"]*assets\/[^"]+)"/g)].map(([, url]) => url)
}

t.test('a page runs what comes from its own server only, and nothing that is written in it', async t => {
  const app = await buildPages(t)
  for (const url of ['/asyncapi', '/asyncapi/try']) {
    const { statusCode, headers, body } = await app.inject(url)
    t.equal(statusCode, 200)
    t.equal(headers['content-type'], 'text/html; charset=utf-8')
    t.equal(headers['content-security-policy'], "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
    t.equal(headers['x-content-type-options'], 'nosniff')
    t.equal(headers['referrer-policy'], 'no-referrer')
    t.equal(headers['cache-control'], 'private, no-cache')
    t.notMatch(body, /<script(?![^>]*src=)|<style|\son\w+=|\sstyle=|https?:/)
  }
})

t.test('what a page loads is there, with its type, and kept for good', async t => {
  const app = await buildPages(t)
  for (const page of ['/asyncapi', '/asyncapi/try']) {
    const urls = assetsOf((await app.inject(page)).body)
    t.ok(urls.length > 0)
    for (const url of urls) {
      const { pathname } = new URL(url, `http://localhost${page}`)
      const { statusCode, headers, body } = await app.inject(pathname)
      t.equal(statusCode, 200, pathname)
      t.equal(headers['content-type'], pathname.endsWith('.js') ? 'text/javascript; charset=utf-8' : 'text/css; charset=utf-8')
      t.equal(headers['cache-control'], 'private, max-age=31536000, immutable')
      t.equal(headers['x-content-type-options'], 'nosniff')
      t.ok(body.length > 100)
    }
  }
})

t.test('modules find each other, and the client, below their version', async t => {
  const app = await buildPages(t)
  const { version } = Assets.ofPages({ page: true, tryIt: true })
  const seen = new Set<string>()
  const load = async (url: string): Promise<void> => {
    if (seen.has(url)) return
    seen.add(url)
    const { statusCode, body } = await app.inject(url)
    t.equal(statusCode, 200, url)
    for (const [, specifier] of body.matchAll(/from ["']([^"']+)["']/g)) await load(new URL(specifier, `http://localhost${url}`).pathname)
  }
  await load(`/asyncapi/assets/${version}/asyncapi/page/try.js`)
  t.ok([...seen].some(url => url.endsWith('/client/connect.js')))
})

t.test('a process of another version gives what it has, not to be kept', async t => {
  const app = await buildPages(t)
  const { statusCode, headers } = await app.inject('/asyncapi/assets/another/page.css')
  t.equal(statusCode, 200)
  t.equal(headers['cache-control'], 'private, no-cache')
})

t.test('nothing else of the disk is served', async t => {
  const app = await buildPages(t)
  const paths = ['package.json', '../plugin.js', '..%2fplugin.js', 'asyncapi/plugin.js', 'asyncapi/page/../plugin.js', 'asyncapi/page/%2e%2e/plugin.js', 'constructor', '__proto__', '', '%00']
  for (const path of paths) t.equal((await app.inject(`/asyncapi/assets/v/${path}`)).statusCode, 404, path)
})

t.test('without a page the renderer is neither needed nor served, and the routes can be tried all the same', async t => {
  const app = await buildApp(t)
  registerPages(app, '/docs', { title: 'API', page: false, tryIt: true, yaml: false, servers: undefined, hooks: {} }, () => { throw new Error('not installed') })
  t.equal((await app.inject('/docs')).statusCode, 404)
  t.equal((await app.inject('/docs/assets/v/renderer.js')).statusCode, 404)
  const { body } = await app.inject('/docs/try')
  t.notMatch(body, /Documentation|YAML/)
  t.match(body, 'JSON')
})

t.test('without tryIt there is no such page, and no link to it', async t => {
  const app = await buildPages(t, { tryIt: false })
  t.equal((await app.inject('/asyncapi/try')).statusCode, 404)
  t.notMatch((await app.inject('/asyncapi')).body, 'Try it')
  const { version } = Assets.ofPages({ page: true, tryIt: false })
  t.equal((await app.inject(`/asyncapi/assets/${version}/client/index.js`)).statusCode, 404)
})

t.test('a renderer that is not installed is an error of start-up', async t => {
  const { resolve } = createRequire(import.meta.url)
  t.throws(() => Assets.ofPages({ page: true, tryIt: true }, specifier => resolve(specifier.replace('react-component', 'missing'))), {
    code: 'FST_ERR_WS_ASYNCAPI', message: /@asyncapi\/react-component.*page: false/
  })
})

t.test('the hooks are those of every route', async t => {
  const app = await buildPages(t, { hooks: { onRequest: async (_request, reply) => await reply.code(401).send('who are you?') } })
  for (const url of ['/asyncapi', '/asyncapi/try', '/asyncapi/assets/v/page.css']) t.equal((await app.inject(url)).statusCode, 401, url)
})

t.test('the pages are no part of the API that @fastify/swagger describes', async t => {
  const app = await buildApp(t)
  await app.register(swagger, { openapi: {} })
  await app.register(asyncapi)
  await app.ready()
  t.same(Object.keys(app.swagger().paths ?? {}), [])
})

t.test('the page may connect to the servers that the document names', async t => {
  const app = await buildPages(t, { servers: { live: { host: 'chat.example.com' }, local: { host: 'localhost:3000', protocol: 'ws' }, any: { host: '{region}.example.com' } } })
  t.match((await app.inject('/asyncapi/try')).headers['content-security-policy'], "connect-src 'self' wss://chat.example.com ws://localhost:3000;")
  t.match((await app.inject('/asyncapi')).headers['content-security-policy'], "connect-src 'self';")
})

t.test('a title is text, whatever it is', async t => {
  const app = await buildPages(t, { info: { title: '<script>alert("1")</script> & more' } })
  for (const url of ['/asyncapi', '/asyncapi/try']) {
    const { body } = await app.inject(url)
    t.match(body, '&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; more')
    t.notMatch(body, '<script>alert')
  }
})

t.test('links are relative to the URL by which the browser came', async t => {
  const cases = [
    ['/asyncapi', '/asyncapi', false, { folder: './asyncapi/', root: './', page: './' }],
    ['/asyncapi?a=/b', '/asyncapi', false, { folder: './asyncapi/', root: './', page: './' }],
    ['/asyncapi/', '/asyncapi', false, { folder: './', root: '../', page: './' }],
    ['/asyncapi/try', '/asyncapi', true, { folder: './', root: '../', page: '../asyncapi' }],
    ['/asyncapi/try/', '/asyncapi', true, { folder: '../', root: '../../', page: '../../asyncapi' }],
    ['/', '', false, { folder: './', root: './', page: './' }],
    ['/try', '', true, { folder: './', root: './', page: './' }],
    ['/outside/v1/docs/ws', '/v1/docs/ws', false, { folder: './ws/', root: '../../', page: './' }],
    ['/outside/v1/docs/ws/try', '/v1/docs/ws', true, { folder: './', root: '../../../', page: '../ws' }]
  ] as const
  for (const [url, path, isInFolder, expected] of cases) t.same(linksFrom(url, path, isInFolder), expected, url)
})
