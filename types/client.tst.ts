// What a client may say, and what it is told, by its contract.
import { Type } from '@sinclair/typebox'
import type { JsonSchemaToTsProvider } from '@fastify/type-provider-json-schema-to-ts'
import { connect, defineContract } from '../lib/client/index.ts'
import type { ErrorMessage, HeartbeatNotice, Notice } from './notices.ts'
import type { ContractOf } from './schema.ts'
import { expectTypeOf } from './expect.tst.ts'

const Join = Type.Object({ type: Type.Literal('join'), room: Type.String(), since: Type.Optional(Type.String()) })
const Say = Type.Object({ type: Type.Literal('say'), room: Type.String(), text: Type.String() })
const Leave = Type.Object({ type: Type.Literal('leave'), room: Type.String() })
const Joined = Type.Object({ type: Type.Literal('joined'), recovered: Type.Boolean(), eventId: Type.String() })
const Said = Type.Object({ type: Type.Literal('said'), room: Type.String(), text: Type.String() })
const Taken = Type.Object({ type: Type.Literal('taken') })

const chat = defineContract({ receive: Type.Union([Join, Say, Leave]), send: Said, replies: { join: Joined, say: Taken } })

type JoinedMessage = { type: 'joined', recovered: boolean, eventId: string }
type SaidMessage = { type: 'said', room: string, text: string }

/* TypeBox. */

const socket = connect<typeof chat>('/chat')

socket.send({ type: 'say', room: 'a', text: 'hello' })
// @ts-expect-error there is no such message
socket.send({ type: 'shout', text: 'hello' })
// @ts-expect-error text is missing
socket.send({ type: 'say', room: 'a' })
// @ts-expect-error text is a string
socket.send({ type: 'say', room: 'a', text: 5 })
// @ts-expect-error there is no such field
socket.send({ type: 'leave', room: 'a', text: 'bye' })

declare const room: string
expectTypeOf(await socket.request({ type: 'join', room })).toBe<JoinedMessage>()
expectTypeOf(await socket.request({ type: 'say', room, text: 'hello' }, { timeout: 5, signal: new AbortController().signal })).toBe<{ type: 'taken' }>()
// @ts-expect-error nothing is answered to it
socket.request({ type: 'leave', room })
// @ts-expect-error text is missing
socket.request({ type: 'say', room })
// @ts-expect-error there is no such message
socket.request({ type: 'shout' })
// @ts-expect-error there is no such field
socket.request({ type: 'join', room, password: 'a' })
// @ts-expect-error there is no such option
socket.request({ type: 'join', room }, { after: 5 })

socket.on('said', message => expectTypeOf(message).toBe<SaidMessage & { readonly eventId?: string }>())
socket.on('joined', message => expectTypeOf(message.recovered).toBe<boolean>())
socket.on('error', message => expectTypeOf(message).toBe<ErrorMessage & { readonly room?: string }>())
socket.on('heartbeat', message => expectTypeOf(message).toBe<HeartbeatNotice>())
// @ts-expect-error the server never says that
socket.on('say', () => {})
// @ts-expect-error there is no such field
socket.on('said', message => message.from)

expectTypeOf(await socket.join('a', reply => expectTypeOf(reply).toBe<JoinedMessage>())).toBe<JoinedMessage>()
for await (const message of socket) expectTypeOf(message).toBe<SaidMessage | JoinedMessage | { type: 'taken' } | Notice>()

connect<typeof chat>('/chat', {
  authenticate: async refused => refused === null ? { query: { token: 'a' } } : null,
  rooms: {
    join: (room, since) => ({ type: 'join', room, since }),
    leave: room => ({ type: 'leave', room }),
    roomOf: message => message.type === 'said' ? message.room : undefined
  }
})
// @ts-expect-error a room is not joined by saying nothing
connect<typeof chat>('/chat', { rooms: { join: room => ({ type: 'leave', room }) } })
// @ts-expect-error it tells nothing apart
connect<typeof chat>('/chat', { discriminator: 'room' })

