// `npm run bench:heartbeat`: what connections that say nothing cost a server, in memory and in CPU time, without pings and with them.
// Arguments: seconds a figure, and numbers of connections.
import { setTimeout as delay } from 'node:timers/promises'
import { Child, header, row, thousands } from './common.mjs'
import { isPinned } from './contenders.mjs'

const [seconds = 50, ...counts] = process.argv.slice(2).map(Number)
const core = number => isPinned ? number : null

const heartbeats = [
  { title: 'none', options: { heartbeat: false } },
  { title: 'default: every 25 s', options: {} },
  { title: 'every second', options: { heartbeat: { interval: 1000 } } }
]

/** Seconds until what connecting has left behind is collected, and the first pings have come: those of the default do within an interval. */
const settling = 25

async function measure (options, count) {
  const server = await Child.start(new URL('heartbeat/server.mjs', import.meta.url), [JSON.stringify(options)], ['--expose-gc'], core(0))
  const clients = await Child.start(new URL('heartbeat/clients.mjs', import.meta.url), [String(server.ready.port)], [], core(1))
  await clients.ask('open', { count })
  for (let second = 0; second < settling; second++) {
    if (second % 5 === 0) await server.ask('collect')
    await delay(1000)
  }
  const before = await server.ask('mark')
  const pingsBefore = await clients.ask('pings')
  await delay(seconds * 1000)
  const after = await server.ask('mark')
  const pings = await clients.ask('pings') - pingsBefore
  await server.ask('collect')
  const { rss } = await server.memory()
  const { open } = await server.ask('connections')
  if (open !== count) throw new Error(`${count - open} connections were lost`)
  await clients.stop()
  await server.stop()
  const elapsed = after.at - before.at
  return { rss, pingsASecond: pings / elapsed, share: (after.cpu - before.cpu) / elapsed }
}

console.log(`Node ${process.version}, ${seconds} s a figure, connections on loopback; CPU time of the server's process, all its threads\n`)
header('connections', 'heartbeat', 'pings a second', 'RSS, MiB', 'CPU seconds a minute', 'of one core')
for (const count of counts.length > 0 ? counts : [0, 1000, 10_000]) {
  // Nobody is there to be pinged.
  for (const { title, options } of count === 0 ? heartbeats.slice(0, 1) : heartbeats) {
    const { rss, pingsASecond, share } = await measure(options, count)
    row(thousands(count), title, thousands(pingsASecond), rss.toFixed(0), (share * 60).toFixed(2), `${(share * 100).toFixed(2)} %`)
  }
}
