import { element } from './element.js'

/** How much of the past a line shows, and from when on it is drawn as one that knows nothing of what was between, in milliseconds. */
const [span, hole] = [8_000, 250]
/** From here on it is too much. */
const hot = 75
/** The least that a line's height stands for. */
const leastRange = 20

/** The clock of the server, by the reading that took the least time to come. */
let ahead = Infinity

/** A machine: its load, and a line of what it was. */
export class Tile {
  group
  item
  #value = element('strong', {})
  #canvas = element('canvas', { 'aria-hidden': 'true' })
  #latest
  #points = []
  #isNew = true

  constructor (group, reading) {
    this.group = group
    this.item = element('li', {}, element('span', {}, reading.machine), this.#value, this.#canvas)
    this.#take(reading)
  }

  /** How old what it shows is, in milliseconds. */
  get age () {
    return Math.max(0, Date.now() - ahead - this.#latest.time)
  }

  /** Answers how many readings between this one and the last were skipped. */
  add (reading) {
    const skipped = reading.number - this.#latest.number - 1
    // What was sent before the list of all came, and after it.
    if (skipped < 0) return 0
    this.#take(reading)
    return skipped
  }

  #take (reading) {
    ahead = Math.min(ahead, Date.now() - reading.time)
    this.#latest = reading
    this.#points.push(reading)
    this.#isNew = true
  }

  /** @param colors of lines, by what they say */
  draw (colors) {
    const { width, height } = this.#fit()
    if (width === 0) return
    if (this.#isNew) {
      this.#isNew = false
      this.#value.textContent = `${this.#latest.load.toFixed(1)} %`
      this.item.dataset.load = this.#latest.load >= hot ? 'hot' : ''
    }
    const now = Date.now() - ahead
    const oldest = this.#points.findIndex(({ time }) => time > now - span)
    if (oldest > 1) this.#points.splice(0, oldest - 1)

    const context = this.#canvas.getContext('2d')
    context.clearRect(0, 0, width, height)
    context.lineWidth = 1.5 * window.devicePixelRatio
    context.lineJoin = 'round'
    const x = ({ time }) => width * (1 - (now - time) / span)
    const loads = this.#points.map(({ load }) => load)
    const [lowest, highest] = [Math.min(...loads), Math.max(...loads)]
    // A machine at rest is a line, and not its noise drawn large.
    const range = Math.max(highest - lowest, leastRange)
    const y = ({ load }) => height * (0.95 - 0.9 * (load - (lowest + highest - range) / 2) / range)
    for (const isHole of [false, true]) {
      context.strokeStyle = isHole ? colors.hole : this.#latest.load >= hot ? colors.hot : colors.drawn
      context.beginPath()
      this.#points.forEach((point, index) => {
        const before = this.#points[index - 1]
        if (before === undefined || (point.time - before.time > hole) !== isHole) return
        context.moveTo(x(before), y(before))
        context.lineTo(x(point), y(point))
      })
      context.stroke()
    }
  }

  /** As many pixels as the screen has. */
  #fit () {
    const width = Math.round(this.#canvas.clientWidth * window.devicePixelRatio)
    const height = Math.round(this.#canvas.clientHeight * window.devicePixelRatio)
    if (this.#canvas.width !== width) this.#canvas.width = width
    if (this.#canvas.height !== height) this.#canvas.height = height
    return { width, height }
  }
}
