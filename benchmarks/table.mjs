import { header, row, thousands } from './common.mjs'

const ratio = (value, other) => value == null || other == null ? '–' : (value / other).toFixed(2)
const figure = value => value == null ? '–' : value >= 100 ? thousands(value) : value.toFixed(2)

/** One scenario as a Markdown table. */
export function printScenario ({ title, unit, servers }, names = Object.keys(servers)) {
  console.log(`\n### ${title}\n`)
  const results = Object.values(servers)
  const has = field => results.some(result => result[field] !== undefined)
  const latencies = has('p50')
  const growth = has('growth')
  const compressed = has('replyBytes')
  header('server', unit, 'lowest–highest', '× ws', 'per CPU second', '× ws', ...latencies ? ['p50, p99, p99.9 (ms)'] : [], ...growth ? ['RSS growth (MiB)'] : [], ...compressed ? ['bytes a reply'] : [], 'load')
  const { ws } = servers
  for (const name of names) {
    const result = servers[name]
    if (result === undefined) {
      row(name, '–', '–', '–', '–', '–', ...latencies ? ['–'] : [], ...growth ? ['–'] : [], ...compressed ? ['–'] : [], '–')
      continue
    }
    const load = result.rounds.reduce((sum, { loadCpu, seconds }) => sum + loadCpu / seconds, 0) / result.rounds.length
    row(name, figure(result.median), `${figure(result.lowest)}–${figure(result.highest)}`, ratio(result.median, ws?.median),
      figure(result.perCpuSecond), ratio(result.perCpuSecond, ws?.perCpuSecond),
      ...latencies ? [[result.p50, result.p99, result.p999].map(figure).join(', ')] : [],
      ...growth ? [figure(result.growth)] : [],
      ...compressed ? [figure(result.replyBytes)] : [],
      `${Math.round(load * 100)} %${result.isLoadBound ? ', load-bound' : ''}`)
  }
}
