import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import Fastify from 'fastify'
import { Registry } from 'prom-client'
import t from 'tap'
import wsMetrics from '../../lib/metrics/index.ts'
import type { WsStats } from '../../types/index.ts'
import { Exposition } from '../helpers/exposition.ts'
import { packageRoot } from '../helpers/paths.ts'

/** No two numbers are alike, so that none takes another's place. */
const stats: WsStats = {
  connections: { open: 30, opened: 101, silent: 102, idle: 103, expired: 104, closed: { 1000: 105, 4000: 106, other: 107 }, byRoute: { '/a': 10, '/b/:c': 20 } },
  upgrades: { pending: 108, refused: { 403: 109, 418: 110 }, aborted: 111 },
  traffic: { received: { messages: 112, bytes: 113 }, sent: { messages: 114, bytes: 115 } },
  messages: { invalid: 116, failed: 117, limited: 118 },
  adapter: { state: 'ready', lost: 201, nodes: 202, published: 203, received: 204, failed: 205, refused: 206, waiting: 207 },
  history: { recovered: 208, unrecovered: 209, replayed: 210, gaps: 211, broken: 212 },
  rooms: 119,
  memory: { held: 120, peak: 121, limit: 122, buffered: 123, shed: 124, tooBig: 125 },
  slowConsumers: { closed: 126, dropped: 127, replaced: 128 }
}

/** The metrics of a server whose stats are these. */
async function expose (read: () => WsStats): Promise<Exposition> {
  const app = Fastify()
  app.decorate('wsStats', read)
  await app.register(wsMetrics, { register: new Registry(), endpoint: '/metrics' })
  const { body } = await app.inject('/metrics')
  await app.close()
  return new Exposition(body)
}

t.test('every figure of the stats is the value of its metric', async t => {
  const metrics = await expose(() => stats)
  const figures = Object.fromEntries([...metrics.families.keys()]
    .filter(name => name !== 'ws_handler_duration_seconds' && name !== 'ws_event_loop_utilization')
    .map(name => [name, metrics.byLabel(name)]))
  t.same(figures, {
    ws_connections: { '/a': 10, '/b/:c': 20 },
    ws_upgrades_pending: { '': 108 },
    ws_rooms: { '': 119 },
    ws_adapter_ready: { '': 1 },
    ws_adapter_nodes: { '': 202 },
    ws_adapter_waiting: { '': 207 },
    ws_adapter_lost_total: { '': 201 },
    ws_adapter_envelopes_total: { published: 203, received: 204, failed: 205, refused: 206 },
    ws_history_joins_total: { recovered: 208, unrecovered: 209 },
    ws_history_replayed_total: { '': 210 },
    ws_history_gaps_total: { filled: 211, broken: 212 },
    ws_memory_held_bytes: { '': 120 },
    ws_memory_peak_bytes: { '': 121 },
    ws_memory_limit_bytes: { '': 122 },
    ws_memory_buffered_bytes: { '': 123 },
    ws_upgrades_total: { accepted: 101, refused: 219, aborted: 111 },
    ws_upgrades_refused_total: { 403: 109, 418: 110 },
    ws_connections_closed_total: { 1000: 105, 4000: 106, other: 107 },
    ws_connections_evicted_total: { silent: 102, idle: 103, expired: 104, memory: 124, too_big: 125, slow: 126 },
    ws_messages_received_total: { '': 112 },
    ws_messages_sent_total: { '': 114 },
    ws_received_bytes_total: { '': 113 },
    ws_sent_bytes_total: { '': 115 },
    ws_messages_invalid_total: { '': 116 },
    ws_messages_limited_total: { '': 118 },
    ws_messages_dropped_total: { dropped: 127, replaced: 128 },
    ws_handler_errors_total: { '': 117 }
  })
})

t.test('an adapter that does not reach its carrier is 0', async t => {
  t.equal((await expose(() => ({ ...stats, adapter: { ...stats.adapter, state: 'unavailable' } }))).value('ws_adapter_ready'), 0)
})

