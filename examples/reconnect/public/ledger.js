/** Adds up payments, and sees whether one is missing or comes twice. */
export class Ledger {
  /** The number of the last one; null until it is known how it stands. */
  number = null
  /** The sum by what has come here, and by what the server says with the last one. */
  sum = 0
  total = 0
  missing = 0
  twice = 0
  #known = 0
  /** The number of the last one that has come here. */
  #came = 0
  /** What comes while it is asked how it stands. */
  #held = []

  /** What follows may not follow on what is known: `begin` says how it stands. */
  forget () {
    this.#known = this.number ?? this.#known
    this.number = null
    this.#held = []
  }

  /** Answers what is to be shown: the numbers that are new, and how many are missing before each. */
  begin ({ number, total }) {
    const isFirst = this.#known === 0
    const missing = isFirst ? 0 : Math.max(0, number - this.#known)
    this.number = number
    this.sum = this.total = total
    this.missing += missing
    const held = this.#held
    this.#held = []
    const shown = missing > 0 ? [{ number, missing }] : []
    return [...shown, ...held.flatMap(payment => this.take(payment))]
  }

  take (payment) {
    const { number, amount, total } = payment
    if (this.number === null) {
      this.#held.push(payment)
      return []
    }
    if (number <= this.#came) {
      this.twice++
      return []
    }
    this.#came = number
    // How it stood had this one already: the answer may be ahead of the feed.
    if (number <= this.number) return []
    const missing = number - this.number - 1
    this.missing += missing
    this.number = number
    this.sum += amount
    this.total = total
    return [{ number, missing }]
  }
}
