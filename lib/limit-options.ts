import type { ExceedOption, LimitsOption, RateLimits, RateOption, RouteLimitsOption } from '../types/options.ts'
import { checkFields, checkWhole } from './check-option.ts'
import { FST_ERR_WS_OPTION } from './errors.ts'

/** A token bucket's size, and what is added to it in a second. */
export interface ResolvedRate {
  readonly perSecond: number
  readonly burst: number
}

/** null for no limit */
export interface ResolvedRates {
  readonly messages: ResolvedRate | null
  readonly bytes: ResolvedRate | null
}

/** How many connections may be open, of all and of each; `Infinity` for no limit. */
export interface ConnectionLimits {
  readonly total: number
  readonly perIp: number
  readonly perKey: number
}

/** What a connection may do. */
export interface ResolvedLimits {
  readonly own: ResolvedRates
  /** What all connections with the same key may send: one object for all that share the buckets. */
  readonly perKey: ResolvedRates
  readonly exceed: ExceedOption
  readonly rooms: number
}

/** How many rooms one connection may be in, unless an option says so. */
const mostRooms = 1_000

const noRates: ResolvedRates = Object.freeze({ messages: null, bytes: null })

export const noConnectionLimits: ConnectionLimits = Object.freeze({ total: Infinity, perIp: Infinity, perKey: Infinity })

export const defaultLimits: ResolvedLimits = Object.freeze({ own: noRates, perKey: noRates, exceed: 'slow', rooms: mostRooms })

const names = ['connections', 'connectionsPerIp', 'connectionsPerKey', 'messages', 'bytes', 'perKey', 'exceed', 'rooms']

/** @throws FST_ERR_WS_OPTION */
export function checkLimits (limits: LimitsOption | RouteLimitsOption, isOfRoute: boolean): void {
  checkFields('limits', limits, isOfRoute ? [...names, 'payload'] : names)
}

/** @throws FST_ERR_WS_OPTION */
export function resolveConnectionLimits (limits: LimitsOption = {}): ConnectionLimits {
  return {
    total: wholeOrInfinity('limits.connections', limits.connections),
    perIp: wholeOrInfinity('limits.connectionsPerIp', limits.connectionsPerIp),
    perKey: wholeOrInfinity('limits.connectionsPerKey', limits.connectionsPerKey)
  }
}

/**
 * Those of a route, else the plugin's.
 *
 * @throws FST_ERR_WS_OPTION
 */
export function resolveLimits (limits: LimitsOption | undefined, inherited: ResolvedLimits): ResolvedLimits {
  if (limits === undefined) return inherited
  const { exceed = inherited.exceed, rooms = inherited.rooms } = limits
  if (exceed !== 'slow' && exceed !== 'error' && exceed !== 'close') throw new FST_ERR_WS_OPTION('limits.exceed', "must be 'slow', 'error' or 'close'")
  if (limits.perKey !== undefined) checkFields('limits.perKey', limits.perKey, ['messages', 'bytes'])
  return {
    own: resolveRates('limits', limits, inherited.own),
    perKey: limits.perKey === undefined ? inherited.perKey : resolveRates('limits.perKey', limits.perKey, inherited.perKey),
    exceed,
    rooms: wholeOrInfinity('limits.rooms', rooms)
  }
}

/**
 * The most bytes of a message by its type.
 *
 * @throws FST_ERR_WS_OPTION
 */
export function resolvePayloadLimits (payload: RouteLimitsOption['payload'] = {}): ReadonlyMap<string, number> {
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) throw new FST_ERR_WS_OPTION('limits.payload', 'must be an object of bytes by message type')
  return new Map(Object.entries(payload).map(([type, bytes]) => {
    checkWhole(`limits.payload.${type}`, bytes, 1, Number.MAX_SAFE_INTEGER)
    return [type, bytes]
  }))
}

function resolveRates (name: string, { messages, bytes }: RateLimits, inherited: ResolvedRates): ResolvedRates {
  return {
    messages: messages === undefined ? inherited.messages : resolveRate(`${name}.messages`, messages),
    bytes: bytes === undefined ? inherited.bytes : resolveRate(`${name}.bytes`, bytes)
  }
}

/** null for `Infinity` */
function resolveRate (name: string, rate: RateOption): ResolvedRate | null {
  if (rate === Infinity) return null
  if (typeof rate === 'number') return resolveRate(name, { perSecond: rate })
  checkFields(name, rate, ['perSecond', 'burst'])
  const { perSecond, burst = Math.max(1, Math.ceil(perSecond)) } = rate
  if (typeof perSecond !== 'number' || !(perSecond > 0) || perSecond > Number.MAX_SAFE_INTEGER) throw new FST_ERR_WS_OPTION(`${name}.perSecond`, 'must be a number above 0')
  checkWhole(`${name}.burst`, burst, 1, Number.MAX_SAFE_INTEGER)
  return { perSecond, burst }
}

function wholeOrInfinity (name: string, value: number = Infinity): number {
  if (value !== Infinity) checkWhole(name, value, 1, Number.MAX_SAFE_INTEGER)
  return value
}
