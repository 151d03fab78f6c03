import Fastify from 'fastify'
import { Server } from 'socket.io'

interface ToServer {
  join: (room: string, ack: (joined: { members: number }) => void) => void
  say: (room: string, text: string, ack: (reply: { ok: true } | { error: string }) => void) => void
  typing: (room: string) => void
}

interface ToClient {
  said: (said: { room: string, from: string, text: string }) => void
  typing: (typing: { room: string, from: string }) => void
}

const users = new Map([['token-of-ada', 'Ada'], ['token-of-bob', 'Bob']])

export const app = Fastify()
export const io = new Server<ToServer, ToClient, object, { name: string }>(app.server, {
  connectionStateRecovery: { maxDisconnectionDuration: 120_000, skipMiddlewares: true },
  maxHttpBufferSize: 64 * 1024
})
const chat = io.of('/chat')

chat.use((socket, next) => {
  const name = users.get(socket.handshake.auth.token)
  if (name === undefined) return next(new Error('unauthorized'))
  socket.data.name = name
  next()
})

chat.on('connection', socket => {
  socket.on('join', async (room, ack) => {
    await socket.join(room)
    ack({ members: chat.adapter.rooms.get(room)?.size ?? 0 })
  })
  socket.on('say', (room, text, ack) => {
    if (typeof room !== 'string' || typeof text !== 'string' || text.length > 500) return ack({ error: 'invalid' })
    socket.to(room).emit('said', { room, from: socket.data.name, text })
    ack({ ok: true })
  })
  socket.on('typing', room => {
    socket.to(room).volatile.emit('typing', { room, from: socket.data.name })
  })
})

app.post<{ Params: { room: string }, Body: { text: string } }>('/announce/:room', async ({ params: { room }, body: { text } }) => {
  chat.to(room).emit('said', { room, from: 'the house', text })
  return { ok: true }
})

app.addHook('preClose', async () => { await io.close() })
