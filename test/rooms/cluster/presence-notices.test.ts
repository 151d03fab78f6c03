import { AsyncLocalStorage } from 'node:async_hooks'
import t from 'tap'
import type { Test } from 'tap'
import { MemoryHub } from '../../../lib/index.ts'
import { PresenceNotices } from '../../../lib/rooms/cluster/presence-notices.ts'
import type { PresenceNotice } from '../../../types/notices.ts'
import type { Entry } from '../../../lib/rooms/cluster/entry.ts'
import { buildApp } from '../../helpers/app.ts'
import { BareNode } from '../../helpers/bare-nodes.ts'
import { memberOfEach, nextNotice, startNodes, until } from '../../helpers/clusters.ts'
import { keepAlive } from '../../helpers/keep-alive.ts'
import { received } from '../../helpers/pairs.ts'

function entry (id: string, json: string | null = null): Entry {
  return { id, key: null, json }
}

/** Notices of a room, and what was told. */
function notices (t: Test, limit = 100, count: () => number | null = () => 1): { notices: PresenceNotices, told: PresenceNotice[] } {
  keepAlive(t)
  const told: PresenceNotice[] = []
  return { notices: new PresenceNotices({ room: 'a', count, known: () => 3, tell: notice => told.push(notice) }, { interval: 5, limit }), told }
}

t.test('members are told who joined and who left, with what is seen of them', async t => {
  const nodes = await startNodes(t, 2, { presence: { data: connection => ({ id: connection.id }), notify: { interval: 10 } } })
  const [here] = await memberOfEach([nodes[0]], 'room:1')
  const one = { id: here.connection.id, data: { id: here.connection.id } }
  t.same(await nextNotice(here), { type: 'presence', room: 'room:1', count: 1, joined: [one], left: [] })
  const [there] = await memberOfEach([nodes[1]], 'room:1')
  const two = { id: there.connection.id, data: { id: there.connection.id } }
  t.same(await nextNotice(here), { type: 'presence', room: 'room:1', count: 2, joined: [two], left: [] })
  t.same(await nextNotice(there), { type: 'presence', room: 'room:1', count: 2, joined: [two], left: [] }, 'whoever was there is no news')
  await there.connection.leave('room:1')
  t.same(await nextNotice(here), { type: 'presence', room: 'room:1', count: 1, joined: [], left: [two] })
  t.same(await received(there), [])
})

t.test('without notify nobody is told', async t => {
  const nodes = await startNodes(t, 2, { presence: true })
  const [here, there] = await memberOfEach(nodes, 'room:1')
  await there.connection.leave('room:1')
  await until(() => nodes[0].app.room('room:1').count().then(count => count === 1))
  t.same(await received(here), [])
})

t.test('who joins and leaves within the interval is in neither list', async t => {
  const { notices: gathered, told } = notices(t)
  gathered.onJoined(entry('passer'), true)
  gathered.onLeft(entry('passer'))
  gathered.onLeft(entry('back'))
  gathered.onJoined(entry('back'), true)
  gathered.onLeft(entry('gone'))
  await until(() => told.length > 0)
  t.same(told, [{ type: 'presence', room: 'a', count: 1, joined: [], left: [{ id: 'gone' }] }])
})

t.test('where nothing has come of it, nothing is told', async t => {
  const { notices: gathered, told } = notices(t)
  gathered.onJoined(entry('passer'), true)
  gathered.onLeft(entry('passer'))
  await new Promise(resolve => setTimeout(resolve, 20))
  t.same(told, [])
})

t.test('who is seen otherwise than before is told as joined, and as left when it goes', async t => {
  const { notices: gathered, told } = notices(t)
  gathered.onLeft(entry('other', '1'))
  gathered.onJoined(entry('other', '2'), true)
  gathered.onJoined(entry('brief', '2'), false)
  gathered.onLeft(entry('brief', '2'))
  gathered.onJoined(entry('new', '1'), true)
  gathered.onJoined(entry('new', '2'), false)
  gathered.onLeft(entry('new', '2'))
  await until(() => told.length > 0)
  t.match(told, [{ joined: [{ id: 'other', data: 2 }], left: [{ id: 'brief', data: 2 }] }])
})

t.test('of more than the limit the number is told, and neither list takes the whole place', async t => {
  const { notices: gathered, told } = notices(t, 4)
  for (let number = 0; number < 10; number++) {
    gathered.onJoined(entry(`j${number}`), true)
    gathered.onLeft(entry(`l${number}`))
  }
  await until(() => told.length === 1)
  t.match(told[0], { joined: [{ id: 'j0' }, { id: 'j1' }], left: [{ id: 'l0' }, { id: 'l1' }], more: 16 })
  for (let number = 0; number < 10; number++) gathered.onJoined(entry(`k${number}`), true)
  gathered.onLeft(entry('l'))
  await until(() => told.length === 2)
  t.match(told[1], { joined: { length: 3 }, left: [{ id: 'l' }], more: 7 })
})

