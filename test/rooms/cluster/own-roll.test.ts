import t from 'tap'
import type { Entry } from '../../../lib/rooms/cluster/entry.ts'
import { OwnRoll } from '../../../lib/rooms/cluster/own-roll.ts'

function entry (id: string, json: string | null = null): Entry {
  return { id, key: null, json }
}

/** Counts versions, as all rooms of a process do together. */
function counter (): () => number {
  let version = 0
  return () => ++version
}

t.test('what happened since the last time is taken once', async t => {
  const [own, next] = [new OwnRoll(), counter()]
  own.join(entry('a'))
  own.join(entry('b'))
  t.same(own.take(next), [{ say: 'changes', previous: 0, version: 1, joined: [entry('a'), entry('b')], left: [] }])
  t.same(own.take(next), [])
  own.leave('a')
  own.join(entry('c'))
  t.same(own.take(next), [{ say: 'changes', previous: 1, version: 2, joined: [entry('c')], left: ['a'] }])
})

t.test('who joined and left since is told to nobody, who left and joined is told as it is now', async t => {
  const [own, next] = [new OwnRoll(), counter()]
  own.join(entry('a', '1'))
  own.take(next)
  own.join(entry('passer'))
  own.leave('passer')
  t.same(own.take(next), [])
  own.leave('a')
  own.join(entry('a', '2'))
  t.match(own.take(next), [{ joined: [entry('a', '2')], left: [] }])
  own.join(entry('a', '3'))
  own.leave('a')
  t.match(own.take(next), [{ joined: [], left: ['a'] }])
  t.equal(own.leave('a'), null)
})

t.test('many changes are pieces that follow each other', async t => {
  const [own, next] = [new OwnRoll(), counter()]
  for (let number = 0; number < 12_000; number++) own.join(entry(`m${number}`))
  const joins = own.take(next)
  t.equal(joins.length, 24)
  for (const [index, { previous, version, joined }] of joins.entries()) t.same([previous, version, joined.length], [index, index + 1, 500])
  for (let number = 0; number < 12_000; number++) own.leave(`m${number}`)
  t.same(own.take(next).map(({ left }) => left.length), [5_000, 5_000, 2_000])
  t.equal(own.version, 27)
})
