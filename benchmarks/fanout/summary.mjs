// Rounds as medians, and what is printed of them.
import { header, median, row, thousands } from '../common.mjs'
import { keptUp } from '../report/fanout-tables.mjs'
import { amount } from '../report/figures.mjs'

const figures = ['delivered', 'lost', 'p50', 'p99', 'late', 'cpuFirst', 'cpuOther', 'cpuBroker', 'loadShare', 'othersShare', 'rssMiB']

/** One contender at one rate. It kept up where it did in more than half of the rounds. */
export function summaryOf ({ name, title, rounds }) {
  return {
    name,
    title,
    offered: rounds[0].offered,
    ...Object.fromEntries(figures.map(figure => [figure, rounds[0][figure] == null ? null : median(rounds.map(round => round[figure]))])),
    keptUp: median(rounds.map(({ keptUp }) => Number(keptUp))) === 1,
    rounds
  }
}

const percent = share => `${Math.round(share * 100)} %`

export function tell ({ node, machine, rounds, seconds, members, rates, highest }) {
  console.log(`Node ${node}, ${machine.cpu}, ${machine.cores} cores, two processes × ${members} members, medians of ${rounds} rounds of ${seconds} s in turn`)
  for (const { rate, contenders } of rates) {
    console.log(`\n### ${thousands(rate)} messages a second\n`)
    header('', 'deliveries/s', 'kept up', 'p50, ms', 'p99, ms', 'late by, s', 'CPU s per 1,000: published to', 'the other', 'between them', 'RSS, MiB', 'load', 'machine, others')
    for (const one of contenders) {
      row(one.title, thousands(one.delivered), keptUp(one), amount(one.p50), amount(one.p99), one.late.toFixed(1), amount(one.cpuFirst), amount(one.cpuOther),
        one.cpuBroker === null ? '–' : amount(one.cpuBroker), one.rssMiB.toFixed(0), percent(one.loadShare), percent(one.othersShare))
    }
  }
  console.log('\nThe highest rate that was kept up, messages a second:\n')
  header('', 'messages/s')
  for (const { name, title } of rates[0]?.contenders ?? []) row(title, highest[name] === undefined ? '–' : thousands(highest[name]))
}
