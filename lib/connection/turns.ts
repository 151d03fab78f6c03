import { outside } from '../outside.ts'

/** Whoever goes on in a later turn. */
export interface TurnTaker {
  onTurn (): void
}

/** How long a turn may be before those who have had their share of it wait, and how long these go on in a later one, in milliseconds. */
const longest = 4

/**
 * Turns of the event loop. While a turn is short, a connection reads all that has come; in a long one it reads its share, and what it has
 * beyond that waits here, in a queue of all that have more. So a thousand that send as fast as they can delay the others by one share each at
 * first, and by `longest` from then on.
 */
export class Turns {
  /** Changes with every turn in which it is asked for. */
  #number = 0
  #isAsked = false
  #started = 0
  #waiting: TurnTaker[] = []

  /** This turn's number. */
  get number (): number {
    this.#ask()
    return this.#number
  }

  /** Whether this turn has been long enough for those who had their share. */
  get isLong (): boolean {
    this.#ask()
    return performance.now() - this.#started > longest
  }

  /** Gives a taker another turn, behind those that wait already. */
  wait (taker: TurnTaker): void {
    this.#waiting.push(taker)
    this.#ask()
  }

  #ask (): void {
    if (this.#isAsked) return
    this.#isAsked = true
    this.#started = performance.now()
    outside(() => setImmediate(() => this.#next()))
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
