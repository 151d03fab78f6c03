import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { packageRoot } from './pages.ts'

/* What `npm run example NAME` starts: the server of that name, in this process, so that signals reach it. */

const table = readFileSync(join(packageRoot(fileURLToPath(new URL('.', import.meta.url))), 'examples/README.md'), 'utf8')
/** What the README's table begins to say of each example, in its order. */
const summaries = new Map([...table.matchAll(/^\| \[(\w+)\]\([^)]+\) \| (.+?)[.:;] /gm)].map(([, name, summary]) => [name, summary.replaceAll('`', '')]))
const [, , name] = process.argv

if (name !== undefined && summaries.has(name)) {
  const server = new URL(`../${name}/server.js`, import.meta.url)
  // As if it had been started by itself: that is what makes its module serve.
  process.argv[1] = fileURLToPath(server)
  await import(server.href)
} else {
  console.error(`${name === undefined ? 'Which example?' : `There is no example ${name}.`} npm run example NAME, with one of:\n`)
  for (const [each, summary] of summaries) console.error(`  ${each.padEnd(15)} ${summary}`)
  process.exitCode = 1
}
