import type { Position } from '../../types/adapter.ts'
import type { JoinResult } from '../../types/rooms.ts'
import type { ServerConnection } from '../connection/connection.ts'
import { closeCode } from '../protocol/close.ts'
import { parseEventId } from './event-id.ts'
import type { FeedEvent } from './feed.ts'

/** How many messages may come in while a client is sent what it missed, beyond which it is too slow. */
const mostBehind = 1_000

/**
 * A connection that has joined a room with history and is not where the others are: first until it is known what it missed, then until it was sent that. What comes meanwhile
 * waits here, and costs a reference each: the frames are those of all.
 */
export class Replay {
  readonly connection: ServerConnection
  /** Where the client is by its own account; null where it said nothing, or nothing that can be. */
  readonly since: Position | null
  /** Whether it said anything. */
  readonly wasAsked: boolean
  readonly settled: Promise<JoinResult>
  readonly #deliver: (event: FeedEvent) => void
  readonly #onDone: () => void
  #resolve: (result: JoinResult) => void = () => {}
  #reject: (error: Error) => void = () => {}
  /** null until it is known what it missed. */
  #events: FeedEvent[] | null = null
  #late = 0
  #isOver = false

  constructor (connection: ServerConnection, since: unknown, deliver: (event: FeedEvent) => void, onDone: () => void) {
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
    if (this.#events === null) return
    this.#events.push(event)
    if (++this.#late > mostBehind) this.connection.close(closeCode.tryAgainLater, 'too slow for the replay')
  }

  /** It has left, or it took too long to learn what it missed. */
  cancel (error: Error | null, result: JoinResult): void {
    if (this.#isOver) return
    this.#isOver = true
    if (error === null) this.#resolve(result)
    else this.#reject(error)
  }

  async #run (result: JoinResult): Promise<void> {
    const events = this.#events ?? []
    let sent = 0
    while (sent < events.length) {
      // Only then, so that who reads is where the others are at once.
      if (!this.connection.writable) await this.connection.drained()
      if (this.#isOver) return
      this.#deliver(events[sent++])
    }
    this.#isOver = true
    this.#onDone()
    this.#resolve(result)
  }
}
