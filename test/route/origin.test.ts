import Fastify from 'fastify'
import t from 'tap'
import typedWs from '../../lib/index.ts'
import type { OriginOption } from '../../types/index.ts'
import { buildApp, deferred, listen } from '../helpers/app.ts'
import { acceptStatus } from '../helpers/http-version.ts'
import { decides, statuses } from '../helpers/origins.ts'
import { Http1Client } from '../helpers/http1-client.ts'
import { RawClient } from '../helpers/raw-client.ts'
import { selfSigned } from '../helpers/tls.ts'

const ignore = (): void => {}

t.test('by default, pages of the same origin connect and no others', t => decides(t, undefined,
  ['http://app.example.com', 'http://APP.example.com', 'http://app.example.com:80'],
  [
    'https://app.example.com', 'http://app.example.com:8080', 'http://example.com', 'http://www.app.example.com',
    'http://app.example.com.evil.net', 'http://evil-app.example.com', 'https://evil.net'
  ]))

t.test('the port counts, and a default one may be left out', t => decides(t, 'same-origin',
  ['http://app.example.com:8080'],
  ['http://app.example.com', 'http://app.example.com:80', 'http://app.example.com:8081', 'https://app.example.com:8080'],
  { Host: 'app.example.com:8080' }))

t.test('an IPv6 address is an origin like any other', t => decides(t, 'same-origin',
  ['http://[::1]:3000'],
  ['http://[::1]', 'http://[::2]:3000', 'http://127.0.0.1:3000'],
  { Host: '[::1]:3000' }))

t.test('a request without Origin comes from no browser and passes', async t => {
  for (const origin of ['same-origin', 'https://example.com', () => false] as const) {
    const app = await buildApp(t, { origin })
    app.ws('/', ignore)
    await RawClient.open(await listen(app), '/')
  }
})

t.test('null, and what is no origin, is refused', t => decides(t, 'same-origin', [], [
  'null', '', 'app.example.com', '//app.example.com', 'http://', 'http:', 'http://app.example.com/path', 'http://app.example.com?x',
  'http://user@app.example.com', 'http://app.example.com http://evil.net', 'http://evil.net, http://app.example.com', 'file://', 'data:text/html,x', 'about:blank'
]))

t.test('what browsers never send is no origin, even where a lenient reader would put it right', t => decides(t, 'same-origin', ['http://app.example.com'], [
  'http://@app.example.com', 'http://:@app.example.com', 'http://app.example.com:', 'http://app.example.com/', 'http://app.example.com/.', 'http://app.example.com?',
  'http://app.example.com#', 'http:app.example.com', 'http:/app.example.com', 'http:///app.example.com', 'http:\\\\app.example.com', 'http://app.example.com\\',
  'http://app%2eexample.com', 'http://app.ex\tample.com', 'http://app.example.com\thttp://evil.net', 'http://app.example\xad.com', 'ws://app.example.com',
  'http://app.example.com:80:80', 'http://app.example.com:99999', 'http://[app.example.com]', 'blob:http://app.example.com/x', 'http://app..example.com'
]))

t.test('a trailing dot is another host', async t => {
  await decides(t, 'same-origin', [], ['http://app.example.com.', 'http://.app.example.com'])
  await decides(t, 'same-origin', ['http://app.example.com.'], ['http://app.example.com'], { Host: 'app.example.com.' })
  await decides(t, 'https://*.example.com', [], ['https://a.example.com.', 'https://example.com.'])
})

t.test('numbers that stand for an address are that address, and no other', t => decides(t, 'same-origin',
  ['http://127.0.0.1:3000', 'http://2130706433:3000', 'http://0x7f.1:3000'],
  ['http://127.0.0.1', 'http://127.0.0.2:3000', 'http://127.0.0.1.evil.net:3000', 'http://1270.0.0.1:3000'],
  { Host: '127.0.0.1:3000' }))

