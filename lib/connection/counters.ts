import type { SlowConsumerOutcome } from './slow-consumer.ts'

/** What `app.wsStats()` counts, since the server was made. */
export class Counters {
  opened = 0
  /** Connections that answered no ping. */
  silent = 0
  /** Connections closed because the server's memory budget was spent. */
  shed = 0
  /** Connections closed because a message of theirs was larger than `maxPayload`. */
  tooBig = 0
  /** Of slow consumers: connections closed, messages dropped, and messages replaced by later ones. */
  readonly slow: Record<SlowConsumerOutcome, number> = { closed: 0, dropped: 0, replaced: 0 }

  onSlow (outcome: SlowConsumerOutcome): void {
    this.slow[outcome]++
  }
}
