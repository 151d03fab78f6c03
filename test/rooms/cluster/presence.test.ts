import { setTimeout } from 'node:timers/promises'
import fc from 'fast-check'
import t from 'tap'
import { MemoryHub } from '../../../lib/index.ts'
import type { PresenceOption } from '../../../types/index.ts'
import { idsOf, memberOfEach, sortedIds, startNode, startNodes, until } from '../../helpers/clusters.ts'
import type { TestNode } from '../../helpers/clusters.ts'
import { seeded } from '../../helpers/faulty-adapter.ts'
import type { Pair } from '../../helpers/pairs.ts'
import { holdsLater } from '../../helpers/property.ts'

/** The questions that a node has asked all. */
function asked ({ adapter }: TestNode): number {
  return adapter.published.filter(({ say }) => say === 'ask').length
}

/** How often a node has told of changes. */
function told ({ adapter }: TestNode): number {
  return adapter.published.filter(({ say }) => say === 'changes').length
}

/** Whether a node knows, without asking anybody, that exactly these are in the room. */
async function knows (node: TestNode, room: string, pairs: readonly Pair[]): Promise<boolean> {
  const before = asked(node)
  const members = await node.app.room(room).members()
  return asked(node) === before && JSON.stringify(idsOf(members)) === JSON.stringify(sortedIds(pairs))
}

/** Waits until all nodes know it. */
async function converged (nodes: readonly TestNode[], room: string, pairs: readonly Pair[]): Promise<void> {
  for (const node of nodes) await until(() => knows(node, room, pairs))
}

/** Nothing is said again for a long time: whatever is known was told at once. */
const slowNodes = { interval: 60_000, timeout: 600_000 }

t.test('a node with members knows who is there elsewhere, and asks nobody', async t => {
  const nodes = await startNodes(t, 3, { presence: true })
  const pairs = await memberOfEach([...nodes, ...nodes], 'room:1')
  await converged(nodes, 'room:1', pairs)
  await pairs[0].connection.leave('room:1')
  pairs[1].client.close()
  await pairs[1].closed
  await converged(nodes, 'room:1', pairs.slice(2))
  const before = nodes.map(asked)
  for (const { app } of nodes) t.equal(await app.room('room:1').count(), 4)
  t.same(nodes.map(asked), before)
})

t.test('answers are right before everything is known', async t => {
  const [one, two] = await startNodes(t, 2, { presence: true })
  const pairs = await memberOfEach([one, two], 'room:1')
  t.equal(await one.app.room('room:1').count(), 2)
  t.same(idsOf(await two.app.room('room:1').members()), sortedIds(pairs))
})

t.test('what others told is forgotten with the last member here', async t => {
  const nodes = await startNodes(t, 2, { presence: true })
  const [here, there] = await memberOfEach(nodes, 'room:1')
  await converged(nodes, 'room:1', [here, there])
  await here.connection.leave('room:1')
  await converged([nodes[1]], 'room:1', [there])
  const before = asked(nodes[0])
  t.equal(await nodes[0].app.room('room:1').count(), 1)
  t.equal(asked(nodes[0]), before + 1)
  await here.connection.join('room:1')
  await converged(nodes, 'room:1', [here, there])
})

t.test('what others see of a member is told when it joins, and again when it joins again', async t => {
  let name = 'first'
  let calls = 0
  const nodes = await startNodes(t, 2, { presence: () => ({ name, calls: ++calls }) })
  const [here, there] = await memberOfEach(nodes, 'room:1')
  await converged(nodes, 'room:1', [here, there])
  t.equal(calls, 2)
  name = 'second'
  await here.connection.join('room:1')
  await until(async () => (await nodes[1].app.room('room:1').members<{ name: string }>()).some(({ data }) => data.name === 'second'))
  t.equal(calls, 3)
})

t.test('what members() answers belongs to whoever asked', async t => {
  const [node] = await startNodes(t, 1, { presence: () => ({ name: 'ada' }) })
  await memberOfEach([node], 'room:1')
  const [member] = await node.app.room('room:1').members<{ name: string }>()
  member.data.name = 'eve'
  t.match(await node.app.room('room:1').members(), [{ data: { name: 'ada' } }])
})

const failing: ReadonlyArray<[what: string, data: NonNullable<PresenceOption['data']>]> = [
  ['throws', () => { throw new Error('no') }],
  ['answers a promise', async () => { throw new Error('no') }],
  ['answers a function', () => () => {}],
  ['answers a bigint', () => 1n],
  ['answers a circle', () => { const circle: unknown[] = []; circle.push(circle); return circle }],
  ['answers too much', () => 'x'.repeat(100_000)]
]

