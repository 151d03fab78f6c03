// docs/benchmarks-growth.svg: what a message costs by the number of connections and by its size.
import { amount, bytes, day, machineLine, roundsLine } from './figures.mjs'
import { costs, growthServers } from './growth-tables.mjs'
import { drawing, element, hue, line, text } from './svg.mjs'

const width = 880
const height = 396
const margin = 24
const top = 128
const bottom = 336
const panelWidth = 352

export function lines (results) {
  const title = 'CPU time of the server per message'
  return drawing({ width, height, title, description: 'Echo: microseconds of CPU time per message, by the number of connections and by the size of a message.' }, [
    text(margin, 36, title, 'title'),
    text(margin, 56, `${day(results.date)} · ${machineLine(results)} · ${roundsLine(results)}`, 'muted small'),
    ...legend(growthServers(results)),
    panel(costs(results, 'connections'), 72, '64 B, by the number of connections', value => value.toLocaleString('en'), linear),
    panel(costs(results, 'size'), 72 + panelWidth + 72, 'By size, 16 connections', bytes, logarithmic),
    text(margin, height - 16, 'Logarithmic, but for the time on the left. Vertical lines: from the worst round to the best.', 'muted small')
  ])
}

function legend (names) {
  let x = margin
  return names.map(name => {
    const entry = line(x, 79, x + 16, 79, `line ${hue(name)}`) + circle(x + 8, 79, name) + text(x + 23, 83, name)
    x += 52 + name.length * 6.6
    return entry
  })
}

/** Flat is what looks flat from zero. */
function linear (values) {
  const most = Math.max(...values)
  const step = [1, 2, 5].flatMap(first => [0.1, 1, 10, 100, 1000].map(ten => first * ten)).toSorted((a, b) => a - b).find(step => step * 5 >= most)
  const count = Math.ceil(most / step)
  return { ticks: Array.from({ length: count + 1 }, (_, index) => index * step), y: value => bottom - value / (count * step) * (bottom - top) }
}

function logarithmic (values) {
  const from = Math.floor(Math.log10(Math.min(...values)))
  const count = Math.ceil(Math.log10(Math.max(...values))) - from
  return { ticks: Array.from({ length: count + 1 }, (_, index) => 10 ** (from + index)), y: value => bottom - (Math.log10(value) - from) / count * (bottom - top) }
}

function panel (points, left, title, labelOf, scale) {
  const { ticks, y } = scale(points.flatMap(({ servers }) => Object.values(servers).flatMap(({ lowest, highest }) => [lowest, highest])))
  const [first, last] = [points[0].at, points.at(-1).at].map(Math.log)
  const x = at => left + 16 + (Math.log(at) - first) / (last - first) * (panelWidth - 40)
  return element('g', {},
    text(left, top - 14, title, 'strong'),
    ...ticks.map((tick, index) => line(left, y(tick), left + panelWidth, y(tick), index === 0 ? 'base' : 'grid') + text(left - 8, y(tick) + 4, `${amount(tick)} µs`, 'end muted small')),
    ...points.map(({ at }) => text(x(at), bottom + 18, labelOf(at), 'middle muted small')),
    ...growthServers({ scenarios: points }).toReversed().map(name => oneLine(name, points, x, y)))
}

/** The plugin's figures stand below its line, since it lies lowest. */
function oneLine (name, points, x, y) {
  const own = points.filter(({ servers }) => servers[name] !== undefined).map(({ at, servers }) => ({ at, ...servers[name] }))
  const path = own.map(({ at, median }, index) => `${index === 0 ? 'M' : 'L'}${x(at).toFixed(1)} ${y(median).toFixed(1)}`).join('')
  const isOurs = name === 'fastify-typed-ws'
  return [
    element('path', { d: path, class: `line ${hue(name)}` }),
    ...own.map(({ at, median, lowest, highest }) => line(x(at), y(lowest), x(at), y(highest), `whisker ${hue(name)}`) + circle(x(at), y(median), name) +
      text(x(at), isOurs ? y(lowest) + 17 : y(highest) - 9, short(median), `middle small ${isOurs ? 'strong' : 'muted'}`))
  ].join('')
}

const short = value => Number(value.toPrecision(2)).toLocaleString('en', { maximumFractionDigits: 3 })
const circle = (cx, cy, name) => element('circle', { cx, cy, r: 3.5, class: `swatch ${hue(name)}` })
