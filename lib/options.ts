import type { FastifyInstance } from 'fastify'
import type { Adapter } from '../types/adapter.ts'
import type { CodecOption } from '../types/codec.ts'
import type { DeflateOption, DrainOption, HeartbeatOption, NodesOption, OnInvalidOption, OriginOption, RouteLimitsOption, SlowConsumerOption, SubprotocolsOption, WsCommonOptions, WsPluginOptions } from '../types/options.ts'
import { checkFields, checkWhole, maxDelay, resolveDuration } from './check-option.ts'
import { FST_ERR_WS_OPTION } from './errors.ts'
import { checkLimits, defaultLimits, noConnectionLimits, resolveConnectionLimits, resolveLimits, resolvePayloadLimits } from './limit-options.ts'
import type { ConnectionLimits, ResolvedLimits } from './limit-options.ts'

/** Options of a route with nothing left to guess. Durations in milliseconds, sizes in bytes. */
export interface ResolvedOptions {
  readonly maxPayload: number
  readonly origin: OriginOption
  /** null: the keys of `codec` where that is a map, else none */
  readonly subprotocols: SubprotocolsOption | null
  readonly codec: CodecOption
  readonly onInvalid: OnInvalidOption
  readonly concurrency: number
  readonly highWaterMark: number
  readonly closeTimeout: number
  /** null for no compression */
  readonly deflate: ResolvedDeflate | null
  readonly slowConsumer: ResolvedSlowConsumer
  readonly sendBudget: number
  /** null for none */
  readonly heartbeat: ResolvedHeartbeat | null
  /** null for never */
  readonly idleTimeout: number | null
  /** null for never */
  readonly maxLifetime: number | null
  /** null for no warning */
  readonly expiryWarning: number | null
  readonly limits: ResolvedLimits
  /** null for none */
  readonly limitKey: NonNullable<WsCommonOptions['limitKey']> | null
  /** Of this route alone. */
  readonly connectionLimits: ConnectionLimits
  /** The most bytes of a message by its type. */
  readonly payloadLimits: ReadonlyMap<string, number>
}

export type ResolvedHeartbeat = Readonly<Required<Exclude<HeartbeatOption, false>>>

export type ResolvedNodes = Readonly<Required<NodesOption>>

export type ResolvedDrain = Readonly<Required<DrainOption>>

export type ResolvedDeflate = Readonly<Required<Exclude<DeflateOption, boolean>>>

export interface ResolvedSlowConsumer {
  readonly policy: 'close' | 'drop-newest' | 'drop-oldest' | 'keep-latest'
  /** Of `keep-latest`; null for the other policies. */
  readonly key: ((message: unknown) => unknown) | null
}

/** Options of the plugin with nothing left to guess. */
export interface ResolvedPluginOptions {
  readonly route: ResolvedOptions
  readonly handshakeTimeout: number
  readonly drain: ResolvedDrain
  /** Of all routes together. */
  readonly connectionLimits: ConnectionLimits
  /** What all connections may hold, in bytes. */
  readonly processBudget: number
  /** null: in memory */
  readonly adapter: Adapter | null
  readonly adapterTimeout: number
  readonly nodes: ResolvedNodes
  readonly ajv: NonNullable<WsPluginOptions['ajv']>
}

/** Options as they come in: what messages look like is of no matter here. */
export type OwnOptions = Omit<WsCommonOptions, 'slowConsumer' | 'limits'> & { slowConsumer?: SlowConsumerOption<never>, limits?: RouteLimitsOption }

/** Every default, with its unit; `maxPayload` is Fastify's `bodyLimit`. */
export const defaults = Object.freeze({
  origin: 'same-origin',
  subprotocols: null,
  codec: 'json',
  onInvalid: 'reply',
  concurrency: 1,
  /** bytes */
  highWaterMark: 64 * 1024,
  /** milliseconds */
  closeTimeout: 5_000,
  /** milliseconds */
  heartbeat: Object.freeze({ interval: 25_000, timeout: 20_000, notify: false }),
  /** milliseconds; null for never */
  idleTimeout: null,
  /** milliseconds; null for never */
  maxLifetime: null,
  /** milliseconds */
  expiryWarning: 60_000,
  limits: defaultLimits,
  limitKey: null,
  connectionLimits: noConnectionLimits,
  /** milliseconds */
  drain: Object.freeze({ timeout: 5_000, spread: 1_000, delay: 0 }),
  perMessageDeflate: false,
  slowConsumer: 'close' as const,
  /** bytes */
  budget: Object.freeze({ connection: 1024 * 1024, process: 256 * 1024 * 1024 }),
  /** milliseconds */
  handshakeTimeout: 10_000,
  adapter: null,
  /** milliseconds */
  adapterTimeout: 5_000,
  /** milliseconds */
  nodes: Object.freeze({ interval: 2_000, timeout: 6_000 }),
  ajv: Object.freeze({})
})

