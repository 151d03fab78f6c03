import type { Payload } from '../../types/codec.ts'
import { ownMemory } from '../protocol/own-memory.ts'

/** Whose messages wait here. */
export interface InboxOwner {
  /** Whether the peer has not read the replies to what it sent before. */
  readonly hasUnreadReplies: boolean
  /** Handles a message; returns true when that goes on after the call, in which case `settled` follows. */
  handle (payload: Payload): boolean
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

/** What the objects around a message that waits take, in bytes. */
const overhead = 64

/**
 * The messages of one connection, in order: at most `concurrency` are handled at once, a few wait, and the rest
 * stays in the client, since reading pauses.
 */
export class Inbox {
  readonly #owner: InboxOwner
  readonly #concurrency: number
  /** What waits; null until the first does, which most connections never see. */
  #queue: Payload[] | null = null
  #bytes = 0
  #running = 0
  #isOpen = false
  /** Whether a waiting message is being given to the handler. */
  #isHandling = false

  constructor (owner: InboxOwner, concurrency: number) {
    this.#owner = owner
    this.#concurrency = concurrency
  }

  /** Bytes of memory that waits for the handler. */
  get held (): number {
    return this.#bytes + this.#waiting * overhead
  }

  /** Whether messages are let through. */
  get isOpen (): boolean {
    return this.#isOpen
  }

  /** Whether nothing waits and nothing is being handled. */
  get isEmpty (): boolean {
    return this.#running === 0 && this.#waiting === 0
  }

  get #waiting (): number {
    return this.#queue === null ? 0 : this.#queue.length
  }

  /** Lets messages through; until then they wait. */
  open (): void {
    this.#isOpen = true
    this.#drain()
  }

  push (payload: Payload): void {
    if (this.#waiting === 0 && this.#canHandle()) {
      if (this.#owner.handle(payload)) this.#running++
      return
    }
    this.#queue ??= []
    this.#queue.push(typeof payload === 'string' ? payload : ownMemory(payload))
    this.#bytes += payload.length
    if (this.#isFull(1)) this.#owner.onInboxFull()
  }

  /** One message that `handle` said goes on is done. */
  settled (): void {
    this.#running--
    this.#drain()
  }

  /** The peer reads again, or its replies were dropped: perhaps by the handler itself, in which nothing else is handled. */
  unblocked (): void {
    if (this.#waiting > 0 && !this.#isHandling) this.#drain()
  }

  /** Forgets what waits; what is being handled goes on. */
  clear (): void {
    this.#queue = null
    this.#bytes = 0
  }

  #drain (): void {
    while (this.#queue !== null && this.#canHandle()) {
      const payload = this.#queue.shift()
      if (payload === undefined) break
      this.#bytes -= payload.length
      this.#isHandling = true
      if (this.#owner.handle(payload)) this.#running++
      this.#isHandling = false
    }
    if (!this.#isFull(0.5)) this.#owner.onInboxRoom()
    if (this.isEmpty) this.#owner.onInboxEmpty()
  }

  #canHandle (): boolean {
    return this.#isOpen && this.#running < this.#concurrency && !this.#owner.hasUnreadReplies
  }

  #isFull (part: number): boolean {
    return this.#waiting >= fullAtMessages * part || this.#bytes >= fullAtBytes * part
  }
}
