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

type Join = { type: 'join', room: string }
type Say = { type: 'say', text: string }

/* A map has one handler a message type, each given its own. */

app.ws('/map', { schema }, {
  join (message) {
    expectTypeOf(message).toBe<Join>()
    // @ts-expect-error what belongs to the other type
    void message.text
  },
  say (message) {
    expectTypeOf(message).toBe<Say>()
  }
})

app.ws('/missing', { schema }, {
  // @ts-expect-error no handler for say
  join () {}
})

app.ws('/missing-all', { schema }, {
  // @ts-expect-error no handler at all
})

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
  say (message: Join) {}
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
  expectTypeOf(message).toBe<Join | Say>()
  if (message.type === 'join') return { type: 'joined', members: message.room.length }
  expectTypeOf(message).toBe<Say>()
  connection.send({ type: 'said', text: message.text })
})

app.ws('/async-function', { schema }, async message => ({ type: 'said', text: message.type }))

app.ws('/function-declaration', { schema }, function (message) {
  expectTypeOf(message).toBe<Join | Say>()
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

app.ws('/by-both', { schema: { receive: Twice } }, {
  a: () => {},
  // @ts-expect-error a key of each property
  y: () => {}
})

/* What tells nothing apart keys no map. */

app.ws('/one-type', { schema: { receive: Say } }, {
  say: message => expectTypeOf(message).toBe<Say>()
})

app.ws('/same-literal', {
  schema: {
    receive: Type.Union([
      Type.Object({ type: Type.Literal('a'), kind: Type.Literal('x') }),
      Type.Object({ type: Type.Literal('a'), kind: Type.Literal('y') })
    ])
  }
}, {
  x: () => {},
  y: () => {}
})

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
