// The connection, as callbacks get it.
import Fastify from 'fastify'
import { Type } from '@sinclair/typebox'
import typedWs from '../lib/index.ts'
import type { CloseInfo, Connection, JoinResult, ReadyState } from '../lib/index.ts'
import { expectTypeOf } from './expect.tst.ts'

const app = Fastify()
await app.register(typedWs)

const Say = Type.Object({ type: Type.Literal('say'), text: Type.String() })
const Said = Type.Object({ type: Type.Literal('said'), text: Type.String() })
const Left = Type.Object({ type: Type.Literal('left') })
const schema = { receive: Say, send: Type.Union([Said, Left]) }

type SaidMessage = { type: 'said', text: string }
type LeftMessage = { type: 'left' }

/* What onOpen returns is connection.data. */

app.ws('/data', {
  schema,
  onOpen: connection => {
    expectTypeOf(connection.data).toBe<unknown>()
    return { name: 'alice', since: 1 }
  },
  onClose: (connection, info) => {
    expectTypeOf(connection.data).toBe<{ name: string, since: number }>()
    expectTypeOf(info).toBe<CloseInfo>()
  }
}, (message, connection) => {
  expectTypeOf(connection.data).toBe<{ name: string, since: number }>()
})

app.ws('/data-before-schema', {
  onOpen: (connection, request) => ({ name: request.query.name }),
  onClose: connection => expectTypeOf(connection.data).toBe<{ name: string }>(),
  schema: { querystring: Type.Object({ name: Type.String() }) }
}, (message, connection) => {
  expectTypeOf(connection.data).toBe<{ name: string }>()
})

// TypeScript reads from left to right: an onOpen that takes parameters stands before onClose.
app.ws('/data-after-on-close', {
  onClose: connection => expectTypeOf(connection.data).toBe<{ name: string }>(),
  onOpen: () => ({ name: 'alice' })
}, (message, connection) => {
  expectTypeOf(connection.data).toBe<{ name: string }>()
})

app.ws('/data-of-map', { schema, onOpen: () => ({ name: 'alice' }) }, {
  say: (message, connection) => expectTypeOf(connection.data).toBe<{ name: string }>()
})

app.ws('/async-data', {
  schema,
  async onOpen (connection, request) { return { ip: request.ip } },
  async onClose (connection) { expectTypeOf(connection.data).toBe<{ ip: string }>() }
}, (message, connection) => {
  expectTypeOf(connection.data).toBe<{ ip: string }>()
})

app.ws('/void-data', {
  schema,
  onOpen: connection => { connection.send({ type: 'said', text: 'welcome' }) },
  onClose: connection => expectTypeOf(connection.data).toBe<void>()
}, (message, connection) => {
  expectTypeOf(connection.data).toBe<void>()
})

app.ws('/async-void-data', {
  schema,
  onOpen: async connection => { await connection.join('lobby') }
}, (message, connection) => {
  expectTypeOf(connection.data).toBe<void>()
})

app.ws('/no-data', { schema }, (message, connection) => {
  expectTypeOf(connection.data).toBe<unknown>()
})

app.ws('/no-data-in-on-close', {
  schema,
  onClose: connection => expectTypeOf(connection.data).toBe<unknown>()
}, () => {})

app.ws('/data-or-nothing', {
  schema,
  onOpen: (connection, request) => request.ip === '' ? null : { ip: request.ip }
}, (message, connection) => {
  expectTypeOf(connection.data).toBe<{ ip: string } | null>()
})

interface Session { user: string, admin: boolean }

app.ws('/declared-data', {
  schema,
  onOpen: async (): Promise<Session> => ({ user: 'alice', admin: false })
}, (message, connection) => {
  expectTypeOf(connection.data).toBe<Session>()
  // @ts-expect-error what onOpen returned stands
  connection.data = { user: 'mallory', admin: true }
})

/* What is sent must be a message of schema.send. */

app.ws('/send', {
  schema,
  onOpen: connection => {
    connection.send({ type: 'left' })
    // @ts-expect-error no such message
    connection.send({ type: 'shouted' })
  },
  onClose: connection => {
    connection.to('lobby').send({ type: 'left' })
    // @ts-expect-error no such message
    connection.to('lobby').send({ type: 'gone' })
  }
}, (message, connection) => {
  expectTypeOf(connection.send({ type: 'said', text: message.text })).toBe<void>()
  // @ts-expect-error text is missing
  connection.send({ type: 'said' })
  // @ts-expect-error say is received, never sent
  connection.send(message)
  // @ts-expect-error nothing of the kind is declared
  connection.send({ type: 'left', why: 'tired' })

  expectTypeOf(connection.to('lobby').send({ type: 'left' })).toBe<Promise<void>>()
  void connection.to('lobby').send({ type: 'left' }, { except: [connection] })
  // @ts-expect-error text is a string
  void connection.to('lobby').send({ type: 'said', text: 5 })
})

/* The rest of it. */

app.ws('/members', { schema, onOpen: () => ({ name: 'alice' }) }, async (message, connection) => {
  expectTypeOf(connection).toBe<Connection<SaidMessage | LeftMessage, { name: string }>>()
  expectTypeOf(connection.id).toBe<string>()
  expectTypeOf(connection.protocol).toBe<string>()
  expectTypeOf(connection.readyState).toBe<ReadyState>()
  expectTypeOf(connection.bufferedAmount).toBe<number>()
  expectTypeOf(connection.writable).toBe<boolean>()
  expectTypeOf(connection.signal).toBe<AbortSignal>()
  expectTypeOf(connection.rooms).toBe<ReadonlySet<string>>()
  expectTypeOf(await connection.join('lobby', { since: '1-1' })).toBe<JoinResult>()
  expectTypeOf(await connection.ping()).toBe<number>()
  await connection.leave('lobby')
  await connection.drained()
  connection.log.info({ text: message.text })
  connection.close()
  connection.close(1000, 'bye')
  connection.terminate()
  // @ts-expect-error a code is a number
  connection.close('bye')
})

/* Any connection passes where what it sends does not matter. */

function kick (connection: Connection): void {
  connection.close(4000, 'kicked')
}
app.ws('/passed-on', { schema }, (message, connection) => kick(connection))

for (const connection of app.wsConnections) {
  expectTypeOf(connection).toBe<Connection>()
  kick(connection)
}
expectTypeOf(app.wsConnections.size).toBe<number>()
