import t from 'tap'
import { Counters } from '../../lib/connection/counters.ts'
import type { ClosedBy } from '../../types/index.ts'

const traffic = { received: { messages: 1, bytes: 10 }, sent: { messages: 2, bytes: 20 } }
const info = (code: number, closedBy: ClosedBy) => ({ code, closedBy, reason: '', wasClean: true, duration: 1, rooms: [] })
const sent = (code: number) => ({ code, reason: '' })

t.test('what became of slow consumers is counted apart', async t => {
  const counters = new Counters()
  for (const outcome of ['closed', 'dropped', 'dropped', 'replaced', 'replaced', 'replaced'] as const) counters.onSlow(outcome)
  t.same(counters.slow, { closed: 1, dropped: 2, replaced: 3 })
})

t.test('what went over connections that have ended adds up', async t => {
  const counters = new Counters()
  counters.onClosed(info(1000, 'client'), null, traffic)
  counters.onClosed(info(1006, 'network'), null, traffic)
  t.match({ received: counters.received, sent: counters.sent }, { received: { messages: 2, bytes: 20 }, sent: { messages: 4, bytes: 40 } })
})

t.test('close codes are counted one by one, unless a client made them up: it could make thousands', async t => {
  const counters = new Counters()
  for (const code of [1000, 1000, 1005, 1006, 1015]) counters.onClosed(info(code, 'client'), sent(code), traffic)
  for (let code = 3000; code < 4999; code++) counters.onClosed(info(code, 'client'), sent(code), traffic)
  counters.onClosed(info(4401, 'server'), sent(4401), traffic)
  for (let code = 3000; code < 4000; code++) counters.onClosed(info(code, 'server'), sent(4401), traffic)
  t.same(Object.fromEntries(counters.closed), { 1000: 2, 1005: 1, 1006: 1, 1015: 1, 4401: 1, other: 2999 })
})
