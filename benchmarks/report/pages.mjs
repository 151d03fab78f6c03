// Every part of the documents that is made of the committed results: text between `<!-- benchmarks: name -->` and `<!-- benchmarks: end -->`, and the charts.
import { readFileSync } from 'node:fs'
import { bars } from './bars.mjs'
import { fanoutHighest, fanoutTables } from './fanout-tables.mjs'
import { growthTable } from './growth-tables.mjs'
import { hostileTable, misbehaving } from './hostile-tables.mjs'
import { lines } from './lines.mjs'
import { packageTable, startupTable } from './startup-tables.mjs'
import { circumstances, comparison, delays, memory, perCpuSecond, replySizes, spreads, summary } from './tables.mjs'

const root = new URL('../../', import.meta.url)
const read = path => readFileSync(new URL(path, root), 'utf8')

/** What a marker's name stands for. */
const parts = {
  circumstances: ({ main }) => circumstances(main),
  summary: ({ main }) => summary(main),
  comparison: ({ main }) => comparison(main),
  'per CPU second': ({ main }) => perCpuSecond(main),
  spread: ({ main }) => spreads(main),
  delays: ({ main }) => delays(main),
  memory: ({ main }) => memory(main),
  'reply sizes': ({ main }) => replySizes(main),
  misbehaving: ({ main, hostile }) => misbehaving(main, hostile),
  hostile: ({ hostile }) => hostileTable(hostile),
  'growth circumstances': ({ growth }) => circumstances(growth),
  'growth by connections': ({ growth }) => growthTable(growth, 'connections'),
  'growth by size': ({ growth }) => growthTable(growth, 'size'),
  'start-up circumstances': ({ startup }) => circumstances(startup),
  'start-up': ({ startup }) => startupTable(startup),
  packages: ({ startup }) => packageTable(startup),
  'fan-out circumstances': ({ fanout }) => circumstances(fanout),
  'fan-out': ({ fanout }) => fanoutTables(fanout),
  'highest fan-out': ({ fanout }) => fanoutHighest(fanout)
}

export const partNames = Object.keys(parts)

const marked = /(<!-- benchmarks: (?!end)(.+?) -->\n)[^]*?(<!-- benchmarks: end -->)/g

/** The page with its marked parts made anew. */
function fill (page, results) {
  return page.replace(marked, (_, opening, name, closing) => {
    if (!Object.hasOwn(parts, name)) throw new Error(`no part of the benchmarks is called '${name}'`)
    return `${opening}\n${parts[name](results)}\n\n${closing}`
  })
}

/** What the harness calls after their files, under the names of their packages. */
const packageNames = { uwebsockets: 'uWebSockets.js', 'fastify-websocket': '@fastify/websocket' }
const renamed = object => Object.fromEntries(Object.entries(object).map(([name, value]) => [packageNames[name] ?? name, value]))

function readResults (kind) {
  const results = JSON.parse(read(`benchmarks/results/${kind}.json`))
  if (results.versions !== undefined) results.versions = renamed(results.versions)
  for (const scenario of results.scenarios ?? []) scenario.servers = renamed(scenario.servers)
  return results
}

/** The files as they should be, by their path. */
export function pages () {
  const results = Object.fromEntries(['main', 'growth', 'startup', 'hostile', 'fanout'].map(kind => [kind, readResults(kind)]))
  return {
    'README.md': fill(read('README.md'), results),
    'docs/benchmarks.md': fill(read('docs/benchmarks.md'), results),
    'docs/benchmarks.svg': bars(results.main),
    'docs/benchmarks-growth.svg': lines(results.growth)
  }
}
