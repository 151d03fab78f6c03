/** Random numbers that are the same for the same seed everywhere: everything that a case does comes out of one of these. */
export class Random {
  readonly #seed: number
  #state: number

  constructor (...seeds: ReadonlyArray<number | string>) {
    this.#seed = hash(seeds.join('/'))
    this.#state = this.#seed
  }

  /** Numbers of their own, which stay the same however many were drawn from this one. */
  fork (purpose: string): Random {
    return new Random(this.#seed, purpose)
  }

  /** 32 random bits: a Weyl sequence, mixed. */
  next (): number {
    this.#state = (this.#state + 0x9e3779b9) | 0
    return mix(this.#state)
  }

  /** A whole number from 0 to below `bound`. */
  below (bound: number): number {
    return Math.floor(this.next() / 0x1_0000_0000 * bound)
  }

  /** A whole number from `least` to `most`, both included. */
  between (least: number, most: number): number {
    return least + this.below(most - least + 1)
  }

  /** True once in `times`. */
  oneIn (times: number): boolean {
    return this.below(times) === 0
  }

  pick<Value> (values: readonly Value[]): Value {
    return values[this.below(values.length)]
  }

  /** One of the alternatives, each as likely as its weight says. */
  weighted<Value> (alternatives: ReadonlyArray<readonly [weight: number, value: Value]>): Value {
    let at = this.below(alternatives.reduce((sum, [weight]) => sum + weight, 0))
    for (const [weight, value] of alternatives) {
      if (at < weight) return value
      at -= weight
    }
    return alternatives[0][1]
  }

  /** A number from 0 to `most`: mostly small, now and then at a border that matters. */
  size (most: number): number {
    const size = this.weighted([
      [24, this.below(16)],
      [12, this.below(200)],
      [9, this.pick([0, 1, 2, 123, 124, 125, 126, 127, 128])],
      [1, this.pick([4095, 4096, 4097, 65535, 65536, 65537])],
      [1, this.below(most + 1)]
    ])
    return Math.min(size, most)
  }

  bytes (length: number): Buffer {
    const bytes = Buffer.alloc(length)
    for (let i = 0; i < length; i++) bytes[i] = this.next()
    return bytes
  }

  /** As many values as `count` says. */
  list<Value> (count: number, make: (index: number) => Value): Value[] {
    return Array.from({ length: count }, (_, index) => make(index))
  }
}

/** Every bit of the result depends on every bit of the input. */
function mix (value: number): number {
  let bits = value
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b)
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35)
  return (bits ^ (bits >>> 16)) >>> 0
}

function hash (text: string): number {
  let state = 0
  for (let i = 0; i < text.length; i++) state = mix(Math.imul(state, 31) + text.charCodeAt(i) + 1)
  return state
}
