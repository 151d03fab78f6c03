import { Type } from '@sinclair/typebox'
import type { Static } from '@sinclair/typebox'
import { defineContract } from 'fastify-typed-ws'
import { experimentNames } from './experiments.ts'
import { FieldSchema } from './frame-fields.ts'

/** Made by the page, and told nobody else: who knows it sees the page's bytes. */
export const Page = Type.String({ pattern: '^[0-9a-f]{32}$' })

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
  problem: Type.Union([Type.Object({ code: Type.String(), closeCode: Type.Integer(), message: Type.String() }), Type.Null()])
})
const End = Type.Object({ type: Type.Literal('end'), ...seen, isReset: Type.Boolean() })
/** So many observations were left out, since the page did not keep up. */
const Skipped = Type.Object({ type: Type.Literal('skipped'), count: Type.Integer() })

export const ObservationSchema = Type.Union([Request, Response, Frame, End, Skipped])
export type Observation = Static<typeof ObservationSchema>

const Ping = Type.Object({ type: Type.Literal('ping') })
const Fragments = Type.Object({ type: Type.Literal('fragments'), text: Type.String({ maxLength: 1000 }), parts: Type.Integer({ minimum: 2, maximum: 8 }) })
const Close = Type.Object({ type: Type.Literal('close'), code: Type.Union([Type.Literal(1000), Type.Integer({ minimum: 3000, maximum: 4999 })]), reason: Type.String({ maxLength: 123 }) })
const Experiment = Type.Object({ type: Type.Literal('experiment'), name: Type.Unsafe<typeof experimentNames[number]>({ type: 'string', enum: [...experimentNames] }) })

export const observer = defineContract({
  receive: Type.Union([Ping, Fragments, Close, Experiment]),
  send: ObservationSchema
})
