import t from 'tap'
import { dataOf, inRange, memberOf, pagesOf } from '../../../lib/rooms/cluster/entry.ts'
import type { Entry } from '../../../lib/rooms/cluster/entry.ts'

function entries (count: number, json: string | null = null): Entry[] {
  return Array.from({ length: count }, (_, number) => ({ id: `m${String(number).padStart(5, '0')}`, key: null, json }))
}

t.test('a list is cut into pages of at most 500 members', async t => {
  t.same(pagesOf([]), [[]])
  t.same(pagesOf(entries(500)).map(page => page.length), [500])
  t.same(pagesOf(entries(1_001)).map(page => page.length), [500, 500, 1])
  t.same(pagesOf(entries(1_001)).flat(), entries(1_001))
})

t.test('a page is at most about 256 KiB, in bytes and as it is on the wire', async t => {
  for (const data of ['x'.repeat(30_000), '"'.repeat(10_000), '🎉'.repeat(8_000)]) {
    for (const page of pagesOf(entries(40, JSON.stringify(data)))) {
      t.ok(Buffer.byteLength(JSON.stringify(page)) < 300_000)
      t.ok(page.length > 0)
    }
  }
})

t.test('one that is larger than a page is a page of its own', async t => {
  const large = { id: 'large', key: 'k'.repeat(300_000), json: null }
  t.same(pagesOf([...entries(1), large, ...entries(1)]).map(page => page.length), [1, 1, 1])
})

t.test('a part of a list begins behind an id, whether that is in it or not', async t => {
  const list = ['b', 'd', 'f'].map(id => ({ id }))
  const range = (limit: number | null, after: string | null): string[] => inRange(list, { limit, after }).map(({ id }) => id)
  t.same(range(null, null), ['b', 'd', 'f'])
  t.same(range(2, null), ['b', 'd'])
  t.same(range(null, 'a'), ['b', 'd', 'f'])
  t.same(range(1, 'b'), ['d'])
  t.same(range(null, 'c'), ['d', 'f'])
  t.same(range(null, 'f'), [])
})

t.test('a member has a key where its connection has one, and data where they are JSON', async t => {
  t.same(memberOf({ id: 'a', key: null, json: null }, 'n'), { id: 'a', node: 'n', data: undefined })
  t.notOk('key' in memberOf({ id: 'a', key: null, json: null }, 'n'))
  t.same(memberOf({ id: 'a', key: 'k', json: '[1]' }, 'n'), { id: 'a', key: 'k', node: 'n', data: [1] })
  t.equal(dataOf({ id: 'a', key: null, json: 'no json' }), undefined)
})
