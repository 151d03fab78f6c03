/** Whoever holds memory that a budget counts. */
export interface MemoryHolder {
  /** Bytes that it holds. */
  readonly held: number
  /** The budget is spent: let go of them. */
  shed (): void
}

/** From which part of the budget on the largest holders let go: what is counted is there already, and the limit is to hold. */
const shedFrom = 15 / 16

/** What is left of the budget once it was spent and the largest holders have let go: so that they are not sought at every byte. */
const restAfterShedding = 7 / 8

/**
 * The memory that all connections of a server may hold together: what they have not finished receiving, what waits for handlers, and what
 * their peers do not take. When it is nearly spent, those who hold most are closed.
 */
export class MemoryBudget<Holder extends MemoryHolder = MemoryHolder> {
  /** bytes */
  readonly limit: number
  readonly #onShed: (holder: Holder) => void
  readonly #holders = new Set<Holder>()
  #held = 0
  #peak = 0
  #isShedding = false

  /** @param onShed told of each holder that has to let go, before it does */
  constructor (limit: number, onShed: (holder: Holder) => void) {
    this.limit = limit
    this.#onShed = onShed
  }

  get held (): number {
    return this.#held
  }

  /** Whether it is about to be spent: as much is held as is left after the largest holders let go. */
  get isNearlySpent (): boolean {
    return this.#held > this.limit * restAfterShedding
  }

  get peak (): number {
    return this.#peak
  }

  /** A holder's share has changed: `holder.held` is what it holds now. */
  change (holder: Holder, by: number): void {
    this.#held += by
    if (holder.held === 0) this.#holders.delete(holder)
    else if (by > 0) this.#holders.add(holder)
    if (this.#held > this.#peak) this.#peak = this.#held
    if (this.#held > this.limit * shedFrom && !this.#isShedding) this.#shed()
  }

  #shed (): void {
    this.#isShedding = true
    const largestFirst = [...this.#holders].sort((a, b) => b.held - a.held)
    for (const holder of largestFirst) {
      if (this.#held <= this.limit * restAfterShedding) break
      // It lets go of what it can at once, and is not asked twice.
      this.#holders.delete(holder)
      this.#onShed(holder)
      holder.shed()
    }
    this.#isShedding = false
  }
}
