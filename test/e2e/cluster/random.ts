/** Numbers that look random, the same ones for the same seed. */
export class Random {
  #state: number

  constructor (seed: number) {
    this.#state = seed >>> 0
  }

  /** From 0 on, below 1 (a 32-bit mixer by an odd multiplier and shifts). */
  next (): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32
  }

  between (from: number, to: number): number {
    return from + this.next() * (to - from)
  }

  of<Value> (values: readonly Value[]): Value {
    return values[Math.floor(this.next() * values.length)]
  }
}
