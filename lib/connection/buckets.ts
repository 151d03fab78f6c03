import type { ResolvedRates } from '../limit-options.ts'
import type { Agenda, Scheduled } from './agenda.ts'
import { TokenBucket } from './token-bucket.ts'

/** What there is of each that has a rate; null where there is none. */
export class Buckets {
  readonly messages: TokenBucket | null
  readonly bytes: TokenBucket | null

  constructor ({ messages, bytes }: ResolvedRates, now: number) {
    this.messages = messages === null ? null : new TokenBucket(messages, now)
    this.bytes = bytes === null ? null : new TokenBucket(bytes, now)
  }

  /** In how many milliseconds they are as new ones. */
  untilFull (now: number): number {
    return Math.max(this.messages === null ? 0 : this.messages.untilFull(now), this.bytes === null ? 0 : this.bytes.untilFull(now))
  }
}

/** Whether there is a rate at all. */
export function hasRates ({ messages, bytes }: ResolvedRates): boolean {
  return messages !== null || bytes !== null
}

/** How many keys without a connection are remembered. A client that has more to go through has as many buckets anyway. */
const mostAbandoned = 10_000

/** Buckets that all connections with one key share. */
export class KeyBuckets extends Buckets implements Scheduled {
  slot = -1
  due = 0
  /** How many connections use them. */
  users = 0
  readonly key: string
  readonly #home: KeyedBuckets

  constructor (home: KeyedBuckets, key: string, rates: ResolvedRates, now: number) {
    super(rates, now)
    this.#home = home
    this.key = key
  }

  onDue (now: number): void {
    this.#home.forget(this, now)
  }

  /** One connection uses them no more. */
  release (): void {
    this.#home.release(this)
  }
}

/**
 * The buckets of each key, for routes that share them. Those of a key that has no connection left are kept until they are full again: else connecting
 * anew would fill them.
 */
export class KeyedBuckets {
  readonly #rates: ResolvedRates
  readonly #agenda: Agenda
  readonly #all = new Map<string, KeyBuckets>()
  /** Those without a connection, the longest abandoned first. */
  readonly #abandoned = new Set<KeyBuckets>()

  constructor (rates: ResolvedRates, agenda: Agenda) {
    this.#rates = rates
    this.#agenda = agenda
  }

  /** How many keys are remembered. */
  get size (): number {
    return this.#all.size
  }

  /** The buckets of a key, for one more connection, which has to release them. */
  take (key: string): KeyBuckets {
    let buckets = this.#all.get(key)
    if (buckets === undefined) this.#all.set(key, buckets = new KeyBuckets(this, key, this.#rates, performance.now()))
    else if (this.#abandoned.delete(buckets)) this.#agenda.delete(buckets)
    buckets.users++
    return buckets
  }

  release (buckets: KeyBuckets): void {
    if (--buckets.users > 0) return
    this.#abandoned.add(buckets)
    this.forget(buckets, performance.now())
    const [oldest] = this.#abandoned
    if (this.#abandoned.size > mostAbandoned) this.#delete(oldest)
  }

  /** Forgets buckets that nobody uses, now or once they are full. */
  forget (buckets: KeyBuckets, now: number): void {
    const wait = buckets.untilFull(now)
    if (wait > 0) this.#agenda.set(buckets, now + wait)
    else this.#delete(buckets)
  }

  #delete (buckets: KeyBuckets): void {
    this.#agenda.delete(buckets)
    this.#abandoned.delete(buckets)
    this.#all.delete(buckets.key)
  }
}
