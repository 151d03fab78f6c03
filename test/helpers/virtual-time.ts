interface Timer {
  readonly at: number
  readonly run: () => void
}

/** Time that passes when it is told to: timers and the clock of whatever runs between `take` and `giveBack`. */
export class VirtualTime {
  now = 2 ** 40
  /** What the clock shows beside that. */
  offset = 0
  #count = 0
  readonly #timers = new Map<number, Timer>()
  readonly #real = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout, now: Date.now }

  get pending (): number {
    return this.#timers.size
  }

  take (): void {
    globalThis.setTimeout = ((run: () => void, delay = 0) => {
      // As browsers and Node do it: what is too long is none.
      const pause = delay >= 1 && delay < 2 ** 31 ? delay : 1
      this.#timers.set(++this.#count, { at: this.now + pause, run })
      return this.#count
    }) as never
    globalThis.clearTimeout = ((id: number) => { this.#timers.delete(id) }) as never
    Date.now = () => this.now + this.offset
  }

  giveBack (): void {
    globalThis.setTimeout = this.#real.setTimeout
    globalThis.clearTimeout = this.#real.clearTimeout
    Date.now = this.#real.now
  }

  /** Lets time pass, and runs what is due meanwhile, in its order. */
  pass (duration: number): void {
    const end = this.now + duration
    for (;;) {
      let next: [number, Timer] | undefined
      for (const entry of this.#timers) if (entry[1].at <= end && (next === undefined || entry[1].at < next[1].at)) next = entry
      if (next === undefined) break
      this.#timers.delete(next[0])
      this.now = Math.max(this.now, next[1].at)
      next[1].run()
    }
    this.now = Math.max(this.now, end)
  }
}
