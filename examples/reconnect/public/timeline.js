/** How much it shows, in seconds: as wide as its drawing. */
const span = 60

/** Which states there were in the last minute. */
export class Timeline {
  #svg
  #states = []

  constructor (svg) {
    this.#svg = svg
  }

  add (state) {
    this.#states.push({ state, from: Date.now() / 1000 })
  }

  draw () {
    const now = Date.now() / 1000
    const endOf = index => this.#states[index + 1]?.from ?? now
    while (this.#states.length > 1 && endOf(0) < now - span) this.#states.shift()
    this.#svg.replaceChildren(...this.#states.map(({ state, from }, index) => {
      const left = Math.max(0, span - (now - from))
      const bar = document.createElementNS('http://www.w3.org/2000/svg', 'rect')
      // A moment is still to be seen.
      const width = Math.max(0.15, span - (now - endOf(index)) - left)
      for (const [name, value] of Object.entries({ x: left, y: 0, width, height: 1, 'data-state': state })) bar.setAttribute(name, value)
      return bar
    }))
  }
}
