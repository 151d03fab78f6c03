// `npm run bench:startup -- [--rounds 9]`: from the start of a process until it listens, with one WebSocket route and with 200; and what packages weigh.
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { median } from './common.mjs'
import { isPinned } from './contenders.mjs'
import { machine, revisionOf } from './machine.mjs'
import { installPeers } from './peers.mjs'
import { packageTable, startupTable } from './report/startup-tables.mjs'
import { packagesOf } from './startup/packages.mjs'

installPeers()
const { values } = parseArgs({ options: { rounds: { type: 'string', default: '9' } } })
const rounds = Number(values.rounds)
const names = ['fastify-typed-ws', '@fastify/websocket', 'fastify']
const routeCounts = [1, 200]
const figures = ['wallMs', 'cpuMs', 'rssMiB']
const root = fileURLToPath(new URL('..', import.meta.url))
const peers = ['@fastify/websocket', 'ws', 'socket.io', 'uWebSockets.js'].map(name => fileURLToPath(new URL(`node_modules/${name}`, import.meta.url)))

async function start (name, count) {
  const command = [...isPinned ? ['taskset', '-c', '0'] : [], process.execPath, fileURLToPath(new URL('startup/server.mjs', import.meta.url)), name, String(count)]
  const { stdout } = await promisify(execFile)(command[0], command.slice(1))
  return JSON.parse(stdout)
}

function summary (values) {
  return { rounds: values, median: median(values), lowest: Math.min(...values), highest: Math.max(...values) }
}

const runs = Object.fromEntries(names.map(name => [name, Object.fromEntries(routeCounts.map(count => [count, []]))]))
// The first round reads the files from the disk, and isn't counted.
for (let round = 0; round <= rounds; round++) {
  for (const name of names) {
    for (const count of routeCounts) {
      const run = await start(name, count)
      if (round > 0) runs[name][count].push(run)
    }
  }
}

const packages = packagesOf([root, ...peers])
const results = {
  date: new Date().toISOString(),
  revision: revisionOf(root),
  node: process.version,
  machine: machine(),
  versions: Object.fromEntries(packages.map(({ name, version }) => [name, version])),
  rounds,
  routeCounts,
  starts: Object.fromEntries(names.map(name => [name, Object.fromEntries(routeCounts.map(count => [
    count, Object.fromEntries(figures.map(figure => [figure, summary(runs[name][count].map(run => run[figure]))]))
  ]))])),
  packages
}
await writeFile(new URL('results/startup.json', import.meta.url), JSON.stringify(results, null, 2) + '\n')
console.log(`${startupTable(results)}\n\n${packageTable(results)}`)
