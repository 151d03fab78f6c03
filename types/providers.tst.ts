// Where the types of messages come from.
import Fastify from 'fastify'
import type { FastifyPluginAsync } from 'fastify'
import { Type } from '@sinclair/typebox'
import type { FastifyPluginAsyncTypebox, TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { JsonSchemaToTsProvider } from '@fastify/type-provider-json-schema-to-ts'
import typedWs from '../lib/index.ts'
import { expectTypeOf } from './expect.tst.ts'

const app = Fastify()
await app.register(typedWs)

const Join = Type.Object({ type: Type.Literal('join'), room: Type.String() })
const Say = Type.Object({ type: Type.Literal('say'), text: Type.String() })
const Said = Type.Object({ type: Type.Literal('said'), text: Type.String() })
const schema = {
  querystring: Type.Object({ name: Type.String() }),
  receive: Type.Union([Join, Say]),
  send: Said
}

type JoinMessage = { type: 'join', room: string }
type SayMessage = { type: 'say', text: string }
type SaidMessage = { type: 'said', text: string }

/* TypeBox, with its type provider; without it, all other files show it. */

const typeboxApp = app.withTypeProvider<TypeBoxTypeProvider>()

typeboxApp.ws('/typebox', {
  schema,
  onOpen: (connection, request) => {
    expectTypeOf(request.query).toBe<{ name: string }>()
    return { name: request.query.name }
  }
}, {
  join: (message, connection) => {
    expectTypeOf(message).toBe<JoinMessage>()
    expectTypeOf(connection.data).toBe<{ name: string }>()
    // @ts-expect-error text is missing
    connection.send({ type: 'said' })
  },
  say: message => ({ type: 'said', text: message.text })
})

// @ts-expect-error no handler for say
typeboxApp.ws('/typebox-missing', { schema }, { join: () => {} })

// @ts-expect-error no such message
typeboxApp.ws('/typebox-wrong-reply', { schema }, () => ({ type: 'shouted' }))

const typeboxPlugin: FastifyPluginAsyncTypebox = async scope => {
  scope.ws('/typebox', { schema }, {
    join: message => expectTypeOf(message).toBe<JoinMessage>(),
    say: async message => ({ type: 'said', text: message.text })
  })
}
await app.register(typeboxPlugin, { prefix: '/plugin' })

/* JSON schemas as literals, with json-schema-to-ts. */

const jsonApp = app.withTypeProvider<JsonSchemaToTsProvider>()

jsonApp.ws('/json-schema', {
  schema: {
    querystring: {
      type: 'object',
      properties: { name: { type: 'string' } },
      required: ['name'],
      additionalProperties: false
    },
    receive: {
      oneOf: [
        {
          type: 'object',
          properties: { type: { const: 'join' }, room: { type: 'string' } },
          required: ['type', 'room'],
          additionalProperties: false
        },
        {
          type: 'object',
          properties: { type: { const: 'say' }, text: { type: 'string' } },
          required: ['type', 'text'],
          additionalProperties: false
        }
      ]
    },
    send: {
      type: 'object',
      properties: { type: { const: 'said' }, text: { type: 'string' } },
      required: ['type', 'text'],
      additionalProperties: false
    }
  },
  onOpen: (connection, request) => ({ name: request.query.name })
}, {
  join: (message, connection) => {
    expectTypeOf(message.room).toBe<string>()
    expectTypeOf(connection.data.name).toBe<string>()
    connection.send({ type: 'said', text: message.room })
    // @ts-expect-error text is missing
    connection.send({ type: 'said' })
    // @ts-expect-error what belongs to the other type
    void message.text
  },
  say: message => ({ type: 'said', text: message.text })
})

const oneOf = [
  { type: 'object', properties: { type: { const: 'a' }, n: { type: 'integer' } }, required: ['type', 'n'] },
  { type: 'object', properties: { type: { const: 'b' } }, required: ['type'] }
] as const

jsonApp.ws('/json-schema-constant', { schema: { receive: { oneOf } } }, {
  a: message => expectTypeOf(message.n).toBe<number>(),
  b: message => expectTypeOf(message.type).toBe<'b'>()
})

// @ts-expect-error no handler for b
jsonApp.ws('/json-schema-missing', { schema: { receive: { oneOf } } }, { a: () => {} })

jsonApp.ws('/json-schema-enum', {
  schema: { receive: { type: 'object', properties: { type: { enum: ['only'] } }, required: ['type'] } }
}, {
  only: message => expectTypeOf(message.type).toBe<'only'>()
})

/* Without a schema, and with one that nobody gives a type, messages are unknown. */

app.ws('/untyped', (message, connection) => {
  expectTypeOf(message).toBe<unknown>()
  expectTypeOf(connection.data).toBe<unknown>()
  connection.send({ any: 'thing' })
  connection.send('text')
  return 5
})

app.ws('/untyped-options', { maxPayload: 1024 }, (message, connection) => {
  expectTypeOf(message).toBe<unknown>()
  connection.send(message)
})

app.ws('/untyped-send', { schema: { receive: Say } }, (message, connection) => {
  expectTypeOf(message).toBe<SayMessage>()
  connection.send({ any: 'thing' })
})

app.ws('/untyped-receive', { schema: { send: Said } }, (message, connection) => {
  expectTypeOf(message).toBe<unknown>()
  // @ts-expect-error text is missing
  connection.send({ type: 'said' })
})

app.ws('/untyped-json-schema', { schema: { receive: { type: 'string' } } }, message => {
  expectTypeOf(message).toBe<unknown>()
})

const plainPlugin: FastifyPluginAsync = async scope => {
  scope.ws('/untyped', message => expectTypeOf(message).toBe<unknown>())
  scope.ws('/typed', { schema }, message => expectTypeOf(message).toBe<JoinMessage | SayMessage>())
}
await app.register(plainPlugin)
