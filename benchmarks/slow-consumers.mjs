// `npm run bench:slow`: 4 KiB messages to a room, as fast as those who read keep up, with and without members that never read, in turn.
// Arguments: seconds a round, and rounds.
import { setTimeout as delay } from 'node:timers/promises'
import { Child, header, median, row, thousands } from './common.mjs'

const [seconds = 10, rounds = 3] = process.argv.slice(2).map(Number)
const names = ['close', 'drop-newest', 'drop-oldest', 'keep-latest', '@fastify/websocket']
const readers = 90
const crowds = [
  { title: 'none slow', reading: readers, notReading: 0 },
  { title: 'ten slow', reading: readers, notReading: 10 },
  { title: 'hundred read', reading: 100, notReading: 0 }
]

/** One round of a crowd, on a server that nobody is connected to. */
async function play (server, subscribers, { reading, notReading }, milliseconds) {
  await subscribers.ask('open', { port: server.ready.port, reading, notReading })
  // The last ones may still be joining.
  while ((await server.ask('readers')).healthy < reading) await delay(10)
  await server.forgetPeak()
  const before = await server.memory()
  const { sent, perSecond, perCpuSecond } = await server.ask('broadcast', { milliseconds })
  const { complete } = await subscribers.ask('received', { sent })
  const after = await server.memory()
  await subscribers.ask('close')
  while ((await server.ask('readers')).healthy > 0) await delay(10)
  return { perSecond, perCpuSecond, missed: reading - complete, before: before.rss, growth: after.rss - before.rss, peak: after.peak - before.rss }
}

console.log(`Node ${process.version}, ${readers} members that read, ${seconds} s a round, medians of ${rounds} rounds in turn; memory in MiB, the worst round\n`)
header('policy', 'messages a second', 'with 10 that never read', 'ratio', 'ratio per CPU second of the server', 'with 100 that read', 'readers that missed any', 'RSS before', 'growth', 'at its peak', 'growth without slow ones', 'at its peak', 'of the slow ones')
for (const name of names) {
  const server = await Child.start(new URL('slow-consumers/server.mjs', import.meta.url), [name])
  const subscribers = await Child.start(new URL('slow-consumers/subscribers.mjs', import.meta.url))
  // What is compiled and allocated once is in no round.
  await play(server, subscribers, crowds[0], Math.min(3, seconds) * 1000)
  const results = crowds.map(() => [])
  for (let round = 0; round < rounds; round++) {
    for (const [index, crowd] of crowds.entries()) results[index].push(await play(server, subscribers, crowd, seconds * 1000))
  }
  const [without, withSlow, hundred] = results
  const rate = rounds => median(rounds.map(({ perSecond }) => perSecond))
  const worst = (rounds, figure) => Math.max(...rounds.map(round => round[figure])).toFixed(1)
  const ratio = figure => median(withSlow.map((round, index) => round[figure] / without[index][figure])).toFixed(2)
  const stats = await server.ask('stats')
  row(name, thousands(rate(without)), thousands(rate(withSlow)), ratio('perSecond'), ratio('perCpuSecond'), thousands(rate(hundred)),
    results.flat().reduce((sum, { missed }) => sum + missed, 0), median(withSlow.map(({ before }) => before)).toFixed(0),
    worst(withSlow, 'growth'), worst(withSlow, 'peak'), worst(without, 'growth'), worst(without, 'peak'),
    Object.entries(stats).filter(([, count]) => count > 0).map(([what, count]) => `${thousands(count)} ${what}`).join(', '))
  await subscribers.stop()
  await server.stop()
}
