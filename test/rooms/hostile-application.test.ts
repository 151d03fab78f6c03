import { setImmediate, setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import type { Test } from 'tap'
import { memoryAdapter } from '../../lib/index.ts'
import type { Connection } from '../../types/index.ts'
import { buildApp, deferred } from '../helpers/app.ts'
import { historyServer } from '../helpers/histories.ts'
import { keepAlive } from '../helpers/keep-alive.ts'
import { pairedRoute, received } from '../helpers/pairs.ts'

/* What an application may do to itself. Nothing of it is awaited, and nothing may become an unhandledRejection. */

function watch (t: Test): unknown[] {
  keepAlive(t)
  const rejected: unknown[] = []
  const listener = (error: unknown): void => { rejected.push(error) }
  process.on('unhandledRejection', listener)
  t.after(() => process.off('unhandledRejection', listener))
  return rejected
}

t.test('a loop that sends to a room with history and waits for nothing: ten thousand are taken, in order, and the others refused', async t => {
  const rejected = watch(t)
  const { app, open } = await historyServer(t, undefined, { declaration: { history: { size: 10_000 } } })
  const { connection } = await open()
  const { eventId } = await connection.join('chat:1')
  await connection.leave('chat:1')
  const sends = Array.from({ length: 30_000 }, (_, n) => app.room('chat:1').send({ n }))
  const refused = (await Promise.allSettled(sends)).flatMap(({ status }, n) => status === 'rejected' ? [n] : [])
  t.equal(refused.length, 20_000)
  t.equal(refused[0], 10_000)
  await t.rejects(sends[29_999], { code: 'FST_ERR_WS_ROOM_UNAVAILABLE', message: /10000 messages wait/ })
  t.match(await connection.join('chat:1', { since: eventId }), { recovered: true, replayed: 10_000 })
  t.match(app.wsStats().adapter, { failed: 20_000, waiting: 0 })
  await setImmediate()
  t.same(rejected, [])
})

t.test('a send to a room without history has reached the members here when it returns, whatever the adapter does', async t => {
  const inner = memoryAdapter()
  const taken = deferred()
  const app = await buildApp(t, {
    adapter: {
      start: context => inner.start(context),
      stop: () => inner.stop(),
      subscribe: channel => inner.subscribe(channel),
      unsubscribe: channel => inner.unsubscribe(channel),
      publish: async channel => { if (channel === '=lobby') await taken.promise }
    }
  })
  const pair = await pairedRoute(app)()
  await pair.connection.join('lobby')
  let isSettled = false
  const sent = app.room('lobby').send({ n: 1 }).then(() => { isSettled = true })
  t.same(await received(pair), [{ n: 1 }])
  t.equal(isSettled, false)
  taken.resolve()
  await sent
})

t.test('data of presence may join, leave, close and send: nothing is thrown, and nobody is left behind', async t => {
  const rejected = watch(t)
  let act: (connection: Connection) => void = () => {}
  const app = await buildApp(t, { limits: { rooms: 20_000 } }, { logger: { stream: { write () {} } } })
  app.rooms.declare('room:*', { presence: { data: connection => act(connection), notify: true }, history: true })
  const open = pairedRoute(app)
  const acts: Array<(connection: Connection) => void> = [
    connection => { void connection.join('room:1') },
    connection => { void connection.leave('room:1') },
    () => { void app.room('room:1').close() },
    connection => connection.terminate(),
    connection => { void connection.to('room:1').send({}) },
    connection => { void connection.join(`room:${connection.rooms.size + 1}`) },
    () => { throw new Error('no data') }
  ]
  for (const next of acts) {
    act = next
    const { connection, closed } = await open()
    void connection.join('room:1')
    act = () => {}
    await delay(1)
    connection.terminate()
    await closed
  }
  t.equal(app.rooms.size, 0)
  t.same(await app.room('room:1').members(), [])
  await setImmediate()
  t.same(rejected, [])
})

t.test('a codec that leaves, joins, closes and sends while it encodes a message to its room', async t => {
  const rejected = watch(t)
  let times = 0
  const { app, open } = await historyServer(t, undefined, {
    route: {
      codec: {
        binary: false,
        decode: String,
        encode (message: unknown) {
          if (times++ < 100) {
            void connection.leave('chat:1')
            void connection.join('chat:1', { since: eventId })
            if (times % 10 === 0) void app.room('chat:1').send({ n: times })
            if (times === 100) connection.close()
          }
          return JSON.stringify(message)
        }
      }
    }
  })
  const { connection, closed, client } = await open()
  const { eventId } = await connection.join('chat:1')
  await app.room('chat:1').send({ n: 0 })
  client.close()
  await closed
  t.ok(times > 0)
  t.equal(app.rooms.size, 0)
  await setImmediate()
  t.same(rejected, [])
})

t.test('the end of the server in the middle of everything, and whatever is called afterwards', async t => {
  const rejected = watch(t)
  for (let turns = 0; turns < 12; turns++) {
    const { app, open } = await historyServer(t)
    const { connection } = await open()
    const room = app.room('chat:1')
    const use = (): void => {
      void connection.join('chat:1', { since: 'a-1' })
      void connection.join('other')
      void room.send({})
      void app.room('other').send({})
      void room.close()
      void connection.leave('chat:1')
    }
    use()
    const asked = [room.count(), room.members(), room.join('key')]
    for (let turn = 0; turn < turns; turn++) await null
    await app.close()
    use()
    await Promise.allSettled(asked)
    await t.rejects(room.send({}), { code: 'FST_ERR_WS_ROOM_UNAVAILABLE', message: /the server is closing/ })
    await t.rejects(room.count(), { code: 'FST_ERR_WS_ROOM_UNAVAILABLE', message: /the server is closing/ })
  }
  await setImmediate()
  t.same(rejected, [])
})
