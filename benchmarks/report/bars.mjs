// docs/benchmarks.svg: how many times the control each server is, on a logarithmic scale whose middle is the control itself.
import { amount, ceiling, control, day, labelOf, machineLine, present, ratio, roundsLine, spread, times } from './figures.mjs'
import { drawing, element, hue, line, text, wrapped } from './svg.mjs'

const width = 880
const margin = 24
const labelsEnd = 276
const left = 318
const right = width - 64
const top = 118
const bar = 11
const step = 13
const gap = 16

export function bars (results) {
  const scenarios = results.scenarios.filter(scenario => ratio(scenario, present([scenario])[0]) !== undefined)
  const names = present(scenarios)
  const drawn = names.filter(name => name !== control && name !== ceiling)
  const scale = scaleOf(scenarios, names.filter(name => name !== control))
  const groups = []
  let y = top
  for (const scenario of scenarios) {
    const rows = drawn.filter(name => ratio(scenario, name) !== undefined)
    const height = Math.max(rows.length * step, 3 * 14)
    groups.push(group(scenario, rows, scale, y, height))
    y += height + gap
  }
  const title = `Times as good as ${control} ${results.versions[control]}`
  return drawing({ width, height: y + 44, title, description: describe(scenarios, drawn) }, [
    text(margin, 36, title, 'title'),
    text(margin, 56, `${day(results.date)} · ${machineLine(results)} · ${roundsLine(results)}`, 'muted small'),
    legend(drawn, names.includes(ceiling)),
    ...grid(scale, y - gap + 6),
    ...groups,
    text(margin, y + 24, 'Logarithmic. Thin lines: from the worst round to the best. †: the load was the limit. Where less is better, the ratio is turned round.', 'muted small')
  ])
}

/** Powers of two, from below the lowest ratio to above the highest; what is off by more ends at the edge, and its label tells. */
function scaleOf (scenarios, names) {
  const ratios = scenarios.flatMap(scenario => names.map(name => ratio(scenario, name)).filter(value => value !== undefined))
  const from = Math.max(-4, Math.min(-1, Math.floor(Math.log2(Math.min(...ratios)))))
  const to = Math.min(6, Math.max(1, Math.ceil(Math.log2(Math.max(...ratios)))))
  const at = value => left + (Math.min(Math.max(Math.log2(value), from), to) - from) / (to - from) * (right - left)
  return { at, ticks: Array.from({ length: to - from + 1 }, (_, index) => 2 ** (from + index)) }
}

function grid ({ at, ticks }, bottom) {
  return ticks.flatMap(tick => [
    line(at(tick), top - 8, at(tick), bottom, tick === 1 ? 'base' : 'grid'),
    text(at(tick), top - 14, tick === 1 ? control : `${tick < 1 ? `1/${1 / tick}` : tick}×`, `middle small ${tick === 1 ? 'strong' : 'muted'}`)
  ])
}

function group (scenario, names, { at }, y, height) {
  const ours = present([scenario])[0]
  const own = scenario.servers[ours]
  const words = wrapped(labelOf(scenario), 42)
  const labels = [
    ...words.map((part, index) => text(labelsEnd, y + 11 + index * 14, part, 'end')),
    text(labelsEnd, y + 11 + words.length * 14, `${amount(own.median)} ${scenario.unit}${scenario.better === 'lower' ? ', less is better' : ''}`, 'end muted small')
  ]
  const offset = y + (height - names.length * step) / 2
  const drawn = names.map((name, index) => oneBar(scenario, name, at, offset + index * step))
  const limit = ratio(scenario, ceiling)
  const mark = limit === undefined ? '' : element('path', { d: diamond(at(limit), offset - 6, 4.5), class: 'swatch ink' }, element('title', {}, `${ceiling}: ${times(limit)}×`))
  return element('g', {}, ...labels, ...drawn, mark)
}

function oneBar (scenario, name, at, y) {
  const value = ratio(scenario, name)
  const [from, to] = [Math.min(at(1), at(value)), Math.max(at(1), at(value))]
  const [worst, best] = spread(scenario, name).map(at)
  const isOurs = name === 'fastify-typed-ws'
  const label = `${times(value)}×${scenario.servers[name].isLoadBound ? ' †' : ''}`
  const edge = value < 1 ? Math.min(worst, from) : Math.max(best, to)
  return [
    element('rect', { x: from, y, width: Math.max(to - from, 1), height: bar, rx: 1.5, class: `bar ${hue(name)}` }, element('title', {}, `${name}: ${label}`)),
    line(worst, y + bar / 2, best, y + bar / 2, 'whisker ink'),
    text(edge + (value < 1 ? -5 : 5), y + bar - 1.5, label, `small${value < 1 ? ' end' : ''}${isOurs ? ' strong' : ' muted'}`)
  ].join('')
}

const diamond = (x, y, size) => `M${(x - size).toFixed(1)} ${y}L${x.toFixed(1)} ${y - size}L${(x + size).toFixed(1)} ${y}L${x.toFixed(1)} ${y + size}Z`

function legend (names, hasCeiling) {
  let x = margin
  const entries = names.map(name => {
    const entry = element('rect', { x, y: 73, width: 11, height: 11, rx: 2, class: `swatch ${hue(name)}` }) + text(x + 17, 83, name)
    x += 46 + name.length * 6.6
    return entry
  })
  if (hasCeiling) entries.push(element('path', { d: diamond(x + 5, 79, 5), class: 'swatch ink' }) + text(x + 17, 83, 'bare net: echoes bytes, no WebSocket'))
  return entries.join('\n')
}

function describe (scenarios, names) {
  return scenarios.map(scenario => `${labelOf(scenario)}: ${names.filter(name => ratio(scenario, name) !== undefined)
    .map(name => `${name} ${times(ratio(scenario, name))}`).join(', ')}`).join('. ')
}
