import t from 'tap'
import { PageGathering } from '../../../lib/rooms/cluster/page-gathering.ts'

function page (page: number, pages: number): { page: number, pages: number, members: Array<{ id: string, key: null, json: null }> } {
  return { page, pages, members: [{ id: `m${page}`, key: null, json: null }] }
}

t.test('a list is there when all its pages are, in their order', async t => {
  const gathering = new PageGathering()
  t.same([2, 0, 0, 1].map(number => gathering.add(page(number, 3))), [false, false, false, true])
  t.same(gathering.entries.map(({ id }) => id), ['m0', 'm1', 'm2'])
})

t.test('a page of a list of another length begins that one', async t => {
  const gathering = new PageGathering()
  gathering.add(page(0, 3))
  gathering.add(page(0, 2))
  t.notOk(gathering.add(page(2, 3)))
  t.notOk(gathering.add(page(0, 2)))
  t.ok(gathering.add(page(1, 2)))
  t.same(gathering.entries.map(({ id }) => id), ['m0', 'm1'])
})
