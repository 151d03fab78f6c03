import t from 'tap'
import { buildApp, deferred } from '../helpers/app.ts'
import { hostile } from '../helpers/hostile.ts'
import { RawClient } from '../helpers/raw-client.ts'

hostile('a client that asks for room after room is in 1,000 of them, and none is left when it goes', async (t, { app, port }) => {
  const client = await RawClient.open(port, '/')
  client.send('more')
  t.same(await client.message(), { rooms: 1000, refused: { FST_ERR_WS_ROOM_LIMIT: 500 } })
  t.equal(app.rooms.size, 1000)
  client.reset()
  while (app.rooms.size > 0) await new Promise(resolve => setImmediate(resolve))
}, {
  routes: app => app.ws('/', async (_message, connection) => {
    const refused: Record<string, number> = {}
    for (let i = 0; i < 1500; i++) {
      try {
        await connection.join(`room ${i}`)
      } catch (error) {
        const { code } = error as { code: string }
        refused[code] = (refused[code] ?? 0) + 1
      }
    }
    return { rooms: connection.rooms.size, refused }
  })
})

hostile('a room too many that nobody awaits is no unhandledRejection, since it is the client that names rooms', async (t, { port }) => {
  const rejected: unknown[] = []
  const onRejection = (error: unknown): void => { rejected.push(error) }
  process.on('unhandledRejection', onRejection)
  t.after(() => process.off('unhandledRejection', onRejection))
  const client = await RawClient.open(port, '/')
  client.send('join')
  t.same(await client.message(), ['a'])
  await new Promise(resolve => setImmediate(resolve))
  t.same(rejected, [])
}, {
  plugin: { limits: { rooms: 1 } },
  routes: app => app.ws('/', (_message, connection) => {
    void connection.join('a')
    void connection.join('b')
    return [...connection.rooms]
  })
})

hostile('a room that it is in already is none too many', async (t, { port }) => {
  const client = await RawClient.open(port, '/')
  client.send('join')
  t.equal(await client.message(), 1)
}, {
  plugin: { limits: { rooms: 1 } },
  routes: app => app.ws('/', async (_message, connection) => {
    await connection.join('a')
    await connection.join('a')
    return connection.rooms.size
  })
})

t.test('names of rooms that a client chooses are bounded, and any of them is a name like others', async t => {
  const app = await buildApp(t)
  const done = deferred<unknown[]>()
  app.ws('/', async (_message, connection) => {
    const names = ['__proto__', 'constructor', 'a\r\nb', '*', '\u0000', '../..', 'x'.repeat(256)]
    for (const name of names) await connection.join(name)
    done.resolve([[...connection.rooms], names])
    t.throws(() => { void connection.join('x'.repeat(257)) }, { code: 'FST_ERR_WS_ROOM_NAME' })
    t.throws(() => { void connection.join('') }, { code: 'FST_ERR_WS_ROOM_NAME' })
  })
  const client = await app.injectWS('/')
  client.send(1)
  const [rooms, names] = await done.promise
  t.same(rooms, names)
})
