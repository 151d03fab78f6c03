import { Type } from '@sinclair/typebox'
import type { Static } from '@sinclair/typebox'
import { defineContract } from 'fastify-typed-ws'

export const documents = ['plan', 'budget', 'letter'] as const

/** A room each. */
const Document = Type.Union(documents.map(name => Type.Literal(name)))
export const Name = Type.String({ pattern: '\\S', maxLength: 24 })
const Status = Type.Union([Type.Literal('active'), Type.Literal('typing'), Type.Literal('idle'), Type.Literal('away')])

/** What others see of somebody: it is the `data` of the rooms' presence. */
export const Person = Type.Object({ name: Type.String(), hue: Type.Integer(), status: Status })
const Member = Type.Object({ id: Type.String(), data: Person })

const Joined = Type.Object({
  type: Type.Literal('joined'),
  room: Document,
  me: Type.String(),
  count: Type.Integer(),
  members: Type.Array(Member)
})
const People = Type.Object({ type: Type.Literal('people'), room: Document, count: Type.Integer(), members: Type.Array(Member) })

/** How many are in each document: told to all who have the page, since notices of a room go to its members only. */
export const Counts = Type.Object({ type: Type.Literal('counts'), counts: Type.Record(Type.String(), Type.Integer()) })

/** What a page and the server say to each other; the notices of rooms come besides. */
export const contract = defineContract({
  receive: Type.Union([
    Type.Object({ type: Type.Literal('join'), room: Document }),
    Type.Object({ type: Type.Literal('leave'), room: Document }),
    Type.Object({ type: Type.Literal('status'), status: Status }),
    Type.Object({ type: Type.Literal('who'), room: Document })
  ]),
  send: Counts,
  replies: { join: Joined, who: People }
})

export type DocumentName = Static<typeof Document>
export type PersonData = Static<typeof Person>
export type CountsMessage = Static<typeof Counts>
