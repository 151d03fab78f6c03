import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { packageRoot } from '../helpers/paths.ts'

const page = readFileSync(join(packageRoot, 'docs/security.md'), 'utf8')

/** The cells of all lines of tables that name a threat. */
const threats = page.split('\n').filter(line => /^\| (?!threat|---)/.test(line)).map(line => line.split('|').slice(1, -1).map(cell => cell.trim()))

const named = threats.flatMap(([, , tests = '']) => tests.split('<br>')).map(test => {
  const [, file = '', title = ''] = /^`([^`]+)`: (.+)$/.exec(test) ?? []
  return { test, file, title }
})

/** The titles of a file's tests as patterns, since titles that are made in a loop have a part that differs. */
function titlesOf (file: string): RegExp[] {
  const source = readFileSync(join(packageRoot, 'test', file), 'utf8')
  const calls = source.matchAll(/\b(?:t\.test|hostile|onHttp2)\((?:'((?:\\.|[^'\\])*)'|"((?:\\.|[^"\\])*)"|`((?:\\.|[^`\\])*)`)/g)
  return [...calls].map(([, single, double, template]) => {
    const parts = (single ?? double ?? template).replace(/\\(.)/g, '$1').split(template === undefined ? /$^/ : /\$\{[^}]*\}/)
    return new RegExp(`^${parts.map(part => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.+')}$`)
  })
}

t.test('every threat says what happens by default, and names a test', async t => {
  t.ok(threats.length > 40)
  t.same(threats.filter(cells => cells.length !== 3 || cells.includes('')), [])
  t.same(named.filter(({ file, title }) => file === '' || title === '').map(({ test }) => test), [])
})

t.test('every test that is named is there', async t => {
  const titles = new Map<string, RegExp[]>()
  for (const { file, title } of named) {
    if (!existsSync(join(packageRoot, 'test', file))) {
      t.fail(`there is no test/${file}`)
      continue
    }
    if (!titles.has(file)) titles.set(file, titlesOf(file))
    if (titles.get(file)?.some(pattern => pattern.test(title)) !== true) t.fail(`test/${file} has no test of this title: ${title}`)
  }
})

t.test('a title that is not there would be noticed', async t => {
  const [pattern] = titlesOf('docs/security.test.ts')
  t.ok(pattern.test('every threat says what happens by default, and names a test'))
  t.notOk(pattern.test('every threat says what happens by default, and names a test, perhaps'))
  t.ok(titlesOf('route/hostile-names.test.ts').some(title => title.test('the subprotocol valueOf is chosen by nobody who does not have it')))
})