for (const [what, data] of failing) {
  t.test(`a data function that ${what} keeps nobody from joining, and is logged once`, async t => {
    const nodes = await startNodes(t, 2, { presence: { data } })
    const pairs = await memberOfEach([...nodes, nodes[0]], 'room:1')
    await converged(nodes, 'room:1', pairs)
    for (const member of await nodes[1].app.room('room:1').members()) t.equal(member.data, undefined)
    t.match(nodes[0].lines.filter(line => line.level === 50), [{ msg: /presence of a connection is unknown/ }])
  })
}

t.test('a data function that answers nothing is no failure', async t => {
  const nodes = await startNodes(t, 1, { presence: () => undefined })
  await memberOfEach(nodes, 'room:1')
  t.same(nodes[0].lines.filter(line => line.level === 50), [])
})

t.test('a data function that lets its connection leave leaves no ghost', async t => {
  const [one] = await startNodes(t, 1, { presence: connection => { void connection.leave('room:1') } })
  const pair = await one.open()
  await pair.connection.join('room:1')
  t.equal(await one.app.room('room:1').count(), 0)
})

t.test('members who joined before the room was declared with presence are seen', async t => {
  const [one] = await startNodes(t, 1)
  const pairs = [await one.open(), await one.open()]
  await pairs[0].connection.join('room:1')
  one.app.rooms.declare('room:*', { presence: connection => connection.id })
  await pairs[1].connection.join('room:1')
  t.same((await one.app.room('room:1').members()).map(({ data }) => data), sortedIds(pairs))
})

t.test('a storm of joins is a few envelopes', async t => {
  const nodes = await startNodes(t, 2, { presence: true, nodes: slowNodes })
  const there = await memberOfEach([nodes[1]], 'room:1')
  const pairs = await Promise.all(Array.from({ length: 1_000 }, () => nodes[0].open()))
  for (const { connection } of pairs) void connection.join('room:1')
  await converged(nodes, 'room:1', [...pairs, ...there])
  t.ok(told(nodes[0]) <= 5)
  for (const { bytes } of nodes[0].adapter.published) t.ok(bytes < 300_000)
})

t.test('who joins and leaves at once is told to nobody', async t => {
  const nodes = await startNodes(t, 2, { presence: true, nodes: slowNodes })
  const pairs = await memberOfEach(nodes, 'room:1')
  await converged(nodes, 'room:1', pairs)
  const before = told(nodes[0])
  const passer = await nodes[0].open()
  void passer.connection.join('room:1')
  void passer.connection.leave('room:1')
  await setTimeout(60)
  t.equal(told(nodes[0]), before)
})

t.test('rooms without presence are told to nobody', async t => {
  const nodes = await startNodes(t, 2, { presence: true, nodes: slowNodes })
  const [{ connection }] = await memberOfEach(nodes, 'other')
  const before = told(nodes[0])
  await connection.leave('other')
  await connection.join('other')
  await setTimeout(60)
  t.equal(told(nodes[0]), before)
})

t.test('changes that come in another order are put in order', async t => {
  const nodes = await startNodes(t, 2, { presence: true })
  const pairs = await memberOfEach(nodes, 'room:1')
  await converged(nodes, 'room:1', pairs)
  nodes[1].adapter.fault = channel => channel === '=room:1' ? 'delay' : null
  for (let count = 0; count < 3; count++) {
    const before = told(nodes[0])
    const pair = await nodes[0].open()
    await pair.connection.join('room:1')
    pairs.push(pair)
    await until(() => told(nodes[0]) > before)
  }
  nodes[1].adapter.fault = () => null
  nodes[1].adapter.handOver()
  t.ok(await knows(nodes[1], 'room:1', pairs))
})

t.test('a change that is lost is noticed by the next one', async t => {
  const nodes = await startNodes(t, 2, { presence: true })
  const pairs = await memberOfEach(nodes, 'room:1')
  await converged(nodes, 'room:1', pairs)
  let lost = 0
  nodes[1].adapter.fault = channel => channel === '=room:1' && lost++ === 0 ? 'lose' : null
  for (let count = 0; count < 2; count++) {
    const before = told(nodes[0])
    const pair = await nodes[0].open()
    await pair.connection.join('room:1')
    pairs.push(pair)
    await until(() => told(nodes[0]) > before)
  }
  await converged(nodes, 'room:1', pairs)
  t.ok(lost >= 2)
})

t.test('the last change of all is missed by nobody for long', async t => {
  const nodes = await startNodes(t, 2, { presence: true })
  const pairs = await memberOfEach([...nodes, nodes[0]], 'room:1')
  await converged(nodes, 'room:1', pairs)
  const [gone, there, stays] = pairs
  nodes[1].adapter.fault = channel => channel === '=room:1' ? 'lose' : null
  await gone.connection.leave('room:1')
  await converged(nodes, 'room:1', [there, stays])
  // Of the last one that leaves there is no digest any more.
  await stays.connection.leave('room:1')
  await converged([nodes[1]], 'room:1', [there])
  // Where nobody was, nobody is missed.
  await gone.connection.join('room:1')
  await converged([nodes[1]], 'room:1', [gone, there])
})

