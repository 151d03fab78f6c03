import t from 'tap'
import { suiteNeeding } from '../../helpers/requirements.ts'
import { startNats, startPrimary, startRedis } from './brokers.ts'
import { forgetting, perishing, torment } from './torture-suite.ts'

t.setTimeout(600_000)
// Mostly they wait.
t.jobs = 2

suiteNeeding(['redis-server'], 'three processes, a Redis that keeps what it takes, and 300 clients', async t => { await torment(t, startRedis, 60) })

suiteNeeding(['redis-server'], 'three processes, a Redis that is killed and has forgotten everything, and 60 clients', async t => { await forgetting(t, startRedis) })

suiteNeeding(['nats-server'], 'three processes, JetStream in files, and 300 clients', async t => { await torment(t, startNats, 30) })

suiteNeeding(['nats-server'], 'three processes, JetStream in memory, which is killed, and 60 clients', async t => { await forgetting(t, startNats) })

t.test('three workers of node:cluster, their primary, and 300 clients', async t => { await torment(t, startPrimary, 20) })

t.test('three workers of node:cluster, a primary that is killed, and 60 clients', async t => { await perishing(t, startPrimary) })
