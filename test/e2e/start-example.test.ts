import { execFile } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { starter } from '../helpers/example.ts'
import { packageRoot } from '../helpers/paths.ts'

/* That it starts an example, and that signals end it, is what all tests see which start one. */

const examples = join(packageRoot, 'examples')
const names = readdirSync(examples).filter(name => existsSync(join(examples, name, 'server.ts')))

t.test('without a name, all examples are listed', async t => {
  const { code, said } = await run()
  t.equal(code, 1)
  t.match(said, /^Which example\?/)
  for (const name of names) t.match(said, new RegExp(`^  ${name} +[A-Z].+\\w$`, 'm'), 'each with what it shows')
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
    const child = execFile(process.execPath, [starter, ...names], (_error, _stdout, said) => resolve({ code: Number(child.exitCode), said }))
  })
}
