// What users write, compiled against the packed package; first the README's example.
import { fork } from 'node:child_process'
import cluster from 'node:cluster'
import Fastify from 'fastify'
import typedWs, { defineContract, memoryAdapter, MemoryHub } from 'fastify-typed-ws'
import type { Adapter, InjectedConnection, Room } from 'fastify-typed-ws'
import { carryRooms, clusterAdapter } from 'fastify-typed-ws/cluster'
import type { ClusterAdapterOptions, RoomCarrier } from 'fastify-typed-ws/cluster'
import { Type } from '@sinclair/typebox'
import type { Static } from '@sinclair/typebox'

const Join = Type.Object({ type: Type.Literal('join'), room: Type.String() })
const Say = Type.Object({ type: Type.Literal('say'), room: Type.String(), text: Type.String({ maxLength: 500 }) })
const Joined = Type.Object({ type: Type.Literal('joined'), members: Type.Integer() })
const Said = Type.Object({ type: Type.Literal('said'), from: Type.String(), text: Type.String() })

// What clients send, what the server sends, and what it answers.
export const chat = defineContract({ receive: Type.Union([Join, Say]), send: Said, replies: { join: Joined } })

const app = Fastify({ logger: true })
await app.register(typedWs)

app.ws('/socket', {
  schema: { ...chat, querystring: Type.Object({ name: Type.String() }) },
  onOpen: (connection, request) => ({ name: request.query.name })    // becomes connection.data
}, {
  join (message, connection) {                                       // message: { type: 'join', room: string }
    connection.join(message.room)
    return { type: 'joined', members: app.room(message.room).size }
  },
  say (message, connection) {                                        // never called with an invalid message
    connection.to(message.room).send({ type: 'said', from: connection.data.name, text: message.text })
  }
})

await app.listen({ port: 3000 })

// Seen from outside: types are exactly those of the schemas, and what does not fit them is an error.

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false

function exactly<Expected> () {
  return <Actual>(_value: Actual, ..._mismatch: Same<Actual, Expected> extends true ? [] : [never]) => {}
}

app.ws('/checked', {
  schema: { receive: Type.Union([Join, Say]), send: Said },
  onOpen: async (connection, request) => ({ ip: request.ip })
}, {
  join (message, connection) {
    exactly<{ type: 'join', room: string }>()(message)
    exactly<{ ip: string }>()(connection.data)
    // @ts-expect-error text is missing
    connection.send({ type: 'said', from: 'me' })
  },
  say: async message => ({ type: 'said', from: 'me', text: message.text })
})

// @ts-expect-error no such reply
app.ws('/wrong', { schema: { receive: Say, send: Said } }, async () => ({ type: 'shouted' }))

// @ts-expect-error no handler for say
app.ws('/missing', { schema: { receive: Type.Union([Join, Say]) } }, { join () {} })

app.ws('/untyped', message => exactly<unknown>()(message))

// Typed rooms: users name the package.
declare module 'fastify-typed-ws' {
  interface Rooms {
    [chat: `chat:${string}`]: Static<typeof Said>
  }
}

exactly<Room<{ type: 'said', from: string, text: string }>>()(app.room('chat:1'))
exactly<Room>()(app.room('lobby'))
// @ts-expect-error from is missing
void app.room('chat:1').send({ type: 'said', text: 'hello' })

const scores = app.rooms.declare('score:*', { send: Type.Object({ home: Type.Integer(), away: Type.Integer() }) })
// @ts-expect-error away is missing
void scores.room('score:1').send({ home: 1 })

const adapter: Adapter = memoryAdapter(new MemoryHub())
await Fastify().register(typedWs, { adapter })

const client: InjectedConnection = await app.injectWS('/socket', { query: { name: 'ada' } })
await client.expectClose(1001)

// Several processes on one machine.

const inWorkers: ClusterAdapterOptions = { namespace: 'chat' }
const overIpc: Adapter = clusterAdapter(inWorkers)
const rooms: RoomCarrier = carryRooms()
const worker = cluster.fork()
rooms.add(worker)
rooms.add(fork('other.js'))
rooms.stop()
await overIpc.stop()
// @ts-expect-error a stream is no process
rooms.add(process.stdout)
// @ts-expect-error there is no such option
clusterAdapter({ name: 'chat' })
