import Fastify from 'fastify'
import typedWs from '../../../../lib/index.ts'
import { Type } from '@sinclair/typebox'

export const app = Fastify()
await app.register(typedWs, { maxPayload: 64 * 1024 })

const GetHistory = Type.Object({ type: Type.Literal('history') })
const Say = Type.Object({ type: Type.Literal('say'), text: Type.String({ maxLength: 500 }) })
const History = Type.Object({ type: Type.Literal('history'), messages: Type.Array(Type.String()) })
const Done = Type.Object({ type: Type.Literal('done') })
const Said = Type.Object({ type: Type.Literal('said'), from: Type.String(), text: Type.String() })

const rooms = app.rooms.declare('*', { send: Said })

app.ws('/chat/:room', {
  schema: {
    params: Type.Object({ room: Type.String({ maxLength: 100 }) }),
    querystring: Type.Object({ name: Type.String({ default: '' }) }),
    receive: Type.Union([GetHistory, Say]),
    send: Type.Union([History, Done, Said])
  },
  async onRequest ({ query }, reply) {
    if (!query.name) return reply.code(401).send({ error: 'who are you?' })
  },
  async onOpen (connection, { params: { room }, query: { name } }) {              // messages wait until it is done
    await connection.join(room)
    return { room, name, history: await loadHistory(room) }
  }
}, {
  history: (_message, { data }) => ({ type: 'history', messages: data.history }),
  say (message, { data: { room, name } }) {
    rooms.room(room).send({ type: 'said', from: name, text: message.text })
    return { type: 'done' }                                                      // with the id of the message
  }
})

app.post<{ Params: { room: string }, Body: { text: string } }>('/announce/:room', async ({ params: { room }, body: { text } }) => {
  await rooms.room(room).send({ type: 'said', from: 'the house', text })
  return { members: app.room(room).size }
})

async function loadHistory (room: string): Promise<string[]> {
  return [`welcome to ${room}`]
}
