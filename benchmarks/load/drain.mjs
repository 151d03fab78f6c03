/** What is under way; once nothing more is sent, all of it must come back. */
export class Drain {
  #count = 0
  #onEmpty = null

  more (count) {
    this.#count += count
  }

  less (count) {
    this.#count -= count
    if (this.#count === 0) this.#onEmpty?.()
  }

  async wait () {
    if (this.#count === 0) return
    const late = setTimeout(() => { throw new Error(`${this.#count} replies have not come within 20 s`) }, 20_000)
    await new Promise(resolve => { this.#onEmpty = resolve })
    this.#onEmpty = null
    clearTimeout(late)
  }
}
