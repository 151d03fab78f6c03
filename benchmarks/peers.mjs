import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The peers are no dependencies of the plugin: they come when they are first needed. */
export function installPeers () {
  const { dependencies } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'))
  if (Object.keys(dependencies).every(name => existsSync(new URL(`node_modules/${name}`, import.meta.url)))) return
  const directory = fileURLToPath(new URL('.', import.meta.url))
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: directory, stdio: 'inherit' })
  if (status !== 0) throw new Error('the peers of the benchmarks could not be installed')
}
