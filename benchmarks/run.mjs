// `npm run bench -- --scenario echo,rpc --servers ws,fastify-typed-ws --rounds 5 --seconds 2 --plugin ../other --out results.json`:
// every server on the same work in turn, A B A B …, with medians of all rounds. Without arguments it is all of it.
import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { contenderOf, serverNames } from './contenders.mjs'
import { installPeers } from './peers.mjs'
import { scenarioNames, scenarioOf } from './scenarios.mjs'

const { values: options } = parseArgs({
  options: {
    scenario: { type: 'string', default: scenarioNames.join() },
    servers: { type: 'string', default: serverNames.join() },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    plugin: { type: 'string' },
    out: { type: 'string' }
  }
})

function positive (name) {
  const value = Number(options[name])
  if (!(value > 0)) throw new Error(`--${name} must be a positive number`)
  return value
}

async function main () {
  const scenarios = options.scenario.split(',')
  const servers = options.servers.split(',')
  scenarios.forEach(scenarioOf)
  const [rounds, seconds] = [Math.ceil(positive('rounds')), positive('seconds')]
  const plugin = options.plugin === undefined ? undefined : resolve(options.plugin)
  servers.forEach(server => contenderOf(server, plugin))
  installPeers()
  const [{ measure }, { printScenario }] = await Promise.all([import('./measure.mjs'), import('./table.mjs')])
  console.log(`Node ${process.version}, medians of ${rounds} rounds of ${seconds} s`)
  const results = await measure({ scenarios, servers, rounds, seconds, plugin, onScenario: result => printScenario(result, servers) })
  if (!results.machine.pinned) console.log('\nServer and load were not pinned to cores: there is no taskset, or but one core.')
  if (options.out !== undefined) writeFileSync(options.out, JSON.stringify(results, null, 2) + '\n')
}

try {
  await main()
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
}
