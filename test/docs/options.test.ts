import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import Fastify from 'fastify'
import t from 'tap'
import typedWs from '../../lib/index.ts'
import { pluginOptionNames, resolvePluginOptions } from '../../lib/options.ts'
import type { WsPluginOptions } from '../../types/index.ts'
import { packageRoot } from '../helpers/paths.ts'

interface Row {
  readonly option: string
  /** As it is printed. */
  readonly value: string
}

/** The rows of a page's table under a heading. */
function rowsOf (page: string, heading: string): Row[] {
  const [, rest = ''] = readFileSync(join(packageRoot, 'docs', page), 'utf8').split(`\n## ${heading}\n`)
  const [section] = rest.split('\n## ')
  return section.split('\n').filter(line => line.startsWith('| `')).map(line => {
    const [option, value] = line.split('|').slice(1).map(cell => cell.trim())
    return { option: option.replaceAll('`', ''), value }
  })
}

const common = rowsOf('options.md', 'Of a route, or of the plugin for all routes')
const ofPlugin = rowsOf('options.md', 'Of the plugin only')
const ofRoute = rowsOf('options.md', 'Of a route only')
const ofDeflate = rowsOf('compression.md', 'Options')

const namesOf = (rows: readonly Row[]): string[] => rows.map(({ option }) => option)
const ofFastify = ['prefix', 'logLevel', 'logSerializers']
const sorted = (names: Iterable<string>): string[] => [...names].sort()

const resolve = (options: object = {}): ReturnType<typeof resolvePluginOptions> => resolvePluginOptions(options as WsPluginOptions, Fastify())

/** The fields that an option takes, as the error over another one lists them. */
function fieldsOf (option: string): string[] {
  try {
    resolve({ [option]: { nonsense: 1 } })
  } catch (error) {
    const [, list = ''] = /: is not an option: (.+) are$/.exec((error as Error).message) ?? []
    return list.split(/, | and /).map(field => `${option}.${field}`)
  }
  return []
}

/** A value as the documentation prints it. */
function printed (value: unknown): string {
  if (value === Infinity) return 'no limit'
  if (typeof value === 'number') return value.toLocaleString('en-US')
  if (typeof value === 'string') return `\`'${value}'\``
  if (typeof value === 'object' && value !== null) {
    const fields = Object.entries(value).map(([name, field]) => `${name}: ${String(field)}`)
    return fields.length === 0 ? '`{}`' : `\`{ ${fields.join(', ')} }\``
  }
  return `\`${String(value)}\``
}

t.test('every option of the plugin has one row, and there is no row of another one', async t => {
  const names = namesOf([...common, ...ofPlugin])
  t.same(sorted(names), sorted(new Set(names)), 'none has two')
  t.same(sorted(new Set(names.map(name => name.split('.')[0]))), sorted([...pluginOptionNames].filter(name => !ofFastify.includes(name))))
})

t.test('every field of limits and budget has one row, and there is no row of another one', async t => {
  const rows = namesOf([...common, ...ofPlugin])
  for (const option of ['limits', 'budget']) {
    t.same(sorted(rows.filter(name => name.startsWith(`${option}.`))), sorted(fieldsOf(option)), option)
  }
})

t.test('what is of the plugin only is refused on a route, and what is of both is not', async t => {
  const app = Fastify()
  t.after(() => app.close())
  await app.register(typedWs)
  const refusalOf = (option: string): string => {
    const [name, field] = option.split('.')
    try {
      app.ws('/', { [name]: field === undefined ? undefined : { [field]: undefined } } as object, () => {})
    } catch (error) {
      return (error as Error).message
    }
    return 'none'
  }
  for (const option of namesOf(ofPlugin)) t.match(refusalOf(option), /is an option of the plugin, not of a route$/, option)
  for (const option of namesOf(common)) t.notMatch(refusalOf(option), /^option /, option)
})

t.test('what is of a route only is refused by the plugin', async t => {
  for (const option of namesOf(ofRoute)) {
    const [name, field] = option.split('.')
    t.throws(() => resolve({ [name]: field === undefined ? undefined : { [field]: {} } }), { code: 'FST_ERR_WS_OPTION' }, option)
  }
  t.ok(namesOf(ofRoute).includes('limits.payload'))
  t.equal(resolve().route.payloadLimits.size, 0)
})

t.test('every default that is printed is that of the code', async t => {
  const { route, connectionLimits, processBudget, handshakeTimeout, drain, adapter, adapterTimeout, nodes, ajv } = resolve()
  const { origin, codec, onInvalid, concurrency, highWaterMark, heartbeat, idleTimeout, maxLifetime, expiryWarning, limitKey, limits, subprotocols, deflate, slowConsumer } = route
  /** What stands for none of them. */
  const orElse = (value: unknown, words: string): string => value === null ? words : printed(value)
  t.same(Object.fromEntries([...common, ...ofPlugin].map(({ option, value }) => [option, value])), {
    maxPayload: `Fastify's \`bodyLimit\`: ${printed(route.maxPayload)}`,
    origin: printed(origin),
    subprotocols: orElse(subprotocols, 'the keys of `codec` where that is a map, else none'),
    codec: printed(codec),
    onInvalid: printed(onInvalid),
    concurrency: printed(concurrency),
    highWaterMark: printed(highWaterMark),
    heartbeat: printed(heartbeat),
    idleTimeout: orElse(idleTimeout, '`false`'),
    maxLifetime: orElse(maxLifetime, '`false`'),
    expiryWarning: orElse(expiryWarning, '`false`'),
    limitKey: orElse(limitKey, 'none'),
    'limits.connections': printed(connectionLimits.total),
    'limits.connectionsPerIp': printed(connectionLimits.perIp),
    'limits.connectionsPerKey': printed(connectionLimits.perKey),
    'limits.messages': orElse(limits.own.messages, 'no limit'),
    'limits.bytes': orElse(limits.own.bytes, 'no limit'),
    'limits.perKey': orElse(limits.perKey.messages ?? limits.perKey.bytes, 'no limit'),
    'limits.exceed': printed(limits.exceed),
    'limits.rooms': printed(limits.rooms),
    perMessageDeflate: orElse(deflate, '`false`'),
    slowConsumer: printed(slowConsumer.policy),
    'budget.connection': printed(route.sendBudget),
    closeTimeout: printed(route.closeTimeout),
    handshakeTimeout: printed(handshakeTimeout),
    drain: printed(drain),
    'budget.process': printed(processBudget),
    adapter: orElse(adapter, 'in memory'),
    adapterTimeout: printed(adapterTimeout),
    nodes: printed(nodes),
    ajv: printed(ajv)
  })
})

t.test('what perMessageDeflate: true stands for is what the page on compression prints', async t => {
  const { deflate } = resolve({ perMessageDeflate: true }).route
  t.same(Object.fromEntries(ofDeflate.map(({ option, value }) => [option, value])), Object.fromEntries(Object.entries(deflate ?? {}).map(([name, value]) => [name, printed(value)])))
})
