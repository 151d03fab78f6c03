import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { packageRoot } from '../helpers/paths.ts'
import { ampleTime, testTimeout } from './conforms.ts'
import { documentedControl, documentedLax } from './documented.ts'
import { runCases, selectCases } from './runner.ts'
import { startControl } from './servers.ts'
import { table } from './table.ts'

t.setTimeout(testTimeout)

const { always, sometimes } = documentedLax()

t.test('the control is lax where docs/conformance.md says so, and nowhere else', async t => {
  const target = await startControl(t)
  const cases = selectCases(table, { deflate: true })
  const [lax, strict] = await Promise.all([
    runCases(cases.filter(one => always.includes(one.id)), target, { deflate: true, patience: 2000 }),
    runCases(cases.filter(one => !always.includes(one.id) && !sometimes.includes(one.id)), target, { deflate: true, patience: ampleTime })
  ])
  t.same(lax.filter(({ fault }) => fault === null).map(outcome => outcome.case.id), [], 'cases that it passes after all')
  t.same(strict.filter(({ fault }) => fault !== null).map(outcome => `${outcome.case.id} ${outcome.fault}`), [], 'cases that it fails as well')
})

t.test('docs/conformance.md has its version, and the number of its lax cases', async t => {
  const { version }: { version: string } = JSON.parse(readFileSync(join(packageRoot, 'node_modules/ws/package.json'), 'utf8'))
  t.same(documentedControl(), { version, count: always.length + sometimes.length })
})
