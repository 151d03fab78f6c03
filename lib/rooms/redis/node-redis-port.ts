import { connectionName, hasMethods } from './redis-port.ts'
import type { Argument, ConnectionListener, NewConnection, RedisConnection, RedisPort } from './redis-port.ts'

type Listener = (bytes: Buffer, key: Buffer | string) => void

/** What is used of a client. */
interface NodeRedisLike {
  readonly options?: { readonly socket?: object }
  connect: () => Promise<unknown>
  destroy: () => unknown
  duplicate: (overrides: object) => unknown
  on: (event: string, listener: (...args: never[]) => void) => unknown
  ping: () => Promise<unknown>
  sendCommand: (args: readonly Argument[], options: object) => Promise<unknown>
  subscribe: (keys: readonly string[], listener: Listener, buffers: true) => Promise<unknown>
  unsubscribe: (keys: readonly string[], listener: Listener, buffers: true) => Promise<unknown>
  sSubscribe: (keys: readonly string[], listener: Listener, buffers: true) => Promise<unknown>
  sUnsubscribe: (keys: readonly string[], listener: Listener, buffers: true) => Promise<unknown>
}

/** What is used of a cluster. */
interface NodeRedisClusterLike {
  readonly masters: readonly unknown[]
  connect: () => Promise<unknown>
  destroy: () => unknown
  duplicate: () => unknown
  nodeClient: (node: unknown) => unknown
  on: (event: string, listener: (error: Error) => void) => unknown
}

function isNodeRedis (client: unknown): client is NodeRedisLike {
  return hasMethods(client, ['connect', 'destroy', 'duplicate', 'on', 'ping', 'sendCommand', 'subscribe', 'unsubscribe', 'sSubscribe', 'sUnsubscribe'])
}

function isCluster (client: unknown): client is NodeRedisClusterLike {
  return hasMethods(client, ['connect', 'destroy', 'duplicate', 'nodeClient', 'on']) && 'masters' in client
}

/** null where it is no client of this library. */
export function nodeRedisPort (client: unknown): RedisPort | null {
  if (typeof client !== 'object' || client === null || !('isOpen' in client)) return null
  if (isCluster(client)) return { isCluster: true, findServers: signal => findMasters(client, signal) }
  // Sentinels and pools send commands to whomever they like.
  if (isNodeRedis(client) && 'socketEpoch' in client) return { isCluster: false, findServers: async () => [newConnection(client)] }
  return null
}

/** Of a client of its own, which knows what the cluster is like now. */
async function findMasters (client: NodeRedisClusterLike, signal: AbortSignal): Promise<NewConnection[]> {
  const cluster = client.duplicate()
  if (!isCluster(cluster)) throw new Error('client.duplicate() answered no cluster')
  cluster.on('error', ignore)
  const end = (): void => quietly(() => cluster.destroy())
  signal.addEventListener('abort', end)
  try {
    await cluster.connect()
    const clients = await Promise.all(cluster.masters.map(node => cluster.nodeClient(node)))
    return clients.filter(isNodeRedis).map(newConnection)
  } finally {
    signal.removeEventListener('abort', end)
    end()
  }
}

function newConnection (client: NodeRedisLike): NewConnection {
  return listener => new NodeRedisConnection(client, listener)
}

const overrides = {
  name: connectionName,
  disableOfflineQueue: true,
  // What an application may want of its own connection.
  commandsQueueMaxLength: undefined,
  commandOptions: undefined,
  pingInterval: undefined,
  keyPrefix: undefined,
  clientSideCache: undefined,
  emitInvalidate: false,
  maintNotifications: 'disabled',
  readonly: false
}

/** Of the protocol: `$`, bulk strings, become Buffers. */
const bytesAsBuffers = { typeMapping: { 36: Buffer } }

class NodeRedisConnection implements RedisConnection {
  readonly #redis: NodeRedisLike
  readonly #onMessage: Listener

  constructor (client: NodeRedisLike, listener: ConnectionListener) {
    // It ends when it is lost: what is to be done then is the same for all libraries, and done by the session.
    const redis = client.duplicate({ ...overrides, socket: { ...client.options?.socket, reconnectStrategy: false, socketTimeout: undefined } })
    if (!isNodeRedis(redis)) throw new Error('client.duplicate() answered no client')
    this.#redis = redis
    this.#onMessage = (bytes, key) => listener.onMessage(String(key), bytes)
    redis.on('error', (error: Error) => listener.onLost(error))
    redis.on('end', () => listener.onLost(new Error('the connection was closed')))
    // A slot has gone to another server.
    redis.on('sharded-channel-moved', () => listener.onLost(new Error('the cluster was changed')))
  }

  async connect (): Promise<void> {
    await this.#redis.connect()
  }

  send (commands: ReadonlyArray<readonly Argument[]>): Promise<Array<PromiseSettledResult<unknown>>> {
    // It writes all commands of one turn at once.
    return Promise.allSettled(commands.map(command => this.#redis.sendCommand(command, bytesAsBuffers)))
  }

  ping (): Promise<unknown> {
    return this.#redis.ping()
  }

  subscribe (keys: readonly string[]): Promise<unknown> {
    return this.#redis.subscribe(keys, this.#onMessage, true)
  }

  unsubscribe (keys: readonly string[]): Promise<unknown> {
    return this.#redis.unsubscribe(keys, this.#onMessage, true)
  }

  subscribeSharded (keys: readonly string[]): Promise<unknown> {
    return this.#redis.sSubscribe(keys, this.#onMessage, true)
  }

  unsubscribeSharded (keys: readonly string[]): Promise<unknown> {
    return this.#redis.sUnsubscribe(keys, this.#onMessage, true)
  }

  end (): void {
    quietly(() => this.#redis.destroy())
  }
}

/** It throws where it is closed already. */
function quietly (end: () => unknown): void {
  try {
    Promise.resolve(end()).catch(ignore)
  } catch {}
}

function ignore (): void {}
