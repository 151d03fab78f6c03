import { AsyncLocalStorage } from 'node:async_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { Agenda } from '../lib/connection/agenda.ts'
import { Heartbeat } from '../lib/connection/heartbeat.ts'
import { Turns } from '../lib/connection/turns.ts'
import { outside } from '../lib/outside.ts'
import { Deadlines } from '../lib/route/deadlines.ts'
import type { Connection } from '../types/index.ts'
import { memoryAdapter } from '../lib/index.ts'
import { buildApp, deferred, listen } from './helpers/app.ts'
import { text } from './helpers/bytes.ts'
import { keepAlive } from './helpers/keep-alive.ts'
import { pairedRoute } from './helpers/pairs.ts'
import { RawClient } from './helpers/raw-client.ts'

const store = new AsyncLocalStorage<string>()

t.test('what is started outside knows no store of the request in which it was', async t => {
  await store.run('a request', async () => {
    const seen = await outside(() => delay(1).then(() => store.getStore()))
    t.equal(seen, undefined)
    t.equal(store.getStore(), 'a request')
  })
})

t.test('no timer or turn that serves all runs in the store of whoever was first', async t => {
  keepAlive(t)
  const seen: Array<string | undefined> = []
  const note = (): void => { seen.push(store.getStore()) }
  const beating = { slot: null, beat: note, endIfSilent () {} }
  const heartbeat = new Heartbeat(10, 5)
  store.run('first', () => {
    new Agenda().set({ slot: -1, due: 0, onDue: note }, performance.now())
    heartbeat.add(beating)
    new Turns().wait({ onTurn: note })
    const deadlines = new Deadlines(1)
    deadlines.add({ deadline: deadlines.next(), onDeadline: note })
  })
  while (seen.length < 4) await delay(1)
  heartbeat.delete(beating)
  t.same(new Set(seen), new Set([undefined]))
})

t.test('handlers that waited until the client read what others sent it do not run in the store of those', async t => {
  const app = await buildApp(t, { budget: { connection: 2 ** 26 } })
  const opened = deferred<Connection>()
  const handled = deferred<string | undefined>()
  app.ws('/', { onOpen: connection => opened.resolve(connection) }, () => handled.resolve(store.getStore()))
  const client = await RawClient.open(await listen(app), '/')
  const connection = await opened.promise
  client.socket.pause()
  store.run('another', () => {
    for (let i = 0; i < 16; i++) connection.send('x'.repeat(2 ** 20))
  })
  const before = connection.traffic.received.messages
  client.send('waits')
  while (connection.traffic.received.messages === before) await delay(1)
  client.socket.removeAllListeners('data').resume()
  t.equal(await handled.promise, undefined)
  client.socket.destroy()
})

t.test('handlers run in no store of the upgrade request, whenever their message came', async t => {
  const app = await buildApp(t)
  const seen: unknown[] = []
  app.addHook('onRequest', (_request, _reply, done) => store.run('the upgrade', done))
  app.ws('/', { onOpen: async () => { await delay(20) } }, async message => {
    seen.push(store.getStore())
    await delay(1)
    return message
  })
  const port = await listen(app)
  const client = await RawClient.connect(port)
  client.request('/', { head: text('1') })
  await client.reply()
  client.write(Buffer.concat(Array.from({ length: 40 }, () => text('2'))))
  for (let i = 0; i < 41; i++) await client.frame()
  client.write(text('3'))
  await client.frame()
  t.same(seen, Array.from({ length: 42 }, () => undefined))
})

t.test('what an adapter is asked to do for all runs in no store of who was first', async t => {
  const adapter = memoryAdapter()
  const seen: Array<[string, string | undefined]> = []
  const note = (what: string): void => { seen.push([what, store.getStore()]) }
  const { history } = adapter
  if (history === undefined || history === null) throw new Error('no history')
  const app = await buildApp(t, {
    adapter: {
      history: {
        append: (...args) => { note('append'); return history.append(...args) },
        read: (...args) => { note('read'); return history.read(...args) }
      },
      start: context => adapter.start(context),
      stop: () => adapter.stop(),
      publish: (...args) => adapter.publish(...args),
      subscribe: channel => { note('subscribe'); return adapter.subscribe(channel) },
      unsubscribe: channel => { note('unsubscribe'); return adapter.unsubscribe(channel) }
    }
  })
  app.rooms.declare('chat:*', { history: true })
  const open = pairedRoute(app, '/', {
    codec: {
      binary: false,
      encode: (message: unknown) => { note('encode'); return JSON.stringify(message) },
      decode: String
    }
  })
  const { connection } = await open()
  await store.run('first', async () => {
    await connection.join('chat:1')
    await app.room('chat:1').send({ n: 1 })
    await connection.leave('chat:1')
    t.equal(store.getStore(), 'first')
  })
  const others = new Map(seen)
  t.same([...others.keys()].sort(), ['append', 'encode', 'read', 'subscribe', 'unsubscribe'])
  t.same(new Set(others.values()), new Set([undefined]))
})
