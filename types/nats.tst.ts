// The NATS adapter: what passes for a connection, and for JetStream.
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import type { NatsConnection } from '@nats-io/transport-node'
import { natsAdapter } from '../lib/rooms/nats/index.ts'
import type { NatsAdapterOptions, NatsConnectionLike, NatsJetStreamLike } from '../lib/rooms/nats/index.ts'
import type { Adapter } from './adapter.ts'
import { expectTypeOf } from './expect.tst.ts'

const connection = await connect()

expectTypeOf(natsAdapter({ connection })).toBe<Adapter>()
natsAdapter({ connection, jetstream: jetstream(connection, { domain: 'hub' }), namespace: 'chat', secret: ['new', Buffer.alloc(16)], replicas: 3, storage: 'memory', commandTimeout: 1_000 })

const same: NatsConnectionLike = connection satisfies NatsConnection
const alsoSame: NatsJetStreamLike = jetstream(connection)

// @ts-expect-error a promise of a connection is none
natsAdapter({ connection: connect() })
// @ts-expect-error no connection
natsAdapter({})
// @ts-expect-error the manager is not the client
const noJetStream: NatsAdapterOptions = { connection, jetstream: await jetstreamManager(connection) }
// @ts-expect-error no such storage
const noStorage: NatsAdapterOptions = { connection, storage: 'disk' }
// @ts-expect-error no such option
const noOption: NatsAdapterOptions = { connection, servers: 'localhost' }