t.test('a limit of none tells the count alone', async t => {
  const { notices: gathered, told } = notices(t, 0)
  gathered.onJoined(entry('a'), true)
  await until(() => told.length === 1)
  t.same(told, [{ type: 'presence', room: 'a', count: 1, joined: [], left: [], more: 1 }])
})

t.test('a notice is small, whatever is seen of the members', async t => {
  const { notices: gathered, told } = notices(t)
  for (let number = 0; number < 50; number++) gathered.onJoined(entry(`j${number}`, JSON.stringify('"'.repeat(10_000))), true)
  await until(() => told.length === 1)
  t.ok(Buffer.byteLength(JSON.stringify(told[0])) < 70_000)
  t.equal(told[0].joined.length + (told[0].more ?? 0), 50)
})

t.test('a notice waits for the count, but not for ever', async t => {
  let count: number | null = null
  const { notices: gathered, told } = notices(t, 100, () => count)
  gathered.onJoined(entry('a'), true)
  await new Promise(resolve => setTimeout(resolve, 20))
  t.same(told, [])
  count = 7
  await until(() => told.length === 1)
  count = null
  gathered.onJoined(entry('b'), true)
  await until(() => told.length === 2)
  t.match(told, [{ count: 7 }, { count: 3 }], 'what is known by then')
})

t.test('who has stopped is told nothing', async t => {
  const { notices: gathered, told } = notices(t)
  gathered.onJoined(entry('a'), true)
  gathered.stop()
  await new Promise(resolve => setTimeout(resolve, 20))
  t.same(told, [])
})

t.test('data that is no JSON is told as nothing', async t => {
  const { notices: gathered, told } = notices(t)
  gathered.onJoined(entry('a', '{'), true)
  await until(() => told.length === 1)
  t.same(told[0].joined, [{ id: 'a', data: undefined }])
})

t.test('notices are told in no store of a request', async t => {
  keepAlive(t)
  const store = new AsyncLocalStorage<string>()
  const stores: Array<string | undefined> = []
  const gathered = new PresenceNotices({ room: 'a', count: () => 1, known: () => 1, tell: () => stores.push(store.getStore()) }, { interval: 1, limit: 1 })
  store.run('request', () => gathered.onJoined(entry('a'), true))
  await until(() => stores.length > 0)
  t.same(stores, [undefined])
})

t.test('10,000 members on three nodes: few envelopes, and one small notice an interval', async t => {
  keepAlive(t)
  const { log } = await buildApp(t)
  const hub = new MemoryHub()
  const interval = 100
  const nodes = ['a', 'b', 'c'].map(id => new BareNode(id, hub, log, { data: ({ id }) => ({ name: `name of ${id}` }), notify: { interval, limit: 20 } }))
  for (const node of nodes) {
    await node.start()
    t.after(() => node.stop())
  }
  const begun = performance.now()
  const connections = Array.from({ length: 10_000 }, (_, index) => ({ node: nodes[index % 3], connection: nodes[index % 3].connection() }))
  for (const { node, connection } of connections) node.join(connection, 'room')
  await until(() => nodes.every(({ notices }) => notices.at(-1)?.count === 10_000))
  for (const { cluster, notices } of nodes) {
    t.equal(await cluster.count('room'), 10_000)
    t.equal((await cluster.members('room', {})).length, 10_000)
    t.equal((await cluster.members('room', { limit: 50 })).length, 50)
    for (const notice of notices) {
      t.ok(notice.joined.length <= 20)
      t.ok(JSON.stringify(notice).length < 2_048)
    }
  }
  for (const { node, connection } of connections.slice(0, 9_990)) node.leave(connection, 'room')
  await until(() => nodes.every(({ notices }) => notices.at(-1)?.count === 10))
  const intervals = (performance.now() - begun) / interval
  for (const { notices, published } of nodes) {
    t.ok(notices.length <= intervals + 1, 'at most one notice an interval')
    t.ok(Math.max(...published) < 300_000)
    t.ok(published.length < 100)
  }
  t.comment(`${nodes[0].notices.length} notices, ${nodes[0].published.length} envelopes, ${nodes[0].published.reduce((sum, bytes) => sum + bytes, 0)} bytes, ${Math.round(intervals * interval)} ms`)
})
