// `npm run bench:check -- [revision] [--scenario echo --scenario rpc] [--rounds 5] [--seconds 2]`:
// the working tree against a revision, HEAD where none is named, on the same work in turn.
import { parseArgs } from 'node:util'
import { checkOut, compile, root } from './check/build.mjs'
import { header, row } from './common.mjs'
import { installPeers } from './peers.mjs'
import { amount } from './report/figures.mjs'

const { values, positionals: [revision = 'HEAD'] } = parseArgs({
  allowPositionals: true,
  options: {
    scenario: { type: 'string', multiple: true, default: ['echo', 'one', 'rpc', 'broadcast-1000', 'binary-64k', 'handshakes'] },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' }
  }
})

const after = 'working tree'

async function main () {
  installPeers()
  compile(root)
  const { folder, hash } = checkOut(revision)
  const before = `${revision} (${hash.slice(0, 10)})`
  console.log(`Node ${process.version}, medians of ${values.rounds} rounds of ${values.seconds} s in turn; the ratio is how many times as good the working tree is, with that of its worst and best round\n`)
  header('scenario', before, after, 'ratio', 'per CPU second', '')
  const { measure } = await import('./measure.mjs')
  await measure({
    scenarios: values.scenario.flatMap(names => names.split(',')),
    servers: [{ name: 'fastify-typed-ws', label: before, plugin: folder }, { name: 'fastify-typed-ws', label: after, plugin: root }],
    rounds: Number(values.rounds),
    seconds: Number(values.seconds),
    onScenario: ({ servers, ...scenario }) => print(scenario, servers[before], servers[after])
  })
}

function print ({ name, unit, better }, old, now) {
  const gain = value => better === 'lower' ? old.median / value : value / old.median
  const [worst, best] = [now.lowest, now.highest].map(gain).toSorted((a, b) => a - b)
  row(`${name}, ${unit}${better === 'lower' ? ' (less is better)' : ''}`, amount(old.median), amount(now.median),
    `${gain(now.median).toFixed(2)} (${worst.toFixed(2)}–${best.toFixed(2)})`,
    old.perCpuSecond > 0 ? (now.perCpuSecond / old.perCpuSecond).toFixed(2) : '–', verdict(old, now))
}

/** Where the rounds of both lie among one another, a difference says nothing. */
function verdict (old, now) {
  const isApart = old.highest < now.lowest || now.highest < old.lowest
  return [isApart ? '' : 'within the spread', old.isLoadBound || now.isLoadBound ? 'load-bound' : ''].filter(Boolean).join(', ')
}

try {
  await main()
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
}
