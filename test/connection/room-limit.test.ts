import t from 'tap'
import type { Test } from 'tap'
import type { Connection, RouteLimitsOption, WsPluginOptions } from '../../types/index.ts'
import { buildApp } from '../helpers/app.ts'

/** The server's end of a connection to a route with limits. */
async function connect (t: Test, limits?: RouteLimitsOption, plugin: WsPluginOptions = {}): Promise<Connection> {
  const app = await buildApp(t, plugin)
  const connections: Connection[] = []
  app.ws('/', { limits, onOpen (connection) { connections.push(connection) } }, () => {})
  await app.injectWS('/')
  return connections[0]
}

t.test('a connection may be in as many rooms as its route says, and joins no more', async t => {
  const connection = await connect(t, { rooms: 2 })
  await connection.join('a')
  await connection.join('b')
  await t.rejects(connection.join('c'), { code: 'FST_ERR_WS_ROOM_LIMIT', statusCode: 429, message: 'a connection may be in 2 rooms' })
  t.same([...connection.rooms], ['a', 'b'])
})

t.test('it may join a room that it is in', async t => {
  const connection = await connect(t, { rooms: 1 })
  await connection.join('a')
  await t.resolves(connection.join('a'))
})

t.test('a room that it leaves makes room for another', async t => {
  const connection = await connect(t, { rooms: 1 })
  await connection.join('a')
  await connection.leave('a')
  await connection.join('b')
  t.same([...connection.rooms], ['b'])
})

t.test('joining many rooms at the same time does not get past it', async t => {
  const connection = await connect(t, { rooms: 3 })
  const results = await Promise.allSettled(Array.from({ length: 100 }, (_, i) => connection.join(`room ${i}`)))
  t.equal(results.filter(({ status }) => status === 'fulfilled').length, 3)
  t.equal(connection.rooms.size, 3)
})

t.test('without an option it is 1,000', async t => {
  const connection = await connect(t)
  for (let i = 0; i < 1_000; i++) await connection.join(`room ${i}`)
  await t.rejects(connection.join('one more'), { code: 'FST_ERR_WS_ROOM_LIMIT' })
})

t.test('the plugin\'s holds for routes without one, and a route may have none', async t => {
  const inheriting = await connect(t, { messages: 10 }, { limits: { rooms: 1 } })
  await inheriting.join('a')
  await t.rejects(inheriting.join('b'), { code: 'FST_ERR_WS_ROOM_LIMIT' })
  const unlimited = await connect(t, { rooms: Infinity }, { limits: { rooms: 1 } })
  await unlimited.join('a')
  await t.resolves(unlimited.join('b'))
})

t.test('each connection has rooms of its own', async t => {
  const app = await buildApp(t)
  const connections: Connection[] = []
  app.ws('/', { limits: { rooms: 1 }, onOpen (connection) { connections.push(connection) } }, () => {})
  await app.injectWS('/')
  await app.injectWS('/')
  await connections[0].join('a')
  await t.resolves(connections[1].join('a'))
})

t.test('a handler that joins one too many is answered with an error that is the client\'s', async t => {
  const app = await buildApp(t)
  app.ws('/', { limits: { rooms: 1 } }, async (message, connection) => {
    await connection.join(String(message))
    return 'joined'
  })
  const client = await app.injectWS('/')
  client.send('"a"')
  t.equal(await client.receive(), 'joined')
  client.send('"b"')
  t.match(await client.receive(), { type: 'error', code: 'FST_ERR_WS_ROOM_LIMIT' })
})