/** In milliseconds. An append is repeated for so long, and carriers know for two minutes at least what they have appended. */
const longestWait = 60_000

/** What `perMessageDeflate: true` stands for. */
const deflateDefaults: ResolvedDeflate = Object.freeze({
  /** bytes */
  threshold: 1024,
  contextTakeover: false,
  /** 4 KiB */
  windowBits: 12,
  memLevel: 5,
  /** zlib's own choice between speed and size */
  level: 5
})

/** Every option of `register`. */
export const pluginOptionNames: ReadonlySet<string> = new Set([
  'maxPayload', 'origin', 'subprotocols', 'codec', 'onInvalid', 'concurrency', 'highWaterMark', 'closeTimeout',
  'perMessageDeflate', 'slowConsumer', 'budget', 'heartbeat', 'idleTimeout', 'maxLifetime', 'expiryWarning', 'limits', 'limitKey',
  'handshakeTimeout', 'drain', 'adapter', 'adapterTimeout', 'nodes', 'ajv',
  // Fastify's own options of `register`.
  'prefix', 'logLevel', 'logSerializers'
])

/** @throws FST_ERR_WS_OPTION */
export function resolvePluginOptions (options: WsPluginOptions, instance: FastifyInstance): ResolvedPluginOptions {
  for (const name of Object.keys(options)) {
    if (!pluginOptionNames.has(name)) throw new FST_ERR_WS_OPTION(name, 'is not an option of this plugin')
  }
  const bodyLimit = instance.initialConfig.bodyLimit ?? 1024 * 1024
  const {
    handshakeTimeout = defaults.handshakeTimeout, adapter = defaults.adapter, adapterTimeout = defaults.adapterTimeout,
    ajv = defaults.ajv, budget = defaults.budget
  } = options
  checkWhole('handshakeTimeout', handshakeTimeout, 1, maxDelay)
  checkWhole('adapterTimeout', adapterTimeout, 1, longestWait)
  if (adapter !== null) checkAdapter(adapter)
  if (typeof ajv !== 'object' || ajv === null || Array.isArray(ajv)) throw new FST_ERR_WS_OPTION('ajv', 'must be an object with customOptions or plugins')
  const inherited: ResolvedOptions = {
    ...defaults,
    origin: 'same-origin',
    codec: 'json',
    onInvalid: 'reply',
    maxPayload: bodyLimit,
    payloadLimits: new Map(),
    deflate: resolveDeflate(defaults.perMessageDeflate),
    slowConsumer: resolveSlowConsumer(defaults.slowConsumer),
    sendBudget: defaults.budget.connection
  }
  if (options.limits !== undefined) checkLimits(options.limits, false)
  // What the plugin counts is of all routes together: none of them counts it again.
  const route = { ...resolveOptions(options, inherited), connectionLimits: noConnectionLimits }
  const processBudget = budget.process ?? defaults.budget.process
  if (processBudget !== Infinity) checkWhole('budget.process', processBudget, 1, Number.MAX_SAFE_INTEGER)
  return {
    route,
    handshakeTimeout,
    drain: resolveDrain(options.drain),
    connectionLimits: resolveConnectionLimits(options.limits),
    processBudget,
    adapter,
    adapterTimeout,
    nodes: resolveNodes(options.nodes),
    ajv
  }
}

/** Fastify lets routes have any option: these would do nothing, and nobody would know. */
export function refusePluginOptions (routeOptions: { readonly limits?: RouteLimitsOption }): void {
  if (routeOptions.limits !== undefined) checkLimits(routeOptions.limits, true)
  for (const name of ['handshakeTimeout', 'drain', 'adapter', 'adapterTimeout', 'nodes', 'ajv']) {
    if (Object.hasOwn(routeOptions, name)) throw new FST_ERR_WS_OPTION(name, 'is an option of the plugin, not of a route')
  }
  if ('budget' in routeOptions && Object.hasOwn(Object(routeOptions.budget), 'process')) {
    throw new FST_ERR_WS_OPTION('budget.process', 'is an option of the plugin, not of a route')
  }
}

