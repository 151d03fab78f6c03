import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Cluster, Redis } from 'ioredis'
import { createClient, createCluster } from 'redis'
import t from 'tap'
import { redisAdapter } from '../../lib/rooms/redis/index.ts'
import { packageRoot } from '../helpers/paths.ts'
import { RedisCluster } from '../helpers/redis-cluster.ts'
import { RedisServer } from '../helpers/redis-server.ts'
import { suiteNeeding } from '../helpers/requirements.ts'
import { adapterContract } from '../rooms/adapter-contract.ts'

/* A Redis that is set up as docs/cluster.md says, and a user that may do what it says. */

const [, block = ''] = /^```redis\n([^]*?)^```$/m.exec(readFileSync(join(packageRoot, 'docs/cluster.md'), 'utf8')) ?? []
const lines = block.trim().split('\n').map(line => line.split(' '))
const settings = lines.filter(([name]) => name !== 'user')
const user = lines.find(([name]) => name === 'user') ?? []
const [, username = '', , secret = '', ...rights] = user
const password = secret.slice(1)

/** Each test has a namespace of its own, which begins with that of the page. */
const namespaces = (right: string): string => right.replace('shop:', 'shop-*')

let namespace = 0

suiteNeeding(['redis-server'], 'Redis as docs/cluster.md sets it up', async () => {
  const server = await RedisServer.start(t, settings.flatMap(([name, value]) => [`--${name}`, value]))
  await server.command('ACL', 'SETUSER', username, 'on', secret, ...rights.map(namespaces))

  adapterContract('ioredis, as the user of the page', t => {
    const name = `shop-${++namespace}`
    return () => {
      const client = new Redis(server.port, { username, password, lazyConnect: true })
      t.after(() => client.disconnect())
      return redisAdapter({ client, namespace: name, durable: true })
    }
  })

  adapterContract('redis, as the user of the page', () => {
    const name = `shop-${++namespace}`
    return () => redisAdapter({ client: createClient({ url: server.url, username, password }), namespace: name, durable: true })
  })
})

suiteNeeding(['redis-server'], 'a Redis Cluster with the user of docs/cluster.md', async () => {
  const { servers } = await RedisCluster.start(t)
  for (const server of servers) await server.command('ACL', 'SETUSER', username, 'on', secret, ...rights.map(namespaces))
  const addresses = servers.map(({ port }) => ({ host: '127.0.0.1', port }))

  adapterContract('ioredis, a cluster, as the user of the page', t => {
    const name = `shop-${++namespace}`
    return () => {
      const client = new Cluster(addresses, { lazyConnect: true, redisOptions: { username, password } })
      t.after(() => client.disconnect())
      return redisAdapter({ client, namespace: name })
    }
  })

  adapterContract('redis, a cluster, as the user of the page', () => {
    const name = `shop-${++namespace}`
    return () => redisAdapter({ client: createCluster({ rootNodes: addresses.map(socket => ({ socket })), defaults: { username, password } }), namespace: name })
  })
})

t.test('the user of the page may not do anything else', async t => {
  t.ok(rights.includes('-@all'))
  t.same(rights.filter(right => right.startsWith('+@')), [])
})