t.test('counters are totals: a second scrape does not add to the first', async t => {
  const app = Fastify()
  app.decorate('wsStats', () => stats)
  await app.register(wsMetrics, { register: new Registry(), endpoint: '/metrics' })
  await app.inject('/metrics')
  const { body } = await app.inject('/metrics')
  t.equal(new Exposition(body).value('ws_messages_received_total'), 112)
  t.equal(new Exposition(body).value('ws_upgrades_refused_total', { status: '418' }), 110)
  await app.close()
})

t.test('codes and outcomes that are to be expected are there from the start, at 0', async t => {
  const metrics = await expose(() => ({ ...stats, connections: { ...stats.connections, opened: 0, closed: {} }, upgrades: { pending: 0, refused: {}, aborted: 0 } }))
  for (const code of ['1000', '1001', '1006', '1013', '4401', '4408', 'other']) t.equal(metrics.value('ws_connections_closed_total', { code }), 0)
  for (const status of ['403', '429', '503']) t.equal(metrics.value('ws_upgrades_refused_total', { status }), 0)
  for (const outcome of ['accepted', 'refused', 'aborted']) t.equal(metrics.value('ws_upgrades_total', { outcome }), 0)
})

t.test('a limit that is Infinity is +Inf', async t => {
  const metrics = await expose(() => ({ ...stats, memory: { ...stats.memory, limit: Infinity } }))
  t.equal(metrics.value('ws_memory_limit_bytes'), Infinity)
})

t.test('a route with characters that the format escapes is read back as it is', async t => {
  const route = '/"quoted"\\x\ny'
  const metrics = await expose(() => ({ ...stats, connections: { ...stats.connections, byRoute: { [route]: 3 } } }))
  t.equal(metrics.value('ws_connections', { route }), 3)
})

t.test('names follow the conventions of Prometheus, and every metric says in a sentence what it is', async t => {
  const { families } = await expose(() => stats)
  for (const { name, type, help } of families.values()) {
    t.match(name, /^ws_[a-z]+(?:_[a-z]+)*$/)
    t.equal(name.endsWith('_total'), type === 'counter', `${name} is a ${type}`)
    t.match(help, /^[A-Z].{10,}\.$/, name)
  }
  t.equal(new Set([...families.values()].map(({ help }) => help)).size, families.size)
})

t.test('the documentation has every metric, with its type and its label', async t => {
  const metrics = await expose(() => stats)
  const page = readFileSync(join(packageRoot, 'docs/observability.md'), 'utf8')
  const rows = page.matchAll(/^\| `(ws_\w+)`(?: by ([^|]+?))? \| (counter|gauge|histogram) \| (.+) \|$/gm)
  const documented = Array.from(rows, ([, name, labels = '', type]) => `${name} ${type} ${labels.replaceAll('`', '').replace(' and ', ', ')}`.trim())
  const labels: Readonly<Record<string, string>> = { ws_handler_duration_seconds: 'route, type' }
  const registered = [...metrics.families.values()].map(({ name, type, samples }) => `${name} ${type} ${labels[name] ?? Object.keys(samples[0].labels).join(', ')}`.trim())
  t.same(documented.sort(), registered.sort())
})

t.test('the alerts of the documentation name metrics, labels and label values that there are', async t => {
  const metrics = await expose(() => stats)
  const page = readFileSync(join(packageRoot, 'docs/observability.md'), 'utf8')
  const rules = page.match(/```yaml\n(groups:.+?)```/s)?.[1] ?? ''
  const used = Array.from(rules.matchAll(/\b(ws_[a-z_]+)(?:\{(\w+)=~?"([^"]+)"\})?/g))
  t.ok(used.length > 10)
  for (const [, name, label, values] of used) {
    const samples = metrics.families.get(name.replace(/_seconds_bucket$/, '_seconds'))?.samples
    t.ok(samples, name)
    for (const value of values?.split('|') ?? []) t.ok(samples?.some(({ labels }) => labels[label] === value), `${name} ${label} ${value}`)
  }
})