/**
 * The options of a route: its own, else the plugin's.
 *
 * @throws FST_ERR_WS_OPTION
 */
export function resolveOptions (own: OwnOptions, inherited: ResolvedOptions): ResolvedOptions {
  const options: ResolvedOptions = {
    maxPayload: own.maxPayload ?? inherited.maxPayload,
    origin: own.origin ?? inherited.origin,
    subprotocols: own.subprotocols ?? inherited.subprotocols,
    codec: own.codec ?? inherited.codec,
    onInvalid: own.onInvalid ?? inherited.onInvalid,
    concurrency: own.concurrency ?? inherited.concurrency,
    highWaterMark: own.highWaterMark ?? inherited.highWaterMark,
    closeTimeout: own.closeTimeout ?? inherited.closeTimeout,
    deflate: own.perMessageDeflate === undefined ? inherited.deflate : resolveDeflate(own.perMessageDeflate),
    slowConsumer: own.slowConsumer === undefined ? inherited.slowConsumer : resolveSlowConsumer(own.slowConsumer),
    sendBudget: resolveSendBudget(own.budget) ?? inherited.sendBudget,
    heartbeat: own.heartbeat === undefined ? inherited.heartbeat : resolveHeartbeat(own.heartbeat, inherited.heartbeat ?? defaults.heartbeat),
    idleTimeout: own.idleTimeout === undefined ? inherited.idleTimeout : resolveDuration('idleTimeout', own.idleTimeout),
    maxLifetime: own.maxLifetime === undefined ? inherited.maxLifetime : resolveDuration('maxLifetime', own.maxLifetime),
    expiryWarning: own.expiryWarning === undefined ? inherited.expiryWarning : resolveDuration('expiryWarning', own.expiryWarning),
    limits: resolveLimits(own.limits, inherited.limits),
    limitKey: own.limitKey ?? inherited.limitKey,
    connectionLimits: resolveConnectionLimits(own.limits),
    payloadLimits: resolvePayloadLimits(own.limits?.payload)
  }
  checkWhole('maxPayload', options.maxPayload, 1, Number.MAX_SAFE_INTEGER)
  checkWhole('highWaterMark', options.highWaterMark, 1, Number.MAX_SAFE_INTEGER)
  checkWhole('closeTimeout', options.closeTimeout, 1, maxDelay)
  if (options.concurrency !== Infinity) checkWhole('concurrency', options.concurrency, 1, Number.MAX_SAFE_INTEGER)
  if (options.onInvalid !== 'reply' && options.onInvalid !== 'close' && typeof options.onInvalid !== 'function') {
    throw new FST_ERR_WS_OPTION('onInvalid', "must be 'reply', 'close' or a function")
  }
  if (options.limitKey !== null && typeof options.limitKey !== 'function') throw new FST_ERR_WS_OPTION('limitKey', 'must be a function')
  return options
}

/**
 * @param inherited what is not said is as there: a route that tells its clients does so in the plugin's interval
 * @throws FST_ERR_WS_OPTION
 */
function resolveHeartbeat (option: HeartbeatOption, inherited: ResolvedHeartbeat): ResolvedHeartbeat | null {
  if (option === false) return null
  if (typeof option !== 'object' || option === null) throw new FST_ERR_WS_OPTION('heartbeat', 'must be false, or an object with interval, timeout and notify')
  for (const name of Object.keys(option)) {
    if (!Object.hasOwn(defaults.heartbeat, name)) throw new FST_ERR_WS_OPTION(`heartbeat.${name}`, 'is not an option: interval, timeout and notify are')
  }
  const { interval = inherited.interval, timeout = Math.min(interval, inherited.timeout), notify = inherited.notify } = option
  checkWhole('heartbeat.interval', interval, 10, maxDelay)
  checkWhole('heartbeat.timeout', timeout, 1, interval)
  if (typeof notify !== 'boolean') throw new FST_ERR_WS_OPTION('heartbeat.notify', 'must be true or false')
  return { interval, timeout, notify }
}

/** Over which part of the time for draining close frames are spread by default: the last ones are to be answered, too. */
const largestSpread = 0.2

