import Fastify from 'fastify'
import typedWs, { defineContract } from '../../../../lib/index.ts'
import { Type } from '@sinclair/typebox'

const room = Type.String({ maxLength: 100 })
const Join = Type.Object({ type: Type.Literal('join'), room, since: Type.Optional(Type.String()) })
const Say = Type.Object({ type: Type.Literal('say'), room, text: Type.String({ maxLength: 500 }) })
const Typing = Type.Object({ type: Type.Literal('typing'), room })
const Joined = Type.Object({ type: Type.Literal('joined'), members: Type.Integer(), recovered: Type.Boolean(), eventId: Type.Union([Type.String(), Type.Null()]) })
const Done = Type.Object({ type: Type.Literal('done') })
const Said = Type.Object({ type: Type.Literal('said'), room, from: Type.String(), text: Type.String() })
const SomebodyTypes = Type.Object({ type: Type.Literal('typing'), room, from: Type.String() })

export const chat = defineContract({
  receive: Type.Union([Join, Say, Typing]),
  send: Type.Union([Said, SomebodyTypes]),
  replies: { join: Joined, say: Done }
})

const users = new Map([['token-of-ada', 'Ada'], ['token-of-bob', 'Bob']])

export const app = Fastify()
await app.register(typedWs, { maxPayload: 64 * 1024 })

const rooms = app.rooms.declare('room:*', { send: Said, history: { size: 1_000, ttl: 120_000 } })
const typists = app.rooms.declare('typing:*', { send: SomebodyTypes, slowConsumer: 'drop-newest' })

app.ws('/chat', {
  schema: { ...chat, querystring: Type.Object({ token: Type.String() }) },
  onOpen (connection, { query: { token } }) {
    const name = users.get(token) ?? ''
    if (name === '') connection.close(4401, 'unauthorized')
    return { name }
  }
}, {
  async join ({ room, since }, connection) {
    const { recovered, eventId } = await connection.join(`room:${room}`, { since })
    await connection.join(`typing:${room}`)
    return { type: 'joined', members: app.room(`room:${room}`).size, recovered, eventId }
  },
  async say ({ room, text }, connection) {
    await rooms.room(`room:${room}`).send({ type: 'said', room, from: connection.data.name, text }, { except: connection })
    return { type: 'done' }
  },
  typing ({ room }, connection) {
    typists.room(`typing:${room}`).send({ type: 'typing', room, from: connection.data.name }, { except: connection })
  }
})

app.post<{ Params: { room: string }, Body: { text: string } }>('/announce/:room', async ({ params: { room }, body: { text } }) => {
  await rooms.room(`room:${room}`).send({ type: 'said', room, from: 'the house', text })
  return { ok: true }
})
