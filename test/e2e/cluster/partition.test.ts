import { suiteNeeding } from '../../helpers/requirements.ts'
import { startNats, startRedis } from './brokers.ts'
import { partitionOf } from './partition.ts'

suiteNeeding(['redis-server'], 'a process that is cut off from Redis', async t => { await partitionOf(t, startRedis) })

suiteNeeding(['nats-server'], 'a process that is cut off from NATS', async t => { await partitionOf(t, startNats) })
