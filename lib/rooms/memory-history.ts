import { randomBytes } from 'node:crypto'
import type { HistoryEvent, HistoryPage, HistorySettings, MessageEnvelope, Position } from '../../types/adapter.ts'
import { outside } from '../outside.ts'

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
  /** The longest that anybody wants its messages kept, in milliseconds. */
  ttl = 0

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

  /** How many messages are kept. */
  get size (): number {
    return this.#kept.length
  }

  /** Lets go of what is kept no longer, though nobody asks for it. */
  age (now: number): void {
    this.#trim(Infinity, now - this.ttl)
  }

  #trim (size: number, oldest: number): void {
    while (this.#kept.length > size || (this.#kept.length > 0 && this.#kept[0].at <= oldest)) this.#kept.shift()
  }
}

/** How often it is looked what is kept no longer, and which histories nobody can come back to, at most, in milliseconds. */
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
  #timer: NodeJS.Timeout | null = null

  /** @param clock in milliseconds, never going back */
  constructor (clock: () => number = () => performance.now()) {
    this.#clock = clock
    this.#swept = clock()
  }

  /** How many rooms are remembered. */
  get size (): number {
    return this.#logs.size
  }

  /** How many messages are kept, of all rooms. */
  get messages (): number {
    let messages = 0
    for (const log of this.#logs.values()) messages += log.size
    return messages
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
    log.ttl = Math.max(log.ttl, ttl)
    log.expires = Math.max(log.expires, now + Math.max(remembered * ttl, leastRemembered))
    this.#arm()
    return log
  }

  /** A server that has gone quiet must not keep everything for ever. */
  #arm (): void {
    this.#timer ??= outside(() => setTimeout(() => {
      this.#timer = null
      this.#sweep(this.#clock())
      if (this.#logs.size > 0) this.#arm()
    }, sweepInterval)).unref()
  }

  #sweep (now: number): void {
    if (now - this.#swept < sweepInterval) return
    this.#swept = now
    for (const [channel, log] of this.#logs) {
      if (log.expires < now) this.#logs.delete(channel)
      else log.age(now)
    }
  }
}
