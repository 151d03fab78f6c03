// The main run as Markdown.
import { amount, ceiling, control, day, inOrder, labelOf, machineLine, present, ratio, roundsLine, spread, table, times } from './figures.mjs'

const mark = '†'
const loadBound = `${mark} The load was the limit: the server may have had time to spare, so that its figure is at least this.`

/** What was measured where, in one paragraph. */
export function circumstances (results) {
  const versions = inOrder(Object.keys(results.versions)).filter(name => results.versions[name] !== null && name !== ceiling).map(name => `${name} ${results.versions[name]}`)
  return [
    `${day(results.date)}: ${machineLine(results)}${results.machine.pinned && results.scenarios !== undefined ? ', server and load each on cores of their own' : ''};`,
    `${roundsLine(results)}; ${versions.join(', ')}; revision \`${shortened(results.revision)}\`.`
  ].join(' ')
}

/** Ten digits are enough to find it; whether its files were changed stays. */
const shortened = revision => revision === null ? 'unknown' : revision.replace(/^([0-9a-f]{10})[0-9a-f]+/, '$1')

/** Scenario × server: how many times the control, and the figure itself. */
export function comparison (results) {
  const names = present(results.scenarios)
  const rows = results.scenarios.map(scenario => [titleOf(scenario), ...names.map(name => cellOf(scenario, name))])
  return withFootnote(results, table(['', ...names], rows))
}

/** The same of what a second of the server's CPU did. */
export function perCpuSecond (results) {
  const scenarios = results.scenarios.filter(scenario => Object.values(scenario.servers).some(server => server.perCpuSecond > 0))
  const names = present(scenarios)
  return table(['', ...names], scenarios.map(scenario => [labelOf(scenario), ...names.map(name => {
    const value = scenario.servers[name]?.perCpuSecond
    return value > 0 ? compared(ratio(scenario, name, 'perCpuSecond', 'higher'), amount(value)) : '–'
  })]))
}

/** How far the rounds lay apart, as ratios to the control's median. */
export function spreads (results) {
  const names = present(results.scenarios)
  const scenarios = results.scenarios.filter(scenario => scenario.servers[control]?.median > 0)
  return table(['', ...names], scenarios.map(scenario => [labelOf(scenario), ...names.map(name => {
    return scenario.servers[name]?.median > 0 ? [...new Set(spread(scenario, name).map(times))].join('–') : '–'
  })]))
}

/** Scenarios that look at single messages. */
export function delays (results) {
  const scenarios = results.scenarios.filter(scenario => Object.values(scenario.servers).some(server => server.p99 !== undefined))
  const names = present(scenarios)
  const rows = scenarios.flatMap(scenario => ['p50', 'p99', 'p999'].flatMap(figure => {
    const cells = names.map(name => scenario.servers[name]?.[figure])
    if (cells.every(value => value === undefined)) return []
    return [[`${labelOf(scenario)}: ${figure === 'p999' ? 'p99.9' : figure}`, ...cells.map(value => value === undefined ? '–' : amount(value))]]
  }))
  return table(['milliseconds', ...names], rows)
}

/** What the process grows by while some of its clients never read. */
export const memory = results => onlyWhere(results, 'growth', 'growth at its peak, MiB', grown)

/** Each server compresses as it likes: less work may be more to send. */
export const replySizes = results => onlyWhere(results, 'replyBytes', 'bytes of a compressed reply', amount)

/** A figure that a few scenarios have. */
function onlyWhere (results, figure, title, format) {
  const scenarios = results.scenarios.filter(scenario => Object.values(scenario.servers).some(server => server[figure] !== undefined))
  const names = present(scenarios)
  return table([title, ...names], scenarios.map(scenario => [labelOf(scenario), ...names.map(name => {
    const value = scenario.servers[name]?.[figure]
    return value === undefined ? '–' : format(value)
  })]))
}

/** A process that gave back more than it took didn't grow. */
export const grown = growth => amount(Math.max(growth, 0))

/** For the README: the plugin in figures, the others as ratios alone. */
export function summary (results) {
  const names = present(results.scenarios)
  const ours = names[0]
  const rows = results.scenarios.filter(scenario => scenario.servers[ours] !== undefined).map(scenario => [
    labelOf(scenario), `${amount(scenario.servers[ours].median)} ${scenario.unit}`, ...names.filter(name => name !== control).map(name => {
      const value = ratio(scenario, name)
      return value === undefined ? '–' : strongIf(name === ours, times(value) + markOf(scenario, name))
    })
  ])
  return withFootnote(results, table([`times as good as ${control} ${results.versions[control]}`, `${ours} in figures`, ...names.filter(name => name !== control)], rows))
}

const titleOf = ({ title, unit, better }) => `${title} (${unit}${better === 'lower' ? '; less is better' : ''})`
const markOf = (scenario, name) => scenario.servers[name].isLoadBound ? ` ${mark}` : ''
const strongIf = (condition, text) => condition ? `**${text}**` : text

function cellOf (scenario, name) {
  const server = scenario.servers[name]
  return server === undefined ? '–' : compared(ratio(scenario, name), amount(server.median)) + markOf(scenario, name)
}

function compared (value, figure) {
  return value === undefined ? figure : `**${times(value)}** · ${figure}`
}

function withFootnote ({ scenarios }, text) {
  const isMarked = scenarios.some(scenario => Object.values(scenario.servers).some(server => server.isLoadBound))
  return isMarked ? `${text}\n\n${loadBound}` : text
}
