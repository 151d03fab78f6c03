// The README's example, compiled against the packed package.
import Fastify from 'fastify'
import typedWs from 'fastify-typed-ws'
import { Type } from '@sinclair/typebox'

const app = Fastify({ logger: true })
await app.register(typedWs, { maxPayload: 64 * 1024 })

const Join = Type.Object({ type: Type.Literal('join'), room: Type.String(), since: Type.Optional(Type.String()) })
const Say = Type.Object({ type: Type.Literal('say'), room: Type.String(), text: Type.String({ maxLength: 500 }) })
const Joined = Type.Object({ type: Type.Literal('joined'), members: Type.Integer(), recovered: Type.Boolean() })
const Said = Type.Object({ type: Type.Literal('said'), room: Type.String(), from: Type.String(), text: Type.String() })

app.get('/health', async () => ({ ok: true }))

app.ws('/socket', {
  schema: {
    querystring: Type.Object({ name: Type.String() }),
    receive: Type.Union([Join, Say]),
    send: Type.Union([Joined, Said])
  },
  onOpen: (connection, request) => ({ name: request.query.name }),
  onClose: (connection, { code, reason, wasClean }) => {}
}, {
  async join (message, connection) {
    const { recovered } = await connection.join(message.room, { since: message.since })
    return { type: 'joined', members: app.room(message.room).size, recovered }
  },
  say (message, connection) {
    connection.to(message.room).send({ type: 'said', room: message.room, from: connection.data.name, text: message.text })
  }
})
