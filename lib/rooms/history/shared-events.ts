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

interface Shared {
  /** Which message it was: a history that was rolled back has another one in its place. */
  readonly node: string
  readonly seq: number
  readonly event: FeedEvent
}

/**
 * What is being replayed. Those who come one after the other, and read slowly, would else hold a copy of the history each, outside of any budget.
 */
export class SharedEvents {
  #byId = new Map<string, Shared>()

  get size (): number {
    return this.#byId.size
  }

  /** The events of a page, those that are known already as they are. */
  of ({ epoch, floor, events }: HistoryPage): FeedEvent[] {
    for (const [id, { event }] of this.#byId) {
      if (event.epoch !== epoch || event.offset <= floor) this.#byId.delete(id)
    }
    return events.map(event => this.#one(event))
  }

  clear (): void {
    if (this.#byId.size > 0) this.#byId.clear()
  }

  #one (event: HistoryEvent): FeedEvent {
    const id = eventIdOf(event)
    const { node, seq } = event.envelope
    const known = this.#byId.get(id)
    if (known !== undefined && known.node === node && known.seq === seq) return known.event
    const made = feedEventOf(event)
    this.#byId.set(id, { node, seq, event: made })
    return made
  }
}

export function feedEventOf (event: HistoryEvent): FeedEvent {
  const { epoch, offset, envelope } = event
  return { epoch, offset, broadcast: Broadcast.ofEvent(String(envelope.payload), eventIdOf(event)), except: envelope.except }
}
