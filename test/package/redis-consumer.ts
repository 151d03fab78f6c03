// What users of the Redis adapter write: compiled where both libraries are installed, as the rest is where they are not.
import Fastify from 'fastify'
import typedWs from 'fastify-typed-ws'
import { redisAdapter } from 'fastify-typed-ws/redis'
import type { RedisAdapterOptions } from 'fastify-typed-ws/redis'
import { Cluster, Redis } from 'ioredis'
import { createClient, createCluster } from 'redis'

const options: Omit<RedisAdapterOptions, 'client'> = { namespace: 'chat', secret: 'a secret of 16 bytes or more', durable: true, commandTimeout: 1_000 }

const app = Fastify()
await app.register(typedWs, { adapter: redisAdapter({ client: new Redis(), ...options }) })

redisAdapter({ client: new Cluster([]) })
redisAdapter({ client: createClient() })
redisAdapter({ client: createCluster({ rootNodes: [] }) })

// @ts-expect-error a URL is no client
redisAdapter({ client: 'redis://127.0.0.1' })
