/** Runs so many at once, and the others in turn. */
export class Turns {
  readonly #most: number
  #running = 0
  readonly #waiting: Array<() => void> = []

  constructor (most: number) {
    this.#most = most
  }

  async take<Result> (run: () => Promise<Result>): Promise<Result> {
    // Whoever is done hands its place on.
    if (this.#running < this.#most) this.#running++
    else await new Promise<void>(resolve => { this.#waiting.push(resolve) })
    try {
      return await run()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#running--
      else next()
    }
  }
}
