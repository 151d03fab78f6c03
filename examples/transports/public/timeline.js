/** How much of the past is shown, in milliseconds. */
const shown = 6000
const width = 600
const height = 40

/** Draws when requests were open, as bars, and when messages were seen, as strokes; now is on the right. */
export class Timeline {
  #svg
  #requests = new Set()
  #seen = new Set()

  constructor (svg) {
    this.#svg = svg
    svg.setAttribute('viewBox', `0 0 ${width} ${height}`)
  }

  /** A request was sent; call what this answers when it is over. */
  onRequest () {
    const request = { from: performance.now(), to: null }
    this.#requests.add(request)
    return () => { request.to ??= performance.now() }
  }

  onSeen () {
    this.#seen.add(performance.now())
  }

  draw () {
    const now = performance.now()
    const x = time => width - (now - time) / shown * width
    for (const request of this.#requests) if (request.to !== null && now - request.to > shown) this.#requests.delete(request)
    for (const time of this.#seen) if (now - time > shown) this.#seen.delete(time)

    this.#svg.replaceChildren(
      ...[...this.#requests].map(({ from, to }) => shape('rect', {
        class: 'request', x: x(from), width: Math.max(4, x(to ?? now) - x(from) - 4), y: 16, height: 8
      })),
      ...[...this.#seen].map(time => shape('rect', { class: 'seen-mark', x: x(time) - 2, width: 4, y: 5, height: 30 }))
    )
  }
}

function shape (name, attributes) {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name)
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value)
  return made
}
