import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import { memoryAdapter, MemoryHub } from '../../../lib/index.ts'
import { Nodes } from '../../../lib/rooms/cluster/nodes.ts'
import type { NodesListener } from '../../../lib/rooms/cluster/nodes.ts'
import { buildApp } from '../../helpers/app.ts'
import { memberOfEach, nextNotice, shortNodes, startNode, startNodes, until } from '../../helpers/clusters.ts'
import { keepAlive } from '../../helpers/keep-alive.ts'

t.test('a node that is silent for longer than the timeout is dead, and its members are gone', async t => {
  const [one, two] = await startNodes(t, 2, { presence: { notify: { interval: 10 } } })
  const [here, there] = await memberOfEach([one, two], 'room:1')
  t.equal((await nextNotice(here)).count, 2)
  two.adapter.silence()
  await until(() => one.app.rooms.status.nodes.length === 1)
  t.equal(await one.app.room('room:1').count(), 1)
  for (;;) {
    const { left, count } = await nextNotice(here)
    if (left.length === 0) continue
    t.same([left.map(({ id }) => id), count], [[there.connection.id], 1])
    break
  }
  t.match(one.lines.filter(line => line.level === 40), [{ node: two.id, silent: Number, msg: /silent and taken for dead/ }])
})

t.test('a node that was taken for dead and speaks again is alive, and its members are there again', async t => {
  const [one, two] = await startNodes(t, 2, { presence: true })
  await memberOfEach([one, two], 'room:1')
  two.adapter.silence()
  await until(() => one.app.rooms.status.nodes.length === 1)
  two.adapter.silence(false)
  await until(() => one.app.rooms.status.nodes.length === 2)
  t.equal(await one.app.room('room:1').count(), 2)
})

t.test('a node that stops says goodbye: it is gone at once', async t => {
  const hub = new MemoryHub()
  const nodes = { interval: 60_000, timeout: 600_000 }
  const [one, two] = await startNodes(t, 2, { hub, nodes })
  await two.app.close()
  t.same(one.app.rooms.status.nodes, [one.id])
  one.adapter.bring('@', two.id, '{"say":"alive"}')
  t.same(one.app.rooms.status.nodes, [one.id], 'a word that comes late does not bring it back')
})

t.test('a node that starts knows the others at once, and they know it', async t => {
  const nodes = { interval: 60_000, timeout: 600_000 }
  const hub = new MemoryHub()
  const [one, two] = await startNodes(t, 2, { hub, nodes })
  const three = await startNode(t, { hub, nodes })
  t.same(new Set(three.app.rooms.status.nodes), new Set([one.id, two.id, three.id]))
  t.equal(one.app.rooms.status.nodes.length, 3)
})

t.test('a node whose adapter is unavailable judges nobody, and gives all a full timeout afterwards', async t => {
  const [one, two] = await startNodes(t, 2)
  const said = (): number => one.adapter.published.filter(({ say }) => say === 'alive').length
  two.adapter.silence()
  one.adapter.cut()
  await setTimeout(shortNodes.timeout + 2 * shortNodes.interval)
  t.equal(one.app.rooms.status.nodes.length, 2)
  one.adapter.heal()
  const before = said()
  // It judges after its own word.
  await until(() => said() >= before + 2)
  t.equal(one.app.rooms.status.nodes.length, 2)
  await until(() => one.app.rooms.status.nodes.length === 1)
})

t.test('a process that stood still does not take the others for dead', async t => {
  const [one, two] = await startNodes(t, 2)
  one.adapter.silence()
  const until = performance.now() + shortNodes.timeout + 4 * shortNodes.interval
  while (performance.now() < until);
  one.adapter.silence(false)
  await setTimeout(0)
  t.same([one.app.rooms.status.nodes.length, two.app.rooms.status.nodes.length], [2, 2])
  t.same(one.lines.filter(line => line.level === 40), [])
})

t.test('without an adapter nothing is said', async t => {
  const app = await buildApp(t, { nodes: shortNodes })
  await app.ready()
  await setTimeout(2 * shortNodes.interval)
  t.equal(app.wsStats().adapter.published, 0)
})

t.test('with an adapter of its own, a server alone says that it is alive', async t => {
  keepAlive(t)
  const app = await buildApp(t, { nodes: shortNodes, adapter: memoryAdapter() })
  await app.ready()
  await until(() => app.wsStats().adapter.published >= 3)
})

t.test('what is not said because the adapter fails is said again', async t => {
  keepAlive(t)
  const said: string[] = []
  const listener: NodesListener = {
    log: (await buildApp(t)).log,
    tell: message => {
      said.push(message.say)
      return Promise.reject(new Error('broker down'))
    },
    onAppeared: () => {},
    onGone: () => {},
    onTick: () => {}
  }
  const nodes = new Nodes(listener, { interval: 10, timeout: 100 })
  nodes.start()
  await until(() => said.length >= 3)
  await nodes.stop()
  t.same(said.slice(0, 3), ['hello', 'alive', 'alive'])
  t.equal(said.at(-1), 'bye')
})

t.test('a process that has stopped says no more', async t => {
  const said: string[] = []
  const nodes = new Nodes({
    log: (await buildApp(t)).log,
    tell: async message => { said.push(message.say) },
    onAppeared: () => {},
    onGone: () => {},
    onTick: () => {}
  }, { interval: 10, timeout: 100 })
  nodes.start()
  await nodes.stop()
  await nodes.stop()
  nodes.onState('ready')
  await setTimeout(30)
  t.same(said, ['hello', 'bye'])
})
