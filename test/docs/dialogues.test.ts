import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Script } from 'node:vm'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import type { Test } from 'tap'
import ts from 'typescript'
import { packageRoot } from '../helpers/paths.ts'
import { blocksOf, moduleOf } from './code.ts'
import type { Block } from './code.ts'

/* What docs/messages-and-schemas.md says is said is what the servers above it say. */

const page = 'docs/messages-and-schemas.md'
const blocks = blocksOf(page)

/** The server of all code above a line, as it is printed. */
async function serverAbove (t: Test, line: number): Promise<FastifyInstance> {
  const code = moduleOf(page, '', line)
  const { outputText } = ts.transpileModule(`${code}\nexport { app }`, { compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023, verbatimModuleSyntax: true } })
  // Under the folder of package.json, so that the package is found by its own name.
  const folder = join(packageRoot, '.build/dialogues')
  mkdirSync(folder, { recursive: true })
  const file = join(folder, `above-${line}.mjs`)
  writeFileSync(file, outputText)
  const { app }: { app: FastifyInstance } = await import(pathToFileURL(file).href)
  t.after(() => app.close())
  return app
}

/** The route that was declared last above a line; of those whose code names the message's type, where it has one. */
function routeAbove (line: number, { type }: { type?: string }): string {
  const codes = blocks.filter(block => block.language === 'ts' && block.line < line && (type === undefined || block.code.includes(`'${type}'`))).map(({ code }) => code)
  const url = [...codes.join('\n').matchAll(/\.ws\('([^']+)'/g)].at(-1)?.[1]
  if (url === undefined) throw new Error(`no route above line ${line}`)
  return url
}

const linesOf = ({ code }: Block, arrow: string): Array<{ type?: string }> => code.split('\n').filter(line => line.startsWith(arrow)).map(line => JSON.parse(line.slice(1)))

const dialogues = blocks.filter(({ language, code }) => language === 'text' && code.includes('← '))

for (const [index, dialogue] of dialogues.entries()) {
  t.test(`${page}:${dialogue.line}`, async t => {
    const app = await serverAbove(t, dialogue.line)
    // One that only says what comes back is the answer to what the one before it sent.
    const [sender] = [dialogue, ...dialogues.slice(0, index).reverse()].filter(({ code }) => code.includes('→ '))
    const messages = linesOf(sender, '→')
    const client = await app.injectWS(routeAbove(dialogue.line, messages[0]))
    for (const message of messages) client.send(message)
    const answers = linesOf(dialogue, '←')
    for (const answer of answers) t.same(await client.receive(), answer)
    t.ok(answers.length > 0)
  })
}

t.test('there are dialogues', async t => {
  t.ok(dialogues.length >= 3)
})

t.test('what an invalid message is answered is as it is printed', async t => {
  const [{ line, code }] = blocks.filter(({ language }) => language === 'json')
  const client = await (await serverAbove(t, line)).injectWS('/chat')
  client.send({ type: 'say', room: 'tea', text: 1, id: 7 })
  t.same(await client.receive(), JSON.parse(code))
})

t.test('what a handler that fails is answered is as it is printed', async t => {
  const [, { line, code }] = blocks.filter(({ language }) => language === 'json')
  const app = await serverAbove(t, line)
  app.ws('/fails', () => { throw new Error('a secret') })
  const client = await app.injectWS('/fails')
  client.send({ id: 7 })
  t.same(await client.receive(), JSON.parse(code))
})

t.test('the subprotocol that the page offers is agreed on', async t => {
  const [{ line, code }] = blocks.filter(({ language }) => language === 'js')
  const app = await serverAbove(t, line)
  const offers: Array<[url: string, protocols: string[]]> = []
  class WebSocket { constructor (url: string, protocols: string[]) { offers.push([url, protocols]) } }
  new Script(code).runInNewContext({ WebSocket })
  for (const [url, protocols] of offers) {
    const client = await app.injectWS(new URL(url).pathname, { protocols: [...protocols] })
    t.equal(client.protocol, 'raw')
  }
  t.equal(offers.length, 1)
})
