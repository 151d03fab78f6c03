import Fastify from 'fastify'
import type { FastifyInstance } from 'fastify'
import { setTimeout as delay } from 'node:timers/promises'
import { Type } from '@sinclair/typebox'
import typedWs from '../../lib/index.ts'

/** Below the largest payload that is generated. */
export const maxPayload = 66_000

/** A payload that the route with a small limit refuses. */
export const smallPayload = 100

/** Routes that compress, and how. */
export const deflateRoutes = {
  '/deflate': { threshold: 0, contextTakeover: false, windowBits: 12 },
  '/deflate-context': { threshold: 8, contextTakeover: true, windowBits: 15, memLevel: 9 },
  '/deflate-small': { threshold: 0, contextTakeover: true, windowBits: 8, memLevel: 1, level: 9 }
} as const

const Room = Type.String({ minLength: 1, maxLength: 32 })
const Join = Type.Object({ type: Type.Literal('join'), room: Room, since: Type.Optional(Type.String()) })
const Say = Type.Object({ type: Type.Literal('say'), room: Room, text: Type.String({ maxLength: 100 }) })
const Leave = Type.Object({ type: Type.Literal('leave'), room: Room })
const Slow = Type.Object({ type: Type.Literal('slow'), ms: Type.Integer({ minimum: 0, maximum: 3 }), text: Type.Optional(Type.Unknown()) })
const Joined = Type.Object({ type: Type.Literal('joined'), members: Type.Integer() })
const Heard = Type.Object({ type: Type.Literal('heard'), text: Type.String() })
const Said = Type.Object({ type: Type.Literal('said'), room: Type.String(), text: Type.String() })
const Left = Type.Object({ type: Type.Literal('left') })
const Done = Type.Object({ type: Type.Literal('done') })

/** A server with a route of each kind. */
export async function buildServer (): Promise<FastifyInstance> {
  const app = Fastify({ logger: false, forceCloseConnections: false })
  await app.register(typedWs, { maxPayload, closeTimeout: 4_000, handshakeTimeout: 5_000 })

  app.get('/rest', async () => ({ ok: true }))
  app.post('/rest', async () => ({ ok: true }))
  app.ws('/echo', { codec: 'raw' }, message => message)
  app.get('/slow-rest', async () => {
    await delay(2)
    return { ok: true }
  })
  app.ws('/late', { codec: 'raw', onRequest: async () => { await delay(2) } }, message => message)
  app.ws('/small', { codec: 'raw', maxPayload: smallPayload }, message => message)
  app.ws('/async', { codec: 'raw', concurrency: 2, onOpen: () => delay(1) }, async message => {
    await delay(String(message).length % 3)
    return message
  })
  app.ws('/protocols', { codec: 'raw', subprotocols: ['chat', 'json'] }, message => message)
  for (const [url, options] of Object.entries(deflateRoutes)) {
    app.ws(url, { codec: 'raw', perMessageDeflate: options, budget: { connection: 16 * 1024 * 1024 } }, message => message)
  }
  app.get('/echo', async () => ({ ok: true }))
  app.ws('/json', { schema: { receive: Type.Union([Join, Say, Leave, Slow]), send: Type.Union([Joined, Heard, Said, Left, Done]) } }, {
    async join (message, connection) {
      await connection.join(message.room, { since: message.since })
      return { type: 'joined', members: app.room(message.room).size }
    },
    say (message, connection) {
      void connection.to(message.room).send({ type: 'said', room: message.room, text: message.text })
      return { type: 'heard', text: message.text }
    },
    leave (message, connection) {
      void connection.leave(message.room)
      return { type: 'left' }
    },
    async slow (message) {
      await delay(message.ms)
      if (message.text === 'fail') throw new Error('failed as asked')
      return { type: 'done' }
    }
  })
  return app
}
