import { randomBytes } from 'node:crypto'
import type { HistoryEvent, HistoryPage, HistorySettings, MessageEnvelope, Position } from '../../types/adapter.ts'

/** Of how many processes a room knows what they have appended. */
const mostPublishers = 1_000

/** One room's history in memory. */
class Log {
  readonly epoch = randomBytes(6).toString('hex')
  head = 0
  /** In order, without gaps: the last one is at `head`. */
  readonly #kept: Array<{ readonly event: HistoryEvent, readonly at: number }> = []
  /** The last envelope of each process, those that appended last at the end. */
  readonly #appended = new Map<string, number>()
  /** When it may be forgotten. */
  expires = 0

  /** null for one that was appended before. */
  append (envelope: MessageEnvelope, { size, ttl }: HistorySettings, now: number): HistoryEvent | null {
    const { node, seq } = envelope
    if (seq <= (this.#appended.get(node) ?? 0)) return null
    this.#remember(node, seq)
    const event: HistoryEvent = { epoch: this.epoch, offset: this.head + 1, previous: this.head, envelope }
    this.head++
    this.#kept.push({ event, at: now })
    this.#trim(size, now - ttl)
    return event
  }

  page (after: number | null, { size, ttl }: HistorySettings, now: number): HistoryPage {
    this.#trim(size, now - ttl)
    const floor = this.head - this.#kept.length
    const events = after === null ? [] : this.#kept.slice(Math.max(0, after - floor)).map(({ event }) => event)
    return { epoch: this.epoch, head: this.head, floor, events }
  }

  /** Each process that starts anew is another node: those that have long said nothing repeat nothing. */
  #remember (node: string, seq: number): void {
    this.#appended.delete(node)
    this.#appended.set(node, seq)
    if (this.#appended.size <= mostPublishers) return
    const [oldest] = this.#appended.keys()
    this.#appended.delete(oldest)
  }

  #trim (size: number, oldest: number): void {
    while (this.#kept.length > size || (this.#kept.length > 0 && this.#kept[0].at <= oldest)) this.#kept.shift()
  }
}

/** How often it is looked which histories nobody can come back to, at most, in milliseconds. */
const sweepInterval = 10_000
/** How many times its `ttl` a room is remembered when nothing is sent to it: who comes back then has missed nothing. */
const remembered = 2
/** And at least so long, in milliseconds, however short its `ttl` is: an `append` may be repeated meanwhile, and must be known again. */
const leastRemembered = 60_000

/** The histories of rooms, in memory. One that nobody writes to or reads for twice its `ttl`, and a minute, is forgotten, and begins a new epoch. */
export class MemoryHistory {
  readonly #logs = new Map<string, Log>()
  readonly #clock: () => number
  #swept: number

  /** @param clock in milliseconds, never going back */
  constructor (clock: () => number = () => performance.now()) {
    this.#clock = clock
    this.#swept = clock()
  }

  /** How many rooms are remembered. */
  get size (): number {
    return this.#logs.size
  }

  append (channel: string, envelope: MessageEnvelope, settings: HistorySettings): HistoryEvent | null {
    const now = this.#clock()
    return this.#open(channel, settings, now).append(envelope, settings, now)
  }

  read (channel: string, after: Position | null, settings: HistorySettings): HistoryPage {
    const now = this.#clock()
    const log = this.#open(channel, settings, now)
    return log.page(after === null || after.epoch !== log.epoch ? null : after.offset, settings, now)
  }

  #open (channel: string, { ttl }: HistorySettings, now: number): Log {
    this.#sweep(now)
    let log = this.#logs.get(channel)
    if (log === undefined) this.#logs.set(channel, log = new Log())
    log.expires = Math.max(log.expires, now + Math.max(remembered * ttl, leastRemembered))
    return log
  }

  #sweep (now: number): void {
    if (now - this.#swept < sweepInterval) return
    this.#swept = now
    for (const [channel, log] of this.#logs) {
      if (log.expires < now) this.#logs.delete(channel)
    }
  }
}
