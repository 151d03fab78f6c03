import t from 'tap'
import { ClusterAdapter } from '../../../lib/rooms/node-cluster/adapter.ts'
import { buildApp } from '../../helpers/app.ts'
import { Node } from '../../helpers/nodes.ts'
import { End, Primary } from './ports.ts'

t.test('applications in the same workers have rooms and histories of their own', async t => {
  const { carrier } = new Primary()
  const { log } = await buildApp(t)
  const [one, two, three] = await Promise.all(['a', 'b', 'a'].map(async (namespace, index) => {
    const [child, parent] = End.pair()
    carrier.addPort({ send: () => false, on: () => {}, off: () => {} }, child)
    const node = new Node(`node-${index}`, new ClusterAdapter(parent, namespace))
    await node.start(log)
    t.after(() => node.adapter.stop())
    await node.adapter.subscribe('room')
    return node
  }))
  const settings = { size: 10, ttl: 60_000 }
  t.not((await one.history.read('room', null, settings)).epoch, (await two.history.read('room', null, settings)).epoch)
  await one.publish('room', 'of a')
  t.same(await three.received(), ['room', 'of a'])
  await two.publish('room', 'of b')
  await one.append('room', [1], settings)
  t.equal((await three.event())[0], 'room')
  t.same(two.waiting, [])
})
