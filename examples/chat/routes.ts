import type { FastifyInstance } from 'fastify'
import { Type } from '@sinclair/typebox'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { servePages } from '../support/pages.ts'
import { Chat, lobby, roomsOf } from './chat.ts'
import type { Person } from './chat.ts'
import { Name, pageContract, RoomName, Rooms, Said, Words } from './messages.ts'

/** The chat, its page included, as a plugin: of a server of HTTP/1.1, and of one of HTTP/2. */
export async function chatRoutes (instance: FastifyInstance): Promise<void> {
  const app = instance.withTypeProvider<TypeBoxTypeProvider>()
  await servePages(app, 'chat')
  const chat = new Chat(app)

  // REST, as always.

  app.get('/rooms', { schema: { response: { 200: Rooms } } }, async () => chat.list())

  app.get('/rooms/:room/history', {
    schema: { params: Type.Object({ room: RoomName }), response: { 200: Type.Array(Said) } }
  }, async request => chat.historyOf(request.params.room))

  app.post('/rooms/:room/messages', {
    schema: { params: Type.Object({ room: RoomName }), body: Words, response: { 201: Said } }
  }, async (request, reply) => reply.code(201).send(chat.say(request.params.room, request.body)))

  // The protocol of the lecture: { username, message } in, the same to everybody in the lobby, the sender included.

  app.ws('/socket', {
    schema: { receive: Words, send: Said },
    async onOpen (connection): Promise<Person> {
      await connection.join(`room:${lobby}`)
      return { username: null }
    },
    onClose: () => chat.announce([lobby])
  }, (words, connection) => {
    const isNewName = connection.data.username !== words.username
    connection.data.username = words.username
    if (isNewName) chat.announce([lobby])
    chat.say(lobby, words)
  })

  // The protocol of the page: one message type a key, one handler each.

  app.ws('/chat', {
    schema: { querystring: Type.Object({ username: Name }), ...pageContract },
    async onOpen (connection, request): Promise<Person & { username: string }> {
      await connection.join('directory')
      connection.send(chat.list())
      return { username: request.query.username }
    },
    onClose: (_connection, { rooms }) => chat.announce(roomsOf(rooms))
  }, {
    async join ({ room }, connection) {
      await chat.enter(room, connection)
      return { type: 'joined', room, members: chat.membersOf(room), history: chat.historyOf(room) }
    },

    async leave ({ room }, connection) {
      await chat.leave(room, connection)
      return { type: 'left', room }
    },

    say ({ room, message }, connection) {
      chat.mustBeIn(room, connection)
      chat.say(room, { username: connection.data.username, message })
    },

    typing ({ room }, connection) {
      chat.mustBeIn(room, connection)
      void connection.to(`presence:${room}`).send({ type: 'typing', room, username: connection.data.username })
    },

    rename ({ username }, connection) {
      connection.data.username = username
      chat.announce(roomsOf(connection.rooms))
      return { type: 'renamed', username }
    }
  })
}
