// `npm run bench:hostile`: a thousand hostile connections, and what an honest client notices of them.
// Without arguments it keeps what it measured in results/hostile.json. Arguments: seconds, connections, milliseconds between two messages of each (0: as fast as the server takes them), and the title of one attack.
import { writeFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Child, header, row, thousands } from './common.mjs'
import { machine, revisionOf } from './machine.mjs'

const [seconds = 20, connections = 1000, pace = 100] = process.argv.slice(2, 5).map(Number)
const only = process.argv[5]
const MiB = 1024 * 1024
const budget = 64 * MiB
const names = ['fastify-typed-ws', '@fastify/websocket']
const root = fileURLToPath(new URL('..', import.meta.url))
const results = { date: new Date().toISOString(), revision: revisionOf(root), node: process.version, machine: machine(), connections, seconds, servers: {} }

console.log(`Node ${process.version}, ${connections} hostile connections (${only ?? 'all kinds'}), ${seconds} s, a message every ${pace} ms each, budget ${budget / MiB} MiB\n`)
header('server', 'honest echo, p50', 'p99', 'max', "p99 of the client's own delay", 'p99 in peace', 'held at most', 'RSS before', 'RSS at most', 'attackers at the end', 'their messages', 'came back', 'shed', 'CPU of the server', 'its main thread waited for a CPU')
for (const name of names) {
  const server = await Child.start(new URL('hostile/server.mjs', import.meta.url), [name, budget])
  const honest = await Child.start(new URL('hostile/honest.mjs', import.meta.url))
  const attackers = await Child.start(new URL('hostile/attackers.mjs', import.meta.url))
  const { port } = server.ready
  await honest.ask('open', { port })
  const peace = await honest.ask('echo', { milliseconds: 2000 })
  const before = await server.memory()
  const { cpuSeconds: busyBefore } = await server.ask('stats')
  await attackers.ask('attack', { port, count: connections, pace, only })
  const waitedBefore = await server.waited()
  const echo = await honest.ask('echo', { milliseconds: seconds * 1000 })
  const { memory, cpuSeconds } = await server.ask('stats')
  const waited = await server.waited() - waitedBefore
  const { peak } = await server.memory()
  const { connected, messages, returns } = await attackers.ask('state')
  await attackers.ask('stop')
  const ms = value => `${value.toFixed(1)} ms`
  row(name, ms(echo.p50), ms(echo.p99), echo.isOpen ? ms(echo.max) : 'closed', ms(echo.ownP99), ms(peace.p99),
    memory === undefined ? 'not known' : `${(memory.peak / MiB).toFixed(1)} MiB`, `${before.rss.toFixed(0)} MiB`, `${peak.toFixed(0)} MiB`,
    thousands(connected), thousands(messages), thousands(returns), memory === undefined ? 'not known' : memory.shed, `${((cpuSeconds - busyBefore) / seconds * 100).toFixed(0)} %`, `${(waited / seconds * 100).toFixed(0)} %`)
  results.servers[name] = {
    p50: echo.p50,
    p99: echo.p99,
    peaceP99: peace.p99,
    beforeMiB: before.rss,
    peakMiB: peak,
    heldMiB: memory === undefined ? null : memory.peak / MiB
  }
  await delay(100)
  await attackers.stop()
  await honest.stop()
  await server.stop()
}

if (process.argv.length === 2) await writeFile(new URL('results/hostile.json', import.meta.url), JSON.stringify(results, null, 2) + '\n')