t.test('everything is synchronized again when an adapter is back', async t => {
  const nodes = await startNodes(t, 3, { presence: true, nodes: slowNodes })
  const pairs = await memberOfEach([...nodes, ...nodes], 'room:1')
  await converged(nodes, 'room:1', pairs)
  nodes[0].adapter.cut()
  const [left, stays] = [pairs.splice(0, 2), await Promise.all([nodes[0].open(), nodes[1].open()])]
  for (const { connection } of left) await connection.leave('room:1')
  for (const { connection } of stays) await connection.join('room:1')
  await setTimeout(60)
  nodes[0].adapter.heal()
  await converged(nodes, 'room:1', [...pairs, ...stays])
})

t.test('while the adapter is cut off nothing is handed to it', async t => {
  const nodes = await startNodes(t, 2, { presence: true })
  const pairs = await memberOfEach(nodes, 'room:1')
  await converged(nodes, 'room:1', pairs)
  nodes[0].adapter.cut()
  const more = await nodes[0].open()
  await more.connection.join('room:1')
  await setTimeout(250)
  t.equal(nodes[0].app.wsStats().adapter.failed, 0)
})

t.test('what is asked for and does not come is asked for again after an interval, not at every change', async t => {
  const nodes = await startNodes(t, 2, { presence: true, nodes: slowNodes })
  const pairs = await memberOfEach(nodes, 'room:1')
  await converged(nodes, 'room:1', pairs)
  let count = 0
  nodes[1].adapter.fault = channel => channel.startsWith('@') || count++ === 0 ? 'lose' : null
  for (let index = 0; index < 6; index++) {
    const before = told(nodes[0])
    const pair = await nodes[0].open()
    await pair.connection.join('room:1')
    await until(() => told(nodes[0]) > before)
  }
  await setTimeout(60)
  t.ok(count >= 6)
  t.ok(nodes[1].adapter.published.filter(({ channel, say }) => say === 'sync' && channel !== '@').length <= 1)
})

t.test('a member that joins again and is seen as before is no news', async t => {
  const nodes = await startNodes(t, 2, { presence: connection => connection.key, nodes: slowNodes })
  const pairs = await memberOfEach(nodes, 'room:1')
  await converged(nodes, 'room:1', pairs)
  const before = told(nodes[0])
  await pairs[0].connection.join('room:1')
  await setTimeout(60)
  t.equal(told(nodes[0]), before)
})

t.test('a node that starts later learns of all, and they of it', async t => {
  const hub = new MemoryHub()
  const nodes = await startNodes(t, 2, { hub, presence: true })
  const pairs = await memberOfEach(nodes, 'room:1')
  const late = await startNode(t, { hub, presence: true })
  pairs.push(...await memberOfEach([late], 'room:1'))
  await converged([...nodes, late], 'room:1', pairs)
})

t.test('after any joins, leaves, losses and outages all know the same', async t => {
  const nodes = await startNodes(t, 3, { presence: true, nodes: { interval: 20, timeout: 400 } })
  const pools = await Promise.all(nodes.map(node => Promise.all(Array.from({ length: 4 }, () => node.open()))))
  await holdsLater(t, fc.asyncProperty(fc.integer({ min: 1 }), async seed => {
    const random = seeded(seed)
    const room = `room:${seed}`
    for (const { adapter } of nodes) {
      adapter.fault = () => {
        const dice = random()
        return dice < 0.15 ? 'lose' : dice < 0.3 ? 'delay' : null
      }
    }
    for (let step = 0; step < 25; step++) {
      const index = Math.floor(random() * nodes.length)
      const { adapter } = nodes[index]
      const { connection } = pools[index][Math.floor(random() * pools[index].length)]
      const dice = random()
      if (dice < 0.45) void connection.join(room)
      else if (dice < 0.75) void connection.leave(room)
      else if (dice < 0.8) adapter.cut()
      else if (dice < 0.9) adapter.heal()
      else adapter.handOver()
      if (random() < 0.4) await setTimeout(random() * 30)
    }
    for (const { adapter } of nodes) {
      adapter.fault = () => null
      adapter.heal()
      adapter.handOver()
    }
    const members = pools.flat().filter(({ connection }) => connection.rooms.has(room))
    await converged(nodes.filter(({ app }) => app.room(room).size > 0), room, members)
    for (const { connection } of members) await connection.leave(room)
  }), { numRuns: 15 })
})
