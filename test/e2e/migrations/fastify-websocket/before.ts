import Fastify from 'fastify'
import type { FastifyReply, FastifyRequest } from 'fastify'
import websocket from '@fastify/websocket'
import type { WebSocket } from '@fastify/websocket'

interface Chat { Params: { room: string }, Querystring: { name?: string } }

export const app = Fastify()
await app.register(websocket, { options: { maxPayload: 64 * 1024 } })

const rooms = new Map<string, Set<WebSocket>>()

app.get<Chat>('/chat/:room', { websocket: true, onRequest: authenticate }, (socket, request) => {
  const { room } = request.params
  const { name } = request.query
  const members = rooms.get(room) ?? new Set()
  rooms.set(room, members.add(socket))

  const history = loadHistory(room)                 // a promise: listeners must be attached before it settles

  socket.on('message', async data => {
    try {
      const { type, text, id } = JSON.parse(String(data))
      if (type === 'history') {
        socket.send(JSON.stringify({ id, type: 'history', messages: await history }))
      } else if (type === 'say' && typeof text === 'string' && text.length <= 500) {
        tell(room, { type: 'said', from: name, text })
        socket.send(JSON.stringify({ id, type: 'done' }))
      } else {
        socket.send(JSON.stringify({ id, type: 'error', message: 'invalid message' }))
      }
    } catch (error) {
      request.log.error(error)
      socket.send(JSON.stringify({ type: 'error', message: 'failed' }))
    }
  })

  socket.on('close', () => {
    members.delete(socket)
    if (members.size === 0) rooms.delete(room)
  })
})

app.post<Chat & { Body: { text: string } }>('/announce/:room', async request => {
  tell(request.params.room, { type: 'said', from: 'the house', text: request.body.text })
  return { members: rooms.get(request.params.room)?.size ?? 0 }
})

function tell (room: string, message: object): void {
  const text = JSON.stringify(message)
  for (const member of rooms.get(room) ?? []) {
    if (member.readyState === member.OPEN) member.send(text)
  }
}

async function authenticate (request: FastifyRequest<Chat>, reply: FastifyReply): Promise<unknown> {
  if (!request.query.name) return reply.code(401).send({ error: 'who are you?' })
}

async function loadHistory (room: string): Promise<string[]> {
  return [`welcome to ${room}`]
}
