import Fastify from 'fastify'
import t from 'tap'
import typedWs from '../lib/index.ts'
import { defaults, resolveOptions, resolvePluginOptions } from '../lib/options.ts'
import type { WsCommonOptions, WsPluginOptions } from '../types/index.ts'
import { buildApp } from './helpers/app.ts'
import { text } from './helpers/bytes.ts'

const ignore = (): void => {}

/** As the plugin's options are resolved on a server with default settings. */
const resolve = (options: object = {}): ReturnType<typeof resolvePluginOptions> => resolvePluginOptions(options as WsPluginOptions, Fastify())

t.test('the defaults are those of the documentation', async t => {
  t.same(resolve(), {
    route: {
      maxPayload: 1_048_576,
      origin: 'same-origin',
      subprotocols: null,
      codec: 'json',
      onInvalid: 'reply',
      concurrency: 1,
      highWaterMark: 65_536,
      closeTimeout: 5_000,
      deflate: null,
      slowConsumer: { policy: 'close', key: null },
      sendBudget: 1_048_576,
      heartbeat: { interval: 25_000, timeout: 20_000 }
    },
    handshakeTimeout: 10_000,
    processBudget: 268_435_456,
    adapter: null,
    ajv: {}
  })
})

t.test('the defaults cannot be changed', async t => {
  t.ok(Object.isFrozen(defaults))
})

t.test("maxPayload is by default Fastify's bodyLimit", async t => {
  t.equal(resolvePluginOptions({}, Fastify({ bodyLimit: 1_234 })).route.maxPayload, 1_234)
  t.equal(resolvePluginOptions({ maxPayload: 99 }, Fastify({ bodyLimit: 1_234 })).route.maxPayload, 99)
})

t.test('undefined is as if it were left out', async t => {
  t.same(resolve({ maxPayload: undefined, origin: undefined, concurrency: undefined, handshakeTimeout: undefined, adapter: undefined, ajv: undefined }), resolve())
})

t.test('a route overrides the plugin option by option, and inherits the rest', async t => {
  const { route } = resolve({ maxPayload: 100, concurrency: 2, onInvalid: 'close', highWaterMark: 5 })
  const own: WsCommonOptions = { concurrency: 3, origin: 'https://a.example', subprotocols: ['a'], codec: 'raw', closeTimeout: 7 }
  t.same(resolveOptions(own, route), { ...route, ...own })
  t.same(resolveOptions({}, route), route)
})

t.test('close frames are spread over a second, and over a fifth of a short drain, unless an option says so', async t => {
  t.same(resolve({ drain: { timeout: 20_000 } }).drain, { timeout: 20_000, spread: 1_000, delay: 0 })
  t.same(resolve({ drain: { timeout: 1_004 } }).drain, { timeout: 1_004, spread: 200, delay: 0 })
  t.same(resolve({ drain: { timeout: 1 } }).drain, { timeout: 1, spread: 0, delay: 0 })
  t.same(resolve({ drain: { timeout: 1_000, spread: 1_000, delay: 5 } }).drain, { timeout: 1_000, spread: 1_000, delay: 5 })
})

t.test('concurrency may be unlimited', async t => {
  t.equal(resolve({ concurrency: Infinity }).route.concurrency, Infinity)
})

const whole = /^option [\w.]+: must be a whole number from 1 to \d+$/
const notWhole = [0, -1, 1.5, NaN, -Infinity, '5', true, {}, [], 2 ** 53]

const invalid: Record<string, { values: unknown[], message: RegExp, pluginOnly?: true }> = {
  maxPayload: { values: [...notWhole, Infinity], message: whole },
  highWaterMark: { values: [...notWhole, Infinity], message: whole },
  closeTimeout: { values: [...notWhole, Infinity, 2 ** 31], message: whole },
  handshakeTimeout: { values: [...notWhole, Infinity, 2 ** 31], message: whole, pluginOnly: true },
  concurrency: { values: notWhole, message: whole },
  perMessageDeflate: {
    values: [null, 1, 'on', [5], { treshold: 1 }, { contextTakeover: 1 }, ...['threshold', 'windowBits', 'memLevel', 'level'].flatMap(name =>
      [-2, 1.5, NaN, Infinity, '9'].map(value => ({ [name]: value }))), { windowBits: 7 }, { windowBits: 16 }, { memLevel: 0 }, { level: 10 }],
    message: /^option perMessageDeflate/
  },
  slowConsumer: {
    values: [null, 'drop', 1013, {}, 'keep-latest', { policy: 'keep-latest' }, { policy: 'keep-latest', key: 'id' }, { policy: 'close' }],
    message: /^option slowConsumer: must be 'close', 'drop-newest', /
  },
  heartbeat: {
    values: [null, true, 1, ...[...notWhole, Infinity, 2 ** 31].flatMap(value => [{ interval: value }, { timeout: value }]), { interval: 9 }, { interval: 100, timeout: 101 }, { intervall: 100 }],
    message: /^option heartbeat/
  },
  budget: { values: [null, 1024, { conection: 1 }, ...notWhole.map(connection => ({ connection }))], message: /^option budget/ },
  onInvalid: { values: ['ignore', '', 1, true, {}], message: /^option onInvalid: must be 'reply', 'close' or a function$/ },
  origin: { values: ['example.com', true, 1, {}], message: /^option origin: / },
  subprotocols: { values: ['chat', ['not a token'], 1, {}], message: /^option subprotocols: / },
  codec: { values: ['yaml', {}, 1, true, { decode: ignore }, { decode: ignore, encode: ignore }, { a: 'yaml' }, { a: { decode: ignore } }], message: /^option codec: must be 'json', 'raw', / },
  drain: {
    values: [null, 5_000, ...[-1, 1.5, NaN, Infinity, '5', 2 ** 31].flatMap(value => [{ timeout: value }, { spread: value }, { delay: value }]), { timeout: 0 }, { timeout: 100, spread: 101 }, { wait: 1 }],
    message: /^option drain/,
    pluginOnly: true
  },
  adapter: { values: [{}, { start: ignore }, 1, 'redis', true], message: /^option adapter: /, pluginOnly: true },
  ajv: { values: [1, 'ajv', true, []], message: /^option ajv: /, pluginOnly: true }
}

