import { outside } from '../outside.ts'

/** What must be over in time. */
export interface Timed {
  /** When it is late, by the clock of `performance.now()`. */
  readonly deadline: number
  onDeadline (): void
}

/**
 * Deadlines that all lie equally far ahead, so that whoever came first is late first: one timer serves them all. A timer for each
 * would cost a handshake a fiftieth of its time.
 */
export class Deadlines<Entry extends Timed> {
  readonly #timeout: number
  readonly #entries = new Set<Entry>()
  #timer: NodeJS.Timeout | null = null

  /** @param timeout in milliseconds */
  constructor (timeout: number) {
    this.#timeout = timeout
  }

  /** The deadline of what begins now. */
  next (): number {
    return performance.now() + this.#timeout
  }

  add (entry: Entry): void {
    this.#entries.add(entry)
    if (this.#timer === null) this.#timer = outside(() => setTimeout(onTimer, this.#timeout, this))
    // The process stays while something is to be ended, and no longer.
    else if (this.#entries.size === 1) this.#timer.ref()
  }

  delete (entry: Entry): void {
    if (this.#entries.delete(entry) && this.#entries.size === 0) this.#timer?.unref()
  }

  onTimer (): void {
    this.#timer = null
    const now = performance.now()
    for (const entry of this.#entries) {
      if (entry.deadline > now) {
        this.#timer = setTimeout(onTimer, Math.ceil(entry.deadline - now), this)
        return
      }
      this.#entries.delete(entry)
      entry.onDeadline()
    }
  }
}

function onTimer (deadlines: Deadlines<Timed>): void {
  deadlines.onTimer()
}
