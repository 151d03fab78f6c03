import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { packageRoot } from './pages.ts'

/* What `npm run example NAME` starts: the server of that name, in this process, so that signals reach it. */

const examples = new URL('../', import.meta.url)
const names = readdirSync(examples).filter(name => existsSync(serverOf(name))).sort()
const [, , name] = process.argv

if (name !== undefined && names.includes(name)) {
  const server = serverOf(name)
  // As if it had been started by itself: that is what makes its module serve.
  process.argv[1] = fileURLToPath(server)
  await import(server.href)
} else {
  console.error(`${name === undefined ? 'Which example?' : `There is no example ${name}.`} npm run example NAME, with one of:\n`)
  for (const each of names) console.error(`  ${each.padEnd(15)} ${summaryOf(each)}`)
  process.exitCode = 1
}

/** What the table of examples begins to say of it. */
function summaryOf (name: string): string {
  const table = readFileSync(join(packageRoot(fileURLToPath(examples)), 'examples/README.md'), 'utf8')
  const [, summary = ''] = new RegExp(`^\\| \\[${name}\\]\\([^)]+\\) \\| (.+?)[.:;] `, 'm').exec(table) ?? []
  return summary.replaceAll('`', '')
}

function serverOf (name: string): URL {
  return new URL(`${encodeURIComponent(name)}/server.js`, examples)
}
