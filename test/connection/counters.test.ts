import t from 'tap'
import { Counters } from '../../lib/connection/counters.ts'

t.test('what became of slow consumers is counted apart', async t => {
  const counters = new Counters()
  for (const outcome of ['closed', 'dropped', 'dropped', 'replaced', 'replaced', 'replaced'] as const) counters.onSlow(outcome)
  t.same(counters.slow, { closed: 1, dropped: 2, replaced: 3 })
})
