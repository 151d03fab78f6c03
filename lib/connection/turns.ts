/** Whoever goes on in a later turn. */
export interface TurnTaker {
  onTurn (): void
}

/** How long those who wait go on in one turn of the event loop, in milliseconds; then the others are heard. */
const longest = 4

/**
 * Turns of the event loop. A connection reads its share in each; what it has beyond that waits here, in a queue of all that have more. So a
 * thousand that send as fast as they can delay the others by one share each at first, and by `longest` from then on.
 */
class Turns {
  /** Changes with every turn in which it is asked for. */
  #number = 0
  #isAsked = false
  #waiting: TurnTaker[] = []

  /** This turn's number. */
  get number (): number {
    this.#ask()
    return this.#number
  }

  /** Gives a taker another turn, behind those that wait already. */
  wait (taker: TurnTaker): void {
    this.#waiting.push(taker)
    this.#ask()
  }

  #ask (): void {
    if (this.#isAsked) return
    this.#isAsked = true
    setImmediate(() => this.#next())
  }

  #next (): void {
    this.#isAsked = false
    this.#number++
    const takers = this.#waiting
    if (takers.length === 0) return
    this.#waiting = []
    const until = performance.now() + longest
    let taken = 0
    do takers[taken++].onTurn()
    while (taken < takers.length && performance.now() < until)
    // Those that had no time come before those that have had some.
    if (taken < takers.length) this.#waiting = takers.slice(taken).concat(this.#waiting)
    if (this.#waiting.length > 0) this.#ask()
  }
}

/** Of this process. */
export const turns = new Turns()
