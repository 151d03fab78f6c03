/** The units of a board, from side to side. */
export const side = 2000

/** A drawing on a canvas, sharp at any size. */
export class Ink {
  #canvas
  #context
  #colourOf
  #strokes = new Map()

  /** @param colourOf the colour of a number of the palette, as it is now */
  constructor (canvas, colourOf) {
    this.#canvas = canvas
    this.#context = canvas.getContext('2d')
    this.#colourOf = colourOf
    new window.ResizeObserver(() => this.redraw()).observe(canvas)
  }

  get isEmpty () {
    return this.#strokes.size === 0
  }

  replace (strokes) {
    this.#strokes = new Map(strokes.map(stroke => [keyOf(stroke), { ...stroke }]))
    this.redraw()
  }

  /** Begins a stroke, or goes on with it. */
  add ({ by, stroke, colour, width, points }) {
    const key = keyOf({ by, stroke })
    const begun = this.#strokes.get(key)
    if (begun === undefined) this.#strokes.set(key, { colour, width, points: [...points] })
    else begun.points.push(...points)
    this.#draw({ colour, width, points: begun === undefined ? points : begun.points.slice(-points.length - 2) })
  }

  remove (strokes) {
    for (const stroke of strokes) this.#strokes.delete(keyOf(stroke))
    this.redraw()
  }

  redraw () {
    const { clientWidth, clientHeight } = this.#canvas
    this.#canvas.width = Math.round(clientWidth * window.devicePixelRatio)
    this.#canvas.height = Math.round(clientHeight * window.devicePixelRatio)
    const scale = this.#canvas.width / side
    this.#context.setTransform(scale, 0, 0, scale, 0, 0)
    this.#context.lineCap = this.#context.lineJoin = 'round'
    for (const stroke of this.#strokes.values()) this.#draw(stroke)
  }

  #draw ({ colour, width, points: [x, y, ...others] }) {
    const context = this.#context
    context.strokeStyle = this.#colourOf(colour)
    context.lineWidth = width
    context.beginPath()
    context.moveTo(x, y)
    // A single point is a line to itself: its round ends make it a dot.
    if (others.length === 0) context.lineTo(x, y)
    for (let index = 0; index < others.length; index += 2) context.lineTo(others[index], others[index + 1])
    context.stroke()
  }
}

function keyOf ({ by, stroke }) {
  return `${by}/${stroke}`
}
