import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { packageRoot } from '../helpers/paths.ts'

/* What `npm run docs:api` makes of the docstrings. typedoc.json makes each of its warnings an error: a public name without a docstring, a link that leads nowhere. */

const committed = join(packageRoot, 'docs/api')
const fresh = join(packageRoot, '.build/api')

const { exports }: { exports: Record<string, unknown> } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8'))
const pagesOf = (folder: string): string[] => readdirSync(folder).sort()

t.test('the API reference is made without a warning, and is what the docstrings say now', async t => {
  // Without what the test runner would load into it.
  const { stdout, stderr, status } = spawnSync('env', ['-u', 'NODE_OPTIONS', process.execPath, 'node_modules/typedoc/bin/typedoc', '--out', fresh], { cwd: packageRoot, encoding: 'utf8' })
  t.equal(status, 0, stdout + stderr)
  t.same(pagesOf(committed), pagesOf(fresh), 'npm run docs:api')
  for (const page of pagesOf(fresh)) {
    t.ok(readFileSync(join(committed, page)).equals(readFileSync(join(fresh, page))), `${page}: npm run docs:api`)
  }
})

t.test('each entry of the package has its page', async t => {
  const entries = Object.keys(exports).filter(entry => entry !== './package.json').map(entry => entry.replace('./', '/').replace('.', ''))
  const index = readFileSync(join(committed, 'README.md'), 'utf8')
  t.same([...index.matchAll(/^- \[fastify-typed-ws(.*?)\]/gm)].map(([, entry]) => entry).sort(), entries.sort())
})
