import type { CloseInfo, Traffic } from '../../types/connection.ts'
import type { CloseStatus } from '../protocol/close.ts'
import type { SlowConsumerOutcome } from './slow-consumer.ts'

/** What one way's traffic adds up to. */
export class Flow {
  messages = 0
  bytes = 0

  add ({ messages, bytes }: { readonly messages: number, readonly bytes: number }): void {
    this.messages += messages
    this.bytes += bytes
  }
}

/** What `app.wsStats()` counts, since the server was made. */
export class Counters {
  opened = 0
  /** Connections that answered no ping. */
  silent = 0
  /** Connections over which no message came in time. */
  idle = 0
  /** Connections whose credentials were good no longer. */
  expired = 0
  /** Connections that have ended, by close code. */
  readonly closed = new Map<string, number>()
  /** Replies to upgrades other than the 101, by status. */
  readonly refused = new Map<string, number>()
  /** Upgrades whose client went before it had a reply. */
  aborted = 0
  /** What went over connections that have ended. */
  readonly received = new Flow()
  readonly sent = new Flow()
  /** Messages that were refused: not JSON, or not valid. */
  invalid = 0
  /** Handlers that threw or rejected. */
  failed = 0
  /** Messages over a rate that were refused, and how often reading paused for one. */
  limited = 0
  /** Connections closed because the server's memory budget was spent. */
  shed = 0
  /** Connections closed because a message of theirs was larger than `maxPayload`. */
  tooBig = 0
  /** Of slow consumers: connections closed, messages dropped, and messages replaced by later ones. */
  readonly slow: Record<SlowConsumerOutcome, number> = { closed: 0, dropped: 0, replaced: 0 }

  /** Of the adapter: how often it was lost, what it took, brought, did not take, and brought that was no envelope. */
  readonly adapter = { lost: 0, published: 0, received: 0, failed: 0, refused: 0 }
  /** Of rooms with history: joins with and without all that they had missed, messages replayed, gaps filled and not. */
  readonly history = { recovered: 0, unrecovered: 0, replayed: 0, gaps: 0, broken: 0 }

  onSlow (outcome: SlowConsumerOutcome): void {
    this.slow[outcome]++
  }

  /**
   * A client chooses among thousands of codes, also of those that it answers to a close of the server's: they must not become as many counters.
   *
   * @param ours the close frame that the server sent; null for none
   */
  onClosed ({ code, closedBy }: CloseInfo, ours: CloseStatus | null, { received, sent }: Traffic): void {
    this.received.add(received)
    this.sent.add(sent)
    const isOurs = closedBy === 'server' && ours !== null && ours.code === code
    increment(this.closed, isOurs || isRegistered(code) ? String(code) : 'other')
  }

  onRefused (statusCode: number): void {
    increment(this.refused, String(statusCode))
  }
}

/** RFC 6455 section 7.4.1 and its registry. */
function isRegistered (code: number): boolean {
  return code >= 1000 && code <= 1015
}

function increment (counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1)
}
