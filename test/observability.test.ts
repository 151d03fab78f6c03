import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { buildApp, listen } from './helpers/app.ts'
import { packageRoot } from './helpers/paths.ts'
import { RawClient } from './helpers/raw-client.ts'

const documentation = readFileSync(join(packageRoot, 'docs/observability.md'), 'utf8')

/** The cells of the tables between a heading and the next one of its rank. */
function rowsBelow (heading: string): string[][] {
  const [, rest] = documentation.split(`\n${heading}\n`)
  const rank = heading.split(' ')[0]
  const [part] = rest.split(`\n${rank} `)
  return part.split('\n').filter(line => line.startsWith('| ')).map(line => line.split('|').slice(1, -1).map(cell => cell.trim()))
}

function codesIn (cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, code]) => code)
}

/** `'memory.held'` and the like; what is counted by name is one counter. */
function pathsOf (value: object, prefix = ''): string[] {
  return Object.entries(value).flatMap(([name, inner]) => {
    const path = prefix + name
    const isCounter = typeof inner !== 'object' || ['connections.closed', 'connections.byRoute', 'upgrades.refused', 'traffic.received', 'traffic.sent'].includes(path)
    return isCounter ? [path] : pathsOf(inner, `${path}.`)
  })
}

t.test('the documentation has every counter of app.wsStats(), and no other', async t => {
  const app = await buildApp(t)
  app.ws('/', () => {})
  await RawClient.open(await listen(app), '/')
  const documented = rowsBelow('## Counters').flatMap(([first]) => codesIn(first)).filter(path => path.includes('.') || path === 'rooms')
  t.same(documented.sort(), pathsOf(app.wsStats()).sort())
})

t.test('the documentation has every line that this package logs, at its level', async t => {
  const lib = join(packageRoot, 'lib')
  const logged = readdirSync(lib, { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.ts')).flatMap(file => {
    const calls = readFileSync(join(lib, file), 'utf8').matchAll(/log\.(trace|debug|info|warn|error|fatal)\((?:\{.*?\}, )?'([^']+)'/g)
    return [...calls].map(([, level, line]) => `${level}: ${line}`)
  })
  let level = ''
  const documented = rowsBelow('### Levels').flatMap(([first, lines]) => {
    level = codesIn(first)[0] ?? level
    return codesIn(lines).map(line => `${level}: ${line}`)
  })
  const ofFastify = ['info: incoming request', 'info: request completed']
  t.ok(logged.length > 10)
  t.same([...new Set([...logged, ...ofFastify])].sort(), documented.sort())
})
