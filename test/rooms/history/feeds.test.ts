import { mock } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import { Feeds } from '../../../lib/rooms/history/feeds.ts'
import type { AdapterHistory, HistoryPage } from '../../../types/index.ts'
import { buildApp } from '../../helpers/app.ts'
import { pairedRoute } from '../../helpers/pairs.ts'
import type { ServerConnection } from '../../../lib/connection/connection.ts'

const settings = { size: 10, ttl: 60_000 }

t.test('quiet rooms are looked at by and by, while the adapter is there', async t => {
  const setInterval = mock.method(globalThis, 'setInterval')
  t.teardown(() => setInterval.mock.restore())
  const read: string[] = []
  const history: AdapterHistory = {
    async append () {},
    async read (channel): Promise<HistoryPage> {
      read.push(channel)
      return { epoch: 'a', head: 0, floor: 0, events: [] }
    }
  }
  let isReady = true
  const counters = { recovered: 0, unrecovered: 0, replayed: 0, gaps: 0, broken: 0 }
  const feeds = new Feeds({ history, timeout: 1_000, counters, budget: { change () {} }, deliver () {}, deliverToAll () {}, onGap () {}, refuse () {}, onReadFailed () {}, isReady: () => isReady })
  feeds.start()
  const { arguments: [verify] } = setInterval.mock.calls[setInterval.mock.callCount() - 1]
  t.teardown(() => feeds.stop())
  const { connection } = await pairedRoute(await buildApp(t))()
  for (let room = 0; room < 60; room++) await feeds.join(String(room), settings, connection as ServerConnection, undefined, Promise.resolve(), false)
  t.equal(feeds.size, 60)
  async function turns (count: number): Promise<number> {
    read.length = 0
    for (let turn = 0; turn < count; turn++) verify()
    await setImmediate()
    return read.length
  }
  t.equal(await turns(1), 2, 'a part of them in each turn')
  t.equal(await turns(29), 58)
  t.equal(new Set(read).size, 58)
  isReady = false
  t.equal(await turns(30), 0, 'all are read when it is back')
  isReady = true
  t.equal(await turns(30), 60)
  read.length = 0
  feeds.recover()
  await setImmediate()
  t.equal(read.length, 60)
  for (let room = 0; room < 60; room++) feeds.drop(String(room))
  t.equal(feeds.size, 0)
  t.equal(await turns(30), 0)
})

t.test('joins are counted by what became of them', async t => {
  const history: AdapterHistory = { async append () {}, async read () { return { epoch: 'a', head: 3, floor: 1, events: [] } } }
  const counters = { recovered: 0, unrecovered: 0, replayed: 0, gaps: 0, broken: 0 }
  const feeds = new Feeds({ history, timeout: 1_000, counters, budget: { change () {} }, deliver () {}, deliverToAll () {}, onGap () {}, refuse () {}, onReadFailed () {}, isReady: () => true })
  const { connection } = await pairedRoute(await buildApp(t))()
  for (const since of [undefined, null, 'a-3', 'a-0', 'b-3', 'nonsense', 7]) await feeds.join('r', settings, connection as ServerConnection, since, Promise.resolve(), false)
  t.match(counters, { recovered: 1, unrecovered: 4, replayed: 0 })
  feeds.stop()
  t.equal(feeds.size, 0)
})
