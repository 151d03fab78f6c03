import { Type } from '@sinclair/typebox'
import type { Static } from '@sinclair/typebox'
import { defineContract } from 'fastify-typed-ws'

export const Name = Type.String({ pattern: '\\S', maxLength: 24 })

/** What others see of somebody: it is the `data` of the room's presence, too. */
export const Person = Type.Object({ name: Type.String(), process: Type.String() })

/** What was said. Its `eventId` is added on its way into the history. */
export const Said = Type.Object({ type: Type.Literal('said'), from: Person, text: Type.String(), time: Type.String({ format: 'date-time' }) })

/** Whether the process reaches the others. */
export const Status = Type.Object({ type: Type.Literal('status'), state: Type.String(), nodes: Type.Integer() })

const Joined = Type.Object({
  type: Type.Literal('joined'),
  me: Type.String(),
  process: Type.String(),
  recovered: Type.Boolean(),
  replayed: Type.Integer(),
  eventId: Type.Union([Type.String(), Type.Null()]),
  members: Type.Array(Type.Object({ id: Type.String(), data: Person }))
})
const Taken = Type.Object({ type: Type.Literal('taken') })

/** What the page and the server say to each other; notices of who comes and goes come besides. */
export const contract = defineContract({
  receive: Type.Union([
    Type.Object({ type: Type.Literal('join'), room: Type.Literal('board'), since: Type.Optional(Type.String({ maxLength: 100 })) }),
    Type.Object({ type: Type.Literal('say'), text: Type.String({ pattern: '\\S', maxLength: 500 }) }),
    Type.Object({ type: Type.Literal('kill') }),
    Type.Object({ type: Type.Literal('restart-redis') })
  ]),
  send: Type.Union([Said, Status]),
  replies: { join: Joined, say: Taken }
})

export type PersonData = Static<typeof Person>
export type StatusMessage = Static<typeof Status>
