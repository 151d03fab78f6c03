import t from 'tap'
import { buildApp } from '../../helpers/app.ts'
import { idsOf, memberOfEach, sortedIds, startNode, startNodes, until } from '../../helpers/clusters.ts'
import { pairedRoute } from '../../helpers/pairs.ts'
import { MemoryHub } from '../../../lib/index.ts'

t.test('count and members are of the whole cluster, in the order of ids', async t => {
  const nodes = await startNodes(t, 3)
  const pairs = await memberOfEach([...nodes, ...nodes], 'lobby')
  for (const { app } of nodes) {
    t.equal(await app.room('lobby').count(), 6)
    t.same(idsOf(await app.room('lobby').members()), sortedIds(pairs))
  }
})

t.test('a process that has no members of the room is answered too', async t => {
  const [one, two] = await startNodes(t, 2)
  const [pair] = await memberOfEach([one], 'lobby')
  t.equal(await two.app.room('lobby').count(), 1)
  t.same(await two.app.room('lobby').members(), [{ id: pair.connection.id, key: '', node: one.id, data: undefined }])
  t.equal(await two.app.room('nobody').count(), 0)
  t.same(await two.app.room('nobody').members(), [])
})

t.test('members come in pages, one behind the other', async t => {
  for (const presence of [undefined, true]) {
    const nodes = await startNodes(t, 3, { presence })
    const pairs = await memberOfEach([...nodes, ...nodes, ...nodes], 'room:1')
    const room = nodes[0].app.room('room:1')
    const listed: string[] = []
    for (;;) {
      const after = listed.at(-1)
      const page = idsOf(await room.members({ limit: 4, ...(after === undefined ? {} : { after }) }))
      if (page.length === 0) break
      t.ok(page.length <= 4)
      listed.push(...page)
    }
    t.same(listed, sortedIds(pairs))
  }
})

t.test('a page that is none is refused', async t => {
  const [{ app }] = await startNodes(t, 1)
  for (const options of [{ limit: 0 }, { limit: 1.5 }, { limit: '1' as never }, { after: 1 as never }]) {
    await t.rejects(app.room('lobby').members(options), { code: 'FST_ERR_WS_OPTION' })
  }
})

t.test('members say their key and what presence makes of them', async t => {
  const nodes = await startNodes(t, 2, { presence: connection => ({ name: `n-${connection.key}` }) })
  const pair = await nodes[0].open('ada')
  await pair.connection.join('room:1')
  const { id } = pair.connection
  for (const { app } of nodes) t.same(await app.room('room:1').members(), [{ id, key: 'ada', node: nodes[0].id, data: { name: 'n-ada' } }])
})

t.test('all connections with a key join and leave, wherever they are', async t => {
  const [one, two, three] = await startNodes(t, 3)
  const ada = [await one.open('ada'), await two.open('ada'), await two.open('ada')]
  const bob = await three.open('bob')
  t.equal(await three.app.room('vip').join('ada'), 3)
  for (const { connection } of ada) t.ok(connection.rooms.has('vip'))
  t.notOk(bob.connection.rooms.has('vip'))
  t.equal(await one.app.room('vip').join('nobody'), 0)
  await ada[1].connection.leave('vip')
  t.equal(await three.app.room('vip').leave('ada'), 2)
  for (const { connection } of ada) t.notOk(connection.rooms.has('vip'))
})

t.test('a join that its connection may not is not counted', async t => {
  const [one, two] = await startNodes(t, 2, { rooms: 1 })
  const [free, busy] = [await one.open('ada'), await two.open('ada')]
  await busy.connection.join('other')
  t.equal(await two.app.room('vip').join('ada'), 1)
  t.ok(free.connection.rooms.has('vip'))
})

t.test('a key that is none is refused', async t => {
  const [{ app }] = await startNodes(t, 1)
  for (const key of ['', undefined, 1, null]) {
    await t.rejects(app.room('vip').join(key as never), { code: 'FST_ERR_WS_OPTION' })
    await t.rejects(app.room('vip').leave(key as never), { code: 'FST_ERR_WS_OPTION' })
  }
})

t.test('without an adapter the answers have the same shapes', async t => {
  const app = await buildApp(t, { limitKey: () => 'ada' })
  app.rooms.declare('room:*', { presence: connection => ({ key: connection.key }) })
  const open = pairedRoute(app)
  const pairs = [await open(), await open()]
  t.equal(await app.room('room:1').join('ada'), 2)
  t.equal(await app.room('room:1').count(), 2)
  const [node] = app.rooms.status.nodes
  const ids = sortedIds(pairs)
  t.same(await app.room('room:1').members(), ids.map(id => ({ id, key: 'ada', node, data: { key: 'ada' } })))
  t.same(idsOf(await app.room('room:1').members({ limit: 1, after: ids[0] })), [ids[1]])
  t.equal(await app.room('room:1').leave('ada'), 2)
  t.equal(await app.room('room:1').count(), 0)
  t.same(app.rooms.status.nodes, [node])
})

t.test('the status lists the processes that are alive, this one first', async t => {
  const hub = new MemoryHub()
  const nodes = await startNodes(t, 3, { hub })
  const ids = nodes.map(({ id }) => id).sort()
  for (const { app, id } of nodes) {
    t.equal(app.rooms.status.nodes[0], id)
    t.same([...app.rooms.status.nodes].sort(), ids)
  }
  const late = await startNode(t, { hub })
  t.equal(late.app.rooms.status.nodes.length, 4)
  await late.app.close()
  await until(() => nodes.every(({ app }) => app.rooms.status.nodes.length === 3))
})

t.test('an adapter that is cut off makes questions fail at once', async t => {
  const [one] = await startNodes(t, 2)
  one.adapter.cut()
  const room = one.app.room('lobby')
  for (const ask of [() => room.count(), () => room.members(), () => room.join('ada'), () => room.leave('ada')]) {
    await t.rejects(async () => { await ask() }, { code: 'FST_ERR_WS_ROOM_UNAVAILABLE', statusCode: 503 })
  }
})
