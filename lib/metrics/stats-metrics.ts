import { Counter, Gauge } from 'prom-client'
import type { WsStats } from '../../types/stats.ts'

/** What a metric without a label, or with one, reads of the stats. */
type Reading = number | Readonly<Record<string, number>>

interface Definition {
  readonly name: string
  readonly help: string
  readonly read: (stats: WsStats) => Reading
  /** null for none */
  readonly label: string | null
  /** Values of the label that are there from the start: `rate()` and `increase()` do not see a series begin. */
  readonly known: readonly string[]
}

/** RFC 6455's that happen, this package's own, and all that clients make up. */
const closeCodes = ['1000', '1001', '1002', '1003', '1005', '1006', '1007', '1008', '1009', '1011', '1013', '4401', '4408', 'other']

/** Those that this package and its usual neighbours answer. */
const refusals = ['400', '401', '403', '404', '426', '429', '500', '503']

const gauges: readonly Definition[] = [
  define('connections', 'Open connections, by route.', ({ connections }) => connections.byRoute, 'route'),
  define('upgrades_pending', 'Upgrades that are neither accepted nor refused yet.', ({ upgrades }) => upgrades.pending),
  define('rooms', 'Rooms with members in this process.', ({ rooms }) => rooms),
  define('adapter_ready', 'Whether the adapter reaches its carrier, 1 or 0.', ({ adapter }) => adapter.state === 'ready' ? 1 : 0),
  define('adapter_nodes', 'Processes that are alive, this one included.', ({ adapter }) => adapter.nodes),
  define('adapter_waiting', 'Messages to rooms with history that the adapter has not taken yet.', ({ adapter }) => adapter.waiting),
  define('memory_held_bytes', 'What connections hold, both ways.', ({ memory }) => memory.held),
  define('memory_peak_bytes', 'The most that connections held.', ({ memory }) => memory.peak),
  define('memory_limit_bytes', 'What connections may hold, budget.process.', ({ memory }) => memory.limit),
  define('memory_buffered_bytes', 'What was sent and the operating system has not taken.', ({ memory }) => memory.buffered)
]

const counters: readonly Definition[] = [
  define('upgrades_total', 'Upgrades that have ended, by outcome: accepted, refused, or aborted by the client.', ({ connections, upgrades }) => ({
    accepted: connections.opened,
    refused: sum(upgrades.refused),
    aborted: upgrades.aborted
  }), 'outcome'),
  define('upgrades_refused_total', 'Upgrades that were answered otherwise than with 101, by status.', ({ upgrades }) => upgrades.refused, 'status', refusals),
  define('connections_closed_total', 'Connections that have ended, by close code.', ({ connections }) => connections.closed, 'code', closeCodes),
  define('connections_evicted_total', 'Connections that the server ended because of a limit, by cause.', ({ connections, memory, slowConsumers }) => ({
    silent: connections.silent,
    idle: connections.idle,
    expired: connections.expired,
    memory: memory.shed,
    too_big: memory.tooBig,
    slow: slowConsumers.closed
  }), 'cause'),
  define('messages_received_total', 'Messages that clients sent.', ({ traffic }) => traffic.received.messages),
  define('messages_sent_total', 'Messages that were given to be sent to clients, dropped ones included.', ({ traffic }) => traffic.sent.messages),
  define('received_bytes_total', 'Bytes that clients sent, frame headers and control frames included.', ({ traffic }) => traffic.received.bytes),
  define('sent_bytes_total', 'Bytes that were sent to clients, frame headers and control frames included.', ({ traffic }) => traffic.sent.bytes),
  define('messages_invalid_total', 'Messages that were refused: not JSON, or not valid.', ({ messages }) => messages.invalid),
  define('messages_limited_total', 'Messages over a rate: refused, or how often reading paused.', ({ messages }) => messages.limited),
  define('messages_dropped_total', 'Messages that slow clients were not sent, by fate: dropped, or replaced by a later one.', ({ slowConsumers }) => ({
    dropped: slowConsumers.dropped,
    replaced: slowConsumers.replaced
  }), 'fate'),
  define('adapter_lost_total', 'How often the adapter became unavailable.', ({ adapter }) => adapter.lost),
  define('adapter_envelopes_total', 'What went over the adapter, by outcome: published, received, failed or refused.', ({ adapter: { published, received, failed, refused } }) => ({
    published,
    received,
    failed,
    refused
  }), 'outcome'),
  define('history_joins_total', 'Joins that said where they were, by outcome: recovered or unrecovered.', ({ history: { recovered, unrecovered } }) => ({
    recovered,
    unrecovered
  }), 'outcome'),
  define('history_replayed_total', 'Messages that were replayed to joins.', ({ history }) => history.replayed),
  define('history_gaps_total', 'Gaps in what the adapter brought, by outcome: filled or broken.', ({ history }) => ({ filled: history.gaps, broken: history.broken }), 'outcome'),
  define('handler_errors_total', 'Handlers that threw or rejected.', ({ messages }) => messages.failed)
]

/** The metrics that are read of `app.wsStats()` when somebody scrapes, and cost nothing before; by name. */
export function statsMetrics (prefix: string, readStats: () => WsStats): ReadonlyArray<readonly [name: string, metric: Counter | Gauge]> {
  const scrape = new Scrape(readStats)
  return [
    ...gauges.map(definition => [prefix + definition.name, gaugeOf(definition, prefix, scrape)] as const),
    ...counters.map(definition => [prefix + definition.name, counterOf(definition, prefix, scrape)] as const)
  ]
}

function gaugeOf (definition: Definition, prefix: string, scrape: Scrape): Gauge {
  const gauge: Gauge = new Gauge({
    ...config(prefix, definition),
    collect: collector(definition, scrape, (value, labels) => gauge.set(labels, value))
  })
  return gauge
}

function counterOf (definition: Definition, prefix: string, scrape: Scrape): Counter {
  const collect = collector(definition, scrape, (value, labels) => counter.inc(labels, value))
  const counter: Counter = new Counter({
    ...config(prefix, definition),
    // prom-client has no way to set a counter: the total is added to nothing.
    collect () {
      counter.reset()
      collect()
    }
  })
  return counter
}

/** One reading of the stats for all metrics of a scrape: prom-client asks them in one turn. */
class Scrape {
  readonly #read: () => WsStats
  #stats: WsStats | null = null

  constructor (read: () => WsStats) {
    this.#read = read
  }

  get stats (): WsStats {
    if (this.#stats === null) {
      this.#stats = this.#read()
      queueMicrotask(() => { this.#stats = null })
    }
    return this.#stats
  }
}

function collector ({ read, label, known }: Definition, scrape: Scrape, write: (value: number, labels: Record<string, string>) => void): () => void {
  // A route whose last connection has gone stays, at 0.
  const seen = new Set(known)
  return () => {
    const reading = read(scrape.stats)
    if (typeof reading === 'number' || label === null) return write(Number(reading), {})
    for (const key of Object.keys(reading)) seen.add(key)
    for (const key of seen) write(reading[key] ?? 0, { [label]: key })
  }
}

function config (prefix: string, { name, help, label }: Definition) {
  return { name: prefix + name, help, labelNames: label === null ? [] : [label], registers: [] }
}

function define (name: string, help: string, read: Definition['read'], label: string | null = null, known: readonly string[] = []): Definition {
  return { name, help, read, label, known }
}

function sum (counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0)
}
