import fc from 'fast-check'
import t from 'tap'
import { longestPause, pauseBefore } from '../../lib/client/backoff.ts'
import { holds } from '../helpers/property.ts'

const settings = fc.record({ base: fc.double({ min: 1, max: 10_000, noNaN: true }), cap: fc.double({ min: 1, max: 2 ** 31 - 1, noNaN: true }), attempt: fc.nat(5_000) })

t.test('a pause is anything from nothing to the longest one', async t => {
  holds(t, fc.property(settings, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), ({ base, cap, attempt }, random) => {
    const pause = pauseBefore(attempt, { base, cap }, () => random)
    return pause >= 0 && pause <= longestPause(attempt, { base, cap }) && pause <= cap && Number.isFinite(pause)
  }))
})

t.test('the longest one doubles until it is the cap', async t => {
  holds(t, fc.property(settings, ({ base, cap, attempt }) => {
    const longest = longestPause(attempt, { base, cap })
    return longestPause(attempt + 1, { base, cap }) === Math.min(cap, 2 * longest) && longest <= base * 2 ** attempt
  }))
  t.same([0, 1, 2, 5, 6, 7].map(attempt => longestPause(attempt, { base: 500, cap: 30_000 })), [500, 1_000, 2_000, 16_000, 30_000, 30_000])
})

t.test('all of it is used', async t => {
  const pauses = Array.from({ length: 1_000 }, () => pauseBefore(3, { base: 500, cap: 30_000 }))
  t.ok(Math.min(...pauses) < 400, 'short ones')
  t.ok(Math.max(...pauses) > 3_600, 'long ones')
})
