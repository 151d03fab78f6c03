import type { HistoryEvent, HistoryPage } from '../../../types/adapter.ts'
import { Broadcast } from '../../messages/broadcast.ts'
import { eventIdOf } from './event-id.ts'

/** A message of a room with history, encoded and framed once for all who get it. */
export interface FeedEvent {
  readonly epoch: string
  readonly offset: number
  readonly broadcast: Broadcast
  readonly except: readonly string[]
}

/** More than any history has. */
const mostShared = 11_000
/** What an event takes besides its JSON and its frame, in bytes. */
const overhead = 256

interface Shared {
  /** Which message it was: a history that was rolled back has another one in its place. */
  readonly node: string
  readonly seq: number
  readonly event: FeedEvent
  readonly bytes: number
}

/**
 * What is being replayed. Those who come one after the other, and read slowly, would else hold a copy of the history each, outside of any budget.
 */
export class SharedEvents {
  readonly #byId = new Map<string, Shared>()
  #held = 0

  /** About how many bytes. */
  get held (): number {
    return this.#held
  }

  get size (): number {
    return this.#byId.size
  }

  /** The events of a page, those that are known already as they are. */
  of ({ epoch, floor, events }: HistoryPage): FeedEvent[] {
    for (const [id, { event }] of this.#byId) {
      if (event.epoch !== epoch || event.offset <= floor) this.#delete(id)
    }
    return events.map(event => this.#one(event))
  }

  /** An event that comes while others are being replayed. */
  one (event: HistoryEvent): FeedEvent {
    const one = this.#one(event)
    // Of a replay that never ends all but the last ones have been sent.
    const [oldest] = this.#byId.keys()
    if (this.#byId.size > mostShared) this.#delete(oldest)
    return one
  }

  clear (): void {
    if (this.#byId.size > 0) this.#byId.clear()
    this.#held = 0
  }

  #one (event: HistoryEvent): FeedEvent {
    const id = eventIdOf(event)
    const { node, seq, payload } = event.envelope
    const known = this.#byId.get(id)
    if (known !== undefined && known.node === node && known.seq === seq) return known.event
    if (known !== undefined) this.#delete(id)
    const made = feedEventOf(event)
    const bytes = overhead + 2 * payload.length
    this.#byId.set(id, { node, seq, event: made, bytes })
    this.#held += bytes
    return made
  }

  #delete (id: string): void {
    this.#held -= this.#byId.get(id)?.bytes ?? 0
    this.#byId.delete(id)
  }
}

export function feedEventOf (event: HistoryEvent): FeedEvent {
  const { epoch, offset, envelope } = event
  return { epoch, offset, broadcast: Broadcast.ofEvent(String(envelope.payload), eventIdOf(event)), except: envelope.except }
}
