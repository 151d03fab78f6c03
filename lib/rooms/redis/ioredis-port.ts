import { connectionName, errorOf, hasMethods } from './redis-port.ts'
import type { Argument, ConnectionListener, NewConnection, RedisConnection, RedisPort } from './redis-port.ts'

/** What is used of a `Redis`. */
interface IoredisLike {
  connect: () => Promise<unknown>
  disconnect: () => void
  duplicate: (overrides: object) => unknown
  on: (event: string, listener: (...args: never[]) => void) => unknown
  ping: () => Promise<unknown>
  pipeline: () => PipelineLike
  subscribe: (...keys: readonly string[]) => Promise<unknown>
  unsubscribe: (...keys: readonly string[]) => Promise<unknown>
  ssubscribe: (...keys: readonly string[]) => Promise<unknown>
  sunsubscribe: (...keys: readonly string[]) => Promise<unknown>
}

interface PipelineLike {
  callBuffer: (name: string, ...args: readonly Argument[]) => unknown
  exec: () => Promise<ReadonlyArray<readonly [Error | null, unknown]> | null>
}

/** What is used of a `Cluster`. */
interface IoredisClusterLike {
  connect: () => Promise<unknown>
  disconnect: () => void
  duplicate: (startupNodes: readonly unknown[], overrides: object) => unknown
  nodes: (role: 'master') => readonly unknown[]
  on: (event: string, listener: (error: Error) => void) => unknown
}

function isIoredis (client: unknown): client is IoredisLike {
  return hasMethods(client, ['connect', 'disconnect', 'duplicate', 'on', 'ping', 'pipeline', 'subscribe', 'unsubscribe', 'ssubscribe', 'sunsubscribe'])
}

function isCluster (client: unknown): client is IoredisClusterLike {
  return hasMethods(client, ['connect', 'disconnect', 'duplicate', 'nodes', 'on']) && 'isCluster' in client && client.isCluster === true
}

/** null where it is no client of this library. */
export function ioredisPort (client: unknown): RedisPort | null {
  if (typeof client !== 'object' || client === null || !('isCluster' in client)) return null
  if (isCluster(client)) return { isCluster: true, findServers: signal => findMasters(client, signal) }
  if (isIoredis(client)) return { isCluster: false, findServers: async () => [newConnection(client)] }
  return null
}

/** Of a client of its own, which knows what the cluster is like now. */
async function findMasters (client: IoredisClusterLike, signal: AbortSignal): Promise<NewConnection[]> {
  const cluster = client.duplicate([], { lazyConnect: true, clusterRetryStrategy: null, slotsRefreshInterval: undefined, shardedSubscribers: false })
  if (!isCluster(cluster)) throw new Error('client.duplicate() answered no cluster')
  let lastError: Error | null = null
  cluster.on('error', error => { lastError = error })
  cluster.on('node error', error => { lastError = error })
  const end = (): void => cluster.disconnect()
  signal.addEventListener('abort', end)
  try {
    await cluster.connect()
    return cluster.nodes('master').filter(isIoredis).map(newConnection)
  } catch (error) {
    throw lastError ?? error
  } finally {
    signal.removeEventListener('abort', end)
    cluster.disconnect()
  }
}

function newConnection (client: IoredisLike): NewConnection {
  return listener => new IoredisConnection(client, listener)
}

const overrides = {
  lazyConnect: true,
  connectionName,
  // It ends when it is lost: what is to be done then is the same for all libraries, and done by the session.
  retryStrategy: null,
  reconnectOnError: null,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  autoResubscribe: false,
  maxRetriesPerRequest: 0,
  enableReadyCheck: true,
  // A server that hangs is not waited for.
  disconnectTimeout: 200,
  // What an application may want of its own connection.
  keyPrefix: '',
  readOnly: false,
  monitor: false,
  stringNumbers: false,
  replyMapping: 'legacy',
  enableAutoPipelining: false,
  commandTimeout: undefined,
  socketTimeout: undefined,
  himportFieldsets: undefined
}

class IoredisConnection implements RedisConnection {
  readonly #redis: IoredisLike
  #error: Error | null = null

  constructor (client: IoredisLike, listener: ConnectionListener) {
    const redis = client.duplicate(overrides)
    if (!isIoredis(redis)) throw new Error('client.duplicate() answered no client')
    this.#redis = redis
    redis.on('error', (error: Error) => {
      this.#error = error
      listener.onLost(error)
    })
    redis.on('close', () => listener.onLost(this.#error ?? new Error('the connection was closed')))
    // A slot has gone to another server.
    redis.on('moved', () => listener.onLost(new Error('the cluster was changed')))
    const onMessage = (key: Buffer, bytes: Buffer): void => listener.onMessage(key.toString(), bytes)
    redis.on('messageBuffer', onMessage)
    redis.on('smessageBuffer', onMessage)
  }

  async connect (): Promise<void> {
    try {
      await this.#redis.connect()
    } catch (error) {
      throw this.#error ?? errorOf(error)
    }
  }

  async send (commands: ReadonlyArray<readonly Argument[]>): Promise<Array<PromiseSettledResult<unknown>>> {
    const pipeline = this.#redis.pipeline()
    for (const [name, ...args] of commands) pipeline.callBuffer(String(name), ...args)
    const results = await pipeline.exec() ?? []
    return results.map(([error, value]) => error === null ? { status: 'fulfilled', value } : { status: 'rejected', reason: error })
  }

  ping (): Promise<unknown> {
    return this.#redis.ping()
  }

  subscribe (keys: readonly string[]): Promise<unknown> {
    return this.#redis.subscribe(...keys)
  }

  unsubscribe (keys: readonly string[]): Promise<unknown> {
    return this.#redis.unsubscribe(...keys)
  }

  subscribeSharded (keys: readonly string[]): Promise<unknown> {
    return this.#redis.ssubscribe(...keys)
  }

  unsubscribeSharded (keys: readonly string[]): Promise<unknown> {
    return this.#redis.sunsubscribe(...keys)
  }

  end (): void {
    this.#redis.disconnect()
  }
}
