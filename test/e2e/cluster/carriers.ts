import { jetstream } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { clusterAdapter } from '../../../lib/rooms/node-cluster/index.ts'
import { natsAdapter } from '../../../lib/rooms/nats/index.ts'
import { redisAdapter } from '../../../lib/rooms/redis/index.ts'
import type { Adapter, HistoryOption } from '../../../types/index.ts'

/** How servers reach their broker. */
export interface CarrierSettings {
  /** The library of the client, which says the broker; workers of `node:cluster` have none. */
  readonly client: 'ioredis' | 'node-redis' | 'nats' | 'node:cluster'
  /** Default: `'127.0.0.1'` */
  readonly host?: string
  /** 0 for `node:cluster` */
  readonly port: number
  /** Whether the broker keeps what it has said to have, whatever happens to it. */
  readonly isDurable: boolean
}

/** What a server is told when it starts: JSON. */
export interface ServerSettings {
  readonly carrier: CarrierSettings
  readonly history: HistoryOption
  /** Milliseconds */
  readonly adapterTimeout: number
  /** Where it listens. Default: `'127.0.0.1'` */
  readonly host?: string
}

/** A broker that is ill-treated. */
export interface Broker {
  kill (signal: 'SIGKILL' | 'SIGTERM'): Promise<void>
  restart (): Promise<void>
  freeze (): Promise<void>
  thaw (): void
}

/** An adapter, and what ends the client of the broker that it was given. */
export interface OpenAdapter {
  readonly adapter: Adapter
  readonly end: () => Promise<void>
}

export async function openAdapter ({ client, port, host = '127.0.0.1', isDurable }: CarrierSettings): Promise<OpenAdapter> {
  switch (client) {
    // These two are patterns, which are never connected themselves.
    case 'ioredis':
      return { adapter: redisAdapter({ client: new Redis({ host, port, lazyConnect: true }), durable: isDurable }), end: async () => {} }
    case 'node-redis':
      return { adapter: redisAdapter({ client: createClient({ socket: { host, port } }), durable: isDurable }), end: async () => {} }
    case 'node:cluster':
      return { adapter: clusterAdapter(), end: async () => {} }
    case 'nats': {
      const connection = await connect({ servers: `nats://${host}:${port}`, maxReconnectAttempts: -1, reconnectTimeWait: 100 })
      return { adapter: natsAdapter({ connection, jetstream: jetstream(connection), storage: isDurable ? 'file' : 'memory' }), end: () => connection.close() }
    }
  }
}
