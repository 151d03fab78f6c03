import { Feed } from '../../lib/rooms/history/feed.ts'
import type { Follower } from '../../lib/rooms/history/replay.ts'
import type { FeedEvent } from '../../lib/rooms/history/shared-events.ts'
import type { HistoryEvent, HistoryPage, Position } from '../../types/adapter.ts'
import type { JoinResult } from '../../types/rooms.ts'
import { deferred } from './app.ts'

/** Numbers that a seed decides. */
export class Dice {
  #state: number

  constructor (seed: number) {
    this.#state = seed
  }

  /** From 0 up to 1. */
  roll (): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }

  chance (probability: number): boolean {
    return this.roll() < probability
  }

  below (limit: number): number {
    return Math.floor(this.roll() * limit)
  }

  oneOf<Value> (values: readonly Value[]): Value {
    return values[this.below(values.length)]
  }
}

/** A message that is, or was, in the history. */
export interface Kept extends HistoryEvent {
  /** The history was rolled back behind it: those who have had it can't be blamed. */
  isUndone: boolean
}

/** One history, and what is known of it that no node is told: all that ever was in it. */
export class ModelHistory {
  epoch = 'a'
  head = 0
  floor = 0
  /** The last offset that was ever given away: a history that is rolled back gives none twice. */
  #last = 0
  #events: Kept[] = []
  readonly epochs = new Map<string, Kept[]>([['a', this.#events]])
  #seq = 0

  append (except: readonly string[], jump: number): HistoryEvent {
    this.#last += jump
    const payload = `{"n":${++this.#seq}}`
    const event: Kept = {
      epoch: this.epoch, offset: this.#last, previous: this.head, isUndone: false, envelope: { kind: 'json', node: 'a', seq: this.#seq, payload, except }
    }
    this.#events.push(event)
    this.head = event.offset
    return event
  }

  /** It is lost, and begins again. */
  reset (): void {
    this.epoch = String.fromCharCode(this.epoch.charCodeAt(0) + 1)
    this.head = this.floor = this.#last = 0
    this.#events = []
    this.epochs.set(this.epoch, this.#events)
  }

  trim (count: number): void {
    const kept = this.#living.filter(({ offset }) => offset > this.floor)
    if (kept.length > 0) this.floor = kept[Math.min(count, kept.length) - 1].offset
  }

  rollBack (count: number): void {
    const kept = this.#living.filter(({ offset }) => offset > this.floor)
    for (const event of kept.slice(-count)) {
      event.isUndone = true
      this.head = event.previous > this.head ? this.head : event.previous
    }
  }

  get #living (): Kept[] {
    return this.#events.filter(({ isUndone }) => !isUndone)
  }

  page (after: Position | null): HistoryPage {
    const { epoch, head, floor } = this
    const from = after === null || after.epoch !== epoch ? Infinity : Math.max(floor, after.offset)
    return { epoch, head, floor, events: this.#living.filter(({ offset }) => offset > from) }
  }
}

/** A client, and what it has had since what it knows to be whole. */
export class ModelClient implements Follower {
  readonly id: string
  writable = true
  node: ModelNode | null = null
  /** From where on it has everything, as far as it was told; null before its first answer. */
  base: Position | null = null
  /** What it had since, by `n`. */
  had: Position[] = []
  latest: Position | null = null
  wasToldOfGap = false
  /** Whether it has the answer to its join, and whether it said in it where it was. */
  isPlaced = false
  asked = false
  /** Which of its joins is the last one. */
  joins = 0
  joining = 0
  readonly failures: string[] = []
  #drained = deferred()

  constructor (id: string) {
    this.id = id
  }

  async drained (): Promise<void> {
    while (!this.writable) await this.#drained.promise
  }

  read (isReading: boolean): void {
    if (this.writable === isReading) return
    this.writable = isReading
    if (isReading) this.#drained.resolve()
    else this.#drained = deferred()
  }

  onSlow (): void {
    this.failures.push('it was closed as too slow')
  }

  receive ({ broadcast, except }: FeedEvent): void {
    const message = broadcast.message as { type?: string, eventId: string }
    if (this.node === null) this.failures.push(`${message.eventId} came after it had left`)
    if (except.includes(this.id)) this.failures.push(`${message.eventId} was not for it`)
    this.take(message)
  }

  take ({ type, eventId }: { readonly type?: string, readonly eventId: string }): void {
    const position = positionOf(eventId)
    if (type === 'gap') {
      this.wasToldOfGap = true
      this.restart(position)
      // Where the history was rolled back it is before what came already.
      this.latest = position
      return
    }
    const { latest } = this
    if (latest !== null && latest.epoch === position.epoch && position.offset <= latest.offset) this.failures.push(`${eventId} came after ${latest.offset}`)
    this.latest = position
    this.had.push(position)
  }

  restart (base: Position): void {
    this.base = base
    this.had = this.had.filter(({ epoch, offset }) => epoch === base.epoch && offset > base.offset)
  }

  /** What it says when it joins. */
  get since (): string | null {
    const position = this.had.at(-1) ?? this.base
    return position === null ? null : `${position.epoch}-${position.offset}`
  }

  /** What it lacks, or has and should not, by what it was told. */
  check ({ epochs }: Pick<ModelHistory, 'epochs'>): string | null {
    if (this.base === null) return null
    const { epoch, offset } = this.base
    const end = this.had.at(-1)?.offset ?? offset
    const due = (epochs.get(epoch) ?? []).filter(event => event.offset > offset && event.offset <= end && !event.envelope.except.includes(this.id))
    const living = due.filter(event => !event.isUndone).map(event => event.offset)
    const had = this.had.map(position => position.offset)
    const undone = new Set(due.filter(event => event.isUndone).map(event => event.offset))
    const counted = had.filter(each => !undone.has(each))
    return living.join() === counted.join() ? null : `since ${epoch}-${offset} it had ${counted.join()} instead of ${living.join()}`
  }
}

function positionOf (eventId: string): Position {
  const [epoch, offset] = eventId.split('-')
  return { epoch, offset: Number(offset) }
}

/** One process: its members, and what is on its way to it. */
export class ModelNode {
  readonly members = new Set<ModelClient>()
  readonly #history: ModelHistory
  /** Events on their way. */
  readonly inbox: HistoryEvent[] = []
  /** Reads on their way: each is answered, or fails, when the model says so. */
  readonly reads: Array<(error: Error | null) => void> = []
  readonly subscribing: Array<(error: Error | null) => void> = []
  feed: Feed<ModelClient> | null = null
  isSubscribed = false
  #subscribed: Promise<void> | null = null
  gaps = 0
  readCount = 0
  readonly readFailures: unknown[] = []
  /** Bytes that are kept for replays. */
  held = 0
  readonly #timeout: number

  /** @param timeout of reads and joins, in milliseconds */
  constructor (history: ModelHistory, timeout = 60_000) {
    this.#history = history
    this.#timeout = timeout
  }

  join (client: ModelClient, since: unknown): Promise<JoinResult> {
    const isMember = this.members.has(client)
    this.members.add(client)
    client.node = this
    this.feed ??= this.#open()
    this.#subscribed ??= new Promise((resolve, reject) => {
      this.subscribing.push(error => {
        if (error !== null) {
          this.#subscribed = null
          reject(error)
          return
        }
        this.isSubscribed = true
        resolve()
      })
    })
    return this.feed.join(client, since, this.#subscribed, isMember)
  }

  leave (client: ModelClient): void {
    this.members.delete(client)
    client.node = null
    this.feed?.leave(client)
    if (this.members.size > 0) return
    this.feed?.drop()
    this.feed = null
    this.isSubscribed = false
    this.#subscribed = null
    this.subscribing.length = 0
  }

  #open (): Feed<ModelClient> {
    const feed: Feed<ModelClient> = new Feed({
      room: 'room',
      read: after => new Promise((resolve, reject) => {
        this.readCount++
        this.reads.push(error => {
          if (error === null) resolve(this.#history.page(after))
          else reject(error)
        })
      }),
      deliver: (client, event) => client.receive(event),
      deliverToAll: (event, isBehind) => {
        for (const member of [...this.members]) {
          if (!event.except.includes(member.id) && (isBehind === null || !isBehind(member))) member.receive(event)
        }
      },
      onGap: filled => { if (filled) this.gaps++ },
      refuse: client => this.leave(client),
      onReadFailed: error => { this.readFailures.push(error) },
      onPlaced () {},
      onHeld: by => { this.held += by }
    }, this.#timeout)
    return feed
  }
}
