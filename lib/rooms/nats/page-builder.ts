import type { HistoryPage, MessageEnvelope, Position } from '../../../types/adapter.ts'
import { Tail } from '../tail.ts'
import { headOf, offsetOf } from './places.ts'
import type { RangeEntry } from './range.ts'

/** Puts a page together from what a stream has kept. */
export class PageBuilder {
  readonly #after: Position
  readonly #envelopesOf: (entry: RangeEntry) => readonly MessageEnvelope[] | null
  #tail: Tail | null = null
  /** Where the last one was. */
  #previous: number

  /**
   * @param after of the stream's epoch
   * @param envelopesOf none of a marker; null for what is no part of the history any more, or never was
   */
  constructor (after: Position, envelopesOf: (entry: RangeEntry) => readonly MessageEnvelope[] | null) {
    this.#after = after
    this.#envelopesOf = envelopesOf
    this.#previous = after.offset
  }

  add (entry: RangeEntry): void {
    const end = headOf(entry.seq)
    // Nothing can have been between two sequences that follow each other.
    if (this.#tail === null) this.#previous = Math.max(this.#previous, headOf(entry.seq - 1))
    const tail = this.#tail ??= new Tail(this.#previous)
    if (end <= this.#after.offset) return
    const envelopes = this.#envelopesOf(entry)
    if (envelopes === null) tail.restart(end)
    else this.#push(tail, entry.seq, envelopes)
    this.#previous = end
  }

  /** @param size how many messages the history has: the stream counts what came together as one */
  page (head: number, size: number): HistoryPage {
    const tail = this.#tail ?? new Tail(head)
    tail.keep(size)
    return tail.page(this.#after.epoch, head)
  }

  #push (tail: Tail, sequence: number, envelopes: readonly MessageEnvelope[]): void {
    for (const [index, envelope] of envelopes.entries()) {
      const offset = offsetOf(sequence, index, envelopes.length)
      if (offset <= this.#after.offset) continue
      tail.push({ epoch: this.#after.epoch, offset, previous: this.#previous, envelope })
      this.#previous = offset
    }
  }
}
