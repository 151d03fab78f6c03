// `npm run fuzz`: cases one after the other, the targets in turn, until the time is up, their number is reached, or one shows a fault.
import { parseArgs } from 'node:util'
import { report } from './findings.ts'
import { runCase } from './fuzz.ts'
import { targets } from './targets.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seconds: { type: 'string' },
    cases: { type: 'string' },
    case: { type: 'string' },
    only: { type: 'string', multiple: true }
  }
})

const seed = whole('seed', values.seed) ?? Date.now() % 1_000_000
const single = whole('case', values.case)
const cases = single !== null ? 1 : whole('cases', values.cases) ?? Infinity
const seconds = whole('seconds', values.seconds) ?? (cases === Infinity ? 60 : Infinity)
const chosen = values.only === undefined ? targets : targets.filter(({ name }) => values.only?.includes(name))
const unknown = values.only?.filter(name => !targets.some(target => target.name === name)) ?? []
if (unknown.length > 0) usage(`no target ${unknown.join(', ')}, only ${targets.map(({ name }) => name).join(', ')}`)

// Also opens the output, which must not count as left open by what is fuzzed.
console.log(`seed ${seed}: ${chosen.map(({ name }) => name).join(', ')}`)
const started = performance.now()
let findings = 0

for (const [index, target] of chosen.entries()) {
  const until = started + seconds * 1000 * (index + 1) / chosen.length
  await target.start?.()
  let number = single ?? 0
  const last = number + cases
  for (; number < last && performance.now() < until; number++) {
    const finding = await runCase(target, seed, number, error => console.log(`${target.name}: case ${number} of seed ${seed} fails, and is made smaller:`, error))
    if (finding === null) continue
    findings++
    console.log(report(finding))
    break
  }
  try {
    await target.stop?.()
  } catch (error) {
    findings++
    console.log(`finding: target ${target.name}, seed ${seed}, after ${number - (single ?? 0)} cases\n `, error)
  }
  console.log(`${target.name}: seed ${seed}, ${number - (single ?? 0)} cases, ${((performance.now() - started) / 1000).toFixed(1)} s so far`)
}
console.log(`${findings} findings`)
// Without a finding nothing is open any more, and the process ends by itself.
if (findings > 0) process.exit(1)

function whole (name: string, text: string | undefined): number | null {
  if (text === undefined) return null
  if (!/^\d{1,15}$/.test(text)) usage(`--${name} must be a whole number`)
  return Number(text)
}

function usage (problem: string): never {
  console.error(`${problem}\nusage: npm run fuzz -- [--seed N] [--seconds S | --cases N | --case K] [--only target]…`)
  process.exit(2)
}