for (const [name, { values, message, pluginOnly }] of Object.entries(invalid)) {
  for (const value of values) {
    const shown = typeof value === 'number' ? String(value) : JSON.stringify(value)
    t.test(`${name}: ${shown} is refused when the plugin is registered`, async t => {
      const app = Fastify()
      await t.rejects(async () => { await app.register(typedWs, { [name]: value }) }, { code: 'FST_ERR_WS_OPTION', message })
    })
    if (pluginOnly) continue
    t.test(`${name}: ${shown} is refused when a route is declared`, async t => {
      const app = await buildApp(t)
      t.throws(() => app.ws('/', { [name]: value }, ignore), { code: 'FST_ERR_WS_OPTION', message })
    })
  }
}

t.test('an option that there is not is refused, so that a typing error does not pass for a setting', async t => {
  t.throws(() => resolve({ maxPayloads: 1 }), { code: 'FST_ERR_WS_OPTION', message: 'option maxPayloads: is not an option of this plugin' })
})

t.test("Fastify's own options of register are none of ours", async t => {
  const app = Fastify()
  t.after(() => app.close())
  await app.register(typedWs, { prefix: '/x', logLevel: 'warn' } as WsPluginOptions)
  t.ok(app.hasDecorator('ws'))
})

t.test("the plugin's own options are refused on a route, where they would do nothing", async t => {
  const app = await buildApp(t)
  for (const name of ['handshakeTimeout', 'drain', 'adapter', 'ajv']) {
    t.throws(() => app.ws('/', { [name]: 1 } as object, ignore), { code: 'FST_ERR_WS_OPTION', message: new RegExp(`^option ${name}: `) })
  }
})

t.test('maxPayload of a route holds, against that of the plugin', async t => {
  const app = await buildApp(t, { maxPayload: 10 })
  app.ws('/small', m => m)
  app.ws('/large', { maxPayload: 20 }, m => m)
  const message = 'x'.repeat(12)
  const small = await app.injectWS('/small')
  small.send({ message })
  await small.expectClose(1009)
  const large = await app.injectWS('/large')
  large.write(text(`"${message}"`))
  t.equal(await large.receive(), message)
})

t.test('onInvalid of a route holds, against that of the plugin', async t => {
  const app = await buildApp(t, { onInvalid: 'close' })
  app.ws('/close', ignore)
  app.ws('/reply', { onInvalid: 'reply' }, ignore)
  const closed = await app.injectWS('/close')
  closed.send('not JSON')
  await closed.expectClose(1007)
  const told = await app.injectWS('/reply')
  told.send('not JSON')
  t.match(await told.receive(), { type: 'error', code: 'FST_ERR_WS_INVALID_JSON' })
})

t.test('codec of a route holds, against that of the plugin', async t => {
  const app = await buildApp(t, { codec: 'raw' })
  app.ws('/raw', message => String(typeof message))
  app.ws('/json', { codec: 'json' }, message => typeof message)
  for (const [url, type] of [['/raw', 'string'], ['/json', 'number']] as const) {
    const connection = await app.injectWS(url)
    connection.send('5')
    t.equal(await connection.receive(), type)
  }
})

t.test('concurrency of a route holds, against that of the plugin', async t => {
  const app = await buildApp(t, { concurrency: 1 })
  let running = 0
  let most = 0
  app.ws('/', { concurrency: 3 }, async () => {
    most = Math.max(most, ++running)
    await new Promise(resolve => setImmediate(resolve))
    running--
    return most
  })
  const connection = await app.injectWS('/')
  connection.write(Buffer.concat(['1', '2', '3', '4', '5', '6'].map(n => text(n))))
  for (let i = 0; i < 6; i++) await connection.receive()
  t.equal(most, 3)
})
