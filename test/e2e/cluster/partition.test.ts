import { fileURLToPath } from 'node:url'
import { suiteNeeding } from '../../helpers/requirements.ts'
import { startNats, startRedis } from './brokers.ts'
import { partitionOf } from './partition.ts'

/*
 * In a network of its own, which has a loopback only: a Chromium of another test would notice what is laid and cut in the machine's, and drop what it is
 * loading (ERR_NETWORK_CHANGED).
 */

if (process.argv.includes('within')) {
  suiteNeeding(['redis-server'], 'a process that is cut off from Redis', async t => { await partitionOf(t, startRedis) })
  suiteNeeding(['nats-server'], 'a process that is cut off from NATS', async t => { await partitionOf(t, startNats) })
} else {
  suiteNeeding(['iproute2'], 'a process that is cut off', async (t, { iproute2: unshare }) => {
    const within = ['--net', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh', process.execPath, ...process.execArgv, fileURLToPath(import.meta.url), 'within']
    await t.spawn(unshare, within, {}, 'in a network of its own')
  })
}
