import { Type } from '@sinclair/typebox'
import type { Static } from '@sinclair/typebox'
import { defineContract } from 'fastify-typed-ws'

/** A board is a square of so many units, whatever the size of the screen that shows it. */
export const side = 2000

const BoardName = Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,23}$' })
const Name = Type.String({ pattern: '\\S', maxLength: 24 })
/** One of the palette: what it looks like is the page's business. */
const Colour = Type.Integer({ minimum: 0, maximum: 5 })
const Coordinate = Type.Integer({ minimum: 0, maximum: side })

/** Part of a line, or all of it. Integers in a row, x and y in turn: nothing is smaller in either codec. */
const line = {
  stroke: Type.Integer({ minimum: 0 }),
  colour: Colour,
  width: Type.Integer({ minimum: 1, maximum: 100 }),
  points: Type.Array(Coordinate, { minItems: 2, maxItems: 512 })
}

const Join = Type.Object({
  type: Type.Literal('join'),
  room: BoardName,
  name: Name,
  colour: Colour,
  /** A secret of the page: by it the page's own strokes are known, after a reconnect as well. */
  key: Type.String({ pattern: '^[0-9a-f]{32}$' })
})
const Leave = Type.Object({ type: Type.Literal('leave'), room: BoardName })
const Draw = Type.Object({ type: Type.Literal('draw'), ...line })
const Point = Type.Object({ type: Type.Literal('point'), x: Coordinate, y: Coordinate })
const Undo = Type.Object({ type: Type.Literal('undo') })
const Clear = Type.Object({ type: Type.Literal('clear') })

const StrokeIdSchema = Type.Object({ by: Type.String(), stroke: Type.Integer() })
const StrokeSchema = Type.Object({ by: Type.String(), ...line, points: Type.Array(Coordinate) })
const PersonSchema = Type.Object({ by: Type.String(), name: Type.String(), colour: Colour })

const Joined = Type.Object({
  type: Type.Literal('joined'),
  by: Type.String(),
  people: Type.Array(Type.Object({ id: Type.String(), data: PersonSchema })),
  strokes: Type.Array(StrokeSchema)
})
export const Drew = Type.Object({ type: Type.Literal('drew'), by: Type.String(), ...line })
export const Removed = Type.Object({ type: Type.Literal('removed'), strokes: Type.Array(StrokeIdSchema) })
export const Cleared = Type.Object({ type: Type.Literal('cleared') })
export const Pointed = Type.Object({ type: Type.Literal('pointed'), by: Type.String(), x: Coordinate, y: Coordinate })

export const whiteboard = defineContract({
  receive: Type.Union([Join, Leave, Draw, Point, Undo, Clear]),
  send: Type.Union([Drew, Removed, Cleared, Pointed]),
  replies: { join: Joined }
})

export type DrawMessage = Static<typeof Draw>
export type StrokeId = Static<typeof StrokeIdSchema>
export type Stroke = Static<typeof StrokeSchema>
export type Person = Static<typeof PersonSchema>
