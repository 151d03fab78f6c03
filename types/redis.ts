import type { BrokerAdapterOptions } from './broker.ts'

/** A `Redis` or `Cluster` of `ioredis` 5 or 6: what of it tells it from others. */
export interface IoredisClient {
  readonly isCluster: boolean
  duplicate: (...overrides: never[]) => unknown
  disconnect: (...reconnect: never[]) => void
}

/** A client of `createClient` or `createCluster` of `redis` 5 or 6: what of it tells it from others. */
export interface NodeRedisClient {
  readonly isOpen: boolean
  duplicate: (...overrides: never[]) => unknown
  destroy: () => unknown
}

/** Options of `redisAdapter`. */
export interface RedisAdapterOptions extends BrokerAdapterOptions {
  /**
   * Tells where Redis is and how to get in. The adapter opens connections of its own after its pattern (`client.duplicate()`), one for commands and one for subscriptions, to each
   * master of a cluster; this one is neither used nor ended. A key prefix of it is not applied: `namespace` is.
   */
  readonly client: IoredisClient | NodeRedisClient
  /**
   * Says that Redis keeps whatever it has acknowledged, over any restart: `appendonly yes` with `appendfsync always`, and no replica that could take over with less. Histories
   * then go on where Redis comes back. Without it they begin anew whenever another process of Redis answers, after a restart or a failover: it may lack the end of what it had, and
   * `recovered: true` would be a lie. Default: `false`.
   */
  readonly durable?: boolean
  /** How long Redis may take to answer, in milliseconds, until it is taken for lost: at least 100, and twice that when nothing is sent. Default: 2,000. */
  readonly commandTimeout?: number
}
