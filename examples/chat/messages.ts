import { Type } from '@sinclair/typebox'
import type { Static } from '@sinclair/typebox'
import { defineContract } from 'fastify-typed-ws'

/** The messages of the chat: one schema each, for the validator, the serializer and the types. */

export const RoomName = Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,23}$' })
export const Name = Type.String({ pattern: '\\S', maxLength: 24 })
const Text = Type.String({ pattern: '\\S', maxLength: 2000 })

/** What somebody says: the same words by WebSocket and by REST. */
export const Words = Type.Object({ username: Name, message: Text })

/** Something that was said. The clients of the lecture read `username` and `message` of it. */
export const Said = Type.Object({
  type: Type.Literal('said'),
  key: Type.String(),
  room: Type.String(),
  username: Type.String(),
  message: Type.String(),
  time: Type.String({ format: 'date-time' })
})

export const Members = Type.Object({ type: Type.Literal('members'), room: Type.String(), members: Type.Array(Type.String()) })
export const Typing = Type.Object({ type: Type.Literal('typing'), room: Type.String(), username: Type.String() })
export const Rooms = Type.Object({
  type: Type.Literal('rooms'),
  rooms: Type.Array(Type.Object({ room: Type.String(), members: Type.Integer() }))
})

const Joined = Type.Object({
  type: Type.Literal('joined'),
  room: Type.String(),
  members: Type.Array(Type.String()),
  history: Type.Array(Said)
})
const Left = Type.Object({ type: Type.Literal('left'), room: Type.String() })
const Renamed = Type.Object({ type: Type.Literal('renamed'), username: Type.String() })

/** What the page and the server say to each other. */
export const pageContract = defineContract({
  receive: Type.Union([
    Type.Object({ type: Type.Literal('join'), room: RoomName }),
    Type.Object({ type: Type.Literal('leave'), room: RoomName }),
    Type.Object({ type: Type.Literal('say'), room: RoomName, message: Text }),
    Type.Object({ type: Type.Literal('typing'), room: RoomName }),
    Type.Object({ type: Type.Literal('rename'), username: Name })
  ]),
  send: Type.Union([Said, Members, Typing, Rooms]),
  replies: { join: Joined, leave: Left, rename: Renamed }
})

export type WordsMessage = Static<typeof Words>
export type SaidMessage = Static<typeof Said>
export type RoomsMessage = Static<typeof Rooms>
