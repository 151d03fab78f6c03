// Compression, memory and slow consumers.
import Fastify from 'fastify'
import { Type } from '@sinclair/typebox'
import typedWs from '../lib/index.ts'
import { expectTypeOf } from './expect.tst.ts'

const Price = Type.Object({ type: Type.Literal('price'), symbol: Type.String(), price: Type.Number() })

/* Of the plugin. */

const app = Fastify()
await app.register(typedWs, { perMessageDeflate: true, budget: { connection: 65_536, process: 2 ** 28 }, slowConsumer: 'drop-oldest' })
await Fastify().register(typedWs, { perMessageDeflate: { threshold: 0, contextTakeover: true, windowBits: 15, memLevel: 9, level: 1 } })
await Fastify().register(typedWs, { perMessageDeflate: false, slowConsumer: { policy: 'keep-latest', key: message => String(message) } })

// @ts-expect-error no option of compression
await Fastify().register(typedWs, { perMessageDeflate: { windowbits: 15 } })
// @ts-expect-error no policy
await Fastify().register(typedWs, { slowConsumer: 'drop' })
// @ts-expect-error keep-latest needs a key
await Fastify().register(typedWs, { slowConsumer: { policy: 'keep-latest' } })
// @ts-expect-error a key is a string or a number
await Fastify().register(typedWs, { slowConsumer: { policy: 'keep-latest', key: () => true } })

/* Of a route: the key is of what the route sends. */

app.ws('/prices', {
  schema: { send: Price },
  perMessageDeflate: { threshold: 512 },
  budget: { connection: 1024 },
  slowConsumer: {
    policy: 'keep-latest',
    key (message) {
      expectTypeOf(message.symbol).toBe<string>()
      return message.symbol
    }
  }
}, () => {})
// @ts-expect-error the message has no such property
app.ws('/prices', { schema: { send: Price }, slowConsumer: { policy: 'keep-latest', key: message => message.name } }, () => {})
// @ts-expect-error the budget of the process is the plugin's
app.ws('/prices', { budget: { process: 1024 } }, () => {})

/* Of a room: the key is of what the room carries. */

app.rooms.declare('price:*', { send: Price, slowConsumer: { policy: 'keep-latest', key: message => message.symbol } })
app.rooms.declare('volume:*', { send: Price, slowConsumer: { policy: 'keep-latest', key: message => message.price } })
app.rooms.declare('plain', { slowConsumer: 'drop-newest' })
// @ts-expect-error the message has no such property
app.rooms.declare('other:*', { send: Price, slowConsumer: { policy: 'keep-latest', key: message => message.name } })
// @ts-expect-error no policy
app.rooms.declare('other:*', { slowConsumer: 'drop' })

/* What the server counts. */

const { connections, memory, rooms, slowConsumers } = app.wsStats()
expectTypeOf([connections.open, connections.opened, rooms]).toBe<number[]>()
expectTypeOf([memory.held, memory.peak, memory.limit, memory.shed, memory.tooBig]).toBe<number[]>()
expectTypeOf([slowConsumers.closed, slowConsumers.dropped, slowConsumers.replaced]).toBe<number[]>()
// @ts-expect-error counters are for reading
memory.held = 0
