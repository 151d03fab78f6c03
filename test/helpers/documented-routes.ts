import { Type } from '@sinclair/typebox'
import type { FastifyInstance } from 'fastify'

/** Routes with a bit of everything that a document says and a form asks for. */
export function declareDocumentedRoutes (app: FastifyInstance): void {
  const Tree = Type.Recursive(This => Type.Object({ name: Type.String(), children: Type.Array(This) }), { $id: 'Tree' })
  const Join = Type.Object({
    type: Type.Literal('join'),
    room: Type.String({ minLength: 1, description: 'Which one' }),
    since: Type.Optional(Type.String())
  }, { title: 'Join', description: 'Enters a room.' })
  const Say = Type.Object({
    type: Type.Literal('say'),
    room: Type.String({ minLength: 1 }),
    text: Type.String({ maxLength: 500 }),
    priority: Type.Optional(Type.Integer({ minimum: 0, maximum: 9 })),
    quiet: Type.Optional(Type.Boolean()),
    tags: Type.Optional(Type.Array(Type.String({ minLength: 2 }))),
    at: Type.Optional(Type.Union([Type.String({ format: 'date-time' }), Type.Null()])),
    attachment: Type.Optional(Type.Union([
      Type.Object({ kind: Type.Literal('link'), url: Type.String() }),
      Type.Object({ kind: Type.Literal('poll'), options: Type.Array(Type.String(), { minItems: 2 }) })
    ])),
    counts: Type.Optional(Type.Record(Type.String(), Type.Integer()))
  }, { title: 'Say', description: 'Says something to everybody in the room.' })
  const Grow = Type.Object({ type: Type.Literal('grow'), tree: Tree }, { title: 'Grow' })
  const Quit = Type.Object({ type: Type.Literal('quit'), code: Type.Integer() }, { title: 'Quit', description: 'Asks to be closed with this code.' })
  const Joined = Type.Object({ type: Type.Literal('joined'), members: Type.Integer() }, { title: 'Joined' })
  const Said = Type.Object({ type: Type.Literal('said'), room: Type.String(), from: Type.String(), text: Type.String() }, { title: 'Said' })
  const Grown = Type.Object({ type: Type.Literal('grown'), leaves: Type.Integer() }, { title: 'Grown' })

  app.ws('/floors/:floor/chat', {
    schema: {
      summary: 'Rooms to talk in',
      description: 'Join a room, and talk.',
      tags: ['chat'],
      params: Type.Object({ floor: Type.Union([Type.Literal('ground'), Type.Literal('first')]) }),
      querystring: Type.Object({ name: Type.String({ minLength: 1, description: 'How the others call you' }) }),
      receive: Type.Union([Join, Say, Grow, Quit]),
      send: Said,
      replies: { join: Joined, grow: Grown }
    },
    onOpen: (_connection, request) => ({ name: request.query.name })
  }, {
    async join ({ room }, connection) {
      await connection.join(room)
      return { type: 'joined', members: app.room(room).size }
    },
    async say ({ room, text }, connection) {
      await app.room(room).send({ type: 'said', room, from: connection.data.name, text })
    },
    grow: ({ tree }) => ({ type: 'grown', leaves: leavesOf(tree) }),
    quit ({ code }, connection) { connection.close(code, 'as you asked') }
  })
  app.ws('/echo', { codec: 'raw' }, (message, connection) => { connection.send(message) })
}

interface Tree {
  name: string
  children: Tree[]
}

function leavesOf ({ children }: Tree): number {
  return children.length === 0 ? 1 : children.reduce((sum, child) => sum + leavesOf(child), 0)
}
