import { register as globalRegister } from 'prom-client'
import type { MetricsRegister, WsMetricsOptions } from '../../types/metrics.ts'
import { FST_ERR_WS_OPTION } from '../errors.ts'

/** Options with nothing left to guess. */
export interface ResolvedMetricsOptions {
  readonly register: MetricsRegister
  readonly prefix: string
  /** seconds */
  readonly buckets: readonly number[]
  /** null for no route */
  readonly endpoint: string | null
}

/** Every default, with its unit. */
export const defaults = Object.freeze({
  prefix: 'ws_',
  /** seconds: most handlers answer from memory, some ask a database */
  buckets: Object.freeze([0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]),
  endpoint: null
})

/** `logLevel` and `logSerializers` are Fastify's own options of `register`. */
const names = new Set(['register', 'prefix', 'buckets', 'endpoint', 'logLevel', 'logSerializers'])

/** @throws FST_ERR_WS_OPTION */
export function resolveMetricsOptions (options: WsMetricsOptions): ResolvedMetricsOptions {
  for (const name of Object.keys(options)) {
    if (!names.has(name)) throw new FST_ERR_WS_OPTION(name, 'is not an option of the metrics')
  }
  const { register = globalRegister, prefix = defaults.prefix, buckets = defaults.buckets, endpoint = defaults.endpoint } = options
  if (typeof register?.registerMetric !== 'function') throw new FST_ERR_WS_OPTION('register', 'must be a Registry of prom-client')
  if (typeof prefix !== 'string' || !/^(?:[a-z_:][a-z0-9_:]*)?$/i.test(prefix)) {
    throw new FST_ERR_WS_OPTION('prefix', 'must be letters, digits and underscores, and begin with no digit')
  }
  if (!Array.isArray(buckets) || buckets.length === 0 || !buckets.every(isAbove)) {
    throw new FST_ERR_WS_OPTION('buckets', 'must be a list of rising numbers of seconds')
  }
  if (endpoint !== null && (typeof endpoint !== 'string' || !endpoint.startsWith('/'))) {
    throw new FST_ERR_WS_OPTION('endpoint', 'must be a path that begins with a slash')
  }
  return { register, prefix, buckets, endpoint }
}

/** Whether a bound is a number above the one before it. */
function isAbove (bound: unknown, index: number, bounds: readonly unknown[]): boolean {
  return Number.isFinite(bound) && (index === 0 || Number(bound) > Number(bounds[index - 1]))
}
