import type { RedisAdapterOptions } from '../../../types/redis.ts'
import { checkFields, checkWhole, maxDelay } from '../../check-option.ts'
import { FST_ERR_WS_OPTION } from '../../errors.ts'
import { resolveNamespace, resolveSecrets } from '../broker-options.ts'
import { ioredisPort } from './ioredis-port.ts'
import { nodeRedisPort } from './node-redis-port.ts'
import type { RedisPort } from './redis-port.ts'

export interface ResolvedOptions {
  readonly port: RedisPort
  readonly namespace: string
  readonly secrets: ReadonlyArray<string | Buffer>
  readonly durable: boolean
  readonly commandTimeout: number
}

const defaults = Object.freeze({ durable: false, commandTimeout: 2_000 })
const fields = ['client', 'namespace', 'secret', 'durable', 'commandTimeout']

/** @throws FST_ERR_WS_OPTION */
export function resolveOptions (options: RedisAdapterOptions): ResolvedOptions {
  checkFields('redisAdapter', options, fields)
  const { client, durable = defaults.durable, commandTimeout = defaults.commandTimeout } = options
  const port = ioredisPort(client) ?? nodeRedisPort(client)
  if (port === null) throw new FST_ERR_WS_OPTION('redisAdapter.client', 'must be a Redis or Cluster of ioredis, or a client of createClient or createCluster of redis')
  if (typeof durable !== 'boolean') throw new FST_ERR_WS_OPTION('redisAdapter.durable', 'must be true or false')
  checkWhole('redisAdapter.commandTimeout', commandTimeout, 100, maxDelay)
  return {
    port,
    namespace: resolveNamespace('redisAdapter.namespace', options.namespace),
    secrets: resolveSecrets('redisAdapter.secret', options.secret),
    durable,
    commandTimeout
  }
}
