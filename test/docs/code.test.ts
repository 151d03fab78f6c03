import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import t from 'tap'
import { packageRoot } from '../helpers/paths.ts'
import { moduleOf } from './code.ts'

/* All code of the documentation, as it is printed, against what is published. */

/** What these pages leave to their readers. */
const given: Record<string, string> = {
  'docs/compression.md': 'declare function loadRows (): Array<{ name: string, total: number }>',
  'docs/limits.md': 'const server = Fastify()',
  'docs/routes.md': 'declare function loadProfile (user: string): Promise<{ name: string }>'
}
// Those of the migration guides are compiled where they run: test/e2e/migrations.
const pages = ['README.md', ...readdirSync(join(packageRoot, 'docs')).filter(file => file.endsWith('.md') && !file.startsWith('migrating-')).map(file => `docs/${file}`)]

const config = {
  compilerOptions: {
    target: 'ES2023', module: 'nodenext', types: ['node'], strict: true, noEmit: true, skipLibCheck: true, allowImportingTsExtensions: true
  },
  include: ['*.ts']
}

t.test('what the documentation shows compiles', async t => {
  // Under the folder of package.json, so that the package is found by its own name.
  const folder = join(packageRoot, '.build/pages')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
  writeFileSync(join(folder, 'tracing.ts'), readFileSync(join(packageRoot, 'examples/observability/tracing.ts')))
  for (const page of pages) {
    const code = moduleOf(page, given[page])
    if (code !== null) writeFileSync(join(folder, `${basename(page, '.md')}.ts`), code)
  }
  t.ok(readdirSync(folder).length > 12, 'the pages have code')
  for (const compiler of ['typescript', 'typescript-7']) {
    const tsc = join(packageRoot, 'node_modules', compiler, 'bin/tsc')
    // Without what the test runner would load into it.
    const { stdout, stderr, status } = spawnSync('env', ['-u', 'NODE_OPTIONS', process.execPath, tsc, '-p', folder], { encoding: 'utf8' })
    t.equal(stdout + stderr, '', compiler)
    t.equal(status, 0, compiler)
  }
})
