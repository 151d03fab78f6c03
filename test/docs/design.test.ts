import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { packageRoot } from '../helpers/paths.ts'

/** The files at the beginning of each line under lib/ of a tree, with the folder that they are in. */
function listedIn (house: string): string[] {
  let folder = ''
  return (/^lib\/\n((?: .*\n)+)/m.exec(house)?.[1] ?? '').split('\n').flatMap(line => {
    folder = /^ {2}((?:[\w-]+\/)+)/.exec(line)?.[1] ?? (line.startsWith('    ') ? folder : '')
    const [names] = /^ +(?:[\w-]+\.ts(?: +|$))+/.exec(line) ?? ['']
    return names.split(' ').filter(name => name !== '').map(name => folder + name)
  })
}

const design = readFileSync(join(packageRoot, 'docs/design.md'), 'utf8')

t.test('the house lists every file of lib/ in its folder, and no other', async t => {
  const files = readdirSync(join(packageRoot, 'lib'), { recursive: true, encoding: 'utf8' }).map(file => file.replaceAll('\\', '/')).filter(file => file.endsWith('.ts'))
  t.same(listedIn(design).sort(), files.sort())
})

t.test('a file that is not listed would be noticed', async t => {
  t.same(listedIn('lib/\n  a.ts  b.ts\n  c.ts      not d.ts\n  e/         f.ts is none\n    a.ts  g-h.ts\n    i.ts    words\n  e/k-l/  words\n    m.ts\ntypes/\n  j.ts\n'), ['a.ts', 'b.ts', 'c.ts', 'e/a.ts', 'e/g-h.ts', 'e/i.ts', 'e/k-l/m.ts'])
})

t.test('files that the text names are there', async t => {
  for (const [, file] of design.matchAll(/`(lib\/[\w/.-]+)`/g)) t.ok(existsSync(join(packageRoot, file)), file)
})

t.test('what the drawings call is there: a class, and a method of it', async t => {
  const sources = readdirSync(join(packageRoot, 'lib'), { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.ts')).map(file => readFileSync(join(packageRoot, 'lib', file), 'utf8'))
  const drawings = [...design.matchAll(/^```text\n([^]*?)^```$/gm)].map(([, drawing]) => drawing).join('\n')
  const calls = [...drawings.matchAll(/\b([A-Z]\w+)\.(\w+)/g)].filter(([, , method]) => method !== 'md' && method !== 'ts')
  t.ok(calls.length > 12)
  for (const [call, name, method] of calls) {
    const source = sources.find(source => new RegExp(`\\bclass ${name}\\b`).test(source)) ?? ''
    t.match(source, new RegExp(`^ {2}(?:readonly |static |async )*${method}(?:<.*>)? ?(?:\\(|=)`, 'm'), call)
  }
})
