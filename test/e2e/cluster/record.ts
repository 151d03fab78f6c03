import type { Joined, RoomMessage, SaidMessage } from './messages.ts'

/** A message as a client got it. */
export interface Received {
  readonly eventId: string
  readonly publisher: string
  readonly n: number
}

/** What a client takes to be all messages of a room after a place in its history. */
export interface Segment {
  /** Everything that came after it is in `received`. */
  readonly begin: string
  readonly received: Received[]
}

/** What one client knows of one room, over all its connections. */
export class RoomRecord {
  readonly segments: Segment[] = []
  /** How many times it was told that it had missed messages for good. */
  gaps = 0
  /** `since` of the next join; null before the first one. */
  since: string | null = null
  /** What came since a join was asked for: what it is worth says the answer. null where the client is in the room. */
  #unplaced: RoomMessage[] | null = null

  /** Whether it is in the room, as far as it knows. */
  get isPlaced (): boolean {
    return this.#unplaced === null && this.segments.length > 0
  }

  /** A join is asked for on a new connection. */
  begin (): void {
    this.#unplaced = []
  }

  /** It is answered. */
  place ({ recovered, eventId }: Joined): void {
    if (eventId === null) throw new Error('a join of a room with history said no place')
    const unplaced = this.#unplaced ?? []
    this.#unplaced = null
    if (!recovered) this.#open(eventId)
    else if (!unplaced.some(message => message.type === 'said')) this.since = eventId
    for (const message of unplaced) this.take(message)
  }

  take (message: RoomMessage): void {
    if (this.#unplaced !== null) {
      this.#unplaced.push(message)
    } else if (message.type === 'gap') {
      this.gaps++
      this.#open(message.eventId)
    } else {
      this.#receive(message)
    }
  }

  #open (begin: string): void {
    this.segments.push({ begin, received: [] })
    this.since = begin
  }

  #receive ({ eventId, publisher, n }: SaidMessage & { readonly eventId?: string }): void {
    const segment = this.segments.at(-1)
    if (eventId === undefined || segment === undefined) throw new Error('a message of a room with history has no place')
    segment.received.push({ eventId, publisher, n })
    this.since = eventId
  }
}

interface Place {
  readonly epoch: string
  readonly offset: number
}

export function placeOf (eventId: string): Place {
  const [epoch, offset] = eventId.split('-')
  return { epoch, offset: Number(offset) }
}

/** What is wrong, by kind, with the first cases in words. */
export class Findings {
  lost = 0
  duplicated = 0
  reordered = 0
  /** One place in the history, two messages. */
  contradictions = 0
  /** Messages whose publisher was told that they were taken, and that nobody got. */
  unkept = 0
  readonly cases: string[] = []

  add (kind: 'lost' | 'duplicated' | 'reordered' | 'contradictions' | 'unkept', what: string): void {
    this[kind]++
    if (this.cases.length < 20) this.cases.push(`${kind}: ${what}`)
  }

  get counts (): Record<'lost' | 'duplicated' | 'reordered' | 'contradictions' | 'unkept', number> {
    const { lost, duplicated, reordered, contradictions, unkept } = this
    return { lost, duplicated, reordered, contradictions, unkept }
  }
}

export const nothingWrong = { lost: 0, duplicated: 0, reordered: 0, contradictions: 0, unkept: 0 }

/** All messages of one room: what anybody got, by epoch, in the order of the history. */
export class Truth {
  readonly #epochs = new Map<string, Map<number, Received>>()
  readonly #room: string
  readonly #findings: Findings

  constructor (room: string, records: Iterable<RoomRecord>, findings: Findings) {
    this.#room = room
    this.#findings = findings
    for (const { segments } of records) {
      for (const { received } of segments) for (const each of received) this.#add(each)
    }
  }

  get epochs (): number {
    return this.#epochs.size
  }

  get size (): number {
    return [...this.#epochs.values()].reduce((sum, events) => sum + events.size, 0)
  }

  #add (received: Received): void {
    const { epoch, offset } = placeOf(received.eventId)
    let events = this.#epochs.get(epoch)
    if (events === undefined) this.#epochs.set(epoch, events = new Map())
    const known = events.get(offset)
    if (known === undefined) events.set(offset, received)
    else if (known.publisher !== received.publisher || known.n !== received.n) this.#findings.add('contradictions', `${this.#room}: ${received.eventId}`)
  }

  #ordered (epoch: string): Array<[offset: number, received: Received]> {
    return [...this.#epochs.get(epoch) ?? []].sort(([one], [other]) => one - other)
  }

  /** Each message is in the history once, and those of each publisher in the order in which they were sent. */
  checkPublishers (): void {
    for (const epoch of this.#epochs.keys()) {
      const last = new Map<string, number>()
      for (const [offset, { publisher, n }] of this.#ordered(epoch)) {
        const before = last.get(publisher) ?? 0
        if (n === before) this.#findings.add('duplicated', `${this.#room}: ${publisher} ${n} at ${offset}`)
        else if (n < before) this.#findings.add('reordered', `${this.#room}: ${publisher} ${n} after ${before} at ${offset}`)
        last.set(publisher, Math.max(n, before))
      }
    }
  }

  /** What publishers were told had been taken is there. */
  checkTaken (taken: ReadonlySet<string>): void {
    const kept = new Set<string>()
    for (const events of this.#epochs.values()) for (const { publisher, n } of events.values()) kept.add(`${publisher} ${n}`)
    for (const each of taken) if (!kept.has(each)) this.#findings.add('unkept', `${this.#room}: ${each}`)
  }

  /** A client got everything between the two ends of each of its segments, once and in order. */
  checkClient (name: string, { segments }: RoomRecord): void {
    for (const { begin, received } of segments) this.#checkSegment(name, placeOf(begin), received)
  }

  #checkSegment (name: string, { epoch, offset: begin }: Place, received: readonly Received[]): void {
    const got = new Set<number>()
    let last = begin
    for (const { eventId } of received) {
      const place = placeOf(eventId)
      const where = `${this.#room}: ${name} got ${eventId} after ${epoch}-${last}`
      if (place.epoch !== epoch) this.#findings.add('reordered', `${where}, of another epoch`)
      else if (got.has(place.offset)) this.#findings.add('duplicated', where)
      else if (place.offset <= last) this.#findings.add('reordered', where)
      if (place.epoch !== epoch) continue
      got.add(place.offset)
      last = Math.max(last, place.offset)
    }
    for (const [offset] of this.#ordered(epoch)) {
      if (offset > begin && offset < last && !got.has(offset)) this.#findings.add('lost', `${this.#room}: ${name} had ${epoch}-${begin} to ${last}, without ${offset}`)
    }
  }
}
