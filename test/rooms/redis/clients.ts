import { Redis } from 'ioredis'
import { createClient } from 'redis'
import type { Test } from 'tap'
import { redisAdapter } from '../../../lib/rooms/redis/index.ts'
import type { RedisAdapterOptions } from '../../../lib/rooms/redis/index.ts'
import type { NewCluster } from '../../helpers/nodes.ts'
import type { RedisServer } from '../../helpers/redis-server.ts'
import { newNamespace } from './with-redis.ts'

export type NewClient = (t: Test, server: { readonly port: number, readonly url: string }) => RedisAdapterOptions['client']

/** Clients by library, which open no connection of their own. */
export const newClients: Readonly<Record<string, NewClient>> = {
  ioredis: (t, { port }) => {
    const client = new Redis(port, { lazyConnect: true })
    t.after(() => client.disconnect())
    return client
  },
  redis: (_t, { url }) => createClient({ url })
}

/** Clusters of adapters on one server, by library. */
export function newClusters (server: RedisServer, options: Partial<RedisAdapterOptions> = {}): Array<[title: string, newCluster: NewCluster]> {
  return Object.entries(newClients).map(([title, newClient]) => [title, t => {
    const namespace = newNamespace()
    return () => redisAdapter({ client: newClient(t, server), namespace, ...options })
  }])
}
