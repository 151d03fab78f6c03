import t from 'tap'
import { suiteNeeding } from '../../helpers/requirements.ts'
import { startCarrier, startNats, startRedis } from './brokers.ts'
import { faultsOf } from './faults.ts'
import { frozen } from './outages.ts'

// Each test has a broker and servers of its own, and mostly waits.
t.setTimeout(300_000)
t.jobs = 3

suiteNeeding(['redis-server'], 'Redis', async t => {
  t.jobs = 4
  faultsOf(t, startRedis)
})

suiteNeeding(['nats-server'], 'NATS', async t => {
  t.jobs = 4
  faultsOf(t, startNats)
})

t.test('node:cluster', async t => {
  t.jobs = 4
  faultsOf(t, startCarrier, [frozen])
})
