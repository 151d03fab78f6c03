// What users of the Redis adapter write, with the types of both libraries.
import { Cluster, Redis } from 'ioredis'
import { Cluster as Cluster5, Redis as Redis5 } from 'ioredis-5'
import { createClient, createCluster } from 'redis'
import { createClient as createClient5, createCluster as createCluster5 } from 'redis-5'
import { redisAdapter } from '../lib/rooms/redis/index.ts'
import type { Adapter } from './index.ts'

const adapters: Adapter[] = [
  redisAdapter({ client: new Redis() }),
  redisAdapter({ client: new Redis5() }),
  redisAdapter({ client: new Cluster([]) }),
  redisAdapter({ client: new Cluster5([]) }),
  redisAdapter({ client: createClient() }),
  redisAdapter({ client: createClient5() }),
  redisAdapter({ client: createCluster({ rootNodes: [] }) }),
  redisAdapter({ client: createCluster5({ rootNodes: [] }) }),
  redisAdapter({ client: createClient({ RESP: 3 }), namespace: 'chat', secret: ['new', Buffer.from('old')], durable: true, commandTimeout: 1_000 })
]

// @ts-expect-error a client is needed
redisAdapter({})
// @ts-expect-error a URL is none
redisAdapter({ client: 'redis://127.0.0.1' })
// @ts-expect-error nor is anything that can be duplicated
redisAdapter({ client: { duplicate: () => {} } })