t.test('however long an origin is, it is refused, and told in part', async t => {
  const app = await buildApp(t, { origin: 'https://*.example.com' })
  app.ws('/', ignore)
  const port = await listen(app)
  for (const long of [`https://${'a'.repeat(15_000)}.net`, `https://${'a.'.repeat(7_000)}net`, `${'a'.repeat(15_000)}`, `https://a.example.com${':'.repeat(15_000)}`]) {
    const client = await RawClient.connect(port)
    client.request('/', { headers: { Origin: long } })
    const { statusCode, body } = await client.reply()
    t.equal(statusCode, 403)
    t.equal(JSON.parse(body).message, `origin ${long.slice(0, 100)} may not connect`)
  }
})

t.test('two Origin headers are refused', async t => {
  const app = await buildApp(t)
  app.ws('/', ignore)
  const port = await listen(app)
  for (const other of ['http://evil.net', 'http://a.example', 'null', '']) {
    for (const origins of [['http://a.example', other], [other, 'http://a.example']]) {
      const client = await RawClient.connect(port)
      client.request('/', { headers: { Host: 'a.example', Origin: origins } })
      t.equal((await client.reply()).statusCode, 403, origins.join(' and '))
    }
  }
})

t.test('a strange Host header makes no origin the same', t => decides(t, 'same-origin', [], ['http://app.example.com'], { Host: 'app.example.com%40evil.net' }))

t.test('over TLS, the same origin is an https one', async t => {
  const app = Fastify({ https: selfSigned() })
  t.after(() => { RawClient.dropAll(); return app.close() })
  await app.register(typedWs)
  app.ws('/', ignore)
  const port = await listen(app as never)
  for (const [origin, status] of [['https://app.example.com', 101], ['http://app.example.com', 403]] as const) {
    const client = await Http1Client.connectTls(port)
    client.request('/', { headers: { Host: 'app.example.com', Origin: origin } })
    t.equal((await client.reply()).statusCode, status, origin)
  }
})

t.test('a list replaces the same origin', t => decides(t, ['https://a.example', 'http://b.example:8080'],
  ['https://a.example', 'https://A.example', 'https://a.example:443', 'http://b.example:8080'],
  ['http://a.example', 'https://a.example:8443', 'http://b.example', 'http://app.example.com']))

t.test('same-origin may stand in a list', t => decides(t, ['same-origin', 'https://a.example'],
  ['http://app.example.com', 'https://a.example'],
  ['https://b.example']))

t.test('one origin may be written without a list', t => decides(t, 'https://a.example', ['https://a.example'], ['http://app.example.com']))

t.test('an empty list refuses every page', t => decides(t, [], [], ['http://app.example.com', 'https://a.example', 'null']))

t.test('null can be allowed by writing it down', t => decides(t, ['null'], ['null'], ['http://app.example.com', 'undefined']))

t.test('an origin of another scheme can be allowed', t => decides(t, ['capacitor://localhost', 'chrome-extension://abcdef'],
  ['capacitor://localhost', 'chrome-extension://abcdef'],
  ['capacitor://elsewhere', 'http://localhost', 'chrome-extension://other']))

t.test('a wildcard stands for whole labels, one or more', t => decides(t, 'https://*.example.com',
  ['https://a.example.com', 'https://sub.sub.example.com', 'https://A.EXAMPLE.com', 'https://a.example.com:443'],
  [
    'https://example.com', 'https://evil-example.com', 'https://evilexample.com', 'https://example.com.evil.net', 'https://a.example.com.evil.net',
    'http://a.example.com', 'https://a.example.com:8443', 'https://.example.com', 'https://a.example.com@evil.net', 'https://evil.net#.example.com',
    'https://evil.net/.example.com', 'https://evil.net?.example.com', 'https://evil.net\\.example.com', 'null'
  ]))

