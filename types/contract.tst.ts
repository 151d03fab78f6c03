// What both ends of a route have in common: replies by message, contracts, and what of them is an error.
import Fastify from 'fastify'
import { Type } from '@sinclair/typebox'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { JsonSchemaToTsProvider } from '@fastify/type-provider-json-schema-to-ts'
import typedWs, { defineContract } from '../lib/index.ts'
import type { ContractOf } from '../lib/index.ts'
import { defineContract as defineForClient } from '../lib/client/index.ts'
import type { ClientMessage, MessageOfType, ReplyTo, Requests, ServerMessage } from '../lib/client/index.ts'
import { expectTypeOf } from './expect.tst.ts'

const app = Fastify()
await app.register(typedWs)

const Join = Type.Object({ type: Type.Literal('join'), room: Type.String() })
const Say = Type.Object({ type: Type.Literal('say'), text: Type.String() })
const Joined = Type.Object({ type: Type.Literal('joined'), members: Type.Integer() })
const Said = Type.Object({ type: Type.Literal('said'), text: Type.String() })
const schema = { receive: Type.Union([Join, Say]), send: Said, replies: { join: Joined } }

type JoinMessage = { type: 'join', room: string }
type SayMessage = { type: 'say', text: string }
type JoinedMessage = { type: 'joined', members: number }
type SaidMessage = { type: 'said', text: string }

/* The handler of a message with a declared reply answers it, now or later. */

app.ws('/replies', { schema }, {
  join: () => ({ type: 'joined', members: 1 }),
  say: message => ({ type: 'said', text: message.text })
})

app.ws('/async', { schema }, {
  async join (message) { return { type: 'joined', members: message.room.length } },
  async say () {}
})

app.ws('/late', { schema }, {
  join: () => Promise.resolve({ type: 'joined', members: 1 }),
  say () {}
})

app.ws('/nothing', { schema }, {
  // @ts-expect-error the reply is missing
  join () {},
  say () {}
})

app.ws('/nothing-async', { schema }, {
  // @ts-expect-error the reply is missing
  async join () {},
  say () {}
})

app.ws('/perhaps-nothing', { schema }, {
  // @ts-expect-error there is not always a reply
  join: message => { if (message.room !== '') return { type: 'joined', members: 1 } },
  say () {}
})

app.ws('/field-missing', { schema }, {
  // @ts-expect-error members is missing
  join: () => ({ type: 'joined' }),
  say () {}
})

app.ws('/field-missing-async', { schema }, {
  // @ts-expect-error members is missing
  async join () { return { type: 'joined' } },
  say () {}
})

app.ws('/wrong-field', { schema }, {
  // @ts-expect-error members is a number
  join: () => ({ type: 'joined', members: 'one' }),
  say () {}
})

app.ws('/wrong-type', { schema }, {
  // @ts-expect-error it is joined that is answered
  join: () => ({ type: 'said', text: 'hello' }),
  // @ts-expect-error joined answers join alone
  say: () => ({ type: 'joined', members: 1 })
})

app.ws('/missing-handler', { schema },
  // @ts-expect-error no handler for say
  { join: () => ({ type: 'joined', members: 1 }) })

/* What is sent otherwise is of schema.send alone. */

app.ws('/send', { schema }, {
  join (message, connection) {
    expectTypeOf(message).toBe<JoinMessage>()
    connection.send({ type: 'said', text: message.room })
    // @ts-expect-error a reply is no message
    connection.send({ type: 'joined', members: 1 })
    return { type: 'joined', members: 1 }
  },
  say (message) { expectTypeOf(message).toBe<SayMessage>() }
})

/* A function answers any of them. */

app.ws('/function', { schema }, message => message.type === 'join' ? { type: 'joined', members: 1 } : { type: 'said', text: message.text })

// @ts-expect-error no such message
app.ws('/function-wrong', { schema }, () => ({ type: 'shouted' }))

/* Without schema.send, what is not a declared reply may be anything. */

app.ws('/no-send', { schema: { receive: Type.Union([Join, Say]), replies: { join: Joined } } }, {
  join: () => ({ type: 'joined', members: 1 }),
  say: () => ({ any: 'thing' })
})

app.ws('/no-send-wrong', { schema: { receive: Type.Union([Join, Say]), replies: { join: Joined } } }, {
  // @ts-expect-error members is missing
  join: () => ({ type: 'joined' }),
  say () {}
})

/* Numbers tell messages apart as well. */

const Numbered = Type.Union([Type.Object({ op: Type.Literal(1) }), Type.Object({ op: Type.Literal(2) })])

app.ws('/numbers', { schema: { receive: Numbered, replies: { 1: Joined } } }, {
  1: () => ({ type: 'joined', members: 1 }),
  2 () {}
})

app.ws('/numbers-nothing', { schema: { receive: Numbered, replies: { 1: Joined } } }, {
  // @ts-expect-error the reply is missing
  1 () {},
  2 () {}
})

/* A reply to what is not received. */

