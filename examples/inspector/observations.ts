import { Type } from '@sinclair/typebox'
import type { Static } from '@sinclair/typebox'
import { FieldSchema } from './frame-fields.ts'

export const Client = Type.Union([Type.Literal('browser'), Type.Literal('raw')])

/** How the accept value comes about (RFC 6455 section 4.2.2). */
export const Accept = Type.Object({ key: Type.String(), guid: Type.String(), sha1: Type.String(), accept: Type.String() })

/** Connections of a page are numbered; `at` is in milliseconds since the first byte of its connection. */
const seen = { connection: Type.Integer(), at: Type.Number() }
const Way = Type.Union([Type.Literal('in'), Type.Literal('out')])

const Request = Type.Object({ type: Type.Literal('request'), ...seen, client: Client, lines: Type.Array(Type.String()), accept: Type.Union([Accept, Type.Null()]) })
const Response = Type.Object({ type: Type.Literal('response'), ...seen, lines: Type.Array(Type.String()) })
const Frame = Type.Object({
  type: Type.Literal('frame'),
  ...seen,
  /** `in`: from the client to the server. */
  way: Way,
  opcode: Type.String(),
  fields: Type.Array(FieldSchema),
  /** Bytes are hexadecimal. */
  header: Type.String(),
  length: Type.String(),
  wire: Type.String(),
  plain: Type.String(),
  inflated: Type.Union([Type.Object({ bytes: Type.String(), length: Type.Integer() }), Type.Null()]),
  problem: Type.Union([Type.Object({ code: Type.String(), closeCode: Type.Integer(), message: Type.String() }), Type.Null()])
})
const End = Type.Object({ type: Type.Literal('end'), ...seen, isReset: Type.Boolean() })
/** So many observations were left out, since the page did not keep up. */
const Skipped = Type.Object({ type: Type.Literal('skipped'), count: Type.Integer() })

export const ObservationSchema = Type.Union([Request, Response, Frame, End, Skipped])
export type Observation = Static<typeof ObservationSchema>