t.test('a wildcard with a port asks for that port', t => decides(t, 'http://*.example.com:8080',
  ['http://a.example.com:8080'],
  ['http://a.example.com', 'http://a.example.com:80', 'http://example.com:8080']))

t.test('a host in another language is written either way, and sent as browsers do', async t => {
  for (const origin of ['https://bücher.example', 'https://xn--bcher-kva.example']) {
    await decides(t, origin, ['https://xn--bcher-kva.example'], ['https://bcher.example', 'https://b\xfccher.example', 'https://xn--bcher-kva.example.evil.net'])
  }
  await decides(t, 'https://*.bücher.example', ['https://a.xn--bcher-kva.example', 'https://xn--strae-oqa.xn--bcher-kva.example'], ['https://xn--bcher-kva.example', 'https://axn--bcher-kva.example'])
})

t.test('a wildcard asks for labels that are not empty', t => decides(t, 'https://*.example.com', [], [
  'https://..example.com', 'https://a..example.com', 'https://.a.example.com', 'https://*.', 'https://*.example.com.'
]))

t.test('an IPv6 address may be listed', t => decides(t, ['http://[::1]:3000', 'https://[2001:db8::1]'],
  ['http://[::1]:3000', 'http://[0:0:0:0:0:0:0:1]:3000', 'https://[2001:DB8::1]', 'https://[2001:db8::1]:443'],
  ['http://[::1]', 'http://[::2]:3000', 'https://[2001:db8::2]', 'http://[::1', 'http://::1:3000', 'http://[::1]:3000.evil.net']))

t.test('a function decides, with the request', t => decides(t,
  (origin, request) => origin === 'https://a.example' && request.headers['x-key'] === 'yes',
  ['https://a.example'], ['https://b.example'], { 'X-Key': 'yes' }))

t.test('an async function decides when it is done', t => decides(t,
  async origin => await new Promise(resolve => setImmediate(() => resolve(origin === 'https://a.example'))),
  ['https://a.example'], ['https://b.example']))

t.test('the promise of another library is waited for, too', t => decides(t,
  origin => ({ then: (settle: (isAllowed: boolean) => void) => { settle(origin === 'https://a.example') } }) as Promise<boolean>,
  ['https://a.example'], ['https://b.example']))

t.test('a function that fails is an error of the application, and nobody is let in', async t => {
  for (const origin of [() => { throw new Error('no') }, async () => { throw new Error('no') }]) {
    t.same(await statuses(t, origin, ['https://a.example']), { 'https://a.example': 500 })
  }
})

t.test('a function is asked about anything that is sent, null and nonsense too', async t => {
  const asked: string[] = []
  await decides(t, origin => { asked.push(origin); return false }, [], ['null', '', 'nonsense', 'https://a.example'])
  t.same(asked, ['null', '', 'nonsense', 'https://a.example'])
})

t.test('a function lets in with true alone, now or later', async t => {
  for (const answer of [undefined, null, 0, 1, 'https://a.example', [], {}]) {
    await decides(t, () => answer as boolean, [], ['https://a.example'])
    await decides(t, async () => answer as boolean, [], ['https://a.example'])
  }
})

t.test('a function that fails leaves the server as it was', async t => {
  const app = await buildApp(t, { origin: origin => { if (origin === 'https://bad.example') throw new Error('no'); return true } })
  app.ws('/', message => message)
  const port = await listen(app)
  const open = await RawClient.open(port, '/', { headers: { Origin: 'https://a.example' } })
  const bad = await RawClient.connect(port)
  bad.request('/', { headers: { Origin: 'https://bad.example' } })
  t.equal((await bad.reply()).statusCode, 500)
  await bad.ended()
  open.send('still here')
  t.equal(await open.message(), 'still here')
})

t.test('dangerouslyAllowAny lets every page in', t => decides(t, { dangerouslyAllowAny: true }, ['https://a.example', 'null', 'nonsense'], []))

