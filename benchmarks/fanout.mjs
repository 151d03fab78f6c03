// `npm run bench:fanout`: messages to one room whose members are on two processes, through each adapter and through Socket.IO's, in turn.
// Without arguments it keeps what it measured in results/fanout.json; with --out elsewhere.
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { contenderNames, contenderOf, lackOf, Site } from './fanout/contenders.mjs'
import { play } from './fanout/round.mjs'
import { summaryOf, tell } from './fanout/summary.mjs'
import { machine, revisionOf } from './machine.mjs'
import { installPeers } from './peers.mjs'

const { values: options } = parseArgs({
  options: {
    contenders: { type: 'string', default: contenderNames.join(',') },
    /** Messages a second that are offered. */
    rate: { type: 'string', default: '100,1000' },
    /** Rates of which the highest one that is kept up is looked for; an empty string for none. */
    sweep: { type: 'string', default: '50,100,150,200,250,300,400,500,750,1000,1500,2000,3000,4000,6000,8000' },
    /** Of each process. */
    members: { type: 'string', default: '500' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '4' },
    /** A folder for CPU profiles of the servers. */
    profile: { type: 'string' },
    out: { type: 'string' }
  }
})

const numbers = text => text.split(',').filter(part => part !== '').map(Number)
const [members, rounds, seconds] = ['members', 'rounds', 'seconds'].map(name => Number(options[name]))

async function main () {
  installPeers()
  const wanted = options.contenders.split(',').map(contenderOf)
  const leftOut = wanted.map(contender => ({ title: contender.title, why: lackOf(contender) })).filter(({ why }) => why !== null)
  for (const { title, why } of leftOut) console.error(`LEFT OUT: ${title} (${why})`)
  const sites = []
  const execArgv = options.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${options.profile}`]
  try {
    for (const contender of wanted.filter(contender => lackOf(contender) === null)) sites.push(await Site.start(contender, { members, execArgv }))
    const results = {
      date: new Date().toISOString(),
      revision: revisionOf(fileURLToPath(new URL('..', import.meta.url))),
      node: process.version,
      machine: machine(),
      versions: Object.assign({}, ...sites.map(({ versions }) => versions)),
      rounds,
      seconds,
      members,
      leftOut,
      rates: [],
      highest: {}
    }
    // What is compiled and allocated once is in no round.
    for (const site of sites) await play(site, { rate: 200, seconds: 2 })
    for (const rate of numbers(options.rate)) results.rates.push({ rate, contenders: await measure(sites, rate) })
    results.highest = await sweep(sites, numbers(options.sweep), { members, execArgv })
    tell(results)
    const out = options.out ?? (process.argv.length === 2 ? fileURLToPath(new URL('results/fanout.json', import.meta.url)) : null)
    if (out !== null) writeFileSync(out, JSON.stringify(results, null, 2) + '\n')
  } finally {
    for (const site of sites) await site.stop()
  }
}

/** A B C A B C … */
async function measure (sites, rate) {
  const measured = sites.map(({ contender }) => ({ name: contender.name, title: contender.title, rounds: [] }))
  for (let round = 0; round < rounds; round++) {
    for (const [index, site] of sites.entries()) measured[index].rounds.push(await play(site, { rate, seconds }))
  }
  return measured.map(summaryOf)
}

/** The highest rate that each keeps up, of those that are tried: upwards from a thousand while it does, else downwards until it does. */
async function sweep (sites, rates, settings) {
  const highest = {}
  if (rates.length === 0) return highest
  for (const index of sites.keys()) {
    const keepsUp = rate => triesTwice(sites, index, rate, settings)
    let at = Math.max(0, rates.findIndex(rate => rate >= 1000))
    if (await keepsUp(rates[at])) {
      while (at + 1 < rates.length && await keepsUp(rates[at + 1])) at++
    } else {
      do at--
      while (at >= 0 && !await keepsUp(rates[at]))
    }
    highest[sites[index].contender.name] = rates[at] ?? 0
  }
  return highest
}

/** What fails once is given another chance. One whose members were closed for being slow, or whose process has ended, begins anew. */
async function triesTwice (sites, index, rate, settings) {
  for (let tries = 0; tries < 2; tries++) {
    const site = sites[index]
    try {
      if ((await play(site, { rate, seconds: Math.min(3, seconds) })).keptUp) return true
    } catch (error) {
      console.error(`${site.contender.title} at ${rate} messages a second: ${error.message}`)
      await site.stop()
      sites[index] = await Site.start(site.contender, settings)
    }
  }
  return false
}

await main()
