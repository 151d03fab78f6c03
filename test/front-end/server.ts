// The server of a front-end: its page and its WebSocket route, with rooms in Redis. SIGKILL is how it ends.
import { fileURLToPath } from 'node:url'
import Fastify from 'fastify'
import fastifyStatic from '@fastify/static'
import typedWs from 'fastify-typed-ws'
import { redisAdapter } from 'fastify-typed-ws/redis'
import { Redis } from 'ioredis'
import { feed, Said } from './contract.js'

const [, , port, redis] = process.argv

const app = Fastify()
await app.register(typedWs, { adapter: redisAdapter({ client: new Redis(redis), durable: true }) })
await app.register(fastifyStatic, { root: fileURLToPath(new URL('../page', import.meta.url)) })
app.rooms.declare('feed', { send: Said, history: { size: 5_000 } })

app.ws('/feed', { schema: feed }, {
  async join ({ room, since }, connection) {
    return { type: 'joined', ...await connection.join(room, { since }) }
  },
  async say ({ room, author, number }) {
    await app.room(room).send({ type: 'said', room, author, number })
    return { type: 'taken' }
  }
})

await app.listen({ host: '127.0.0.1', port: Number(port) })
console.log('listening')
