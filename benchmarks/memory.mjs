import { setTimeout as delay } from 'node:timers/promises'
import { startPair } from './contenders.mjs'

/** Opened before the first reading: what is compiled and allocated once belongs to no connection. */
const opened = 100

/** Garbage is collected so often, in milliseconds, until so many readings in a row differ by no more than this share. */
const collectEvery = 500
const levelReadings = 4
const levelWithin = 0.005

/**
 * It takes at least so long, and at most so long. The space in which V8 makes new objects grows to 20 MB or more while ten thousand connect, and shrinks
 * in the first collection after five calm seconds: no connection holds it, and level readings before that are not the last word.
 */
const leastMs = 10_000
const mostMs = 20_000

/** What a connection that says nothing takes. Each round has servers of its own, since what one has once taken it seldom gives back, and all of them settle at once. */
export async function measureIdle (scenario, contenders, { rounds, versions }) {
  const results = contenders.map(({ label }) => ({ label, rounds: [] }))
  for (let round = 0; round < rounds; round++) {
    const pairs = []
    try {
      for (const contender of contenders) pairs.push(await startPair(contender, scenario, ['--expose-gc']))
      for (const [index, figures] of (await growthOf(pairs, scenario)).entries()) {
        versions[contenders[index].label] = pairs[index].version
        results[index].rounds.push(figures)
      }
    } finally {
      for (const pair of pairs) await pair.stop()
    }
  }
  return results
}

async function growthOf (pairs, { connections }) {
  for (const { load } of pairs) await load.ask('open', { count: opened })
  const before = await levelMemoryOf(pairs)
  const work = []
  for (const pair of pairs) work.push(await open(pair, connections))
  const after = await levelMemoryOf(pairs)
  return work.map((figures, index) => ({ value: (after[index] - before[index]) * 2 ** 20 / connections, perCpuSecond: null, ...figures }))
}

async function open ({ server, load }, count) {
  const marks = () => Promise.all([load.ask('mark'), server.ask('mark')])
  const [loadBefore, serverBefore] = await marks()
  await load.ask('open', { count })
  const [loadAfter, serverAfter] = await marks()
  return { serverCpu: serverAfter.cpu - serverBefore.cpu, loadCpu: loadAfter.cpu - loadBefore.cpu, seconds: loadAfter.at - loadBefore.at }
}

const levelMemoryOf = pairs => Promise.all(pairs.map(({ server }) => levelMemory(server)))

/** Resident memory once it falls no further, in MiB. */
export async function levelMemory (server) {
  const start = performance.now()
  const readings = []
  let waited = 0
  while (waited < mostMs && (waited < leastMs || !isLevel(readings.slice(-levelReadings)))) {
    await server.ask('collect')
    await delay(collectEvery)
    readings.push((await server.memory()).rss)
    waited = performance.now() - start
  }
  return readings.at(-1)
}

function isLevel (readings) {
  const highest = Math.max(...readings)
  return highest - Math.min(...readings) <= highest * levelWithin
}
