import t from 'tap'
import { Tail } from '../../lib/rooms/tail.ts'
import type { HistoryEvent } from '../../types/adapter.ts'

function event (offset: number, length: number): HistoryEvent {
  return { epoch: 'e', offset, previous: offset - 1, envelope: { kind: 'json', node: 'n', seq: offset, payload: 'x'.repeat(length), except: [] } }
}

function offsets (tail: Tail): { floor: number, offsets: number[] } {
  const { floor, events } = tail.page('e', 5_000)
  return { floor, offsets: events.map(({ offset }) => offset) }
}

t.test('what is pushed is the page, from the floor on', async t => {
  const tail = new Tail(3)
  t.same(tail.page('e', 3), { epoch: 'e', head: 3, floor: 3, events: [] })
  for (const offset of [4, 5]) tail.push(event(offset, 1))
  t.same(offsets(tail), { floor: 3, offsets: [4, 5] })
})

t.test('of more bytes than there may be the oldest messages are left out, and the floor says so', async t => {
  const tail = new Tail(0, 100)
  for (let offset = 1; offset <= 10; offset++) tail.push(event(offset, 30))
  t.same(offsets(tail), { floor: 7, offsets: [8, 9, 10] })
  tail.push(event(11, 100))
  t.same(offsets(tail), { floor: 10, offsets: [11] })
  tail.push(event(12, 101))
  t.same(offsets(tail), { floor: 12, offsets: [] })
  for (let offset = 13; offset <= 4_000; offset++) tail.push(event(offset, 50))
  t.same(offsets(tail), { floor: 3_998, offsets: [3_999, 4_000] })
})

t.test('as many messages as are to be kept are the newest ones', async t => {
  const tail = new Tail(0)
  for (let offset = 1; offset <= 10; offset++) tail.push(event(offset, 1))
  tail.keep(10)
  t.equal(offsets(tail).floor, 0)
  tail.keep(3)
  t.same(offsets(tail), { floor: 7, offsets: [8, 9, 10] })
})

t.test('where it begins anew nothing is left of what was before', async t => {
  const tail = new Tail(0, 100)
  for (let offset = 1; offset <= 10; offset++) tail.push(event(offset, 30))
  tail.restart(20)
  t.same(offsets(tail), { floor: 20, offsets: [] })
  tail.push(event(21, 100))
  t.same(offsets(tail), { floor: 20, offsets: [21] })
})

t.end()