// The declared schemas are unions, too.
const unions = defineContract({ receive: Type.Union([Join, Say]), send: Type.Union([Said, Taken]) })
const plain = connect<typeof unions>('/chat')
expectTypeOf(await plain.request({ type: 'say', room, text: 'hello' })).toBe<SaidMessage | { type: 'taken' }>()
plain.on('taken', message => expectTypeOf(message.type).toBe<'taken'>())

// @ts-expect-error nobody shouts
defineContract({ receive: Say, send: Said, replies: { shout: Taken } })
defineContract({ receive: Say, send: Said, replies: { say: Taken } })
defineContract({ receive: { type: 'object' }, replies: { anything: { type: 'object' } } })

/* Types. */

interface Ask { op: 'ask', question: string }
interface Move { op: 'move', x: number }
interface Answer { op: 'answer', text: string }
interface Moved { op: 'moved', x: number }

const types = connect<{ receive: Ask | Move, send: Moved, replies: { ask: Answer } }>('/types', { discriminator: 'op' })
types.send({ op: 'move', x: 5 })
// @ts-expect-error there is no such message
types.send({ op: 'jump' })
expectTypeOf(await types.request({ op: 'ask', question: 'why?' })).toBe<Answer>()
// @ts-expect-error nothing is answered to it
types.request({ op: 'move', x: 5 })
types.on('moved', message => expectTypeOf(message.x).toBe<number>())
types.on('answer', message => expectTypeOf(message.text).toBe<string>())
types.on('error', message => expectTypeOf(message.code).toBe<string>())
// @ts-expect-error no message of the server
types.on('ask', () => {})
// @ts-expect-error no property of all messages
connect<{ receive: Ask, send: Moved | Answer }>('/types', { discriminator: 'x' })

/* Numbers tell messages apart as well. */

const numbers = connect<{ receive: { kind: 1, a: string } | { kind: 2 }, send: { kind: 3 }, replies: { 1: { kind: 4, b: string } } }>('/numbers', { discriminator: 'kind' })
expectTypeOf(await numbers.request({ kind: 1, a: 'a' })).toBe<{ kind: 4, b: string }>()
// @ts-expect-error nothing is answered to it
numbers.request({ kind: 2 })
numbers.on(4, message => expectTypeOf(message.b).toBe<string>())

/* JSON schemas, by their type provider. */

const jsonSchema = {
  receive: {
    oneOf: [
      { type: 'object', properties: { type: { const: 'add' }, n: { type: 'integer' } }, required: ['type', 'n'], additionalProperties: false },
      { type: 'object', properties: { type: { const: 'reset' } }, required: ['type'], additionalProperties: false }
    ]
  },
  send: { type: 'object', properties: { type: { const: 'sum' }, sum: { type: 'integer' } }, required: ['type', 'sum'], additionalProperties: false },
  replies: {
    add: { type: 'object', properties: { type: { const: 'added' }, sum: { type: 'integer' } }, required: ['type', 'sum'], additionalProperties: false }
  }
} as const

const json = connect<ContractOf<typeof jsonSchema, JsonSchemaToTsProvider>>('/json')
json.send({ type: 'reset' })
// @ts-expect-error n is missing
json.send({ type: 'add' })
expectTypeOf(await json.request({ type: 'add', n: 5 })).toBe<{ type: 'added', sum: number }>()
// @ts-expect-error nothing is answered to it
json.request({ type: 'reset' })
json.on('sum', message => expectTypeOf(message.sum).toBe<number>())

/* Without a contract anything goes. */

const untyped = connect('/any')
untyped.send({ any: 'thing' })
expectTypeOf(await untyped.request({ any: 'thing' })).toBe<unknown>()
untyped.on('error', message => expectTypeOf(message.code).toBe<string>())
untyped.on('anything', message => expectTypeOf(message.field).toBe<unknown>())
for await (const message of untyped) expectTypeOf(message).toBe<unknown>()
