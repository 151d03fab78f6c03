// One round: so many messages a second for so many seconds, and what they cost until the last one has arrived.
import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'

/** Before the clock runs. */
const settleMs = 500
/** For what has not arrived when the last message was published. */
const patience = 60_000
/** Of what is offered: less is not kept up. */
const enough = 0.99
/** sysconf(_SC_CLK_TCK), which is that on every Linux. */
const ticksASecond = 100

/** @throws where a message has not reached everybody in the end, or the load has seen one out of its turn */
export async function play ({ load, servers, brokerPid, contender }, { rate, seconds }) {
  const pids = { servers: servers.map(({ pid }) => pid), broker: brokerPid, load: load.ready.pid }
  const cpuBefore = await cpuOf(pids)
  const first = await load.ask('mark')
  await load.ask('start', { rate })
  await delay(settleMs)
  const before = await load.ask('mark')
  await delay(seconds * 1000)
  const after = await load.ask('mark')
  const rss = await Promise.all(pids.servers.map(residentMiB))
  const { missing, at: endedAt } = await load.ask('drained', { patience })
  if (missing > 0) throw new Error(`${contender.title}: ${missing} deliveries are missing a minute after the last of ${rate} messages a second`)
  const last = await load.ask('mark')
  const cpuAfter = await cpuOf(pids)

  const offered = rate * first.members
  const delivered = (after.delivered - before.delivered) / (after.at - before.at)
  const thousands = (last.published - first.published) / 1000
  const cost = name => (cpuAfter[name] - cpuBefore[name]) / thousands
  return {
    offered,
    delivered,
    keptUp: delivered >= enough * offered,
    p50: after.p50,
    p99: after.p99,
    /** Seconds until everybody had everything, once nothing more was published. */
    late: endedAt - after.at,
    /** Seconds of CPU per 1,000 messages: of the process that is published to, of the other one, and of what is between them. */
    cpuFirst: cost('first'),
    cpuOther: cost('other'),
    cpuBroker: pids.broker === null ? null : cost('broker'),
    /** Its share of the time. */
    loadShare: (cpuAfter.load - cpuBefore.load) / (last.at - first.at),
    rssMiB: Math.max(...rss)
  }
}

async function cpuOf ({ servers: [first, other], broker, load }) {
  const of = pid => pid == null ? 0 : cpuSeconds(pid)
  return { first: await of(first), other: await of(other), broker: await of(broker), load: await of(load) }
}

/** proc(5): what all threads of a process have worked. Its name, in parentheses, may hold anything. */
async function cpuSeconds (pid) {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksASecond
}

async function residentMiB (pid) {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))[1]) / 1024
}
