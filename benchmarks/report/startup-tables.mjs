// Start-up and packages, out of `results/startup.json`.
import { amount, bytes, table } from './figures.mjs'

/** Milliseconds from the start of the process until it listens. */
export function startupTable ({ starts, routeCounts }) {
  return table(['milliseconds until it listens', ...routeCounts.map(count => count === 1 ? '1 route' : `${count} routes`), 'CPU time', 'memory'],
    Object.entries(starts).map(([name, counts]) => [name, ...routeCounts.map(count => spreadOf(counts[count].wallMs)),
      ...['cpuMs', 'rssMiB'].map(figure => routeCounts.map(count => amount(counts[count][figure].median)).join(' and ') + (figure === 'cpuMs' ? ' ms' : ' MiB'))]))
}

/** What each package weighs, and what it brings beside fastify. */
export function packageTable ({ packages }) {
  return table(['package', 'packed', 'unpacked', 'dependencies it brings', 'all of them installed'],
    packages.map(({ name, version, packed, unpacked, brings, installed }) => [`${name} ${version}`, bytes(packed), bytes(unpacked), brings, bytes(installed)]))
}

function spreadOf ({ median, lowest, highest }) {
  return `${amount(median)} (${amount(lowest)}–${amount(highest)})`
}
