// How long connections last, and how many and how much of each.
import Fastify from 'fastify'
import { Type } from '@sinclair/typebox'
import typedWs from '../lib/index.ts'
import type { Connection, Traffic, WsReadiness } from '../lib/index.ts'
import { expectTypeOf } from './expect.tst.ts'

const Soon = Type.Object({ type: Type.Literal('soon'), seconds: Type.Integer() })
const Say = Type.Object({ type: Type.Literal('say'), text: Type.String() })

/* Of the plugin. */

const app = Fastify()
await app.register(typedWs, {
  idleTimeout: 60_000,
  maxLifetime: false,
  expiryWarning: 30_000,
  limits: { connections: 10_000, connectionsPerIp: 20, connectionsPerKey: 5, messages: 100, bytes: { perSecond: 65_536, burst: 1_048_576 }, perKey: { messages: 10 }, exceed: 'close', rooms: 10 },
  limitKey: request => request.headers['x-user']?.toString(),
  drain: { timeout: 10_000, spread: 2_000, delay: 5_000 }
})
await Fastify().register(typedWs, { limitKey: async () => undefined })

// @ts-expect-error no policy
await Fastify().register(typedWs, { limits: { exceed: 'drop' } })
// @ts-expect-error message types are a route's
await Fastify().register(typedWs, { limits: { payload: { say: 10 } } })
// @ts-expect-error a key is a string
await Fastify().register(typedWs, { limitKey: () => 5 })
// @ts-expect-error true is no duration
await Fastify().register(typedWs, { idleTimeout: true })
// @ts-expect-error no option of draining
await Fastify().register(typedWs, { drain: { deadline: 10 } })

/* Of a route. */

app.ws('/', {
  schema: { receive: Say, send: Soon },
  idleTimeout: false,
  limits: { payload: { say: 1_024 }, messages: { perSecond: 0.5 } },
  onOpen: () => ({ user: 'alice' }),
  onExpiring (connection, expiresAt) {
    expectTypeOf(expiresAt).toBe<Date>()
    expectTypeOf(connection.data).toBe<{ user: string }>()
    connection.send({ type: 'soon', seconds: 5 })
    // @ts-expect-error no such message
    connection.send({ type: 'late' })
  },
  onClose (connection, { closedBy, duration }) {
    expectTypeOf(closedBy).toBe<'client' | 'server' | 'network'>()
    expectTypeOf(duration).toBe<number>()
  }
}, {
  say (message, connection) {
    expectTypeOf(connection.expiresAt).toBe<Date | null>()
    expectTypeOf(connection.latency).toBe<number | null>()
    expectTypeOf(connection.traffic).toBe<Traffic>()
    expectTypeOf(connection.key).toBe<string | undefined>()
    connection.renew(new Date())
    connection.renew(Date.now())
    connection.renew(null)
    // @ts-expect-error a time is no string
    connection.renew('2030-01-01')
  }
})
app.ws('/silent', { schema: { send: Soon }, onExpiring: () => {} }, () => {})
// @ts-expect-error draining is the server's
app.ws('/wrong', { drain: { timeout: 10 } }, () => {})

app.addHook('onRequest', async request => {
  request.wsExpiresAt = Date.now() + 60_000
  request.wsExpiresAt = new Date()
  request.wsExpiresAt = null
  // @ts-expect-error a time is no string
  request.wsExpiresAt = '2030-01-01'
})

/* Of the server. */

expectTypeOf(app.wsConnections.filter(({ key }) => key === 'alice')).toBe<Connection[]>()
expectTypeOf(app.wsReadiness()).toBe<WsReadiness>()
const { connections, upgrades, traffic, messages } = app.wsStats()
expectTypeOf(connections.closed).toBe<Readonly<Record<string, number>>>()
expectTypeOf([upgrades.pending, upgrades.aborted, messages.invalid, messages.failed, messages.limited, traffic.received.messages]).toBe<number[]>()