app.ws('/unknown-reply', {
  schema: {
    receive: Type.Union([Join, Say]),
    // @ts-expect-error leave is not received
    replies: { join: Joined, leave: Joined }
  }
}, {
  join: () => ({ type: 'joined', members: 1 }),
  say () {}
})

/* A contract is a schema. */

const chat = defineContract({ receive: Type.Union([Join, Say]), send: Said, replies: { join: Joined } })

app.ws('/contract', { schema: chat }, {
  join: () => ({ type: 'joined', members: 1 }),
  say: message => ({ type: 'said', text: message.text })
})

app.ws('/contract-and-more', { schema: { ...chat, querystring: Type.Object({ name: Type.String() }) }, onOpen: (_connection, request) => request.query.name }, {
  join: (_message, connection) => ({ type: 'joined', members: connection.data.length }),
  say () {}
})

app.ws('/contract-nothing', { schema: chat }, {
  // @ts-expect-error the reply is missing
  join () {},
  say () {}
})

defineContract({
  receive: Type.Union([Join, Say]),
  // @ts-expect-error leave is not received
  replies: { leave: Joined }
})

expectTypeOf(defineForClient).toBe<typeof defineContract>()

// @ts-expect-error replies are by message
defineContract({ receive: Join, replies: Joined })

/* What it says to a client. */

type Chat = typeof chat

declare const sent: ClientMessage<Chat>
expectTypeOf(sent).toBe<JoinMessage | SayMessage>()
declare const received: ServerMessage<Chat>
expectTypeOf(received).toBe<SaidMessage | JoinedMessage>()
declare const reply: ReplyTo<Chat, JoinMessage>
expectTypeOf(reply).toBe<JoinedMessage>()
declare const requests: Requests<Chat>
expectTypeOf(requests).toBe<JoinMessage>()
declare const said: MessageOfType<Chat, 'said'>
expectTypeOf(said.text).toBe<string>()

/* Type providers: those of TypeBox change nothing, JSON schemas need one. */

const typeboxApp = app.withTypeProvider<TypeBoxTypeProvider>()

typeboxApp.ws('/typebox', { schema: chat }, {
  join: () => ({ type: 'joined', members: 1 }),
  say () {}
})

typeboxApp.ws('/typebox-nothing', { schema: chat }, {
  // @ts-expect-error the reply is missing
  join () {},
  say () {}
})

type TypeBoxChat = ContractOf<typeof schema, TypeBoxTypeProvider>
declare const typebox: TypeBoxChat
expectTypeOf(typebox).toBe<{ receive: JoinMessage | SayMessage, send: SaidMessage, replies: { join: JoinedMessage } }>()

const jsonSchema = {
  receive: {
    oneOf: [
      { type: 'object', properties: { type: { const: 'join' }, room: { type: 'string' } }, required: ['type', 'room'], additionalProperties: false },
      { type: 'object', properties: { type: { const: 'quit' } }, required: ['type'], additionalProperties: false }
    ]
  },
  send: { type: 'object', properties: { type: { const: 'said' }, text: { type: 'string' } }, required: ['type', 'text'], additionalProperties: false },
  replies: {
    join: { type: 'object', properties: { type: { const: 'joined' }, members: { type: 'integer' } }, required: ['type', 'members'], additionalProperties: false }
  }
} as const

const jsonApp = app.withTypeProvider<JsonSchemaToTsProvider>()

jsonApp.ws('/json', { schema: jsonSchema }, {
  join: (message, connection) => {
    connection.send({ type: 'said', text: message.room })
    // @ts-expect-error a reply is no message
    connection.send({ type: 'joined', members: 1 })
    return { type: 'joined', members: 1 }
  },
  quit () {}
})

jsonApp.ws('/json-async', { schema: jsonSchema }, {
  async join () { return { type: 'joined', members: 1 } },
  async quit () {}
})

jsonApp.ws('/json-nothing', { schema: jsonSchema }, {
  // @ts-expect-error the reply is missing
  join () {},
  quit () {}
})

jsonApp.ws('/json-wrong', { schema: jsonSchema }, {
  // @ts-expect-error members is a number
  join: () => ({ type: 'joined', members: 'one' }),
  quit () {}
})

jsonApp.ws('/json-unknown-reply', {
  schema: {
    receive: jsonSchema.receive,
    // @ts-expect-error leave is not received
    replies: { leave: jsonSchema.send }
  }
}, {
  join () {},
  quit () {}
})

type JsonChat = ContractOf<typeof jsonSchema, JsonSchemaToTsProvider>
declare const json: ClientMessage<JsonChat>
expectTypeOf(json.type).toBe<'join' | 'quit'>()
declare const jsonReply: ReplyTo<JsonChat, { type: 'join', room: string }>
expectTypeOf(jsonReply).toBe<{ type: 'joined', members: number }>()
declare const jsonRequests: Requests<JsonChat>
expectTypeOf(jsonRequests).toBe<{ type: 'join', room: string }>()

/* Without a type for the schema, any message may have a reply, and its type is not known. */

app.ws('/untyped', { schema: jsonSchema }, message => {
  expectTypeOf(message).toBe<unknown>()
  return { any: 'thing' }
})
