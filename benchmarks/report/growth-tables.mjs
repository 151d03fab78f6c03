// What a message costs the server, out of `results/growth.json`.
import { amount, bytes, control, present, table } from './figures.mjs'

const labelsOf = { connections: value => value.toLocaleString('en'), size: bytes }

export const growthServers = results => present(results.scenarios)

/** Microseconds of the server's CPU per message: the points of one axis, in order. */
export function costs (results, axis) {
  return results.scenarios.filter(scenario => scenario.axis === axis).toSorted((a, b) => a.at - b.at).map(({ at, servers }) => ({
    at,
    servers: Object.fromEntries(Object.entries(servers).map(([name, { perCpuSecond, rounds }]) => {
      const each = rounds.map(round => 1e6 / round.perCpuSecond)
      return [name, { median: 1e6 / perCpuSecond, lowest: Math.min(...each), highest: Math.max(...each) }]
    }))
  }))
}

/** A row a point: each server's microseconds with their spread, and how many times less the plugin's are than the control's. */
export function growthTable (results, axis) {
  const points = costs(results, axis)
  const names = growthServers(results)
  const rows = points.map(({ at, servers }) => [
    labelsOf[axis](at),
    ...names.map(name => {
      const { median, lowest, highest } = servers[name]
      return `${amount(median)} (${amount(lowest)}–${amount(highest)})`
    }),
    (servers[control].median / servers[names[0]].median).toFixed(1)
  ])
  return table([axis === 'connections' ? 'connections' : 'size', ...names.map(name => `${name}, µs`), 'ratio'], rows)
}
