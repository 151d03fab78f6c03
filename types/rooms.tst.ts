// Rooms, and what may be sent to them.
import Fastify from 'fastify'
import { Type } from '@sinclair/typebox'
import type { Static } from '@sinclair/typebox'
import type { JsonSchemaToTsProvider } from '@fastify/type-provider-json-schema-to-ts'
import typedWs, { memoryAdapter, MemoryHub } from '../lib/index.ts'
import type { Adapter, Connection, Member, Room, RoomFamily, RoomsStatus } from '../lib/index.ts'
import { expectTypeOf } from './expect.tst.ts'

const Said = Type.Object({ type: Type.Literal('said'), text: Type.String() })
const Ticked = Type.Object({ type: Type.Literal('ticked'), at: Type.Number() })

type SaidMessage = Static<typeof Said>
type TickedMessage = Static<typeof Ticked>

// Applications name the package here: test/package/consumer.ts.
declare module '../lib/index.ts' {
  interface Rooms {
    clock: TickedMessage
    [chat: `chat:${string}`]: SaidMessage
  }
}

const app = Fastify()
await app.register(typedWs, { adapter: memoryAdapter(new MemoryHub()) })

/* Rooms of the interface Rooms, by name and by pattern. */

expectTypeOf(app.room('clock')).toBe<Room<TickedMessage>>()
expectTypeOf(app.room('chat:1')).toBe<Room<SaidMessage>>()

void app.room('chat:1').send({ type: 'said', text: 'hello' })
// @ts-expect-error the clock's message
void app.room('chat:1').send({ type: 'ticked', at: 1 })
// @ts-expect-error at is missing
void app.room('clock').send({ type: 'ticked' })

app.ws('/rooms', { schema: { receive: Type.Object({ id: Type.String() }), send: Said } }, (message, connection) => {
  void connection.to(`chat:${message.id}`).send({ type: 'said', text: 'hello' })
  // @ts-expect-error text is missing
  void connection.to(`chat:${message.id}`).send({ type: 'said' })
  // The room's messages count, not the route's.
  void connection.to('clock').send({ type: 'ticked', at: 1 })
  // @ts-expect-error the route's messages, not the room's
  void connection.to('clock').send({ type: 'said', text: 'hello' })
})

/* Other rooms take anything from the application, and from a connection what its route sends. */

expectTypeOf(app.room('lobby')).toBe<Room>()
void app.room('lobby').send({ any: 'thing' })
function anyRoom (name: string) {
  expectTypeOf(app.room(name)).toBe<Room>()
}

/* Declared rooms. */

const scores = app.rooms.declare('score:*', { send: Ticked })
expectTypeOf(scores).toBe<RoomFamily<TickedMessage>>()
expectTypeOf(scores.room('score:1')).toBe<Room<TickedMessage>>()
void scores.room('score:1').send({ type: 'ticked', at: 1 })
// @ts-expect-error at is a number
void scores.room('score:1').send({ type: 'ticked', at: 'noon' })

const games = app.withTypeProvider<JsonSchemaToTsProvider>().rooms.declare('game:*', {
  send: { type: 'object', properties: { turn: { type: 'integer' } }, required: ['turn'], additionalProperties: false }
})
void games.room('game:1').send({ turn: 1 })
// @ts-expect-error turn is a number
void games.room('game:1').send({ turn: 'mine' })

expectTypeOf(app.rooms.declare('plain:*', {})).toBe<RoomFamily>()
// @ts-expect-error a pattern is a string
app.rooms.declare(/plain/, {})

/* What a room tells. */

const room = app.room('lobby')
expectTypeOf(room.name).toBe<string>()
expectTypeOf(room.size).toBe<number>()
expectTypeOf(room.close(1000, 'over')).toBe<Promise<void>>()
for (const connection of room) {
  expectTypeOf(connection).toBe<Connection>()
  expectTypeOf(room.has(connection)).toBe<boolean>()
  void room.send({ any: 'thing' }, { except: connection })
}
for (const each of app.rooms) expectTypeOf(each).toBe<Room>()
expectTypeOf(app.rooms.size).toBe<number>()
expectTypeOf(app.rooms.has('lobby')).toBe<boolean>()

expectTypeOf(room.count()).toBe<Promise<number>>()
expectTypeOf(room.members()).toBe<Promise<Array<Member>>>()
expectTypeOf(room.members<{ name: string }>({ limit: 10, after: 'id' })).toBe<Promise<Array<Member<{ name: string }>>>>()
expectTypeOf(room.join('user-1')).toBe<Promise<number>>()
expectTypeOf(room.leave('user-1')).toBe<Promise<number>>()
expectTypeOf(app.rooms.status).toBe<RoomsStatus>()

/* History and presence. */

app.rooms.declare('kept:*', { history: true, presence: true })
app.rooms.declare('long:*', { history: { size: 1_000, ttl: 60_000 }, presence: connection => ({ id: connection.id }) })
app.rooms.declare('told:*', { presence: { data: connection => connection.data, notify: { interval: 100, limit: 10 } } })
// @ts-expect-error ttl is a number
app.rooms.declare('bad:*', { history: { ttl: '1 h' } })
app.rooms.declare('shown:*', {
  presence: connection => {
    expectTypeOf(connection).toBe<Connection>()
    return { name: connection.key }
  }
})
// @ts-expect-error interval is a number
app.rooms.declare('bad:*', { presence: { notify: { interval: '1 s' } } })
// @ts-expect-error data is a function
app.rooms.declare('bad:*', { presence: { data: { name: 'ada' } } })
// @ts-expect-error a key is a string
void room.join(1)
// @ts-expect-error after is the id of a member
void room.members({ after: 1 })

/* Adapters are a handful of methods. */

expectTypeOf(memoryAdapter()).toBe<Adapter>()

const adapter: Adapter = {
  async start ({ node, log, onEnvelope }) {
    log.info({ node })
    onEnvelope('=lobby', { kind: 'json', node: 'other', seq: 1, payload: '{}', except: [] })
  },
  async publish (channel, envelope) {
    expectTypeOf(channel).toBe<string>()
    if (envelope.kind === 'close') expectTypeOf(envelope.code).toBe<number>()
    else if (envelope.kind === 'control') expectTypeOf(envelope.payload).toBe<string>()
    else expectTypeOf(envelope.payload).toBe<string | Buffer>()
  },
  async subscribe () {},
  async unsubscribe () {},
  async stop () {}
}
await Fastify().register(typedWs, { adapter })

// @ts-expect-error half an adapter
await Fastify().register(typedWs, { adapter: { start: adapter.start } })
