import type { HistoryPage, HistorySettings, Position } from '../../../types/adapter.ts'
import { FST_ERR_WS_ENVELOPE } from '../../errors.ts'
import type { EnvelopeCodec } from '../envelope.ts'
import { Tail } from '../tail.ts'
import { errorOf } from './redis-port.ts'

interface Entry {
  readonly id: string
  /** When it came, in milliseconds by Redis's clock. */
  readonly at: number
  readonly bytes: Buffer
}

/** What the script answered. */
export interface Part {
  readonly epoch: string
  readonly head: number
  readonly floor: number
  readonly now: number
  readonly entries: readonly Entry[]
}

/** null where it is no answer of the script to keys of ours. */
export function parseReply (reply: unknown): Part | null {
  if (!Array.isArray(reply) || !Array.isArray(reply[4])) return null
  const [epoch, head, floor, now] = [String(reply[0]), Number(reply[1]), Number(reply[2]), Number(reply[3])]
  if (!/^[A-Za-z0-9]{1,64}$/.test(epoch) || !Number.isSafeInteger(head) || head < 0 || !Number.isSafeInteger(floor)) return null
  const found: unknown[] = reply[4]
  const entries: Entry[] = []
  for (let at = 0; at + 2 < found.length; at += 3) {
    const bytes = found[at + 2]
    if (!Buffer.isBuffer(bytes)) return null
    entries.push({ id: String(found[at]), at: Number(String(found[at + 1])), bytes })
  }
  return { epoch, head, floor: Math.min(floor, head), now, entries }
}

/** Puts a page together from what the script answers. Whatever is not certain to be complete raises the floor. */
export class PageReader {
  readonly #channel: string
  readonly #after: Position | null
  readonly #ttl: number
  readonly #codec: EnvelopeCodec
  readonly #onRefused: (error: Error) => void
  #epoch = ''
  #head = 0
  #tail = new Tail(0)
  /** Up to where it was read. */
  #offset: number

  constructor (channel: string, after: Position | null, { ttl }: HistorySettings, codec: EnvelopeCodec, onRefused: (error: Error) => void) {
    this.#channel = channel
    this.#after = after
    this.#ttl = ttl
    this.#codec = codec
    this.#onRefused = onRefused
    this.#offset = after?.offset ?? 0
  }

  /** After which is to be read next. */
  get offset (): number {
    return this.#offset
  }

  get page (): HistoryPage {
    return this.#tail.page(this.#epoch, this.#head)
  }

  /** `again` when all that was read is void. */
  add ({ epoch, head, floor, now, entries }: Part): 'more' | 'done' | 'again' {
    const isFirst = this.#epoch === ''
    if (!isFirst && epoch !== this.#epoch) return 'again'
    this.#epoch = epoch
    this.#head = head
    if (isFirst) this.#tail = new Tail(floor)
    if (this.#after === null || this.#after.epoch !== epoch || this.#offset >= head) return 'done'
    // What was kept when the first part was read may be gone by now.
    if (this.#offset < floor) this.#skipTo(floor)
    const before = this.#offset
    for (const entry of entries) this.#addEntry(entry, now)
    if (this.#offset > before && this.#offset < head) return 'more'
    if (this.#offset < head) this.#skipTo(head)
    return 'done'
  }

  #addEntry ({ id, at, bytes }: Entry, now: number): void {
    const offset = Number(/^(\d+)-0$/.exec(id)?.[1])
    if (!Number.isSafeInteger(offset)) return this.#onRefused(new FST_ERR_WS_ENVELOPE(`its id in the history is ${id}`))
    if (offset <= this.#offset || offset > this.#head) return
    if (offset !== this.#offset + 1) this.#skipTo(offset - 1)
    const previous = this.#offset
    this.#offset = offset
    // Not greater: what is no time is none that has not passed.
    if (!(at > now - this.#ttl)) return this.#skipTo(offset)
    try {
      const [envelope, ...others] = this.#codec.decode(this.#channel, bytes)
      if (others.length > 0 || envelope.kind === 'close' || envelope.kind === 'control') throw new FST_ERR_WS_ENVELOPE('no message, and in a history')
      this.#tail.push({ epoch: this.#epoch, offset, previous, envelope })
    } catch (error) {
      this.#onRefused(errorOf(error))
      this.#skipTo(offset)
    }
  }

  /** Nothing up to there is there. */
  #skipTo (offset: number): void {
    this.#offset = offset
    this.#tail.restart(offset)
  }
}
