import t from 'tap'
import { SharedEvents } from '../../../lib/rooms/history/shared-events.ts'
import type { HistoryEvent, HistoryPage } from '../../../types/adapter.ts'
import { numbered } from '../../helpers/scripted-history.ts'

function event (offset: number, seq = offset, payload = '{}'): HistoryEvent {
  return { epoch: 'a', offset, previous: offset - 1, envelope: numbered(seq, payload) }
}

function page (from: number, to: number, floor = from - 1): HistoryPage {
  return { epoch: 'a', head: to, floor, events: Array.from({ length: to - from + 1 }, (_, index) => event(from + index)) }
}

t.test('what is read twice is there once, and what is kept no longer is let go of', t => {
  const events = new SharedEvents()
  const first = events.of(page(1, 10))
  const { held } = events
  t.same(events.of(page(1, 10)).map((event, index) => event === first[index]), first.map(() => true))
  t.equal(events.held, held)
  events.of(page(6, 10))
  t.equal(events.size, 5)
  t.equal(events.held, held / 2)
  events.clear()
  t.same([events.size, events.held], [0, 0])
  t.end()
})

t.test('another message in the place of one that was rolled back takes its place here, too', t => {
  const events = new SharedEvents()
  const before = events.one(event(1, 1, '{"n":1}'))
  const payload = '{"n":2,"text":"longer"}'
  t.not(events.one(event(1, 2, payload)), before)
  t.equal(events.size, 1)
  t.equal(events.held, 256 + 2 * payload.length)
  t.end()
})

t.test('what comes during a replay that never ends does not pile up', t => {
  const events = new SharedEvents()
  for (let offset = 1; offset <= 30_000; offset++) events.one(event(offset))
  t.equal(events.size, 11_000)
  t.equal(events.held, 11_000 * (256 + 2 * 2))
  t.equal(events.one(event(30_000)), events.one(event(30_000)), 'the last ones are kept')
  t.end()
})
