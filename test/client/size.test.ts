import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { packageRoot } from '../helpers/paths.ts'

const most = 4_096

t.test(`bundled, minified and gzipped it is at most ${most} bytes`, async t => {
  const args = [join(packageRoot, '.build/lib/client/index.js'), '--bundle', '--minify', '--format=esm', '--target=es2022']
  const { stdout, stderr, status } = spawnSync('env', ['-u', 'NODE_OPTIONS', join(packageRoot, 'node_modules/.bin/esbuild'), ...args])
  t.equal(status, 0, String(stderr))
  const { length } = gzipSync(stdout, { level: 9 })
  t.comment(`${length} bytes`)
  t.ok(length > 1_000 && length <= most, `${length} bytes`)
})

t.test('docs/client.md says how many', async t => {
  const [, said] = /(\d,\d{3}) bytes/.exec(readFileSync(join(packageRoot, 'docs/client.md'), 'utf8')) ?? []
  t.equal(said, most.toLocaleString('en'))
})
