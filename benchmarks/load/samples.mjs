import { percentile } from '../common.mjs'

/** Latencies in milliseconds, kept without a cost that would be measured with them. */
export class Samples {
  #values = new Float64Array(1 << 21)
  #count = 0

  add (value) {
    if (this.#count < this.#values.length) this.#values[this.#count++] = value
  }

  /** Percentiles of those since the last time. */
  take () {
    const values = this.#values.subarray(0, this.#count)
    this.#count = 0
    if (values.length === 0) return {}
    return { p50: percentile(values, 0.5), p99: percentile(values, 0.99), p999: percentile(values, 0.999) }
  }
}
