// What clients that misbehave cost, out of `results/hostile.json` and the scenario of slow consumers.
import { amount, day, machineLine, table } from './figures.mjs'
import { grown } from './tables.mjs'

const peer = '@fastify/websocket'

/** For the README. */
export function misbehaving (main, hostile) {
  const names = ['fastify-typed-ws', peer]
  const slow = main.scenarios.find(({ name }) => name === 'slow-consumers')
  const of = figure => names.map(name => hostile.servers[name][figure])
  return table(['', ...names], [
    ['10 of 100 members never read a broadcast of 4 KiB: growth of the process at its peak', ...names.map(name => `${grown(slow.servers[name].growth)} MiB`)],
    [`${thousand(hostile.connections)} hostile connections for ${hostile.seconds} s: 99th percentile of an honest client's echo`, ...of('p99').map(value => `${amount(value)} ms`)],
    ['the same: the process\'s memory at its peak', ...of('peakMiB').map(value => `${amount(value)} MiB`)]
  ])
}

export function hostileTable (results) {
  const { servers } = results
  const names = Object.keys(servers)
  const rows = [
    ['an honest echo, p50, ms', 'p50'], ['p99, ms', 'p99'], ['p99 in peace, ms', 'peaceP99'],
    ['memory before, MiB', 'beforeMiB'], ['at its peak, MiB', 'peakMiB'], ['of it counted by the budget, MiB', 'heldMiB']
  ]
  return `${day(results.date)}: ${machineLine(results)}.\n\n` + table(['', ...names], rows.map(([title, figure]) => [title, ...names.map(name => servers[name][figure] === null ? '–' : amount(servers[name][figure]))]))
}

const thousand = value => value.toLocaleString('en')
