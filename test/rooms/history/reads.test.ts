import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import { Reads } from '../../../lib/rooms/history/reads.ts'
import type { HistoryPage } from '../../../types/adapter.ts'
import { deferred } from '../../helpers/app.ts'
import { keepAlive } from '../../helpers/keep-alive.ts'
import { timers } from '../../helpers/scripted-history.ts'

const settings = { size: 10, ttl: 1_000 }
const wanted = (): boolean => true
const page: HistoryPage = { epoch: 'a', head: 1, floor: 0, events: [] }

/** Reads of a history that answers when a test says. */
function readsOf (timeout = 60_000): { reads: Reads, asked: Array<{ channel: string, answer: (page: HistoryPage) => void, fail: (error: unknown) => void }> } {
  const asked: Array<{ channel: string, answer: (page: HistoryPage) => void, fail: (error: unknown) => void }> = []
  const reads = new Reads({
    async append () {},
    read (channel) {
      const { promise, resolve, reject } = deferred<HistoryPage>()
      asked.push({ channel, answer: resolve, fail: reject })
      return promise
    }
  }, timeout)
  return { reads, asked }
}

t.test('a few are read at once, the others in their turn, whatever becomes of those before', async t => {
  const { reads, asked } = readsOf()
  const pages = Array.from({ length: 200 }, (_, index) => reads.page(`=${index}`, null, settings, wanted))
  const settled = Promise.allSettled(pages)
  t.equal(asked.length, 64)
  t.equal(reads.size, 200)
  for (let index = 0; index < 200; index++) {
    if (index % 3 === 0) asked[index].fail(new Error('no'))
    else asked[index].answer(page)
    await setImmediate()
    t.equal(asked.length, Math.min(200, 65 + index), `after ${index + 1}`)
  }
  t.same((await settled).map(({ status }) => status === 'rejected'), Array.from({ length: 200 }, (_, index) => index % 3 === 0))
  t.same(asked.map(({ channel }) => channel), Array.from({ length: 200 }, (_, index) => `=${index}`))
  t.equal(reads.size, 0)
})

t.test('a read that never ends is given up, and its turn with it', async t => {
  keepAlive(t)
  await setImmediate()
  const before = timers()
  const { reads } = readsOf(10)
  const pages = Array.from({ length: 100 }, () => reads.page('=a', null, settings, wanted))
  for (const promise of pages) promise.catch(() => {})
  for (const promise of pages) await t.rejects(promise, { code: 'FST_ERR_WS_ROOM_UNAVAILABLE', message: /not read within 10 ms/ })
  t.equal(reads.size, 0)
  t.equal(timers(), before)
})

t.test('an adapter that throws has failed as one that rejects', async t => {
  const reads = new Reads({ async append () {}, read () { throw new Error('thrown') } }, 1_000)
  await t.rejects(reads.page('=a', null, settings, wanted), { message: 'thrown' })
  t.equal(reads.size, 0)
})

t.test('what nobody wants any more when its turn comes is not read', async t => {
  const { reads, asked } = readsOf()
  let isWanted = true
  const first = Array.from({ length: 64 }, (_, index) => reads.page(`=${index}`, null, settings, wanted))
  const storm = Promise.allSettled(Array.from({ length: 10_000 }, () => reads.page('=storm', null, settings, () => isWanted)))
  const last = reads.page('=last', null, settings, wanted)
  isWanted = false
  asked[0].answer(page)
  t.ok((await storm).every(({ status }) => status === 'rejected'))
  for (const { answer } of asked) answer(page)
  await Promise.all([...first, last])
  t.same(asked.slice(64).map(({ channel }) => channel), ['=last'])
  t.equal(reads.size, 0)
})
