import fc from 'fast-check'
import t from 'tap'
import { eventIdOf, parseEventId } from '../../../lib/rooms/history/event-id.ts'
import { holds } from '../../helpers/property.ts'

t.test('an eventId is the epoch and the offset, and is read as what it was made of', async t => {
  t.equal(eventIdOf({ epoch: 'aZ09', offset: 17 }), 'aZ09-17')
  holds(t, fc.property(fc.stringMatching(/^[A-Za-z0-9]{1,64}$/), fc.maxSafeNat(), (epoch, offset) => {
    const position = parseEventId(eventIdOf({ epoch, offset }))
    return position !== null && position.epoch === epoch && position.offset === offset
  }))
})

t.test('what a client makes up is none', async t => {
  const none = [
    undefined, null, 0, 1, true, {}, [], ['a-1'], { toString: () => 'a-1' }, '', '-', 'a-', '-1', 'a', 'a-1-2', 'a--1', 'a-1.5', 'a-01', 'a-+1', 'a- 1', 'a-1 ', ' a-1', 'a-1\n',
    'a-1e3', 'a-0x1', 'a-Infinity', 'a-NaN', 'a_b-1', 'ä-1', 'a-١', `${'a'.repeat(65)}-1`, 'a-9007199254740992', 'a-99999999999999999', 'a-1'.repeat(1_000_000),
    '__proto__-1', 'hasOwnProperty', Symbol('a-1'), 12n
  ]
  for (const since of none) t.equal(parseEventId(since), null, typeof since === 'string' ? since.slice(0, 40) : typeof since)
  t.same(parseEventId('constructor-0'), { epoch: 'constructor', offset: 0 })
  t.same(parseEventId('a-9007199254740991'), { epoch: 'a', offset: Number.MAX_SAFE_INTEGER })
})

t.test('whatever is no eventId is null, and nothing throws', async t => {
  holds(t, fc.property(fc.anything(), value => {
    const position = parseEventId(value)
    return position === null || eventIdOf(position) === value
  }), { numRuns: 1_000 })
})
