import { side } from './ink.js'

/** The most numbers in one message. */
const batchSize = 512

/**
 * What mouse, pen and fingers do on a surface: told once in each frame of the screen, however many events there were, and with all points that the system knows of.
 */
export class Pen {
  #surface
  #events
  /** The strokes that are being drawn, by their pointers. */
  #strokes = new Map()
  #hover = null
  #next = 0
  #frame = null

  /** @param events `isReady()`, `onDraw(stroke, points)`, `onPoint(x, y)` */
  constructor (surface, events) {
    this.#surface = surface
    this.#events = events
    surface.addEventListener('pointerdown', event => this.#begin(event))
    surface.addEventListener('pointermove', event => this.#move(event))
    surface.addEventListener('pointerup', event => this.#end(event))
    surface.addEventListener('pointercancel', event => this.#end(event))
  }

  /** What is being drawn ends here. */
  lift () {
    this.#strokes.clear()
    this.#hover = null
  }

  #begin (event) {
    if (event.button !== 0 || !this.#events.isReady()) return
    this.#surface.setPointerCapture(event.pointerId)
    this.#strokes.set(event.pointerId, { stroke: this.#next++, points: this.#place(event) })
    this.#schedule()
  }

  #move (event) {
    if (!this.#events.isReady()) return
    const drawn = this.#strokes.get(event.pointerId)
    if (drawn === undefined) {
      this.#hover = this.#place(event)
    } else {
      const events = event.getCoalescedEvents()
      for (const each of events.length === 0 ? [event] : events) drawn.points.push(...this.#place(each))
    }
    this.#schedule()
  }

  #end (event) {
    this.#flush()
    this.#strokes.delete(event.pointerId)
  }

  #schedule () {
    this.#frame ??= window.requestAnimationFrame(() => this.#flush())
  }

  #flush () {
    window.cancelAnimationFrame(this.#frame)
    this.#frame = null
    for (const drawn of this.#strokes.values()) {
      while (drawn.points.length > 0) this.#events.onDraw(drawn.stroke, drawn.points.splice(0, batchSize))
    }
    if (this.#hover !== null) this.#events.onPoint(...this.#hover)
    this.#hover = null
  }

  /** Where it is on the board, in its units. */
  #place ({ clientX, clientY }) {
    const { left, top, width, height } = this.#surface.getBoundingClientRect()
    return [unit((clientX - left) / width), unit((clientY - top) / height)]
  }
}

function unit (share) {
  return Math.min(side, Math.max(0, Math.round(share * side)))
}
