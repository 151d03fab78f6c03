import type { Position } from '../../../types/adapter.ts'
import type { JoinResult } from '../../../types/rooms.ts'
import type { SlowConsumer } from '../../connection/slow-consumer.ts'
import { parseEventId } from './event-id.ts'
import type { FeedEvent } from './shared-events.ts'

/** How many of the messages that came in meanwhile may wait for a client that is sent what it missed, beyond which it is too slow. */
const mostBehind = 1_000
/** After how many that were sent their places are given back. */
const chunk = 256
/** Whatever the policy of the room: messages that are left out of a replay would be missed in silence. */
const tooSlow: SlowConsumer = Object.freeze({ policy: 'close', key: null })

/** A connection, as far as a replay is concerned. */
export interface Follower {
  readonly id: string
  readonly writable: boolean
  drained (): Promise<void>
  onSlow (outcome: 'closed', slowConsumer: SlowConsumer): void
}

/**
 * A connection that has joined a room with history and is not where the others are: first until it is known what it missed, then until it was sent that. What comes meanwhile
 * waits here, and costs a reference each: the frames are those of all.
 */
export class Replay<Member extends Follower> {
  readonly connection: Member
  /** Where the client is by its own account; null where it said nothing, or nothing that can be. */
  readonly since: Position | null
  /** Whether it said anything. */
  readonly wasAsked: boolean
  readonly settled: Promise<JoinResult>
  readonly #deliver: (event: FeedEvent) => void
  readonly #onDone: () => void
  #resolve: (result: JoinResult) => void = () => {}
  #reject: (error: Error) => void = () => {}
  /** What is still to be sent, and a few that were; null until it is known what it missed. */
  #events: FeedEvent[] | null = null
  #sent = 0
  /** How many of them came after it was known. */
  #late = 0
  #isOver = false
  #isTooSlow = false

  constructor (connection: Member, since: unknown, deliver: (event: FeedEvent) => void, onDone: () => void) {
    this.connection = connection
    this.since = parseEventId(since)
    this.wasAsked = since !== undefined && since !== null
    this.#deliver = deliver
    this.#onDone = onDone
    this.settled = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  /** Whether it is not known yet what it missed. */
  get isWaiting (): boolean {
    return this.#events === null && !this.#isOver
  }

  /** Sends what it missed, no faster than the client reads; it is where the others are then. */
  start (missed: FeedEvent[], result: JoinResult): void {
    this.#events = missed
    void this.#run(result)
  }

  /** What the others are sent now. */
  push (event: FeedEvent): void {
    if (this.#events === null || this.#isEnded || event.except.includes(this.connection.id)) return
    this.#events.push(event)
    this.#late++
    if (Math.min(this.#late, this.#events.length - this.#sent) <= mostBehind) return
    this.#close()
  }

  /** Memory is short: what is still to be sent is let go of, with the connection. */
  shed (): void {
    if (this.#events !== null && !this.#isEnded) this.#close()
  }

  #close (): void {
    this.#isTooSlow = true
    this.#events = []
    this.connection.onSlow('closed', tooSlow)
  }

  /** It has left, or it took too long to learn what it missed. */
  cancel (error: Error | null, result: JoinResult): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#events = []
    if (error === null) this.#resolve(result)
    else this.#reject(error)
  }

  async #run (result: JoinResult): Promise<void> {
    while (this.#sent < this.#unsent.length) {
      // Only then, so that who reads is where the others are at once.
      if (!this.connection.writable) await this.connection.drained()
      if (this.#isEnded) return
      this.#deliver(this.#next())
    }
    if (this.#isEnded) return
    this.#isOver = true
    this.#onDone()
    this.#resolve(result)
  }

  get #unsent (): FeedEvent[] {
    return this.#events ?? []
  }

  /** Who is too slow hears no more of it, and is no member as soon as the connection has ended. */
  get #isEnded (): boolean {
    return this.#isOver || this.#isTooSlow
  }

  /** What was sent is let go of: a client that is slow in the extreme must not keep all that it has had. */
  #next (): FeedEvent {
    const next = this.#unsent[this.#sent++]
    if (this.#sent >= chunk) {
      this.#unsent.splice(0, this.#sent)
      this.#sent = 0
    }
    return next
  }
}
