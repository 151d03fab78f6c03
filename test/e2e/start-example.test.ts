import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { starter } from '../helpers/example.ts'
import { packageRoot } from '../helpers/paths.ts'

/* That it starts an example, and that signals end it, is what all tests see which start one. */

const examples = join(packageRoot, 'examples')
const names = readdirSync(examples).filter(name => existsSync(join(examples, name, 'server.ts'))).sort()

t.test('without a name, all examples are listed, in the order of their README', async t => {
  const { code, said } = await run()
  t.equal(code, 1)
  t.match(said, /^Which example\?/)
  const listed = [...said.matchAll(/^ {2}(\S+) +[A-Z].+\w$/gm)].map(([, name]) => name)
  t.same([...listed].sort(), names)
  const readme = readFileSync(join(examples, 'README.md'), 'utf8')
  t.same(listed, [...readme.matchAll(/^\| \[(\S+)\]/gm)].map(([, name]) => name))
})

t.test('a name that is none is told, with the list', async t => {
  for (const name of ['no-example', 'support', '../examples/chat', 'toString']) {
    const { code, said } = await run(name)
    t.equal(code, 1)
    t.ok(said.startsWith(`There is no example ${name}.`))
    t.match(said, '\n  chat ')
  }
})

/** Runs it until it ends by itself. */
async function run (...names: string[]): Promise<{ code: number, said: string }> {
  return await new Promise(resolve => {
    const { NODE_OPTIONS, ...env } = process.env
    const child = execFile(process.execPath, [starter, ...names], { env }, (_error, _stdout, said) => resolve({ code: Number(child.exitCode), said }))
  })
}
