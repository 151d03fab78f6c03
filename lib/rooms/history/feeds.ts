import type { AdapterHistory, HistoryEvent, HistorySettings } from '../../../types/adapter.ts'
import type { JoinResult } from '../../../types/rooms.ts'
import type { ServerConnection } from '../../connection/connection.ts'
import type { Counters } from '../../connection/counters.ts'
import type { MemoryBudget, MemoryHolder } from '../../connection/memory-budget.ts'
import { outside } from '../../outside.ts'
import { roomChannel } from '../channels.ts'
import { Feed } from './feed.ts'
import { Reads } from './reads.ts'
import type { FeedEvent } from './shared-events.ts'

/** How often it is looked whether the last message of a room was lost on its way here, in milliseconds: nothing that follows would tell. */
const verifyInterval = 30_000
const verifyTurns = 30

/** What feeds need of the registry. */
export interface FeedsPort {
  readonly history: AdapterHistory
  readonly timeout: number
  readonly counters: Counters['history']
  /** What is kept for those who do not read what is replayed to them counts in it. */
  readonly budget: Pick<MemoryBudget<MemoryHolder>, 'change'>
  deliver (room: string, connection: ServerConnection, event: FeedEvent): void
  deliverToAll (room: string, event: FeedEvent, isBehind: ((connection: ServerConnection) => boolean) | null): void
  onGap (room: string, filled: boolean, messages: number, eventId: string): void
  /** It is no member any more. */
  refuse (room: string, connection: ServerConnection): void
  onReadFailed (room: string, error: unknown): void
  /** Whether the adapter reaches its carrier. */
  isReady (): boolean
}

/** The rooms with history that have members here. */
export class Feeds {
  readonly #port: FeedsPort
  readonly #reads: Reads
  readonly #feeds = new Map<string, Feed<ServerConnection>>()
  #timer: NodeJS.Timeout | null = null
  #turn = 0

  constructor (port: FeedsPort) {
    this.#port = port
    this.#reads = new Reads(port.history, port.timeout)
  }

  start (): void {
    this.#timer = outside(() => setInterval(() => this.#verify(), verifyInterval / verifyTurns).unref())
  }

  stop (): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    for (const feed of this.#feeds.values()) feed.drop()
    this.#feeds.clear()
  }

  join (room: string, settings: HistorySettings, connection: ServerConnection, since: unknown, subscribed: Promise<void>, isMember: boolean): Promise<JoinResult> {
    let feed = this.#feeds.get(room)
    if (feed === undefined) this.#feeds.set(room, feed = this.#open(room, settings))
    return feed.join(connection, since, subscribed, isMember)
  }

  leave (room: string, connection: ServerConnection): void {
    this.#feeds.get(room)?.leave(connection)
  }

  /** How many rooms. */
  get size (): number {
    return this.#feeds.size
  }

  /** The room has no members here any more. */
  drop (room: string): void {
    this.#feeds.get(room)?.drop()
    this.#feeds.delete(room)
  }

  /** Returns whether the room has a feed. */
  onEvent (room: string, event: HistoryEvent): boolean {
    const feed = this.#feeds.get(room)
    feed?.onEvent(event)
    return feed !== undefined
  }

  /** The adapter is back. */
  recover (): void {
    for (const feed of this.#feeds.values()) feed.recover()
  }

  #open (room: string, settings: HistorySettings): Feed<ServerConnection> {
    const { timeout, counters, budget, deliver, deliverToAll, onGap, refuse, onReadFailed } = this.#port
    const channel = roomChannel(room)
    const feed: Feed<ServerConnection> = new Feed({
      room,
      read: after => this.#reads.page(channel, after, settings, () => this.#feeds.get(room) === feed),
      deliver: (connection, event) => deliver(room, connection, event),
      deliverToAll: (event, isBehind) => deliverToAll(room, event, isBehind),
      onGap: (filled, messages, eventId) => onGap(room, filled, messages, eventId),
      refuse: connection => refuse(room, connection),
      onReadFailed: error => onReadFailed(room, error),
      onPlaced: ({ recovered, replayed }, wasAsked) => {
        counters.replayed += replayed
        if (recovered) counters.recovered++
        else if (wasAsked) counters.unrecovered++
      },
      onHeld: by => budget.change(feed, by)
    }, timeout)
    return feed
  }

  /** A part of the rooms in each turn, those that were not heard of since the last one. */
  #verify (): void {
    // All are read as soon as it is back.
    if (!this.#port.isReady()) return
    const turn = this.#turn++ % verifyTurns
    let index = 0
    for (const feed of this.#feeds.values()) {
      if (index++ % verifyTurns === turn) feed.verify()
    }
  }
}
