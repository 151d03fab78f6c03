import { Type } from '@sinclair/typebox'
import type { Static } from '@sinclair/typebox'

export const Name = Type.String({ pattern: '\\S', maxLength: 24 })

/** What others see of somebody: it is the `data` of the room's presence, too. */
export const Person = Type.Object({ name: Type.String(), process: Type.String() })

/** What was said. Its `eventId` is added on its way into the history. */
export const Said = Type.Object({ type: Type.Literal('said'), from: Person, text: Type.String(), time: Type.String({ format: 'date-time' }) })

/** Whether the process reaches the others. */
export const Status = Type.Object({ type: Type.Literal('status'), state: Type.String(), nodes: Type.Integer() })

/** What the page sends. */
export const FromPage = Type.Union([
  Type.Object({ type: Type.Literal('join'), since: Type.Union([Type.String({ maxLength: 100 }), Type.Null()]) }),
  Type.Object({ type: Type.Literal('say'), text: Type.String({ pattern: '\\S', maxLength: 500 }) }),
  Type.Object({ type: Type.Literal('kill') }),
  Type.Object({ type: Type.Literal('restart-redis') })
])

/** What the page is sent, besides what is said, and notices of who comes and goes. */
export const ToPage = Type.Union([
  Type.Object({
    type: Type.Literal('joined'),
    me: Type.String(),
    process: Type.String(),
    recovered: Type.Boolean(),
    replayed: Type.Integer(),
    eventId: Type.Union([Type.String(), Type.Null()]),
    members: Type.Array(Type.Object({ id: Type.String(), data: Person }))
  }),
  Type.Object({ type: Type.Literal('taken') }),
  Status
])

export type PersonData = Static<typeof Person>
export type SaidMessage = Static<typeof Said>
export type StatusMessage = Static<typeof Status>
