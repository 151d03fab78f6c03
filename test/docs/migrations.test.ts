import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { packageRoot } from '../helpers/paths.ts'
import { blocksOf } from './code.ts'

/* The applications of the migration guides are those that test/e2e/migration-*.test.ts runs, word for word. */

const folder = join(packageRoot, 'test/e2e/migrations')

/** A file as a reader of the guide has it: the package by its name, and its neighbour on the server. */
function printed (app: string, file: string): string {
  return readFileSync(join(folder, app, file), 'utf8')
    .replaceAll("'../../../../lib/index.ts'", "'fastify-typed-ws'")
    .replaceAll("'../../../../lib/client/index.ts'", "'fastify-typed-ws/client'")
}

for (const app of readdirSync(folder)) {
  t.test(`docs/migrating-from-${app}.md shows the application that is tried`, async t => {
    const files = readdirSync(join(folder, app)).filter(file => file.endsWith('.ts')).map(file => ({ file, text: printed(app, file) }))
    const blocks = blocksOf(`docs/migrating-from-${app}.md`).filter(({ language }) => language === 'ts')
    t.ok(files.length >= 2)
    for (const { file, text } of files) t.ok(blocks.some(({ code }) => code === text), `${file} is shown`)
    for (const { line, code } of blocks) t.ok(files.some(({ text }) => text.includes(code)), `line ${line} is in one of them`)
  })
}
