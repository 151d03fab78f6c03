import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import { Broadcast } from '../../../lib/messages/broadcast.ts'
import { Replay } from '../../../lib/rooms/history/replay.ts'
import type { FeedEvent } from '../../../lib/rooms/history/shared-events.ts'
import type { JoinResult } from '../../../types/rooms.ts'
import { ModelClient } from '../../helpers/feed-model.ts'

const result: JoinResult = { recovered: true, replayed: 0, eventId: 'a-9' }

function event (offset: number, except: readonly string[] = []): FeedEvent {
  return { epoch: 'a', offset, broadcast: Broadcast.ofEvent('{}', `a-${offset}`), except }
}

function events (from: number, to: number): FeedEvent[] {
  return Array.from({ length: to - from + 1 }, (_, index) => event(from + index))
}

/** A replay to a client, what it was sent, and whether it is done. */
function replayTo (since: unknown = 'a-1', onSent: ((count: number, client: ModelClient) => void) | null = null): { client: ModelClient, replay: Replay<ModelClient>, sent: number[], done: () => boolean } {
  const client = new ModelClient('c')
  const sent: number[] = []
  let isDone = false
  const replay = new Replay(client, since, ({ offset }) => {
    sent.push(offset)
    onSent?.(sent.length, client)
  }, () => { isDone = true })
  return { client, replay, sent, done: () => isDone }
}

t.test('who reads is sent all at once, and is where the others are in the same turn', async t => {
  const { replay, sent, done } = replayTo()
  t.equal(replay.isWaiting, true)
  replay.start(events(2, 4), result)
  t.same(sent, [2, 3, 4])
  t.equal(done(), true)
  t.equal(await replay.settled, result)
  t.equal(replay.isWaiting, false)
})

t.test('who missed nothing is done, however little it reads', async t => {
  const { client, replay, done } = replayTo()
  client.read(false)
  replay.start([], result)
  t.equal(done(), true)
  t.equal(await replay.settled, result)
})

t.test('who does not read is sent nothing, and what comes meanwhile stands behind what it missed', async t => {
  const { client, replay, sent, done } = replayTo()
  replay.push(event(2))
  client.read(false)
  replay.start(events(2, 3), result)
  replay.push(event(4))
  await setImmediate()
  t.same(sent, [])
  client.read(true)
  await replay.settled
  t.same(sent, [2, 3, 4])
  t.equal(done(), true)
})

t.test('what comes meanwhile and is not for it is not sent to it', async t => {
  const { client, replay, sent } = replayTo()
  client.read(false)
  replay.start([event(2)], result)
  replay.push(event(3, ['c']))
  replay.push(event(4, ['d']))
  client.read(true)
  await replay.settled
  t.same(sent, [2, 4])
})

t.test('who leaves is sent nothing more', async t => {
  const { client, replay, sent, done } = replayTo()
  client.read(false)
  replay.start(events(2, 3), result)
  const left: JoinResult = { recovered: false, replayed: 0, eventId: null }
  replay.cancel(null, left)
  client.read(true)
  t.equal(await replay.settled, left)
  await setImmediate()
  t.same(sent, [])
  t.equal(done(), false)
})

t.test('who leaves because of what it was just sent is sent nothing more', async t => {
  const client = new ModelClient('c')
  const sent: number[] = []
  const replay: Replay<ModelClient> = new Replay(client, 'a-1', ({ offset }) => {
    sent.push(offset)
    replay.cancel(null, result)
  }, () => t.fail('it is not done'))
  replay.start(events(2, 5), result)
  await replay.settled
  t.same(sent, [2])
})

t.test('a thousand that came meanwhile may wait; with one more it is too slow, and nothing is kept for it', async t => {
  const { client, replay, sent } = replayTo()
  client.read(false)
  replay.start(events(2, 10_001), result)
  for (const each of events(10_002, 11_001)) replay.push(each)
  t.same(client.failures, [])
  for (const each of events(11_002, 11_010)) replay.push(each)
  t.same(client.failures, ['it was closed as too slow'], 'once')
  client.read(true)
  await setImmediate()
  t.same(sent, [])
})

t.test('a long replay is not too slow because of what came meanwhile and was sent', async t => {
  const { client, replay, sent } = replayTo('a-1', (count, client) => { if (count % 600 === 0) client.read(false) })
  client.read(false)
  replay.start(events(2, 3), result)
  for (let round = 0; round < 5; round++) {
    for (const each of events(4 + round * 600, 603 + round * 600)) replay.push(each)
    client.read(true)
    await setImmediate()
  }
  t.same(client.failures, [])
  t.same(sent.slice(0, 3_000), events(2, 3_001).map(({ offset }) => offset))
})

t.test('what is no eventId is no place, but was asked', async t => {
  for (const since of ['x', 7, {}]) t.match(replayTo(since).replay, { since: null, wasAsked: true })
  t.match(replayTo(null).replay, { since: null, wasAsked: false })
})
