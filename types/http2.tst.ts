// Servers of HTTP/2: all is typed as over HTTP/1.1, but what Node's own request and response are.
import type { Http2SecureServer, Http2Server, Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import Fastify from 'fastify'
import type { FastifyPluginAsync } from 'fastify'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import asyncapi from '../lib/asyncapi/index.ts'
import typedWs from '../lib/index.ts'
import type { Connection, InjectedConnection, WsStats } from '../lib/index.ts'
import wsMetrics from '../lib/metrics/index.ts'
import { expectTypeOf } from './expect.tst.ts'

const secure = Fastify({ http2: true, https: { allowHTTP1: true } })
const cleartext = Fastify({ http2: true })

await secure.register(typedWs, { maxPayload: 64 * 1024 })
await secure.register(wsMetrics)
await secure.register(asyncapi)
await cleartext.register(typedWs)

expectTypeOf(secure.server).toBe<Http2SecureServer>()
expectTypeOf(cleartext.server).toBe<Http2Server>()

const Join = Type.Object({ type: Type.Literal('join'), room: Type.String() })
const Say = Type.Object({ type: Type.Literal('say'), text: Type.String() })
const Said = Type.Object({ type: Type.Literal('said'), text: Type.String() })
const schema = { querystring: Type.Object({ name: Type.String() }), receive: Type.Union([Join, Say]), send: Said }

/* Handlers, hooks and data. */

secure.ws('/chat', {
  schema,
  onRequest: async (request, reply) => {
    expectTypeOf(request.query).toBe<{ name: string }>()
    expectTypeOf(request.raw).toBe<Http2ServerRequest>()
    expectTypeOf(reply.raw).toBe<Http2ServerResponse>()
  },
  onOpen: (connection, request) => {
    expectTypeOf(request.query).toBe<{ name: string }>()
    expectTypeOf(request.raw).toBe<Http2ServerRequest>()
    return { name: request.query.name }
  },
  onClose (connection, { code, wasClean }) {
    expectTypeOf(this.server).toBe<Http2SecureServer>()
    expectTypeOf(connection.data).toBe<{ name: string }>()
    expectTypeOf(code).toBe<number>()
    expectTypeOf(wasClean).toBe<boolean>()
  }
}, {
  join (message, connection) {
    expectTypeOf(message).toBe<{ type: 'join', room: string }>()
    expectTypeOf(connection.data).toBe<{ name: string }>()
    // @ts-expect-error text is missing
    connection.send({ type: 'said' })
  },
  say: message => ({ type: 'said', text: message.text })
}).ws('/echo', message => message)

// @ts-expect-error no handler for say
secure.ws('/missing', { schema }, { join: () => {} })

cleartext.ws('/chat', {
  schema,
  preHandler: (request, reply, done) => {
    expectTypeOf(request.raw).toBe<Http2ServerRequest>()
    done()
  }
}, {
  join: () => {},
  say: message => ({ type: 'said', text: message.text })
})

/* A type provider. */

cleartext.withTypeProvider<TypeBoxTypeProvider>().ws('/typebox', { schema, onOpen: (_connection, { query }) => query.name }, (message, connection) => {
  expectTypeOf(message).toBe<{ type: 'join', room: string } | { type: 'say', text: string }>()
  expectTypeOf(connection.data).toBe<string>()
})

/* Scopes and plugins. */

await secure.register(async scope => {
  scope.ws('/scope', { schema }, { join: () => {}, say: message => ({ type: 'said', text: message.text }) })
}, { prefix: '/v1' })

const routes: FastifyPluginAsync<Record<never, never>, Http2SecureServer> = async app => {
  app.ws('/plugin', (message, connection) => { connection.send(message) })
}
await secure.register(routes)

/* Rooms, connections, test clients. */

secure.rooms.declare('chat:*', { send: Said, history: true })
await secure.room('chat:1').send({ type: 'said', text: 'hello' })
expectTypeOf(await secure.room('chat:1').count()).toBe<number>()
for (const connection of secure.wsConnections) expectTypeOf(connection).toBe<Connection>()
expectTypeOf(secure.wsStats()).toBe<WsStats>()
expectTypeOf(await secure.injectWS('/chat', { query: { name: 'ann' }, chunkSize: 1 })).toBe<InjectedConnection>()
expectTypeOf(await cleartext.injectWS('/chat')).toBe<InjectedConnection>()
