import type { ExceedOption } from '../../types/options.ts'
import type { ResolvedLimits, ResolvedRates } from '../limit-options.ts'
import type { Agenda, Scheduled } from './agenda.ts'
import { Buckets, hasRates, KeyedBuckets } from './buckets.ts'
import type { KeyBuckets } from './buckets.ts'
import type { TokenBucket } from './token-bucket.ts'

/** Whose rates these are. */
export interface RatesOwner {
  /** Reads nothing for now, or goes on. */
  throttle (on: boolean): void
  /** It went over its rate: reading pauses, a message is refused, or the connection is to be closed. */
  onLimited (policy: ExceedOption): void
}

/**
 * What one connection may send, by its own buckets and by those that it shares with others of its key: made where there are any. Bytes and messages
 * count as they come, except where what is over the rate is answered: it then counts in its turn, as replies must keep the order of their messages.
 */
export class Rates implements Scheduled {
  slot = -1
  due = 0
  readonly #owner: RatesOwner
  readonly #agenda: Agenda
  readonly #exceed: ExceedOption
  readonly #messages: readonly TokenBucket[]
  readonly #bytes: readonly TokenBucket[]
  readonly #shared: KeyBuckets | null
  /** What came since a message had its turn, where bytes count then. */
  #uncounted = 0
  #isThrottled = false
  #hasEnded = false

  /** @param shared to be released at the end; null for none */
  constructor (owner: RatesOwner, agenda: Agenda, exceed: ExceedOption, own: Buckets | null, shared: KeyBuckets | null) {
    this.#owner = owner
    this.#agenda = agenda
    this.#exceed = exceed
    this.#messages = [own?.messages, shared?.messages].filter(isBucket)
    this.#bytes = [own?.bytes, shared?.bytes].filter(isBucket)
    this.#shared = shared
  }

  /** Counts bytes that came; answers whether they are to be read. */
  takeBytes (count: number): boolean {
    if (this.#exceed !== 'error') return this.#take(this.#bytes, count)
    this.#uncounted += count
    return true
  }

  /** Counts a message that came; answers whether it is to be handled. */
  takeMessage (): boolean {
    if (this.#exceed === 'error') return true
    const isTaken = this.#take(this.#messages, 1)
    this.#pace(this.#messages)
    return isTaken
  }

  /** Whether a message is handled whose turn it is, and not answered with an error. */
  admits (): boolean {
    if (this.#exceed !== 'error') return true
    const now = performance.now()
    const bytes = this.#uncounted
    this.#uncounted = 0
    if (hasAll(this.#messages, now) && hasAll(this.#bytes, now)) {
      for (const bucket of this.#messages) bucket.take(1, now)
      for (const bucket of this.#bytes) bucket.take(bytes, now)
      return true
    }
    for (const bucket of this.#bytes) bucket.fine(bytes, now)
    this.#owner.onLimited('error')
    return false
  }

  /** Pauses reading where more bytes have come than may: what came with them has been read. */
  paceBytes (): void {
    this.#pace(this.#bytes)
  }

  /** Others with its key may have been faster. */
  onDue (now: number): void {
    const debt = Math.max(debtOf(this.#messages, now), debtOf(this.#bytes, now))
    if (debt > 0) this.#agenda.set(this, now + debt)
    else this.unthrottle()
  }

  /** Lets it be read at once. */
  unthrottle (): void {
    if (!this.#isThrottled) return
    this.#isThrottled = false
    this.#agenda.delete(this)
    this.#owner.throttle(false)
  }

  /** The connection has gone; answers whether nothing was read because of these. */
  end (): boolean {
    const wasThrottled = this.#isThrottled
    this.#isThrottled = false
    this.#hasEnded = true
    this.#agenda.delete(this)
    this.#shared?.release()
    return wasThrottled
  }

  #take (buckets: readonly TokenBucket[], cost: number): boolean {
    if (buckets.length === 0) return true
    const now = performance.now()
    if (this.#exceed === 'close' && !hasAll(buckets, now)) {
      this.#owner.onLimited('close')
      return false
    }
    for (const bucket of buckets) bucket.take(cost, now)
    return true
  }

  /** Pauses reading while these are in debt. */
  #pace (buckets: readonly TokenBucket[]): void {
    if (this.#exceed !== 'slow' || this.#isThrottled || this.#hasEnded || buckets.length === 0) return
    const now = performance.now()
    const debt = debtOf(buckets, now)
    if (debt === 0) return
    this.#isThrottled = true
    this.#agenda.set(this, now + debt)
    this.#owner.throttle(true)
    this.#owner.onLimited('slow')
  }
}

/** The rates of one route's connections. */
export class RouteRates {
  readonly #limits: ResolvedLimits
  /** null where a key has no rates */
  readonly #keyed: KeyedBuckets | null
  readonly #agenda: Agenda

  constructor (limits: ResolvedLimits, keyed: KeyedBuckets | null, agenda: Agenda) {
    this.#limits = limits
    this.#keyed = keyed
    this.#agenda = agenda
  }

  /** Those of a new connection; null for none. */
  of (owner: RatesOwner, key: string | undefined): Rates | null {
    const { own, exceed } = this.#limits
    const shared = key === undefined || this.#keyed === null ? null : this.#keyed.take(key)
    if (shared === null && !hasRates(own)) return null
    return new Rates(owner, this.#agenda, exceed, hasRates(own) ? new Buckets(own, performance.now()) : null, shared)
  }
}

/** The rates of one server: routes with the same object of them share the buckets of a key. */
export class ServerRates {
  readonly #agenda: Agenda
  readonly #keyed = new Map<ResolvedRates, KeyedBuckets>()

  constructor (agenda: Agenda) {
    this.#agenda = agenda
  }

  /** null where a route has none */
  of (limits: ResolvedLimits): RouteRates | null {
    const keyed = hasRates(limits.perKey) ? this.#keyedOf(limits.perKey) : null
    return keyed === null && !hasRates(limits.own) ? null : new RouteRates(limits, keyed, this.#agenda)
  }

  #keyedOf (rates: ResolvedRates): KeyedBuckets {
    let keyed = this.#keyed.get(rates)
    if (keyed === undefined) this.#keyed.set(rates, keyed = new KeyedBuckets(rates, this.#agenda))
    return keyed
  }
}

function hasAll (buckets: readonly TokenBucket[], now: number): boolean {
  for (const bucket of buckets) if (!bucket.has(now)) return false
  return true
}

/** In how many milliseconds none of them is in debt. */
function debtOf (buckets: readonly TokenBucket[], now: number): number {
  let debt = 0
  for (const bucket of buckets) debt = Math.max(debt, bucket.debt(now))
  return debt
}

function isBucket (bucket: TokenBucket | null | undefined): bucket is TokenBucket {
  return bucket !== null && bucket !== undefined
}
