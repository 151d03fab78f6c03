// `npm test`: every gate in turn, going on after a failure, and a closing line with the counts.
import { spawn, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { readTap } from './read-tap.mjs'

const packageRoot = fileURLToPath(new URL('../..', import.meta.url))
const tapProgram = 'node_modules/tap/dist/esm/run.mjs'
const inheriting = { cwd: packageRoot, stdio: 'inherit' }

const gates = [
  ['lint', script('lint')],
  ['build', script('build')],
  ['compile tests', script('compile')],
  ['compile examples', script('compile:examples')],
  ['type tests, TypeScript 5.9', script('test:types:5.9')],
  ['type tests, TypeScript 7', script('test:types:7')],
  ['tests', tests],
  ['coverage', coverage],
  // Of what has just been built.
  ['package', script('test:package', '--ignore-scripts')]
]

/** A gate that is one npm script counts as one test. */
function script (name, ...flags) {
  return () => {
    const ok = spawnSync('npm', ['run', '--silent', ...flags, name], inheriting).status === 0
    return { passed: ok ? 1 : 0, failed: ok ? 0 : 1, leftOut: [] }
  }
}

/** Lines that are not covered may be those of suites that were left out: that is told, and held against nobody where these may be left out. */
function coverage () {
  const counts = script('test:coverage-check')()
  if (counts.failed === 0 || total.leftOut.length === 0 || process.env.CI) return counts
  return { passed: 0, failed: 0, leftOut: ['LEFT OUT: coverage (other suites were left out)'] }
}

async function tests () {
  // A fresh install's tap has all of its plugins. It would build itself without those that are off, but only for the runs after
  // this one: every process of this one would still load the compiler of TypeScript.
  if (spawnSync(process.execPath, [tapProgram, 'build'], inheriting).status !== 0) return { passed: 0, failed: 1, leftOut: [] }
  const tap = spawn(process.execPath, [tapProgram, 'run', '--reporter=tap'], {
    cwd: packageRoot,
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const ended = new Promise(resolve => tap.once('close', resolve))
  const counts = await readTap(tap.stdout, line => console.log(line))
  const code = await ended
  // Such as a crash of the runner itself, or no test file at all.
  if (code !== 0 && counts.failed === 0) counts.failed = 1
  return counts
}

// What earlier runs compiled may since have been renamed or deleted.
spawnSync('npm', ['run', '--silent', 'clean'], inheriting)

const total = { passed: 0, failed: 0, leftOut: [] }
const lines = []

for (const [title, gate] of gates) {
  console.log(`\n== ${title} ==\n`)
  const started = performance.now()
  const { passed, failed, leftOut } = await gate()
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  lines.push(`${failed === 0 ? 'ok    ' : 'FAILED'} ${title}: ${passed} passed, ${failed} failed (${seconds} s)`)
  total.passed += passed
  total.failed += failed
  total.leftOut.push(...leftOut)
}

console.log('\n== summary ==\n')
for (const line of [...lines, ...total.leftOut]) console.log(line)
console.log(`\n${total.passed} passed, ${total.failed} failed`)
process.exitCode = total.failed === 0 ? 0 : 1
