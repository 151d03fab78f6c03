/** Over which time it is taken, in milliseconds. */
const span = 2000

/** Bytes a second, of late. */
export class Speed {
  #samples = []

  /** @param total all bytes so far */
  add (total) {
    const now = performance.now()
    this.#samples = this.#samples.filter(({ time }) => time > now - span)
    this.#samples.push({ time: now, total })
  }

  get perSecond () {
    const [first] = this.#samples
    const last = this.#samples.at(-1)
    const elapsed = first === undefined ? 0 : performance.now() - first.time
    return elapsed === 0 ? 0 : (last.total - first.total) / elapsed * 1000
  }
}
