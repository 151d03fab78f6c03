// One process of the plugin: `fork('fastify-typed-ws.mjs', [JSON of the contender])`.
import { readFileSync } from 'node:fs'
import Fastify from 'fastify'
import typedWs from '../../dist/lib/index.js'
import { versionsOf } from '../versions.mjs'
import { contract } from './message.mjs'
import { backlog, job, onJoined, quietMs, ready, room } from './serve.mjs'

/** Each makes the adapter of its module. */
const adapters = {
  async redis () {
    const [{ Redis }, { redisAdapter }] = await Promise.all([import('ioredis'), import('../../dist/lib/rooms/redis/index.js')])
    return redisAdapter({ client: new Redis(job.brokerPort, '127.0.0.1') })
  },
  async nats () {
    const [{ connect }, { natsAdapter }] = await Promise.all([import('@nats-io/transport-node'), import('../../dist/lib/rooms/nats/index.js')])
    const connection = await connect({ servers: `127.0.0.1:${job.brokerPort}`, maxReconnectAttempts: -1 })
    if (!job.history) return natsAdapter({ connection })
    const { jetstream } = await import('@nats-io/jetstream')
    return natsAdapter({ connection, jetstream: jetstream(connection) })
  },
  async 'node-cluster' () {
    const { clusterAdapter } = await import('../../dist/lib/rooms/node-cluster/index.js')
    return clusterAdapter()
  }
}

/** What each of them is given, for the record. */
const clients = { redis: ['ioredis'], nats: ['@nats-io/transport-node'] }

const app = Fastify()
await app.register(typedWs, {
  heartbeat: { interval: quietMs, timeout: quietMs },
  ...job.module === undefined ? {} : { adapter: await adapters[job.module]() }
})
app.rooms.declare(room, { send: contract, history: job.history })
const schema = { receive: contract, send: contract }
app.ws('/member', {
  schema,
  async onOpen (connection) {
    await connection.join(room)
    onJoined()
  }
}, () => {})
app.ws('/publish', { schema }, message => { app.room(room).send(message) })
// Workers of a primary listen for themselves: it is not the sharing of connections that is measured.
await app.listen({ port: 0, host: '127.0.0.1', backlog, exclusive: true })
const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
ready(app.server.address().port, { 'fastify-typed-ws': version, ...versionsOf(...clients[job.module] ?? []) })
