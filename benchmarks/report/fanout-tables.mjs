// Fan-out over two processes, out of `results/fanout.json`.
import { amount, table, times } from './figures.mjs'

const control = 'socket.io'

/** Whether it did, and what it lost where it did not. */
export const keptUp = ({ keptUp, lost }) => keptUp ? 'yes' : lost > 0 ? `no, ${Math.ceil(lost * 100)} % lost` : 'no'

const totalCpu = ({ cpuFirst, cpuOther, cpuBroker }) => cpuFirst + cpuOther + (cpuBroker ?? 0)
const named = (contenders, name) => contenders.find(one => one.name === name)

/** A table a rate: what arrived, when, and what it cost. */
export function fanoutTables ({ rates }) {
  return rates.map(({ rate, contenders }) => {
    const reference = named(contenders, control)
    const rows = contenders.map(one => [
      one.title,
      amount(one.delivered),
      keptUp(one),
      amount(one.p50),
      amount(one.p99),
      `${one.cpuFirst.toFixed(2)} + ${one.cpuOther.toFixed(2)} + ${one.cpuBroker === null ? '–' : one.cpuBroker.toFixed(2)}`,
      reference === undefined ? '–' : times(totalCpu(one) / totalCpu(reference)),
      one.rssMiB.toFixed(0),
      `${Math.round(one.othersShare * 100)} %`
    ])
    return `${rate.toLocaleString('en')} messages a second, ${amount(contenders[0].offered)} deliveries:\n\n` +
      table(['through', 'deliveries/s', 'kept up', 'p50, ms', 'p99, ms', 'CPU s per 1,000 messages: published to + other process + between', '× Socket.IO', 'RSS, MiB', 'machine taken by others'], rows)
  }).join('\n\n')
}

/** The most that each kept up, of the rates that were tried. */
export function fanoutHighest ({ highest, rates }) {
  const titleOf = name => named(rates[0].contenders, name).title
  return table(['through', 'messages/s', '× Socket.IO'], Object.entries(highest).map(([name, rate]) => [titleOf(name), amount(rate), highest[control] > 0 ? times(rate / highest[control]) : '–']))
}
