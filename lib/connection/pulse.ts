import type { CloseState } from './close-state.ts'
import type { Beating } from './heartbeat.ts'
import type { Outbox } from './outbox.ts'
import type { Reader } from './reader.ts'
import type { SendQueue } from './send-queue.ts'

/** Whose pulse it is. */
export interface PulseOwner {
  /** The heartbeat's ping was sent: the peer reads. */
  onBeat (): void
  /** The round trip of the heartbeat's ping, in milliseconds. */
  onRoundTrip (milliseconds: number): void
  onHeldChange (): void
  /** The peer gave no sign of life in time. */
  onSilent (): void
}

/** Whether one client is alive, as far as the heartbeat can tell. */
export class Pulse implements Beating {
  slot: Set<Beating> | null = null
  readonly #owner: PulseOwner
  readonly #reader: Reader
  readonly #queue: SendQueue
  readonly #outbox: Outbox
  readonly #end: CloseState
  /** Whether nothing came since the last ping; false where that could not be sent. */
  #isSilent = false
  /** When the ping left that waits for its pong, by the clock of `performance.now()`; 0 for none. */
  #beatAt = 0
  /** How much the operating system had taken at the last beat, where the client took nothing then; else -1. */
  #taken = -1

  constructor (owner: PulseOwner, reader: Reader, queue: SendQueue, outbox: Outbox, end: CloseState) {
    this.#owner = owner
    this.#reader = reader
    this.#queue = queue
    this.#outbox = outbox
    this.#end = end
  }

  /** Something came, or what came while nothing was read is yet to be read. */
  onSign (): void {
    this.#isSilent = false
  }

  /** The heartbeat's ping carries nothing, and so does its pong. */
  onPong (payload: Buffer): void {
    if (payload.length > 0 || this.#beatAt === 0) return
    this.#owner.onRoundTrip(Math.round(performance.now()) - this.#beatAt)
    this.#beatAt = 0
  }

  beat (): void {
    this.#isSilent = this.#outbox.beat()
    if (this.#isSilent) {
      this.#beatAt = Math.round(performance.now())
      this.#owner.onBeat()
    }
    this.#taken = this.#queue.isStuck ? this.#queue.taken : -1
    // What is read ahead while nothing is read tells nobody that it has come.
    this.#owner.onHeldChange()
  }

  /**
   * What it sent may wait behind messages that we do not read yet, or its pong behind one that it has not read yet. But one that has taken nothing at
   * all of what it was sent would have answered no ping either.
   */
  endIfSilent (): void {
    if (this.#end.hasBegun || this.#reader.isPaused) return
    const isDead = this.#queue.isBlocked ? this.#queue.isStuck && this.#taken === this.#queue.taken : this.#isSilent
    if (isDead) this.#owner.onSilent()
  }
}
