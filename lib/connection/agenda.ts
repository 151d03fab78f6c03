import { maxDelay } from '../check-option.ts'
import { outside } from '../outside.ts'

/** Whoever is to be woken at a time. */
export interface Scheduled {
  /** Where it is in the agenda, which sets it; -1 while it is not. */
  slot: number
  /** When it is due, by the clock of `performance.now()`: the agenda's to set. */
  due: number
  onDue (now: number): void
}

/** How long after one look what is due the next one comes at the earliest, in milliseconds. */
const leastWait = 1

/** What is due when, for any number of entries with one timer: a heap, in which each knows its place and can leave it. */
export class Agenda {
  readonly #heap: Scheduled[] = []
  #timer: NodeJS.Timeout | null = null
  #wakesAt = Infinity
  /** When it was last looked what is due. */
  #lookedAt = -Infinity

  get size (): number {
    return this.#heap.length
  }

  /** Sets or changes when an entry is due. */
  set (entry: Scheduled, due: number): void {
    if (entry.slot === -1) {
      entry.slot = this.#heap.length
      this.#heap.push(entry)
    }
    // What is set while others are woken waits for the next look: else an entry that lacks less time than a number can tell would be due for ever.
    entry.due = Math.max(due, this.#lookedAt + leastWait)
    this.#sink(this.#rise(entry))
    this.#wake()
  }

  delete (entry: Scheduled): void {
    const { slot } = entry
    if (slot === -1) return
    entry.slot = -1
    const last = this.#heap.pop()
    if (last !== undefined && last !== entry) {
      this.#put(last, slot)
      this.#sink(this.#rise(last))
    }
    if (this.#heap.length === 0) this.#stop()
  }

  #wake (): void {
    const { due } = this.#heap[0]
    if (due >= this.#wakesAt) return
    this.#stop()
    this.#wakesAt = due
    const delay = Math.min(maxDelay, Math.max(1, Math.ceil(due - performance.now())))
    this.#timer = outside(() => setTimeout(onTimer, delay, this).unref())
  }

  #stop (): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    this.#wakesAt = Infinity
  }

  /** A loop that was blocked runs its timers before it reads: what clients sent meanwhile was in time. */
  onTimer (): void {
    this.#timer = null
    setImmediate(() => this.#run())
  }

  #run (): void {
    this.#wakesAt = Infinity
    const now = this.#lookedAt = performance.now()
    while (this.#heap.length > 0 && this.#heap[0].due <= now) {
      const entry = this.#heap[0]
      this.delete(entry)
      entry.onDue(now)
    }
    if (this.#heap.length > 0) this.#wake()
  }

  #put (entry: Scheduled, slot: number): void {
    this.#heap[slot] = entry
    entry.slot = slot
  }

  /** Moves an entry before those that are due after it. */
  #rise (entry: Scheduled): Scheduled {
    let { slot } = entry
    while (slot > 0) {
      const parent = this.#heap[(slot - 1) >>> 1]
      if (parent.due <= entry.due) break
      this.#put(parent, slot)
      slot = (slot - 1) >>> 1
    }
    this.#put(entry, slot)
    return entry
  }

  /** Moves an entry behind those that are due before it. */
  #sink (entry: Scheduled): void {
    const { length } = this.#heap
    let { slot } = entry
    for (;;) {
      let child = 2 * slot + 1
      if (child >= length) break
      if (child + 1 < length && this.#heap[child + 1].due < this.#heap[child].due) child++
      if (this.#heap[child].due >= entry.due) break
      this.#put(this.#heap[child], slot)
      slot = child
    }
    this.#put(entry, slot)
  }
}

function onTimer (agenda: Agenda): void {
  agenda.onTimer()
}
