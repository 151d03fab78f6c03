// What a handler may be, what it is given, and what it may answer.
import Fastify from 'fastify'
import { Type } from '@sinclair/typebox'
import typedWs from '../lib/index.ts'
import { expectTypeOf } from './expect.tst.ts'

const app = Fastify()
await app.register(typedWs)

const Join = Type.Object({ type: Type.Literal('join'), room: Type.String() })
const Say = Type.Object({ type: Type.Literal('say'), text: Type.String() })
const Joined = Type.Object({ type: Type.Literal('joined'), members: Type.Integer() })
const Said = Type.Object({ type: Type.Literal('said'), text: Type.String() })
const schema = { receive: Type.Union([Join, Say]), send: Type.Union([Joined, Said]) }

type JoinMessage = { type: 'join', room: string }
type SayMessage = { type: 'say', text: string }

/* A map has one handler a message type, each given its own. */

app.ws('/map', { schema }, {
  join (message) {
    expectTypeOf(message).toBe<JoinMessage>()
    // @ts-expect-error what belongs to the other type
    void message.text
  },
  say (message) {
    expectTypeOf(message).toBe<SayMessage>()
  }
})

// @ts-expect-error no handler for say
app.ws('/missing', { schema }, {
  join () {}
})

// @ts-expect-error no handler at all
app.ws('/missing-all', { schema }, {})

app.ws('/extra', { schema }, {
  join () {},
  say () {},
  // @ts-expect-error no such message
  leave () {}
})

app.ws('/misspelt', { schema }, {
  join () {},
  // @ts-expect-error no such message, and none for say
  shout () {}
})

app.ws('/not-a-function', { schema }, {
  join () {},
  // @ts-expect-error not a function
  say: 'hello'
})

app.ws('/too-narrow', { schema }, {
  join () {},
  // @ts-expect-error say messages are given, not join messages
  say (message: JoinMessage) {}
})

/* What is answered must be a message of schema.send, or nothing, at once or later. */

app.ws('/replies', { schema }, {
  join: () => ({ type: 'joined', members: 1 }),
  say: message => { if (message.text !== '') return { type: 'said', text: message.text } }
})

app.ws('/async-replies', { schema }, {
  async join () { return { type: 'joined', members: 1 } },
  async say () {}
})

app.ws('/late-replies', { schema }, {
  join: () => Promise.resolve({ type: 'joined', members: 1 }),
  say: async message => {
    if (message.text !== '') return { type: 'said', text: message.text }
  }
})

app.ws('/wrong-reply', { schema }, {
  // @ts-expect-error members is a number
  join: () => ({ type: 'joined', members: 'one' }),
  // @ts-expect-error no such message
  say: () => ({ type: 'shouted' })
})

app.ws('/wrong-async-reply', { schema }, {
  // @ts-expect-error members is missing
  async join () { return { type: 'joined' } },
  // @ts-expect-error not a message
  async say () { return 5 }
})

app.ws('/received-is-not-sent', { schema }, {
  // @ts-expect-error join is received, never sent
  join: message => message,
  say: () => {}
})

/* A function is given every message. */

app.ws('/function', { schema }, (message, connection) => {
  expectTypeOf(message).toBe<JoinMessage | SayMessage>()
  if (message.type === 'join') return { type: 'joined', members: message.room.length }
  expectTypeOf(message).toBe<SayMessage>()
  connection.send({ type: 'said', text: message.text })
})

app.ws('/async-function', { schema }, async message => ({ type: 'said', text: message.type }))

app.ws('/function-declaration', { schema }, function (message) {
  expectTypeOf(message).toBe<JoinMessage | SayMessage>()
})

// @ts-expect-error no such message
app.ws('/function-wrong-reply', { schema }, () => ({ type: 'shouted' }))

// @ts-expect-error text is missing
app.ws('/async-function-wrong-reply', { schema }, async () => ({ type: 'said' }))

/* The discriminator may have any name, and number literals. */

app.ws('/numbers', {
  schema: {
    receive: Type.Union([
      Type.Object({ op: Type.Literal(1), d: Type.String() }),
      Type.Object({ op: Type.Literal(2), d: Type.Number() })
    ])
  }
}, {
  1: message => expectTypeOf(message).toBe<{ op: 1, d: string }>(),
  2: message => expectTypeOf(message).toBe<{ op: 2, d: number }>()
})

app.ws('/numbers-extra', {
  schema: {
    receive: Type.Union([
      Type.Object({ op: Type.Literal(1) }),
      Type.Object({ op: Type.Literal(2) })
    ])
  }
}, {
  1: () => {},
  2: () => {},
  // @ts-expect-error no such message
  3: () => {}
})

/* Where two properties tell the members apart, the keys say which is meant. */

const Twice = Type.Union([
  Type.Object({ type: Type.Literal('a'), code: Type.Literal('x'), left: Type.String() }),
  Type.Object({ type: Type.Literal('b'), code: Type.Literal('y'), right: Type.String() })
])

app.ws('/by-type', { schema: { receive: Twice } }, {
  a: message => expectTypeOf(message.left).toBe<string>(),
  b: message => expectTypeOf(message.right).toBe<string>()
})

app.ws('/by-code', { schema: { receive: Twice } }, {
  x: message => expectTypeOf(message.left).toBe<string>(),
  y: message => expectTypeOf(message.right).toBe<string>()
})

// @ts-expect-error a key of each property
app.ws('/by-both', { schema: { receive: Twice } }, {
  a: () => {},
  y: () => {}
})

/* What tells nothing apart keys no map. */

app.ws('/one-type', { schema: { receive: Say } }, {
  say: message => expectTypeOf(message).toBe<SayMessage>()
})

const SameType = Type.Union([
  Type.Object({ type: Type.Literal('a'), kind: Type.Literal('x') }),
  Type.Object({ type: Type.Literal('a'), kind: Type.Literal('y') })
])

app.ws('/same-type', { schema: { receive: SameType } }, {
  x: message => expectTypeOf(message.kind).toBe<'x'>(),
  y: message => expectTypeOf(message.kind).toBe<'y'>()
})

// @ts-expect-error both have the type a
app.ws('/same-type', { schema: { receive: SameType } }, { a: () => {} })

app.ws('/optional-literal', {
  schema: {
    receive: Type.Union([
      Type.Object({ type: Type.Optional(Type.Literal('a')) }),
      Type.Object({ type: Type.Optional(Type.Literal('b')) })
    ])
  }
// @ts-expect-error a message may come without its type
}, { a: () => {}, b: () => {} })

// @ts-expect-error nothing tells strings apart
app.ws('/no-discriminator', { schema: { receive: Type.String() } }, { a: () => {} })

// @ts-expect-error without a schema there is nothing to dispatch by
app.ws('/no-schema', {}, { a: () => {} })

// @ts-expect-error a map needs options with a schema
app.ws('/no-options', { a: () => {} })

/* An error stands where it is made, whatever stands before it. */

app.ws('/missing-after-on-open', {
  schema,
  onOpen: (connection, request) => ({ ip: request.ip })
// @ts-expect-error no handler for say
}, {
  join () {}
})

app.ws('/wrong-reply-after-on-open', {
  schema,
  onOpen: (connection, request) => ({ ip: request.ip })
}, {
  join () {},
  // @ts-expect-error not a message
  say: async () => 5
})
