// `npm run bench:growth -- [--rounds 5] [--seconds 2]`: what an echoed message costs by the number of connections and by its size.
import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { measure } from './measure.mjs'
import { installPeers } from './peers.mjs'
import { growthTable } from './report/growth-tables.mjs'

installPeers()
const { values } = parseArgs({ options: { rounds: { type: 'string', default: '5' }, seconds: { type: 'string', default: '2' } } })

const byConnections = [10, 100, 1000, 10_000].map(connections => ({
  base: 'echo', name: `connections-${connections}`, title: `Echo, 64 B, ${connections} connections, 8 in flight each`, axis: 'connections', at: connections, connections, inFlight: 8
}))
const bySize = [16, 256, 4096, 64 * 1024, 1024 * 1024].map(size => ({
  base: 'binary-64k', name: `size-${size}`, title: `Binary echo, ${size} B, 16 connections, 2 in flight each`, axis: 'size', at: size, size, connections: 16, inFlight: 2
}))
const scenarios = [...byConnections, ...bySize]

const results = await measure({ scenarios, servers: ['fastify-typed-ws', 'ws'], rounds: Number(values.rounds), seconds: Number(values.seconds) })
results.scenarios = results.scenarios.map((scenario, index) => ({ ...scenario, axis: scenarios[index].axis, at: scenarios[index].at }))

await writeFile(new URL('results/growth.json', import.meta.url), JSON.stringify(results, null, 2) + '\n')
console.log(`${growthTable(results, 'connections')}\n\n${growthTable(results, 'size')}`)
