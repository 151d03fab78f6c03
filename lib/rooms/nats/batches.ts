import type { MessageEnvelope } from '../../../types/adapter.ts'
import { mostTogether } from './places.ts'
import { margin } from './streams.ts'

/** A message, and its bytes. */
export interface EncodedMessage {
  readonly envelope: MessageEnvelope
  readonly bytes: Buffer
}

/** Messages of a room that are kept as one of the stream. */
export interface Batch {
  /** Of the last one. */
  readonly seq: number
  /** The same for the same messages only. */
  readonly id: string
  readonly bytes: Buffer
}

/** What this process has appended to a channel of late. */
interface Appended {
  /** Of the last message that is known to be kept. */
  seq: number
  /** Of which it is not known whether it is kept: the stream knows it by its id, so that it has to be the same when it is tried again. */
  open: Batch | null
  at: number
}

/** Which messages of an append leave together. A message a round trip was a few hundred a second at most, and each left servers in a write of its own to every member. */
export class Batches {
  readonly #appended = new Map<string, Appended>()
  #swept = performance.now()

  /** @param mostBytes of a batch */
  async append (channel: string, messages: readonly EncodedMessage[], mostBytes: number, keep: (batch: Batch) => Promise<unknown>): Promise<void> {
    const appended = this.#of(channel)
    const { open } = appended
    // What nobody asks for any more was given up.
    appended.open = null
    if (open !== null && open.seq >= messages[0].envelope.seq) await this.#keep(appended, open, keep)
    const left = messages.filter(({ envelope }) => envelope.seq > appended.seq)
    // One behind the other: of several at once one could fail, and come behind the others when it is tried again.
    for (const batch of batchesOf(left, mostBytes)) await this.#keep(appended, batch, keep)
  }

  async #keep (appended: Appended, batch: Batch, keep: (batch: Batch) => Promise<unknown>): Promise<void> {
    appended.open = batch
    await keep(batch)
    appended.open = null
    appended.seq = batch.seq
  }

  #of (channel: string): Appended {
    const now = performance.now()
    this.#sweep(now)
    let appended = this.#appended.get(channel)
    if (appended === undefined) this.#appended.set(channel, appended = { seq: 0, open: null, at: now })
    appended.at = now
    return appended
  }

  /** The stream knows ids no longer than that either. */
  #sweep (now: number): void {
    if (now - this.#swept < margin) return
    this.#swept = now
    for (const [channel, { at }] of this.#appended) {
      if (now - at > margin) this.#appended.delete(channel)
    }
  }
}

function batchesOf (messages: readonly EncodedMessage[], mostBytes: number): Batch[] {
  const batches: Batch[] = []
  let from = 0
  let size = 0
  for (const [index, { bytes }] of messages.entries()) {
    if (index > from && (index - from === mostTogether || size + bytes.length > mostBytes)) {
      batches.push(batchOf(messages.slice(from, index)))
      from = index
      size = 0
    }
    size += bytes.length
  }
  if (from < messages.length) batches.push(batchOf(messages.slice(from)))
  return batches
}

function batchOf (messages: readonly EncodedMessage[]): Batch {
  const { node, seq: first } = messages[0].envelope
  const { seq } = messages[messages.length - 1].envelope
  return { seq, id: `${node}:${first}-${seq}`, bytes: Buffer.concat(messages.map(({ bytes }) => bytes)) }
}
