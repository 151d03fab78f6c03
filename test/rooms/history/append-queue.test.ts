import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import type { Test } from 'tap'
import { FST_ERR_WS_SEND_INVALID } from '../../../lib/errors.ts'
import { AppendQueue } from '../../../lib/rooms/history/append-queue.ts'
import { keepAlive } from '../../helpers/keep-alive.ts'
import { numbered, ScriptedHistory, timers } from '../../helpers/scripted-history.ts'

const settings = { size: 10, ttl: 1_000 }
const long = 60_000

/** A queue, its history, and how often it was idle. */
function queueOf (t: Test, timeout = long): { queue: AppendQueue, history: ScriptedHistory, idle: () => number, send: (...seqs: number[]) => Array<Promise<void>> } {
  keepAlive(t)
  const history = new ScriptedHistory()
  let idle = 0
  const queue = new AppendQueue('=r', settings, history, timeout, () => { idle++ })
  return { queue, history, idle: () => idle, send: (...seqs) => seqs.map(seq => queue.add(numbered(seq))) }
}

t.test('the messages of one tick are one append, in order', async t => {
  const { history, send } = queueOf(t)
  const sent = send(1, 2, 3)
  const first = await history.call(0)
  t.same(first.seqs, [1, 2, 3])
  t.equal(first.channel, '=r')
  first.resolve()
  await Promise.all(sent)
  t.equal(history.appends.length, 1)
})

t.test('what comes while an append is on its way leaves with the next one: never two at once', async t => {
  const { history, send } = queueOf(t)
  send(1)
  const first = await history.call(0)
  const sent = send(2)
  await setImmediate()
  sent.push(...send(3))
  await setImmediate()
  t.equal(history.appends.length, 1)
  first.resolve()
  const second = await history.call(1)
  t.same(second.seqs, [2, 3])
  second.resolve()
  await Promise.all(sent)
  t.equal(history.mostAtOnce, 1)
})

t.test('an append that failed is repeated with the same messages, those that came meanwhile behind them', async t => {
  const { queue, history, send } = queueOf(t)
  const sent = send(1, 2)
  ;(await history.call(0)).reject(new Error('lost'))
  await setImmediate()
  sent.push(...send(3))
  queue.retry()
  const second = await history.call(1)
  t.same(second.seqs, [1, 2, 3])
  t.equal(second.envelopes[0], history.appends[0].envelopes[0])
  second.resolve()
  await Promise.all(sent)
})

t.test('it is tried again by itself, too', async t => {
  const { history, send } = queueOf(t)
  const [sent] = send(1)
  for (let index = 0; index < 3; index++) (await history.call(index)).reject(new Error('lost'))
  ;(await history.call(3)).resolve()
  await sent
  t.same(history.appends.map(({ seqs }) => seqs), [[1], [1], [1], [1]])
})

t.test('no append is larger than 256 messages', async t => {
  const { history, send } = queueOf(t)
  const sent = send(...Array.from({ length: 600 }, (_, index) => index + 1))
  for (const [index, length] of [256, 256, 88].entries()) {
    const { seqs, resolve } = await history.call(index)
    t.equal(seqs.length, length)
    t.equal(seqs[0], index * 256 + 1)
    resolve()
  }
  await Promise.all(sent)
})

t.test('what waits too long is refused, with what the adapter said, and not tried again', async t => {
  const { queue, history, idle, send } = queueOf(t, 20)
  const [sent] = send(1)
  ;(await history.call(0)).reject(new Error('READONLY'))
  await t.rejects(sent, { code: 'FST_ERR_WS_ROOM_UNAVAILABLE', statusCode: 503, message: /within 20 ms: READONLY/ })
  const [next] = send(2)
  queue.retry()
  const second = await history.call(history.appends.length)
  t.same(second.seqs, [2])
  second.resolve()
  await next
  t.equal(queue.size, 0)
  t.equal(idle(), 1)
})

t.test('an append that hangs: what waits behind it is refused in time, and follows when it does not hang any more', async t => {
  const { queue, history, idle, send } = queueOf(t, 20)
  const sent = send(1)
  const hanging = await history.call(0)
  sent.push(...send(2, 3))
  for (const promise of sent) await t.rejects(promise, { code: 'FST_ERR_WS_ROOM_UNAVAILABLE' })
  t.equal(queue.size, 1, 'only what is on its way is kept')
  t.equal(history.appends.length, 1)
  hanging.resolve()
  await setImmediate()
  t.equal(queue.size, 0)
  t.equal(idle(), 1)
})

t.test('an adapter that throws has failed as one that rejects', async t => {
  keepAlive(t)
  const queue = new AppendQueue('=r', settings, { append () { throw new Error('thrown') }, read () { throw new Error('thrown') } }, 20, () => {})
  await t.rejects(queue.add(numbered(1)), { code: 'FST_ERR_WS_ROOM_UNAVAILABLE', message: /thrown/ })
})

t.test('ten thousand that expire at once are refused without going through all for each', async t => {
  const { queue, history, send } = queueOf(t, 10)
  const sent = send(...Array.from({ length: 10_000 }, (_, index) => index + 1))
  await history.call(0)
  const results = await Promise.allSettled(sent)
  t.ok(results.every(({ status }) => status === 'rejected'))
  t.equal(queue.size, 256)
})

t.test('when it stops all are refused at once, and nothing is tried again', async t => {
  const { queue, history, idle, send } = queueOf(t)
  await setImmediate()
  const before = timers()
  const sent = send(1, 2)
  ;(await history.call(0)).reject(new Error('lost'))
  await setImmediate()
  queue.stop()
  for (const promise of sent) await t.rejects(promise, { code: 'FST_ERR_WS_ROOM_UNAVAILABLE', message: /closing/ })
  await setImmediate()
  t.equal(history.appends.length, 1)
  t.equal(idle(), 1)
  t.equal(timers(), before)
})

t.test('a message that can never be appended is refused alone: those beside it are tried one by one, in order', async t => {
  const { history, queue, send } = queueOf(t)
  const sent = send(1, 2, 3)
  const tooLarge = new FST_ERR_WS_SEND_INVALID('too large')
  ;(await history.call(0)).reject(tooLarge)
  const first = await history.call(1)
  t.same(first.seqs, [1])
  sent.push(...send(4, 5))
  first.resolve()
  const second = await history.call(2)
  t.same(second.seqs, [2])
  second.reject(tooLarge)
  await t.rejects(sent[1], { code: 'FST_ERR_WS_SEND_INVALID' })
  const third = await history.call(3)
  t.same(third.seqs, [3])
  third.resolve()
  const rest = await history.call(4)
  t.same(rest.seqs, [4, 5])
  rest.resolve()
  await Promise.all(sent.toSpliced(1, 1))
  t.equal(queue.size, 0)
})

t.test('nothing is left when all is taken', async t => {
  const { queue, history, idle, send } = queueOf(t)
  await setImmediate()
  const before = timers()
  const sent = send(1, 2, 3)
  ;(await history.call(0)).resolve()
  await Promise.all(sent)
  await setImmediate()
  t.equal(queue.size, 0)
  t.equal(idle(), 1)
  t.equal(timers(), before)
})
