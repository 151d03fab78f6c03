import { formats } from './format.js'

const namespace = 'http://www.w3.org/2000/svg'
const [width, height] = [360, 88]

/** Lines over the last minutes, and their latest values as text. */
export class Chart {
  #format
  #title
  #svg = create('svg', { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: 'none', role: 'img' })
  #scale = document.createElement('p')
  #series
  #span

  /**
   * @param figure with a caption, and one element with `data-series` a line
   * @param span what the chart is wide, in milliseconds
   */
  constructor (figure, span) {
    this.#format = formats[figure.dataset.unit ?? 'count']
    this.#title = figure.querySelector('figcaption').textContent
    this.#span = span
    for (const y of [0.5, height / 2, height - 0.5]) this.#svg.append(create('line', { class: 'grid', x1: 0, x2: width, y1: y, y2: y }))
    this.#series = [...figure.querySelectorAll('[data-series]')].map((label, index) => this.#newSeries(label, index))
    this.#scale.className = 'scale'
    this.#scale.setAttribute('aria-hidden', 'true')
    figure.append(this.#scale, this.#svg, times(span))
  }

  #newSeries (label, index) {
    const value = document.createElement('output')
    // Once a second, it would be read out once a second.
    value.setAttribute('aria-live', 'off')
    value.textContent = '–'
    label.prepend(value, ' ')
    const [line, area] = ['line', 'area'].map(kind => create('path', { class: index === 0 ? kind : `${kind} second` }))
    this.#svg.append(area, line)
    return { key: label.dataset.series, label, value, line, area }
  }

  /**
   * @param samples `{ time, [series]: value }`, oldest first; null where the server was away
   */
  draw (samples, now) {
    const values = samples.flatMap(sample => sample === null ? [] : this.#series.map(({ key }) => sample[key]))
    const highest = Math.max(0, ...values)
    const top = niceAbove(highest, this.#format)
    this.#scale.textContent = this.#format(top)
    const spoken = this.#series.map(series => this.#drawSeries(series, samples, now, top))
    this.#svg.setAttribute('aria-label', `${this.#title}: now ${spoken.join(', ')}; at most ${this.#format(highest)}`)
  }

  #drawSeries ({ key, label, value, line, area }, samples, now, top) {
    const runs = [[]]
    for (const sample of samples) {
      if (sample === null) runs.push([])
      else runs.at(-1).push([width * (1 - (now - sample.time) / this.#span), (height - 1) * (1 - sample[key] / top) + 0.5])
    }
    const drawn = runs.filter(run => run.length > 1)
    const path = run => `M${run.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join('L')}`
    line.setAttribute('d', drawn.map(path).join(''))
    area.setAttribute('d', drawn.map(run => `${path(run)}L${run.at(-1)[0].toFixed(1)} ${height}L${run[0][0].toFixed(1)} ${height}Z`).join(''))
    const last = samples.at(-1)
    value.textContent = last == null ? '–' : this.#format(last[key])
    return label.textContent.trim()
  }
}

/** The next of 1, 2, 4, 5 times a power of ten, or of two for bytes: scales that do not change at every sample. */
function niceAbove (value, format) {
  if (format === formats.share) return 1
  if (format === formats.bytes) return 2 ** Math.ceil(Math.log2(Math.max(1024, value)))
  const power = 10 ** Math.floor(Math.log10(Math.max(4, value)))
  return [1, 2, 4, 5, 10].map(factor => factor * power).find(nice => nice >= Math.max(4, value))
}

function times (span) {
  const line = document.createElement('div')
  line.className = 'times'
  line.setAttribute('aria-hidden', 'true')
  for (const text of [`${span / 60_000} min ago`, 'now']) line.append(Object.assign(document.createElement('span'), { textContent: text }))
  return line
}

function create (name, attributes) {
  const element = document.createElementNS(namespace, name)
  for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, value)
  return element
}
