import type { RedisAdapterOptions } from '../../../types/redis.ts'
import { checkFields, checkWhole, maxDelay } from '../../check-option.ts'
import { FST_ERR_WS_OPTION } from '../../errors.ts'
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

const defaults = Object.freeze({ namespace: 'typed-ws', durable: false, commandTimeout: 2_000 })
const fields = ['client', 'namespace', 'secret', 'durable', 'commandTimeout']
const leastSecret = 16

/** @throws FST_ERR_WS_OPTION */
export function resolveOptions (options: RedisAdapterOptions): ResolvedOptions {
  checkFields('redisAdapter', options, fields)
  const { client, namespace = defaults.namespace, secret, durable = defaults.durable, commandTimeout = defaults.commandTimeout } = options
  const port = ioredisPort(client) ?? nodeRedisPort(client)
  if (port === null) throw new FST_ERR_WS_OPTION('redisAdapter.client', 'must be a Redis or Cluster of ioredis, or a client of createClient or createCluster of redis')
  if (typeof namespace !== 'string' || !/^[\w-]{1,64}$/.test(namespace)) throw new FST_ERR_WS_OPTION('redisAdapter.namespace', 'must be 1 to 64 of A–Z, a–z, 0–9, - and _')
  if (typeof durable !== 'boolean') throw new FST_ERR_WS_OPTION('redisAdapter.durable', 'must be true or false')
  checkWhole('redisAdapter.commandTimeout', commandTimeout, 100, maxDelay)
  return { port, namespace, secrets: resolveSecrets(secret), durable, commandTimeout }
}

function resolveSecrets (secret: unknown): ReadonlyArray<string | Buffer> {
  if (secret === undefined) return []
  const secrets: unknown[] = Array.isArray(secret) ? secret : [secret]
  if (secrets.length === 0 || !secrets.every(isSecret)) throw new FST_ERR_WS_OPTION('redisAdapter.secret', `must be a string or a Buffer of at least ${leastSecret} bytes, or a list of them`)
  return secrets
}

function isSecret (secret: unknown): secret is string | Buffer {
  return (typeof secret === 'string' || Buffer.isBuffer(secret)) && Buffer.byteLength(secret) >= leastSecret
}
