// What users of the NATS adapter write: compiled where the library is installed, as the rest is where it is not.
import { jetstream } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import Fastify from 'fastify'
import typedWs from 'fastify-typed-ws'
import { natsAdapter } from 'fastify-typed-ws/nats'
import type { NatsAdapterOptions } from 'fastify-typed-ws/nats'

const connection = await connect({ servers: 'localhost', maxReconnectAttempts: -1 })
const options: NatsAdapterOptions = { connection, jetstream: jetstream(connection), secret: 'a secret of the cluster' }

const app = Fastify()
await app.register(typedWs, { adapter: natsAdapter(options) })

// @ts-expect-error a connection is one of the library
natsAdapter({ connection: new Map() })
