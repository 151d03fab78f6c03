import t from 'tap'
import { Flow } from '../../../lib/rooms/node-cluster/flow.ts'
import { read } from '../../../lib/rooms/node-cluster/wire.ts'
import type { Items } from '../../../lib/rooms/node-cluster/wire.ts'
import { End } from './ports.ts'

function newFlow (limit = 1_000, patience = 100): { flow: Flow, sent: () => Items[] } {
  const [end] = End.pair()
  const sent = (): Items[] => end.sent.splice(0).flatMap(message => {
    const items = read(message)
    return items?.kind === 'items' ? [items] : []
  })
  return { flow: new Flow(end, 'session', limit, patience), sent }
}

const tick = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

function items (sent: number, count: number, weight: number): Items {
  return { kind: 'items', session: 'session', sent, weight, taken: 0, items: Array.from({ length: count }, () => ['ping']) }
}

t.test('items are numbered from 1 on, and those of a tick leave together', async t => {
  const { flow, sent } = newFlow()
  t.same([flow.put(['a'], 10), flow.put(['b'], 20)], [1, 2])
  t.same(sent(), [])
  await tick()
  t.match(sent(), [{ sent: 2, weight: 30, taken: 0, items: [['a'], ['b']] }])
  t.equal(flow.put(['c'], 10), 3)
  await tick()
  t.match(sent(), [{ sent: 3, weight: 10, items: [['c']] }])
})

t.test('what is put and what was sent count until the other end has taken them', async t => {
  const { flow } = newFlow()
  t.ok(flow.isIdle)
  flow.put(['a'], 400)
  await tick()
  flow.put(['b'], 500)
  t.notOk(flow.isIdle)
  t.ok(flow.hasRoom(100))
  t.notOk(flow.hasRoom(101))
  t.ok(flow.onTaken(1))
  t.ok(flow.hasRoom(500))
  t.notOk(flow.hasPlenty(1), 'more than half is on its way')
  await tick()
  t.ok(flow.onTaken(2))
  t.ok(flow.isIdle)
  t.ok(flow.hasPlenty(1_000))
})

t.test('what comes is acknowledged when it is much, or with what is sent', async t => {
  const { flow, sent } = newFlow()
  t.ok(flow.receive(items(1, 1, 100)))
  await tick()
  t.same(sent(), [])
  t.ok(flow.receive(items(3, 2, 1)))
  await tick()
  t.match(sent(), [{ sent: 0, taken: 3, items: [] }])
  t.ok(flow.receive(items(4, 1, 1)))
  flow.acknowledge()
  await tick()
  t.match(sent(), [{ taken: 4 }])
  flow.acknowledge()
  await tick()
  t.same(sent(), [], 'once')
})

t.test('acknowledgements are not acknowledged', async t => {
  const { flow, sent } = newFlow(1_000, 0)
  t.ok(flow.receive(items(0, 0, 1)))
  await tick()
  t.same(sent(), [])
})

t.test('items that are missing, that come twice, and those that were never sent are noticed', async t => {
  const { flow } = newFlow()
  t.ok(flow.receive(items(2, 2, 1)))
  t.notOk(flow.receive(items(4, 1, 1)))
  t.notOk(flow.receive(items(2, 2, 1)))
  flow.put(['a'], 1)
  t.notOk(flow.onTaken(1), 'it has not left yet')
  await tick()
  t.ok(flow.onTaken(1))
  t.notOk(flow.onTaken(2))
})

t.test('nothing leaves once it is closed', async t => {
  const { flow, sent } = newFlow()
  flow.put(['a'], 1)
  flow.close()
  await tick()
  flow.put(['b'], 1)
  await tick()
  t.same(sent(), [])
})
