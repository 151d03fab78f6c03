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
      heartbeat: { interval: 25_000, timeout: 20_000, notify: false },
      idleTimeout: null,
      maxLifetime: null,
      expiryWarning: 60_000,
      limits: { own: { messages: null, bytes: null }, perKey: { messages: null, bytes: null }, exceed: 'slow', rooms: 1_000 },
      limitKey: null,
      connectionLimits: { total: Infinity, perIp: Infinity, perKey: Infinity },
      payloadLimits: new Map()
    },
    handshakeTimeout: 10_000,
    drain: { timeout: 5_000, spread: 1_000, delay: 0 },
    connectionLimits: { total: Infinity, perIp: Infinity, perKey: Infinity },
    processBudget: 268_435_456,
    adapter: null,
    adapterTimeout: 5_000,
    nodes: { interval: 2_000, timeout: 6_000 },
    ajv: {}
  })
})

t.test('the defaults cannot be changed', async t => {
  t.ok(Object.isFrozen(defaults))
  t.ok([defaults.heartbeat, defaults.limits, defaults.limits.own, defaults.connectionLimits, defaults.drain, defaults.budget].every(Object.isFrozen))
})

t.test("maxPayload is by default Fastify's bodyLimit", async t => {
  t.equal(resolvePluginOptions({}, Fastify({ bodyLimit: 1_234 })).route.maxPayload, 1_234)
  t.equal(resolvePluginOptions({ maxPayload: 99 }, Fastify({ bodyLimit: 1_234 })).route.maxPayload, 99)
})

t.test("what a route does not say of the heartbeat is the plugin's, within its own interval", async t => {
  const { route } = resolve({ heartbeat: { interval: 5_000, timeout: 4_000, notify: true } })
  const heartbeatOf = (heartbeat: WsCommonOptions['heartbeat'], inherited = route): unknown => resolveOptions({ heartbeat }, inherited).heartbeat
  t.same(heartbeatOf({}), { interval: 5_000, timeout: 4_000, notify: true })
  t.same(heartbeatOf({ notify: false }), { interval: 5_000, timeout: 4_000, notify: false })
  t.same(heartbeatOf({ interval: 60_000 }), { interval: 60_000, timeout: 4_000, notify: true })
  t.same(heartbeatOf({ interval: 1_000 }), { interval: 1_000, timeout: 1_000, notify: true })
  t.equal(heartbeatOf(false), null)
  t.same(heartbeatOf({ notify: true }, resolve({ heartbeat: false }).route), { interval: 25_000, timeout: 20_000, notify: true })
})

t.test('the silence of nodes is by default at least three of their intervals', async t => {
  t.same(resolve({ nodes: { interval: 5_000 } }).nodes, { interval: 5_000, timeout: 15_000 })
  t.same(resolve({ nodes: { interval: 100 } }).nodes, { interval: 100, timeout: 6_000 })
  t.same(resolve({ nodes: { interval: 100, timeout: 200 } }).nodes, { interval: 100, timeout: 200 })
})

