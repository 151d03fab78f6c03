import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { suiteNeeding } from '../../helpers/requirements.ts'
import { startNats, startRedis } from './brokers.ts'
import { partitionOf } from './partition.ts'

/*
 * In a network of its own, which has a loopback only: a Chromium of another test would notice what is laid and cut in the machine's, and drop what it is
 * loading (ERR_NETWORK_CHANGED). Linux and its superuser can have that.
 */

const title = 'a process that is cut off'
const isWithin = process.argv.includes('within')
const within = ['--net', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh']
const canBeWithin = (): boolean => spawnSync('unshare', [...within, 'true'], { stdio: 'ignore' }).status === 0

if (isWithin) {
  suiteNeeding(['redis-server'], `${title} from Redis`, async t => { await partitionOf(t, startRedis) })
  suiteNeeding(['nats-server'], `${title} from NATS`, async t => { await partitionOf(t, startNats) })
} else if (canBeWithin()) {
  await t.spawn('unshare', [...within, process.execPath, ...process.execArgv, fileURLToPath(import.meta.url), 'within'], {}, title)
} else {
  const notice = `LEFT OUT: ${title} (no network namespaces for this user; a proxy that keeps everything to itself stands for it in the other tests)`
  process.stderr.write(`${notice}\n`)
  t.pass(notice)
}
