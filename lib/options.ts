import type { FastifyInstance } from 'fastify'
import type { Adapter } from '../types/adapter.ts'
import type { CodecOption } from '../types/codec.ts'
import type { OnInvalidOption, OriginOption, SubprotocolsOption, WsCommonOptions, WsPluginOptions } from '../types/options.ts'
import { FST_ERR_WS_OPTION } from './errors.ts'

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
}

/** Options of the plugin with nothing left to guess. */
export interface ResolvedPluginOptions {
  readonly route: ResolvedOptions
  readonly handshakeTimeout: number
  /** null: in memory */
  readonly adapter: Adapter | null
  readonly ajv: NonNullable<WsPluginOptions['ajv']>
}

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
  handshakeTimeout: 10_000,
  adapter: null,
  ajv: Object.freeze({})
})

/** The longest delay that a timer of Node takes. */
const maxDelay = 2 ** 31 - 1

const pluginOptionNames = new Set([
  'maxPayload', 'origin', 'subprotocols', 'codec', 'onInvalid', 'concurrency', 'highWaterMark', 'closeTimeout',
  'handshakeTimeout', 'adapter', 'ajv',
  // Fastify's own options of `register`.
  'prefix', 'logLevel', 'logSerializers'
])

/** @throws FST_ERR_WS_OPTION */
export function resolvePluginOptions (options: WsPluginOptions, instance: FastifyInstance): ResolvedPluginOptions {
  for (const name of Object.keys(options)) {
    if (!pluginOptionNames.has(name)) throw new FST_ERR_WS_OPTION(name, 'is not an option of this plugin')
  }
  const bodyLimit = instance.initialConfig.bodyLimit ?? 1024 * 1024
  const { handshakeTimeout = defaults.handshakeTimeout, adapter = defaults.adapter, ajv = defaults.ajv } = options
  checkWhole('handshakeTimeout', handshakeTimeout, 1, maxDelay)
  if (adapter !== null) checkAdapter(adapter)
  if (typeof ajv !== 'object' || ajv === null || Array.isArray(ajv)) throw new FST_ERR_WS_OPTION('ajv', 'must be an object with customOptions or plugins')
  return {
    route: resolveOptions(options, { ...defaults, origin: 'same-origin', codec: 'json', onInvalid: 'reply', maxPayload: bodyLimit }),
    handshakeTimeout,
    adapter,
    ajv
  }
}

/** Fastify lets routes have any option: these would do nothing, and nobody would know. */
export function refusePluginOptions (routeOptions: object): void {
  for (const name of ['handshakeTimeout', 'adapter', 'ajv']) {
    if (Object.hasOwn(routeOptions, name)) throw new FST_ERR_WS_OPTION(name, 'is an option of the plugin, not of a route')
  }
}

/**
 * The options of a route: its own, else the plugin's.
 *
 * @throws FST_ERR_WS_OPTION
 */
export function resolveOptions (own: WsCommonOptions, inherited: ResolvedOptions): ResolvedOptions {
  const options: ResolvedOptions = {
    maxPayload: own.maxPayload ?? inherited.maxPayload,
    origin: own.origin ?? inherited.origin,
    subprotocols: own.subprotocols ?? inherited.subprotocols,
    codec: own.codec ?? inherited.codec,
    onInvalid: own.onInvalid ?? inherited.onInvalid,
    concurrency: own.concurrency ?? inherited.concurrency,
    highWaterMark: own.highWaterMark ?? inherited.highWaterMark,
    closeTimeout: own.closeTimeout ?? inherited.closeTimeout
  }
  checkWhole('maxPayload', options.maxPayload, 1, Number.MAX_SAFE_INTEGER)
  checkWhole('highWaterMark', options.highWaterMark, 1, Number.MAX_SAFE_INTEGER)
  checkWhole('closeTimeout', options.closeTimeout, 1, maxDelay)
  if (options.concurrency !== Infinity) checkWhole('concurrency', options.concurrency, 1, Number.MAX_SAFE_INTEGER)
  if (options.onInvalid !== 'reply' && options.onInvalid !== 'close' && typeof options.onInvalid !== 'function') {
    throw new FST_ERR_WS_OPTION('onInvalid', "must be 'reply', 'close' or a function")
  }
  return options
}

function checkWhole (name: string, value: unknown, least: number, most: number): void {
  if (!Number.isInteger(value) || (value as number) < least || (value as number) > most) {
    throw new FST_ERR_WS_OPTION(name, `must be a whole number from ${least} to ${most}`)
  }
}

function checkAdapter (adapter: Adapter): void {
  for (const method of ['start', 'publish', 'subscribe', 'unsubscribe', 'stop'] as const) {
    if (typeof adapter[method] !== 'function') throw new FST_ERR_WS_OPTION('adapter', `has no method ${method}`)
  }
}
