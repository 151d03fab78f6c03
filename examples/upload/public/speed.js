/** Over which time it is taken, in milliseconds. */
const span = 2000

/** Bytes a second, of late. */
export class Speed {
  #samples = []

  /** @param total all bytes so far */
  add (total) {
    this.#samples.push({ time: performance.now(), total })
  }

  get perSecond () {
    const now = performance.now()
    this.#samples = this.#samples.filter(({ time }) => time > now - span)
    const [first] = this.#samples
    return first === undefined ? 0 : (this.#samples.at(-1).total - first.total) / Math.max(1, now - first.time) * 1000
  }
}
