import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import type { Adapter } from '../../types/index.ts'
import { packageRoot } from '../helpers/paths.ts'
import { adapterContract } from '../rooms/adapter-contract.ts'

/* The adapter that docs/cluster.md shows, word for word. */

const page = readFileSync(join(packageRoot, 'docs/cluster.md'), 'utf8')
const [, code] = /^```ts\n(import \{ BroadcastChannel \}[^]*?)^```$/m.exec(page) ?? []
if (code === undefined) throw new Error('docs/cluster.md shows no adapter')

const { outputText } = ts.transpileModule(`${code}\nexport { ThreadsAdapter }`, {
  compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023, verbatimModuleSyntax: true }
})
const { ThreadsAdapter }: { ThreadsAdapter: new (name: string) => Adapter } = await import(`data:text/javascript,${encodeURIComponent(outputText)}`)

let clusters = 0

adapterContract('the adapter that the documentation shows', () => {
  const name = `cluster ${clusters++}`
  return () => new ThreadsAdapter(name)
}, { hasHistory: false })
