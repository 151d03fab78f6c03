import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { packageRoot } from './helpers/paths.ts'

/** The generator is no part of what is compiled. */
const generator = (name: string): Promise<unknown> => import(pathToFileURL(join(packageRoot, 'benchmarks/report', name)).href)
const { pages, partNames } = await generator('pages.mjs') as { pages: () => Record<string, string>, partNames: readonly string[] }
const { comparison, spreads } = await generator('tables.mjs') as Record<'comparison' | 'spreads', (results: unknown) => string>

const read = (path: string): string => readFileSync(join(packageRoot, path), 'utf8')
const partsOf = (page: string): string[] => [...page.matchAll(/<!-- benchmarks: (?!end)(.+?) -->/g)].map(([, name]) => name)

t.test('every table and chart of the benchmarks is what `npm run bench:report` makes of the committed results', async t => {
  const made = pages()
  t.same(Object.keys(made).sort(), ['README.md', 'docs/benchmarks-growth.svg', 'docs/benchmarks.md', 'docs/benchmarks.svg'])
  for (const [path, text] of Object.entries(made)) t.equal(read(path), text, path)
})

t.test('every part that can be made has its place, and every mark that is opened is closed', async t => {
  const documents = ['README.md', 'docs/benchmarks.md'].map(read)
  t.same([...new Set(documents.flatMap(partsOf))].sort(), [...partNames].sort())
  for (const document of documents) t.equal(document.split('<!-- benchmarks: end -->').length - 1, partsOf(document).length)
})

t.test('the README shows the chart and leads to what is behind it', async t => {
  t.match(read('README.md'), '](docs/benchmarks.svg)')
  t.match(read('README.md'), '](docs/benchmarks.md)')
  t.match(read('docs/benchmarks.md'), '](benchmarks.svg)')
  t.match(read('docs/benchmarks.md'), '](benchmarks-growth.svg)')
})

/** One scenario: 200 (150–250) of the plugin's to 100 of the control's. */
const resultsWhere = (details: { better: 'higher' | 'lower', isLoadBound?: boolean }): unknown => ({
  scenarios: [{
    name: 'tea',
    title: 'Tea',
    unit: 'cups/s',
    better: details.better,
    servers: {
      ws: { median: 100, lowest: 90, highest: 110, isLoadBound: false },
      'fastify-typed-ws': { median: 200, lowest: 150, highest: 250, isLoadBound: details.isLoadBound ?? false }
    }
  }]
})

t.test('a ratio is how many times as good as the control, whether more is better or less', async t => {
  t.match(comparison(resultsWhere({ better: 'higher' })), '| Tea (cups/s) | **2.0** · 200 | **1.0** · 100 |')
  t.match(comparison(resultsWhere({ better: 'lower' })), '| Tea (cups/s; less is better) | **0.50** · 200 | **1.0** · 100 |')
})

t.test('a spread goes from the worst round to the best', async t => {
  t.match(spreads(resultsWhere({ better: 'higher' })), '| 1.5–2.5 |')
  t.match(spreads(resultsWhere({ better: 'lower' })), '| 0.40–0.67 |')
})

t.test('a figure that the load was the limit of is marked, and the mark explained', async t => {
  t.match(comparison(resultsWhere({ better: 'higher', isLoadBound: true })), /· 200 † \|[^]*\n\n† The load was the limit/)
  t.notMatch(comparison(resultsWhere({ better: 'higher' })), '†')
})
