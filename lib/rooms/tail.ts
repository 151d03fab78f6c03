import type { HistoryEvent, HistoryPage } from '../../types/adapter.ts'

/** The most of a history that one read brings, in bytes of payload: what is older is not there, for whoever asked. Histories may be larger than the memory of a process. */
const mostBytes = 64 * 1024 * 1024

/** The end of a history, as far as it is read: whatever is not certain to be complete begins it anew. */
export class Tail {
  readonly #most: number
  #floor: number
  #events: HistoryEvent[] = []
  /** How many of them, from the first on, are left out. */
  #left = 0
  #bytes = 0

  /** @param floor from where it is complete */
  constructor (floor: number, most = mostBytes) {
    this.#floor = floor
    this.#most = most
  }

  /** What follows the last one. */
  push (event: HistoryEvent): void {
    this.#events.push(event)
    this.#bytes += event.envelope.payload.length
    while (this.#bytes > this.#most) this.#leaveOut()
  }

  /** Up to there nothing is certain. */
  restart (floor: number): void {
    this.#floor = floor
    this.#events = []
    this.#left = 0
    this.#bytes = 0
  }

  /** Leaves the oldest ones out. */
  keep (count: number): void {
    while (this.#events.length - this.#left > count) this.#leaveOut()
  }

  page (epoch: string, head: number): HistoryPage {
    return { epoch, head, floor: this.#floor, events: this.#left === 0 ? this.#events : this.#events.slice(this.#left) }
  }

  #leaveOut (): void {
    const { offset, envelope } = this.#events[this.#left++]
    this.#floor = offset
    this.#bytes -= envelope.payload.length
    if (this.#left < 1_024) return
    this.#events.splice(0, this.#left)
    this.#left = 0
  }
}
