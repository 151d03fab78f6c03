// What both ends share. The page takes its types only.
import { defineContract } from 'fastify-typed-ws'
import { Type } from '@sinclair/typebox'

const Join = Type.Object({ type: Type.Literal('join'), room: Type.String(), since: Type.Optional(Type.String()) })
const Say = Type.Object({ type: Type.Literal('say'), room: Type.String(), author: Type.String(), number: Type.Integer() })
const Joined = Type.Object({ type: Type.Literal('joined'), recovered: Type.Boolean(), replayed: Type.Integer(), eventId: Type.Union([Type.String(), Type.Null()]) })
const Taken = Type.Object({ type: Type.Literal('taken') })

export const Said = Type.Object({ type: Type.Literal('said'), room: Type.String(), author: Type.String(), number: Type.Integer() })

export const feed = defineContract({ receive: Type.Union([Join, Say]), send: Said, replies: { join: Joined, say: Taken } })
