// One round: so many messages a second for so many seconds, and what they cost until the last one has arrived.
import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'

/** Before the clock runs. */
const settleMs = 500
/** Where nothing has come for so long after the last message was published, nothing more will: longer than the `adapterTimeout` of the plugin. */
const patience = 8_000
/** Of what is offered: less is not kept up. */
const enough = 0.99
/** sysconf(_SC_CLK_TCK), which is that on every Linux. */
const ticksASecond = 100

/** @throws where a member got a message twice, or behind a later one */
export async function play ({ load, servers, brokerPid }, { rate, seconds }) {
  const pids = { servers: servers.map(({ pid }) => pid), broker: brokerPid, load: load.ready.pid }
  const cpuBefore = await cpuOf(pids)
  const machineBefore = await machineSeconds()
  const first = await load.ask('mark')
  await load.ask('start', { rate })
  await delay(settleMs)
  const before = await load.ask('mark')
  await delay(seconds * 1000)
  const after = await load.ask('mark')
  const rss = await Promise.all(pids.servers.map(residentMiB))
  const { missing, at: endedAt } = await load.ask('drained', { patience })
  const last = await load.ask('mark')
  const cpuAfter = await cpuOf(pids)
  const machineAfter = await machineSeconds()

  const offered = rate * first.members
  const delivered = (after.delivered - before.delivered) / (after.at - before.at)
  const thousands = (last.published - first.published) / 1000
  const cost = name => (cpuAfter[name] - cpuBefore[name]) / thousands
  return {
    offered,
    delivered,
    /** Of all deliveries, those that never came. */
    lost: missing / ((last.published - first.published) * first.members),
    keptUp: missing === 0 && delivered >= enough * offered,
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
    /** What of the machine somebody else had: the figures of a round with much of it say little. */
    othersShare: others(cpuBefore, cpuAfter, machineBefore, machineAfter),
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

/** proc_stat(5): how long all cores have worked, and how long they have been there. */
async function machineSeconds () {
  const [, user, nice, system, idle, iowait, irq, softirq, steal] = (await readFile('/proc/stat', 'utf8')).split('\n')[0].split(/ +/).map(Number)
  const busy = user + nice + system + irq + softirq + steal
  return { busy: busy / ticksASecond, all: (busy + idle + iowait) / ticksASecond }
}

function others (before, after, machineBefore, machineAfter) {
  const ours = Object.keys(after).reduce((sum, name) => sum + after[name] - before[name], 0)
  return Math.max(0, (machineAfter.busy - machineBefore.busy - ours) / (machineAfter.all - machineBefore.all))
}

async function residentMiB (pid) {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))[1]) / 1024
}
