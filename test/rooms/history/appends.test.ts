import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import type { Test } from 'tap'
import { Appends } from '../../../lib/rooms/history/appends.ts'
import { keepAlive } from '../../helpers/keep-alive.ts'
import { numbered, ScriptedHistory, timers } from '../../helpers/scripted-history.ts'

const settings = { size: 10, ttl: 1_000 }

function appendsOf (t: Test, timeout = 60_000): { appends: Appends, history: ScriptedHistory } {
  keepAlive(t)
  const history = new ScriptedHistory()
  return { appends: new Appends(history, timeout), history }
}

t.test('rooms do not wait for each other', async t => {
  const { appends, history } = appendsOf(t)
  const sent = [appends.add('=a', numbered(1), settings), appends.add('=b', numbered(2), settings)]
  const [, second] = [await history.call(0), await history.call(1)]
  t.same(history.appends.map(({ channel, seqs }) => [channel, seqs]), [['=a', [1]], ['=b', [2]]])
  second.resolve()
  await sent[1]
  t.equal(appends.size, 1)
  history.appends[0].resolve()
  await sent[0]
  t.equal(appends.size, 0)
})

t.test('when the adapter is back all rooms try again at once', async t => {
  const { appends, history } = appendsOf(t)
  const sent = [appends.add('=a', numbered(1), settings), appends.add('=b', numbered(2), settings)]
  for (const index of [0, 1]) (await history.call(index)).reject(new Error('lost'))
  await setImmediate()
  appends.retry()
  await setImmediate()
  t.same(history.appends.slice(2).map(({ channel, seqs }) => [channel, seqs]), [['=a', [1]], ['=b', [2]]])
  for (const { resolve } of history.appends.slice(2)) resolve()
  await Promise.all(sent)
})

t.test('no more than 10,000 wait, those of all rooms together', async t => {
  const { appends, history } = appendsOf(t)
  const sent = Array.from({ length: 10_000 }, (_, index) => appends.add(`=${index % 100}`, numbered(index + 1), settings))
  await t.rejects(appends.add('=x', numbered(10_001), settings), { code: 'FST_ERR_WS_ROOM_UNAVAILABLE', message: /10000 messages wait/ })
  t.equal(appends.size, 10_000)
  await history.call(99)
  history.appends[0].resolve()
  await sent[0]
  await setImmediate()
  t.ok(appends.size < 10_000)
  const stopped = appends.stop(true)
  await Promise.allSettled(sent)
  await stopped
  t.equal(appends.size, 0)
})

t.test('no more than 64 Mi characters wait, and one alone may be larger', async t => {
  const { appends, history } = appendsOf(t)
  const large = 'x'.repeat(40 * 1024 * 1024)
  const first = appends.add('=a', numbered(1, large + large), settings)
  await t.rejects(appends.add('=b', numbered(2), settings), { code: 'FST_ERR_WS_ROOM_UNAVAILABLE', message: /characters wait/ })
  ;(await history.call(0)).resolve()
  await first
  const second = appends.add('=a', numbered(3, large), settings)
  await t.rejects(appends.add('=b', numbered(4, large), settings), { code: 'FST_ERR_WS_ROOM_UNAVAILABLE' })
  ;(await history.call(1)).resolve()
  await second
  t.equal(appends.size, 0)
})

t.test('a room that was sent to is forgotten when all is taken', async t => {
  const { appends, history } = appendsOf(t)
  for (const seq of [1, 2]) {
    const sent = appends.add('=a', numbered(seq), settings)
    ;(await history.call(seq - 1)).resolve()
    await sent
    await setImmediate()
  }
  t.same(history.appends.map(({ seqs }) => seqs), [[1], [2]])
})

t.test('when it stops it takes no more, and what waits is taken first', async t => {
  const { appends, history } = appendsOf(t)
  const sent = appends.add('=a', numbered(1), settings)
  const append = await history.call(0)
  let isStopped = false
  const stopped = appends.stop(false).then(() => { isStopped = true })
  await t.rejects(appends.add('=a', numbered(2), settings), { code: 'FST_ERR_WS_ROOM_UNAVAILABLE', message: /closing/ })
  await setImmediate()
  t.equal(isStopped, false)
  append.resolve()
  await Promise.all([sent, stopped])
  t.equal(isStopped, true)
})

t.test('an adapter that does not take what waits keeps no server from ending', async t => {
  const { appends, history } = appendsOf(t)
  await setImmediate()
  const before = timers()
  const sent = appends.add('=a', numbered(1), settings)
  await history.call(0)
  const refused = t.rejects(sent, { code: 'FST_ERR_WS_ROOM_UNAVAILABLE', message: /closing/ })
  await appends.stop(false)
  await refused
  t.equal(appends.size, 0)
  await setImmediate()
  t.equal(timers(), before)
})
