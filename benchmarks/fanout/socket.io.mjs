// One process of Socket.IO with its Redis adapter: `fork('socket.io.mjs', [JSON of the contender])`.
import { createServer } from 'node:http'
import { createAdapter } from '@socket.io/redis-adapter'
import { Redis } from 'ioredis'
import { Server } from 'socket.io'
import { backlog, job, onJoined, quietMs, ready, room } from './serve.mjs'
import { versionsOf } from '../versions.mjs'

const client = new Redis(job.brokerPort, '127.0.0.1')
const server = createServer()
const io = new Server(server, {
  adapter: createAdapter(client, client.duplicate()),
  transports: ['websocket'],
  pingInterval: quietMs,
  pingTimeout: quietMs,
  perMessageDeflate: false,
  serveClient: false
})
io.on('connection', async socket => {
  if (socket.handshake.query.role === 'publish') {
    socket.on('m', message => io.to(room).emit('m', message))
  } else {
    await socket.join(room)
    onJoined()
  }
})
server.listen({ port: 0, host: '127.0.0.1', backlog }, () => ready(server.address().port, versionsOf('socket.io', '@socket.io/redis-adapter', 'ioredis')))
