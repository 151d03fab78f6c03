import t from 'tap'
import { Findings, nothingWrong, RoomRecord, Truth } from './record.ts'
import type { Joined, RoomMessage } from './messages.ts'

const joined = (eventId: string, recovered = false): Joined => ({ type: 'joined', id: 1, recovered, replayed: 0, eventId })
const said = (eventId: string, n: number, publisher = 'p'): RoomMessage => ({ type: 'said', room: 'room:1', publisher, n, eventId })

function recordOf (begin: string, ...messages: RoomMessage[]): RoomRecord {
  const record = new RoomRecord()
  record.begin()
  record.place(joined(begin))
  for (const message of messages) record.take(message)
  return record
}

function findingsOf (records: readonly RoomRecord[], taken: readonly string[] = []): Findings {
  const findings = new Findings()
  const truth = new Truth('room:1', records, findings)
  truth.checkPublishers()
  truth.checkTaken(new Set(taken))
  for (const [index, record] of records.entries()) truth.checkClient(`c${index}`, record)
  return findings
}

const whole = recordOf('a-0', said('a-1', 1), said('a-2', 2), said('a-4', 3))

t.test('who has everything since it came, and until it went, has lost nothing', async t => {
  const late = recordOf('a-1', said('a-2', 2))
  t.same(findingsOf([whole, late], ['p 1', 'p 3']).counts, nothingWrong)
})

t.test('a message that another client got in between is lost', async t => {
  t.same(findingsOf([whole, recordOf('a-0', said('a-1', 1), said('a-4', 3))]).counts, { ...nothingWrong, lost: 1 })
  t.same(findingsOf([whole, recordOf('a-0', said('a-2', 2))]).counts, { ...nothingWrong, lost: 1 })
})

t.test('so it is where a join said recovered and brought not all', async t => {
  const record = recordOf('a-0', said('a-1', 1))
  record.begin()
  record.take(said('a-4', 3))
  record.place(joined('a-4', true))
  t.same(findingsOf([whole, record]).counts, { ...nothingWrong, lost: 1 })
})

t.test('where the join said not recovered, or a gap was told of, there is a new beginning', async t => {
  const record = recordOf('a-0', said('a-1', 1))
  record.begin()
  record.place(joined('a-2'))
  record.take(said('a-4', 3))
  const told = recordOf('a-0', said('a-1', 1), { type: 'gap', room: 'room:1', eventId: 'a-2' }, said('a-4', 3))
  t.same(findingsOf([whole, record, told]).counts, nothingWrong)
  t.equal(told.gaps, 1)
})

t.test('a message that came twice, or after a later one, or of another epoch is noticed', async t => {
  t.same(findingsOf([recordOf('a-0', said('a-1', 1), said('a-1', 1))]).counts, { ...nothingWrong, duplicated: 1 })
  t.same(findingsOf([recordOf('a-0', said('a-2', 1), said('a-1', 2, 'q'))]).counts, { ...nothingWrong, reordered: 1 })
  t.same(findingsOf([recordOf('a-0', said('a-1', 1), said('b-2', 2))]).counts, { ...nothingWrong, reordered: 1 })
})

t.test('a message that is in the history twice, or before an earlier one of its publisher, is noticed', async t => {
  t.same(findingsOf([recordOf('a-0', said('a-1', 1), said('a-2', 1))]).counts, { ...nothingWrong, duplicated: 1 })
  t.same(findingsOf([recordOf('a-0', said('a-1', 2), said('a-2', 1))]).counts, { ...nothingWrong, reordered: 1 })
})

t.test('two messages at one place, and one that was taken and is nowhere, are noticed', async t => {
  t.same(findingsOf([whole, recordOf('a-0', said('a-1', 1, 'q'))]).counts, { ...nothingWrong, contradictions: 1 })
  t.same(findingsOf([whole], ['p 4']).counts, { ...nothingWrong, unkept: 1 })
})