t.test('what nodes and adapterTimeout can not be is refused', async t => {
  for (const nodes of [null, 5, { interval: 9 }, { interval: 1.5 }, { interval: 100, timeout: 199 }, { timeout: Infinity }, { seconds: 1 }]) {
    t.throws(() => resolve({ nodes: nodes as never }), { code: 'FST_ERR_WS_OPTION' })
  }
  for (const adapterTimeout of [0, -1, '5', null, Infinity]) t.throws(() => resolve({ adapterTimeout: adapterTimeout as never }), { code: 'FST_ERR_WS_OPTION' })
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

t.test('a route inherits the limits of traffic one by one, and counts its own connections only', async t => {
  const { route, connectionLimits } = resolve({ limits: { connections: 9, messages: 5, bytes: { perSecond: 0.5, burst: 3 }, perKey: { messages: 7 }, exceed: 'close', rooms: 2 } })
  t.same(connectionLimits, { total: 9, perIp: Infinity, perKey: Infinity })
  t.same(route.connectionLimits, { total: Infinity, perIp: Infinity, perKey: Infinity })
  const { limits, connectionLimits: own } = resolveOptions({ limits: { connectionsPerIp: 4, messages: Infinity, perKey: { bytes: 8 } } }, route)
  t.same(own, { total: Infinity, perIp: 4, perKey: Infinity })
  t.same(limits, {
    own: { messages: null, bytes: { perSecond: 0.5, burst: 3 } },
    perKey: { messages: { perSecond: 7, burst: 7 }, bytes: { perSecond: 8, burst: 8 } },
    exceed: 'close',
    rooms: 2
  })
})

t.test('routes without rates of their own share the object of the plugin, by which they share its buckets', async t => {
  const { route } = resolve({ limits: { perKey: { messages: 7 } } })
  t.equal(resolveOptions({}, route).limits, route.limits)
  t.equal(resolveOptions({ limits: { rooms: 5 } }, route).limits.perKey, route.limits.perKey)
  t.not(resolveOptions({ limits: { perKey: { messages: 7 } } }, route).limits.perKey, route.limits.perKey)
})

t.test('a number is a rate whose burst is what comes in a second, one at the least', async t => {
  const rateOf = (messages: number): unknown => resolve({ limits: { messages } }).route.limits.own.messages
  t.same([0.1, 1, 1.5, 10].map(rateOf), [{ perSecond: 0.1, burst: 1 }, { perSecond: 1, burst: 1 }, { perSecond: 1.5, burst: 2 }, { perSecond: 10, burst: 10 }])
})

t.test('payloads are limited by types of any name', async t => {
  const payload = Object.fromEntries([['__proto__', 1], ['constructor', 2], ['say', 3]])
  t.same([...resolveOptions({ limits: { payload } }, resolve().route).payloadLimits], [['__proto__', 1], ['constructor', 2], ['say', 3]])
})

t.test('false is never, for what has a time', async t => {
  const { route } = resolve({ idleTimeout: 5, maxLifetime: 6, expiryWarning: false })
  t.same([route.idleTimeout, route.maxLifetime, route.expiryWarning], [5, 6, null])
  const own = resolveOptions({ idleTimeout: false, maxLifetime: false, expiryWarning: 7 }, route)
  t.same([own.idleTimeout, own.maxLifetime, own.expiryWarning], [null, null, 7])
})

t.test('concurrency may be unlimited', async t => {
  t.equal(resolve({ concurrency: Infinity }).route.concurrency, Infinity)
})

const whole = /^option [\w.]+: must be a whole number from 1 to \d+$/
const notWhole = [0, -1, 1.5, NaN, -Infinity, '5', true, {}, [], 2 ** 53]

const times = [...notWhole, null, Infinity, 2 ** 31]
const ofRate = [0, -1, NaN, -Infinity, '5', true, null, [], {}, { perSecond: 0 }, { perSecond: Infinity }, { perSecond: '5' }, { perSecond: 1, burst: 0 }, { perSecond: 1, burst: 1.5 }, { perSecond: 1, bursts: 2 }]

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
    values: [null, true, 1, ...[...notWhole, Infinity, 2 ** 31].flatMap(value => [{ interval: value }, { timeout: value }]), { interval: 9 }, { interval: 100, timeout: 101 }, { intervall: 100 }, { notify: 1 }, { notify: null }],
    message: /^option heartbeat/
  },
  idleTimeout: { values: times, message: whole },
  maxLifetime: { values: times, message: whole },
  expiryWarning: { values: times, message: whole },
  limitKey: { values: ['user', 1, true, {}, []], message: /^option limitKey: must be a function$/ },
  limits: {
    values: [
      null, 5, [], { conections: 1 }, { exceed: 'drop' }, { exceed: null }, { perKey: 5 }, { perKey: null }, { perKey: { rooms: 5 } },
      ...['connections', 'connectionsPerIp', 'connectionsPerKey', 'rooms'].flatMap(name => [...notWhole, null].map(value => ({ [name]: value }))),
      ...['messages', 'bytes'].flatMap(name => ofRate.flatMap(value => [{ [name]: value }, { perKey: { [name]: value } }]))
    ],
    message: /^option limits/
  },
  budget: { values: [null, 1024, { conection: 1 }, ...notWhole.map(connection => ({ connection }))], message: /^option budget/ },
  onInvalid: { values: ['ignore', '', 1, true, {}], message: /^option onInvalid: must be 'reply', 'close' or a function$/ },
  origin: { values: ['example.com', true, 1, {}], message: /^option origin: / },
  subprotocols: { values: ['chat', ['not a token'], 1, {}], message: /^option subprotocols: / },
  codec: { values: ['yaml', {}, 1, true, { decode: ignore }, { decode: ignore, encode: ignore }, { a: 'yaml' }, { a: { decode: ignore } }, { decode: ignore, encode: ignore, binary: true, contentType: 1 }], message: /^option codec: must be 'json', 'raw', / },
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

for (const payload of [null, 5, [], ...notWhole.map(say => ({ say })), { say: Infinity }]) {
  t.test(`limits.payload: ${JSON.stringify(payload)} is refused when a route is declared`, async t => {
    const app = await buildApp(t)
    t.throws(() => app.ws('/', { limits: { payload: payload as never } }, ignore), { code: 'FST_ERR_WS_OPTION', message: /^option limits\.payload/ })
  })
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
