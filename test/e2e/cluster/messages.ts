import { Type } from '@sinclair/typebox'
import type { Static } from '@sinclair/typebox'

const Id = Type.Optional(Type.Union([Type.Integer(), Type.String()]))

/** Asks to be in a room, and for what came after `since`. */
export const Join = Type.Object({ type: Type.Literal('join'), id: Id, room: Type.String(), since: Type.Optional(Type.String()) })
export const Leave = Type.Object({ type: Type.Literal('leave'), id: Id, room: Type.String() })
/** Sends to a room; `n` counts what `publisher` sends to it. */
export const Say = Type.Object({ type: Type.Literal('say'), id: Id, room: Type.String(), publisher: Type.String(), n: Type.Integer() })
/** What rooms carry. */
export const Said = Type.Object({ type: Type.Literal('said'), room: Type.String(), publisher: Type.String(), n: Type.Integer() })

export type SaidMessage = Static<typeof Said>

/** Replies to `join`, `leave` and `say`: the `id` of what they answer is theirs. */
export interface Joined {
  readonly type: 'joined'
  readonly id: number
  readonly recovered: boolean
  readonly replayed: number
  readonly eventId: string | null
}

export interface Done {
  readonly type: 'done'
  readonly id: number
}

export interface Refused {
  readonly type: 'refused'
  readonly id: number
  /** The error's. */
  readonly code: string
}

/** What members of rooms get. */
export type RoomMessage =
  | SaidMessage & { readonly eventId?: string }
  | { readonly type: 'gap', readonly room: string, readonly eventId: string }

export type ServerMessage = Joined | Done | Refused | RoomMessage
