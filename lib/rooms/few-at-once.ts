/** Runs so many at once, and the others as these are done. */
export class FewAtOnce {
  readonly #most: number
  #running = 0
  /** In order. */
  readonly #waiting = new Set<() => void>()

  constructor (most: number) {
    this.#most = most
  }

  /** How many run, or wait. */
  get size (): number {
    return this.#running + this.#waiting.size
  }

  async run<Result> (action: () => Promise<Result>): Promise<Result> {
    // Whoever is done hands its place on.
    if (this.#running < this.#most) this.#running++
    else await new Promise<void>(resolve => { this.#waiting.add(resolve) })
    try {
      return await action()
    } finally {
      this.#next()
    }
  }

  #next (): void {
    const [start] = this.#waiting
    if (start === undefined) {
      this.#running--
      return
    }
    this.#waiting.delete(start)
    start()
  }
}
