import { Type } from '@sinclair/typebox'
import type { Static } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { defineContract } from 'fastify-typed-ws'

export const feed = 'feed'

/** Something was paid. A page that has had every one of them, each once, comes to the same `total`. */
export const Payment = Type.Object({
  type: Type.Literal('payment'),
  number: Type.Integer(),
  amount: Type.Integer(),
  total: Type.Integer()
})

/** `key` is the page's own: it finds in the feed what it has said. */
export const Said = Type.Object({ type: Type.Literal('said'), key: Type.String(), text: Type.String() })

/** How it stands: for a page that has missed something. */
const Balance = Type.Object({ number: Type.Integer(), total: Type.Integer() })
const Stands = Type.Composite([Type.Object({ type: Type.Literal('balance') }), Balance])
const Joined = Type.Object({
  type: Type.Literal('joined'),
  pid: Type.Integer(),
  recovered: Type.Boolean(),
  replayed: Type.Integer(),
  eventId: Type.Union([Type.String(), Type.Null()])
})
const Taken = Type.Object({ type: Type.Literal('taken') })

/** What happens to the server. `away`: how long, in milliseconds. `forget`: what histories have is lost, too. */
const Kill = Type.Object({ type: Type.Literal('kill'), away: Type.Integer({ minimum: 0, maximum: 10_000 }), forget: Type.Boolean() })

/** What a page and the server say to each other, besides what the room carries. */
export const contract = defineContract({
  receive: Type.Union([
    Type.Object({ type: Type.Literal('join'), room: Type.Literal(feed), since: Type.Optional(Type.String({ maxLength: 100 })) }),
    Type.Object({ type: Type.Literal('balance') }),
    Type.Object({ type: Type.Literal('say'), key: Type.String({ minLength: 1, maxLength: 40 }), text: Type.String({ pattern: '\\S', maxLength: 200 }) }),
    Type.Object({ type: Type.Literal('drop') }),
    Kill
  ]),
  send: Type.Union([Payment, Said]),
  replies: { join: Joined, balance: Stands, say: Taken }
})

export type BalanceData = Static<typeof Balance>
export type KillMessage = Static<typeof Kill>

/* The same between processes. */

export function isBalance (message: unknown): message is BalanceData {
  return Value.Check(Balance, message)
}

export function isKill (message: unknown): message is KillMessage {
  return Value.Check(Kill, message)
}
