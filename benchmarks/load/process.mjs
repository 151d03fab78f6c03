// The load of a scenario, in a process of its own: `fork('process.mjs', [JSON of the scenario with server and port])`.
import { answerParent, cpuSeconds } from '../common.mjs'
import { languageOf } from '../wire.mjs'
import { Broadcast } from './broadcast.mjs'
import { offerOf } from './compressed.mjs'
import { Exchange } from './exchange.mjs'
import { Handshakes } from './handshakes.mjs'
import { Idle } from './idle.mjs'
import { Latency } from './latency.mjs'

const loads = { exchange: Exchange, broadcast: Broadcast, handshakes: Handshakes, idle: Idle, latency: Latency }

const job = JSON.parse(process.argv[2])
const load = new loads[job.load]({ ...job, language: languageOf(job.server), extensions: offerOf(job) })

answerParent({
  open: details => withinReason(load.open(details)),
  start: details => load.start(details),
  /** What was counted so far; latencies since the last time. */
  mark: () => ({ count: load.count, at: performance.now() / 1000, cpu: cpuSeconds(), ...load.samples?.take() }),
  stop: () => load.stop()
})
process.send({})

async function withinReason (opening) {
  const late = setTimeout(() => { throw new Error('connections have not opened, or first replies have not come, within two minutes') }, 120_000)
  const opened = await opening
  clearTimeout(late)
  return opened
}
