import type { Payload } from '../../types/codec.ts'

/** Whose messages wait here. */
export interface InboxOwner {
  /** Handles a message; returns true when that goes on after the call, in which case `settled` follows. */
  onMessage (payload: Payload): boolean
  /** Enough waits: stop reading. */
  onInboxFull (): void
  /** There is room again. */
  onInboxRoom (): void
  /** Nothing waits and nothing is being handled any more. */
  onInboxEmpty (): void
}

/** How many messages may wait before reading stops: enough to see a ping or a close behind them. */
const fullAtMessages = 16

/** And how many bytes (a string counts as many as it has characters). */
const fullAtBytes = 64 * 1024

/**
 * The messages of one connection, in order: at most `concurrency` are handled at once, a few wait, and the rest
 * stays in the client, since reading pauses.
 */
export class Inbox {
  readonly #owner: InboxOwner
  readonly #concurrency: number
  #queue: Payload[] = []
  #bytes = 0
  #running = 0
  #isOpen = false

  constructor (owner: InboxOwner, concurrency: number) {
    this.#owner = owner
    this.#concurrency = concurrency
  }

  /** Whether messages are let through. */
  get isOpen (): boolean {
    return this.#isOpen
  }

  /** Whether nothing waits and nothing is being handled. */
  get isEmpty (): boolean {
    return this.#running === 0 && this.#queue.length === 0
  }

  /** Lets messages through; until then they wait. */
  open (): void {
    this.#isOpen = true
    this.#drain()
  }

  push (payload: Payload): void {
    if (this.#isOpen && this.#running < this.#concurrency && this.#queue.length === 0) {
      if (this.#owner.onMessage(payload)) this.#running++
      return
    }
    this.#queue.push(payload)
    this.#bytes += payload.length
    if (this.#isFull(1)) this.#owner.onInboxFull()
  }

  /** One message that `onMessage` said goes on is done. */
  settled (): void {
    this.#running--
    this.#drain()
  }

  /** Forgets what waits; what is being handled goes on. */
  clear (): void {
    this.#queue = []
    this.#bytes = 0
  }

  #drain (): void {
    while (this.#isOpen && this.#running < this.#concurrency) {
      const payload = this.#queue.shift()
      if (payload === undefined) break
      this.#bytes -= payload.length
      if (this.#owner.onMessage(payload)) this.#running++
    }
    if (!this.#isFull(0.5)) this.#owner.onInboxRoom()
    if (this.isEmpty) this.#owner.onInboxEmpty()
  }

  #isFull (part: number): boolean {
    return this.#queue.length >= fullAtMessages * part || this.#bytes >= fullAtBytes * part
  }
}
