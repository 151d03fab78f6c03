import t from 'tap'
import { conforms, testTimeout } from './conforms.ts'
import { documentedCount, documentedSizes, sizesOf } from './documented.ts'
import { table } from './table.ts'

t.setTimeout(testTimeout)

t.test('conforms without compression', async t => {
  await conforms(t, {}, {})
})

t.test('docs/conformance.md has the real numbers', async t => {
  t.same(documentedSizes(), sizesOf(table))
  t.equal(documentedCount(), table.flatMap(section => section.cases).length)
})
