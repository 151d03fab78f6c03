// app.ws as a route of Fastify: its request, its hooks, its scope, its options.
import Fastify from 'fastify'
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest, FastifySchema } from 'fastify'
import { TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import typedWs from '../lib/index.ts'
import type { Codec, Connection, InvalidMessageError, Payload, WsRoute } from '../lib/index.ts'
import { expectTypeOf } from './expect.tst.ts'

declare module 'fastify' {
  interface FastifyInstance {
    authenticate (request: FastifyRequest, reply: FastifyReply): Promise<void>
  }
  interface FastifyRequest {
    user: string
  }
  interface FastifyContextConfig {
    rank?: number
  }
}

const app = Fastify()
await app.register(typedWs)

/* The upgrade request, as its schemas describe it. */

app.ws('/:room/:page', {
  schema: {
    querystring: Type.Object({ name: Type.String(), age: Type.Optional(Type.Integer()) }),
    params: Type.Object({ room: Type.String(), page: Type.Integer() }),
    headers: Type.Object({ 'x-token': Type.String() })
  },
  onOpen: (connection, request) => {
    expectTypeOf(request.query).toBe<{ name: string, age?: number }>()
    expectTypeOf(request.params).toBe<{ room: string, page: number }>()
    expectTypeOf(request.headers['x-token']).toBe<string>()
    expectTypeOf(request.headers.origin).toBe<string | undefined>()
    expectTypeOf(request.user).toBe<string>()
    // @ts-expect-error not in the schema
    void request.query.nobody
  }
}, () => {})

app.ws('/no-schemas', {
  onOpen: (connection, request) => {
    expectTypeOf(request.query).toBe<unknown>()
    expectTypeOf(request.params).toBe<unknown>()
    expectTypeOf(request.headers.host).toBe<string | undefined>()
  }
}, () => {})

/* Hooks, as those of REST routes. */

app.ws('/hooks', {
  schema: { querystring: Type.Object({ name: Type.String() }) },
  onRequest: app.authenticate,
  preValidation: [app.authenticate, async request => expectTypeOf(request.query).toBe<{ name: string }>()],
  preHandler: (request, reply, done) => {
    expectTypeOf(request.query).toBe<{ name: string }>()
    done()
  },
  onError: async (request, reply, error) => expectTypeOf(error.code).toBe<string>(),
  onRequestAbort: async () => {},
  config: { rank: 1 },
  logLevel: 'warn',
  constraints: { host: 'example.com' },
  errorHandler (error, request, reply) {
    expectTypeOf(error.message).toBe<string>()
    void reply.send({ code: error.code })
  }
}, () => {})

app.ws('/hook-list', { onRequest: [app.authenticate] }, () => {})

app.ws('/wrong-hook', {
  // @ts-expect-error not a hook
  onRequest: 'authenticate'
}, () => {})

/* `this` is the instance, in every callback that has one. */

app.ws('/this', {
  onOpen () { expectTypeOf(this).toBe<FastifyInstance>() },
  onClose () { expectTypeOf(this).toBe<FastifyInstance>() }
}, function () {
  expectTypeOf(this).toBe<FastifyInstance>()
})

app.ws('/this-of-function', function (message, connection) {
  expectTypeOf(this).toBe<FastifyInstance>()
  expectTypeOf(connection).toBe<Connection>()
})

app.ws('/this-of-map', { schema: { receive: Type.Object({ type: Type.Literal('say') }) } }, {
  say () { expectTypeOf(this).toBe<FastifyInstance>() }
})

/* It is chainable, beside REST routes and on their URLs. */

expectTypeOf(app.ws('/x', () => {})).toBe<FastifyInstance>()
app.get('/x', async () => 'x').ws('/chained', () => {}).ws('/chained-too', {}, () => {}).get('/y', async () => 'y')

/* In scopes. */

const plugin: FastifyPluginAsync<{ greeting: string }> = async (scope, { greeting }) => {
  const Greeted = Type.Object({ type: Type.Literal('greeted'), greeting: Type.String() })
  scope.ws('/', { schema: { send: Greeted }, onOpen: () => greeting }, (message, connection) => {
    expectTypeOf(connection.data).toBe<string>()
    return { type: 'greeted', greeting: connection.data }
  })
}
await app.register(plugin, { prefix: '/scope', greeting: 'hello' })

app.register((scope, options, done) => {
  scope.ws('/', { schema: { receive: Type.String(), send: Type.String() } }, message => message.toUpperCase())
  done()
}, { prefix: '/callback' })

void app.register(async scope => {
  scope.ws('/', {
    schema: { receive: Type.Object({ type: Type.Literal('say'), text: Type.String() }), send: Type.Object({ text: Type.String() }) }
  }, {
    say: async message => ({ text: message.text })
  })
}, { prefix: '/async' })

/* Compilers of a route. */

app.ws('/compilers', {
  validatorCompiler: TypeBoxValidatorCompiler,
  serializerCompiler: ({ schema }) => {
    expectTypeOf(schema).toBe<FastifySchema>()
    return data => JSON.stringify(data)
  }
}, () => {})

app.ws('/inline-compiler', { validatorCompiler: ({ schema, url }) => value => url !== '' && schema !== value }, () => {})

app.ws('/wrong-compiler', {
  // @ts-expect-error a compiler answers a validator
  validatorCompiler: () => true
}, () => {})

/* Options of the connection, by route and by plugin. */

const codec: Codec = {
  decode: payload => JSON.parse(String(payload)),
  encode: value => Buffer.from(JSON.stringify(value)),
  binary: true
}

app.ws('/options', {
  maxPayload: 1024,
  highWaterMark: 1024,
  closeTimeout: 1000,
  concurrency: Infinity,
  onInvalid: 'close',
  origin: ['https://example.com', 'https://*.example.com'],
  subprotocols: ['v1', 'v2'],
  codec: { json: 'json', raw: 'raw', binary: codec }
}, () => {})

app.ws('/option-functions', {
  codec,
  onInvalid: (error, connection, payload) => {
    expectTypeOf(error).toBe<InvalidMessageError>()
    expectTypeOf(connection).toBe<Connection>()
    expectTypeOf(payload).toBe<Payload>()
    connection.close(error.closeCode)
  },
  origin: async (origin, request) => origin.startsWith('https:') && request.ip !== '',
  subprotocols: (offered, request) => request.ip === '' ? null : offered[0] ?? null
}, () => {})

app.ws('/raw', { codec: 'raw', origin: { dangerouslyAllowAny: true } }, message => {
  expectTypeOf(message).toBe<unknown>()
})

app.ws('/wrong-codec', {
  // @ts-expect-error no such codec
  codec: 'xml'
}, () => {})

app.ws('/half-a-codec', {
  // @ts-expect-error nothing encodes
  codec: { decode: (payload: Payload) => payload, binary: true }
}, () => {})

app.ws('/wrong-on-invalid', {
  // @ts-expect-error no such way
  onInvalid: 'ignore'
}, () => {})

app.ws('/safe-origin', {
  // @ts-expect-error allowing any origin takes the word danger
  origin: { allowAny: true }
}, () => {})

app.ws('/unknown-option', {
  // @ts-expect-error no such option
  maxPayloads: 5
}, () => {})

app.ws('/plugin-option', {
  // @ts-expect-error an option of the plugin
  handshakeTimeout: 5
}, () => {})

app.ws('/rest-option', {
  // @ts-expect-error its name is maxPayload here
  bodyLimit: 5
}, () => {})

// @ts-expect-error no handler
app.ws('/no-handler')

// @ts-expect-error no handler
app.ws('/no-handler', { maxPayload: 5 })

await Fastify().register(typedWs, {
  maxPayload: 1024,
  handshakeTimeout: 5000,
  origin: 'same-origin',
  ajv: { customOptions: { allErrors: true } }
})

// @ts-expect-error a size is a number
await Fastify().register(typedWs, { maxPayload: '64k' })

/* All routes, as tools see them. */

expectTypeOf(app.wsRoutes).toBe<readonly WsRoute[]>()
expectTypeOf(app.wsRoutes[0].contentTypes['']).toBe<string>()

// @ts-expect-error routes are declared by app.ws
app.wsRoutes.push(app.wsRoutes[0])

app.ws('/content-type', { codec: { decode: String, encode: String, binary: false, contentType: 'text/csv' } }, () => {})

// @ts-expect-error a content type is a string
app.ws('/no-content-type', { codec: { decode: String, encode: String, binary: false, contentType: 5 } }, () => {})

app.ws('/notify', { heartbeat: { notify: true } }, () => {})

// @ts-expect-error either it is notified or it is not
app.ws('/notify-wrong', { heartbeat: { notify: 'always' } }, () => {})
