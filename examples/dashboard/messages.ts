import { Type } from '@sinclair/typebox'
import type { Static } from '@sinclair/typebox'
import { defineContract } from 'fastify-typed-ws'

export const groups = ['web', 'worker', 'store'] as const

/** A room each. */
const Group = Type.Union(groups.map(name => Type.Literal(name)))

/** `number` counts the readings of a machine: those that a gap leaves out were not sent. `time` is the server's, in milliseconds. */
export const Reading = Type.Object({
  type: Type.Literal('reading'),
  machine: Type.String(),
  load: Type.Number(),
  number: Type.Integer(),
  time: Type.Integer()
})

/** Figures of the server, as `app.wsStats()` has them. */
export const Figures = Type.Object({
  type: Type.Literal('figures'),
  connections: Type.Integer(),
  held: Type.Integer(),
  replaced: Type.Integer(),
  dropped: Type.Integer(),
  closed: Type.Integer()
})

const Joined = Type.Object({ type: Type.Literal('joined'), room: Group, readings: Type.Array(Reading) })
const Line = Type.Object({ type: Type.Literal('line'), isNarrow: Type.Boolean() })

/** What a page and the server say to each other. */
export const contract = defineContract({
  receive: Type.Union([
    Type.Object({ type: Type.Literal('join'), room: Group }),
    Type.Object({ type: Type.Literal('leave'), room: Group }),
    Line
  ]),
  send: Type.Union([Reading, Figures]),
  // First all machines of the group as they are, then what changes.
  replies: { join: Joined, line: Line }
})

export type GroupName = Static<typeof Group>
export type ReadingMessage = Static<typeof Reading>
