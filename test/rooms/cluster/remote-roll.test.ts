import t from 'tap'
import type { Changes, Roll } from '../../../lib/rooms/cluster/control-messages.ts'
import type { Entry } from '../../../lib/rooms/cluster/entry.ts'
import { RemoteRoll } from '../../../lib/rooms/cluster/remote-roll.ts'
import type { Beginning } from '../../../lib/rooms/cluster/remote-roll.ts'

function entry (id: string, json: string | null = null): Entry {
  return { id, key: null, json }
}

function changes (previous: number, version: number, joined: readonly string[], left: readonly string[] = []): Changes {
  return { say: 'changes', previous, version, joined: joined.map(id => entry(id)), left }
}

function roll (version: number, ids: readonly string[], page = 0, pages = 1): Roll {
  return { say: 'roll', room: 'a', version, page, pages, members: ids.map(id => entry(id)) }
}

/** A roll, and the news of it: +id for who joined, -id for who left. */
function rollOf (beginning: Beginning): { remote: RemoteRoll, news: string[], ids: () => string[] } {
  const news: string[] = []
  const remote = new RemoteRoll(beginning, {
    onJoined: ({ id }, isNew) => news.push(isNew ? `+${id}` : `~${id}`),
    onLeft: ({ id }) => news.push(`-${id}`),
    onChanged: () => {}
  })
  return { remote, news, ids: () => [...remote.entries.keys()].sort() }
}

t.test('changes that follow each other are news', async t => {
  const { remote, news, ids } = rollOf('empty')
  t.ok(remote.isCurrent)
  remote.onChanges(changes(0, 3, ['a', 'b']))
  remote.onChanges(changes(3, 5, ['c'], ['a']))
  t.same(ids(), ['b', 'c'])
  t.same(news, ['+a', '+b', '-a', '+c'])
  t.ok(remote.isCurrent)
})

t.test('changes wait for those before them', async t => {
  const { remote, ids } = rollOf('empty')
  remote.onChanges(changes(0, 1, ['a']))
  remote.onChanges(changes(2, 3, [], ['a']))
  t.same([ids(), remote.isCurrent], [['a'], false])
  remote.onChanges(changes(1, 2, ['b']))
  t.same([ids(), remote.isCurrent], [['b'], true])
})

t.test('what comes twice, or late, is no matter', async t => {
  const { remote, news } = rollOf('empty')
  remote.onChanges(changes(0, 2, ['a']))
  remote.onChanges(changes(0, 2, ['a']))
  remote.onChanges(changes(0, 1, ['old']))
  remote.onRoll(roll(1, ['old']))
  remote.onDigest(1, 0)
  t.same(news, ['+a'])
  t.ok(remote.isCurrent)
})

t.test('a roll that was unknown is no news, what changes meanwhile is', async t => {
  const { remote, news, ids } = rollOf('unknown')
  t.equal(remote.version, 0)
  remote.onChanges(changes(4, 5, ['late'], ['early']))
  t.same([remote.isCurrent, news], [false, ['+late', '-early']])
  remote.onRoll(roll(5, ['late', 'there']))
  t.same([remote.isCurrent, remote.version, ids()], [true, 5, ['late', 'there']])
  remote.onChanges(changes(5, 6, ['next']))
  t.same(news, ['+late', '-early', '+next'])
})

t.test('changes that are newer than the roll are added to it', async t => {
  const { remote, ids } = rollOf('unknown')
  remote.onChanges(changes(5, 6, ['b']))
  remote.onChanges(changes(6, 7, [], ['a']))
  remote.onRoll(roll(5, ['a']))
  t.same([ids(), remote.isCurrent, remote.version], [['b'], true, 7])
})

t.test('of a node that was taken for dead everybody is news', async t => {
  const { remote, news } = rollOf('lost')
  remote.onChanges(changes(4, 5, ['b']))
  remote.onRoll(roll(5, ['a', 'b']))
  t.same(news, ['+a', '+b'])
})

t.test('a roll that differs is told as what differs', async t => {
  const { remote, news } = rollOf('empty')
  remote.onChanges(changes(0, 1, ['a', 'b']))
  remote.onRoll({ ...roll(9, ['b', 'c']), members: [entry('b', '1'), entry('c')] })
  t.same(news.slice(2), ['-a', '~b', '+c'])
})

t.test('a roll counts when all its pages are there', async t => {
  const { remote, ids } = rollOf('unknown')
  remote.onRoll(roll(5, ['b'], 1, 2))
  t.notOk(remote.isCurrent)
  remote.onRoll(roll(4, ['old'], 0, 1))
  t.notOk(remote.isCurrent)
  remote.onRoll(roll(5, ['a'], 0, 2))
  t.same([ids(), remote.isCurrent], [['a', 'b'], true])
})

t.test('pages of a newer roll replace those of an older one', async t => {
  const { remote, ids } = rollOf('unknown')
  remote.onRoll(roll(5, ['a'], 0, 2))
  remote.onRoll(roll(6, ['c'], 1, 2))
  remote.onRoll(roll(5, ['b'], 1, 2))
  t.notOk(remote.isCurrent)
  remote.onRoll(roll(6, ['d'], 0, 2))
  t.same(ids(), ['c', 'd'])
})

t.test('a digest confirms, or tells that something is missing', async t => {
  const { remote, ids } = rollOf('empty')
  remote.onChanges(changes(0, 1, ['a']))
  remote.doubt()
  t.notOk(remote.isCurrent)
  remote.onDigest(1, 1)
  t.ok(remote.isCurrent)
  remote.onDigest(2, 2)
  t.notOk(remote.isCurrent)
  remote.onChanges(changes(1, 2, ['b']))
  t.ok(remote.isCurrent, 'it had come before what it speaks of')
  remote.onDigest(7, 0)
  t.same([ids(), remote.isCurrent, remote.version], [[], true, 7])
})

t.test('a count that does not fit its version asks for the whole roll', async t => {
  const { remote, ids } = rollOf('empty')
  remote.onChanges(changes(0, 1, ['a']))
  remote.onDigest(1, 2)
  t.same([remote.isCurrent, remote.version], [false, 0])
  remote.onRoll(roll(1, ['a', 'b']))
  t.same([remote.isCurrent, ids()], [true, ['a', 'b']])
})

t.test('changes of nobody before are the whole roll, whatever was missed', async t => {
  const { remote, news, ids } = rollOf('empty')
  remote.onChanges(changes(0, 1, ['a']))
  remote.onChanges(changes(0, 9, ['b']))
  t.same([ids(), remote.isCurrent, news], [['b'], true, ['+a', '-a', '+b']])
})

t.test('what waits is bounded', async t => {
  const { remote } = rollOf('lost')
  for (let version = 2; version < 1_000; version++) remote.onChanges(changes(version, version + 1, [`m${version}`]))
  remote.onRoll(roll(990, []))
  t.ok(remote.isCurrent)
  t.equal(remote.entries.size, 10)
  const other = rollOf('lost').remote
  for (let version = 2; version < 1_000; version++) other.onChanges(changes(version, version + 1, [`m${version}`]))
  other.onRoll(roll(2, []))
  t.notOk(other.isCurrent)
})

t.test('those of a node that is gone have left', async t => {
  const { remote, news } = rollOf('empty')
  remote.onChanges(changes(0, 1, ['a', 'b']))
  remote.end()
  t.same(news, ['+a', '+b', '-a', '-b'])
})
