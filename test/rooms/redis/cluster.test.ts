import { Cluster } from 'ioredis'
import { createCluster } from 'redis'
import t from 'tap'
import { slotOf } from '../../../lib/rooms/redis/keys.ts'
import { redisAdapter } from '../../../lib/rooms/redis/index.ts'
import { nodes } from '../../helpers/nodes.ts'
import type { NewCluster } from '../../helpers/nodes.ts'
import { RedisCluster } from '../../helpers/redis-cluster.ts'
import { requirement, suiteNeeding } from '../../helpers/requirements.ts'
import { adapterContract } from '../adapter-contract.ts'
import { newNamespace } from './with-redis.ts'

if (requirement('redis-server') === null) suiteNeeding(['redis-server'], 'a cluster of Redis', async () => {})
else withCluster(await RedisCluster.start(t))

function withCluster (cluster: RedisCluster): void {
  const addresses = cluster.servers.map(({ port }) => ({ host: '127.0.0.1', port }))
  const ofIoredis: NewCluster = t => {
    const namespace = newNamespace()
    return () => {
      const client = new Cluster(addresses, { lazyConnect: true })
      t.after(() => client.disconnect())
      return redisAdapter({ client, namespace })
    }
  }
  const ofNodeRedis: NewCluster = () => {
    const namespace = newNamespace()
    return () => redisAdapter({ client: createCluster({ rootNodes: addresses.map(socket => ({ socket })) }), namespace })
  }

  adapterContract('ioredis 6, a cluster', ofIoredis)
  adapterContract('redis 6, a cluster', ofNodeRedis)

  for (const [title, newCluster] of Object.entries({ ioredis: ofIoredis, redis: ofNodeRedis })) {
    t.test(`${title}: a message goes to the servers of its shard only`, async t => {
      const [a, b] = await nodes(t, newCluster, 2)
      const rooms = Array.from({ length: 20 }, (_, index) => `room-${index}`)
      await Promise.all(rooms.map(room => b.adapter.subscribe(room)))
      const channels = await Promise.all(cluster.servers.map(server => server.command('PUBSUB', 'SHARDCHANNELS')))
      for (const answer of channels) t.ok(answer.includes('room-'), 'each has some')
      t.equal(channels.join('').match(/\{room-/g)?.length, rooms.length, 'and each is with one')
      await Promise.all(rooms.map(room => a.publish(room, 'hello')))
      const reached = []
      while (reached.length < rooms.length) reached.push((await b.received())[0])
      t.same(reached.sort(), rooms.sort())
    })

    t.test(`${title}: what was subscribed to in a slot that moves is subscribed to where it went`, async t => {
      const [a, b] = await nodes(t, newCluster, 2)
      const room = `moving-${title}`
      await b.adapter.subscribe(room)
      await a.publish(room, 'first')
      t.same(await b.received(), [room, 'first'])
      const changed = [a, b].map(node => node.change('unavailable'))
      await cluster.moveSlot(slotOf(`{${room}}`))
      await changed[1]
      await b.change('ready')
      // The other one learns of it when it asks the wrong one.
      await a.publish(room, 'lost').catch(() => {})
      await changed[0]
      await a.change('ready')
      await a.publish(room, 'second')
      t.same((await b.received())[1], 'second')
    })

    t.test(`${title}: a cluster that has lost a server is used again when that is back`, async t => {
      const [a, b] = await nodes(t, newCluster, 2)
      const rooms = Array.from({ length: 10 }, (_, index) => `room-${index}`)
      for (const room of rooms) await b.adapter.subscribe(room)
      await cluster.servers[1].kill()
      for (const node of [a, b]) await node.change('unavailable')
      await t.rejects(a.publish('room-1', 'lost'), { code: 'FST_ERR_WS_ADAPTER_UNAVAILABLE' })
      await cluster.servers[1].restart()
      for (const node of [a, b]) await node.change('ready')
      for (const room of rooms) {
        await a.publish(room, 'hello')
        t.same(await b.received(), [room, 'hello'])
      }
      await cluster.agrees()
    })
  }
}
