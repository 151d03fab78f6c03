import { Type } from '@sinclair/typebox'
import { defineContract } from 'fastify-typed-ws'
import { experimentNames } from './experiments.ts'
import { ObservationSchema } from './observations.ts'

/** Made by the page, and told nobody else: who knows it sees the page's bytes. */
export const Page = Type.String({ pattern: '^[0-9a-f]{32}$' })

const Ping = Type.Object({ type: Type.Literal('ping') })
const Fragments = Type.Object({ type: Type.Literal('fragments'), text: Type.String({ maxLength: 1000 }), parts: Type.Integer({ minimum: 2, maximum: 8 }) })
const Close = Type.Object({ type: Type.Literal('close'), code: Type.Union([Type.Literal(1000), Type.Integer({ minimum: 3000, maximum: 4999 })]), reason: Type.String({ maxLength: 123 }) })
const Experiment = Type.Object({ type: Type.Literal('experiment'), name: Type.Unsafe<typeof experimentNames[number]>({ type: 'string', enum: [...experimentNames] }) })

/** The route that tells a page what was seen, and is told what to do. */
export const observer = defineContract({
  receive: Type.Union([Ping, Fragments, Close, Experiment]),
  send: ObservationSchema
})