/** @throws FST_ERR_WS_OPTION */
function resolveDrain (option: DrainOption = {}): ResolvedDrain {
  checkFields('drain', option, Object.keys(defaults.drain))
  const { timeout = defaults.drain.timeout, spread = Math.min(Math.floor(timeout * largestSpread), defaults.drain.spread), delay = defaults.drain.delay } = option
  checkWhole('drain.timeout', timeout, 1, maxDelay)
  checkWhole('drain.spread', spread, 0, timeout)
  checkWhole('drain.delay', delay, 0, maxDelay)
  return { timeout, spread, delay }
}

/** Less would be taken for dead for a single late word. */
const leastSilence = 2

/** @throws FST_ERR_WS_OPTION */
function resolveNodes (option: NodesOption = {}): ResolvedNodes {
  checkFields('nodes', option, Object.keys(defaults.nodes))
  const { interval = defaults.nodes.interval, timeout = Math.max(interval * 3, defaults.nodes.timeout) } = option
  checkWhole('nodes.interval', interval, 10, Math.floor(maxDelay / leastSilence))
  checkWhole('nodes.timeout', timeout, interval * leastSilence, maxDelay)
  return { interval, timeout }
}

/** @throws FST_ERR_WS_OPTION */
function resolveDeflate (option: DeflateOption): ResolvedDeflate | null {
  if (option === false) return null
  if (option !== true && (typeof option !== 'object' || option === null)) throw new FST_ERR_WS_OPTION('perMessageDeflate', 'must be true, false or an object')
  const own: Exclude<DeflateOption, boolean> = option === true ? {} : option
  for (const name of Object.keys(own)) {
    if (!Object.hasOwn(deflateDefaults, name)) throw new FST_ERR_WS_OPTION(`perMessageDeflate.${name}`, 'is not an option of compression')
  }
  const resolved: ResolvedDeflate = {
    threshold: own.threshold ?? deflateDefaults.threshold,
    contextTakeover: own.contextTakeover ?? deflateDefaults.contextTakeover,
    windowBits: own.windowBits ?? deflateDefaults.windowBits,
    memLevel: own.memLevel ?? deflateDefaults.memLevel,
    level: own.level ?? deflateDefaults.level
  }
  checkWhole('perMessageDeflate.threshold', resolved.threshold, 0, Number.MAX_SAFE_INTEGER)
  checkWhole('perMessageDeflate.windowBits', resolved.windowBits, 8, 15)
  checkWhole('perMessageDeflate.memLevel', resolved.memLevel, 1, 9)
  checkWhole('perMessageDeflate.level', resolved.level, -1, 9)
  if (typeof resolved.contextTakeover !== 'boolean') throw new FST_ERR_WS_OPTION('perMessageDeflate.contextTakeover', 'must be true or false')
  return resolved
}

/** @throws FST_ERR_WS_OPTION */
export function resolveSlowConsumer (option: SlowConsumerOption<never>): ResolvedSlowConsumer {
  if (option === 'close' || option === 'drop-newest' || option === 'drop-oldest') return { policy: option, key: null }
  if (typeof option === 'object' && option !== null && option.policy === 'keep-latest' && typeof option.key === 'function') {
    return { policy: 'keep-latest', key: option.key as (message: unknown) => unknown }
  }
  throw new FST_ERR_WS_OPTION('slowConsumer', "must be 'close', 'drop-newest', 'drop-oldest' or { policy: 'keep-latest', key: message => … }")
}

/** undefined where the option leaves it open */
function resolveSendBudget (budget: WsCommonOptions['budget']): number | undefined {
  if (budget === undefined) return undefined
  if (typeof budget !== 'object' || budget === null) throw new FST_ERR_WS_OPTION('budget', 'must be an object with connection or process')
  for (const name of Object.keys(budget)) {
    if (name !== 'connection' && name !== 'process') throw new FST_ERR_WS_OPTION(`budget.${name}`, 'is not an option: connection and process are')
  }
  if (budget.connection !== undefined && budget.connection !== Infinity) checkWhole('budget.connection', budget.connection, 1, Number.MAX_SAFE_INTEGER)
  return budget.connection
}

function checkAdapter (adapter: Adapter): void {
  for (const method of ['start', 'publish', 'subscribe', 'unsubscribe', 'stop'] as const) {
    if (typeof adapter[method] !== 'function') throw new FST_ERR_WS_OPTION('adapter', `has no method ${method}: pass what redisAdapter({ client }), or another of them, answers`)
  }
}