t.test('a route overrides the plugin, either way', async t => {
  const app = await buildApp(t, { origin: ['https://a.example'] })
  app.ws('/plugin', ignore)
  app.ws('/route', { origin: 'https://b.example' }, ignore)
  app.ws('/any', { origin: { dangerouslyAllowAny: true } }, ignore)
  const port = await listen(app)
  const found: Record<string, number[]> = {}
  for (const path of ['/plugin', '/route', '/any']) {
    found[path] = []
    for (const origin of ['https://a.example', 'https://b.example']) {
      const client = await RawClient.connect(port)
      client.request(path, { headers: { Origin: origin } })
      found[path].push((await client.reply()).statusCode)
    }
  }
  t.same(found, { '/plugin': [acceptStatus, 403], '/route': [403, acceptStatus], '/any': [acceptStatus, acceptStatus] })
})

t.test('what is refused is told so, by the error handler of the application', async t => {
  const app = await buildApp(t)
  const told = deferred<string>()
  app.addHook('onError', async (_request, _reply, error) => { told.resolve(error.code) })
  app.ws('/', ignore)
  const client = await RawClient.connect(await listen(app))
  client.request('/', { headers: { Origin: 'https://evil.net' } })
  const { statusCode, body } = await client.reply()
  t.equal(statusCode, 403)
  t.match(JSON.parse(body), { code: 'FST_ERR_WS_ORIGIN', message: 'origin https://evil.net may not connect' })
  t.equal(await told.promise, 'FST_ERR_WS_ORIGIN')
})

t.test('a plain request is not asked for its origin', async t => {
  const app = await buildApp(t, { origin: [] })
  app.get('/', async () => 'rest')
  app.ws('/', ignore)
  t.equal((await app.inject({ url: '/', headers: { origin: 'https://evil.net' } })).body, 'rest')
})

const invalid: unknown[] = [
  '*', 'example.com', '*.example.com', 'https://', 'https://*', 'https://*.*.example.com', 'https://a.*.example.com', 'https://ex*mple.com', 'https://*example.com',
  'https://example.com/path', 'https://example.com/', 'https://user@example.com', 'https://a b.example', '', ' https://example.com',
  'https://.example.com', 'https://*..example.com', 'https://a..example.com', 'https://[example.com]', 'https://example.com:99999',
  'https://example.com ', 'https://example.com?', 'https://example.com#', 'https://@example.com', 'https://exam\tple.com', 'https:\\\\example.com', 'https://ex%61mple.com',
  ['https://good.example', 'bad'], [/example\.com$/], [1], [null], [['https://example.com']],
  /example\.com$/, true, false, 1, {}, { dangerouslyAllowAny: false }, { dangerouslyAllowAny: 'yes' }
]

for (const origin of invalid) {
  const shown = origin instanceof RegExp ? String(origin) : JSON.stringify(origin, (_key, value) => value instanceof RegExp ? String(value) : value as unknown)
  t.test(`the option ${shown} is refused at start-up`, async t => {
    const app = await buildApp(t)
    t.throws(() => app.ws('/', { origin: origin as OriginOption }, ignore), { code: 'FST_ERR_WS_OPTION', message: /^option origin: / })
  })
}

t.test('a RegExp is refused with words that say what to write', async t => {
  const app = await buildApp(t)
  for (const origin of [/example\.com$/, ['https://a.example', /example\.com$/]]) {
    t.throws(() => app.ws('/', { origin: origin as OriginOption }, ignore), {
      code: 'FST_ERR_WS_OPTION',
      message: "option origin: the RegExp /example\\.com$/ is not taken: write origins, 'https://*.example.com' for all subdomains, or a function"
    })
  }
})

t.test('an invalid option of the plugin is refused when it is registered, before there is a route', async t => {
  const app = Fastify()
  await t.rejects(async () => { await app.register(typedWs, { origin: 'example.com' }) }, { code: 'FST_ERR_WS_OPTION', message: /example\.com is not an origin/ })
})
