import { setTimeout as delay } from 'node:timers/promises'
import { median, thousands } from './common.mjs'
import { contenderOf, startPair } from './contenders.mjs'
import { machine, revisionOf } from './machine.mjs'
import { measureIdle } from './memory.mjs'
import { scenarioOf } from './scenarios.mjs'

/** Before each round, not measured; and once before the first of all. */
const settleMs = 300
const warmUpMs = 1000

/**
 * For every server alike. V8 allows a heap a multiple of what lives in it, and lets 32 MB of buffers gather before it collects the young ones: where
 * that is more, it marks the whole heap 30 times a second in their place. Which servers it is for a heap of a few MB is chance: it depends on how
 * much they had allocated when they began. With room from the start, as a server of some size has it, it is none of them.
 */
const heapOptions = ['--initial-old-space-size=256']

/** A load that works more than this share of the time may be what was measured. */
const loadBound = 0.9

/**
 * The same work on each server in turn, A B A B …
 *
 * @param scenarios names, or what `scenarioOf` takes
 * @param servers names, or what `contenderOf` takes
 * @param onScenario called with each result when it is there
 */
export async function measure ({ scenarios, servers, rounds = 5, seconds = 2, plugin, onScenario = () => {} }) {
  const contenders = servers.map(server => contenderOf(server, plugin))
  const plans = scenarios.map(scenarioOf)
  const revision = revisionOf(contenderOf('fastify-typed-ws', plugin).plugin)
  const results = { date: new Date().toISOString(), revision, node: process.version, machine: machine(), versions: {}, rounds, seconds, scenarios: [] }
  for (const plan of plans) {
    const scenario = plan.load === 'latency' ? await atFixedRate(plan) : plan
    const able = contenders.filter(({ name }) => !scenario.without?.includes(name))
    const measured = await (scenario.isIdle ? measureIdle : measureWork)(scenario, able, { rounds, seconds, versions: results.versions })
    const { name, title, unit, better } = scenario
    const result = { name, title, unit, better, servers: Object.fromEntries(measured.map(({ label, rounds, replyBytes }) => [label, { ...summary(scenario, rounds), replyBytes }])) }
    results.scenarios.push(result)
    onScenario(result)
  }
  return results
}

/** What ws does with as much as it likes, so that a fixed rate is one that all can keep. */
async function atFixedRate (scenario) {
  const peak = { ...scenario, load: 'exchange', inFlight: 16 }
  const [{ rounds }] = await measureWork(peak, [contenderOf('ws')], { rounds: 3, seconds: 1, versions: {} })
  const rate = Math.round(median(rounds.map(({ value }) => value)) / 2)
  return { ...scenario, rate, title: `${scenario.title}: ${thousands(rate)} a second` }
}

async function measureWork (scenario, contenders, { rounds, seconds, versions }) {
  const running = []
  try {
    for (const contender of contenders) {
      const pair = await startPair(contender, scenario, heapOptions)
      const one = { label: contender.label, pair, rounds: [] }
      running.push(one)
      versions[contender.label] = pair.version
      one.replyBytes = (await pair.load.ask('open')).replyBytes
      await work(pair, scenario, warmUpMs, true)
    }
    const before = await Promise.all(running.map(({ pair }) => pair.server.memory()))
    for (let round = 0; round < rounds; round++) {
      for (const [index, { pair, rounds }] of running.entries()) {
        await pair.server.forgetPeak()
        const figures = await work(pair, scenario, seconds * (scenario.timesLonger ?? 1) * 1000)
        if (scenario.slow > 0) figures.growth = Math.max(0, (await pair.server.memory()).peak - before[index].rss)
        rounds.push(figures)
      }
    }
    return running
  } finally {
    for (const { pair } of running) await pair.stop()
  }
}

/** One round: both processes are asked for their marks at its start and its end, and each counts its own time. */
async function work ({ server, load }, scenario, milliseconds, isCalm = false) {
  const marks = () => Promise.all([load.ask('mark'), server.ask('mark')])
  await load.ask('start', { isCalm })
  await delay(settleMs)
  const [loadBefore, serverBefore] = await marks()
  await delay(milliseconds)
  const [loadAfter, serverAfter] = await marks()
  await load.ask('stop')
  const seconds = loadAfter.at - loadBefore.at
  const perSecond = (loadAfter.count - loadBefore.count) / seconds
  const serverCpu = serverAfter.cpu - serverBefore.cpu
  const { p50, p99, p999 } = loadAfter
  return {
    value: scenario.load === 'latency' ? p99 : perSecond,
    perCpuSecond: perSecond * (serverAfter.at - serverBefore.at) / serverCpu,
    serverCpu,
    loadCpu: loadAfter.cpu - loadBefore.cpu,
    seconds,
    p50,
    p99,
    p999
  }
}

function summary ({ load, isIdle }, rounds) {
  const values = rounds.map(({ value }) => value)
  const of = field => rounds[0][field] == null ? undefined : median(rounds.map(round => round[field]))
  // The load of a fixed rate never sleeps, so that it is on time.
  const isBusyByNature = isIdle || load === 'latency'
  return {
    rounds,
    median: median(values),
    lowest: Math.min(...values),
    highest: Math.max(...values),
    perCpuSecond: of('perCpuSecond') ?? null,
    isLoadBound: !isBusyByNature && median(rounds.map(({ loadCpu, seconds }) => loadCpu / seconds)) >= loadBound,
    p50: of('p50'),
    p99: of('p99'),
    p999: of('p999'),
    growth: rounds[0].growth === undefined ? undefined : Math.max(...rounds.map(({ growth }) => growth))
  }
}
