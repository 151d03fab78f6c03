// Figures as they are read: ratios, spreads, the machine in one line.

/** The server that the others are compared with, and the one that is no WebSocket server at all: what the machine can do. */
export const control = 'ws'
export const ceiling = 'net'

/** Every server of the results, the plugin first. */
export const servers = ['fastify-typed-ws', 'uWebSockets.js', 'ws', '@fastify/websocket', 'socket.io', 'net']

/** Where there is no room for a title. */
const labels = {
  echo: 'Echo, 64 B, 64 in flight',
  one: 'Echo, 64 B, one in flight',
  rpc: 'Typed: validated JSON, JSON in reply',
  union: 'Typed: a union of 20 messages',
  'broadcast-1000': 'Broadcast to 1,000',
  'broadcast-10000': 'Broadcast to 10,000',
  'binary-64k': 'Binary echo, 64 KiB',
  'binary-1m': 'Binary echo, 1 MiB',
  fragments: 'Multi-byte text, 64 KiB in 16 fragments',
  deflate: 'Compressed echo, 4 KiB',
  'deflate-takeover': 'Compressed echo, context takeover',
  handshakes: 'Handshakes, hooks run',
  'idle-10000': 'Memory of an idle connection',
  'idle-deflate-10000': 'The same, compression negotiated',
  'idle-used-10000': 'Memory of a connection after one message',
  'idle-used-deflate-10000': 'The same with compression',
  'slow-consumers': 'Broadcast to 100, 10 of them never read',
  latency: 'Latency, typed, at half of the peak of ws'
}

export const labelOf = ({ name, title }) => labels[name] ?? title

/** The servers that a scenario was measured with, in that order. */
export function present (scenarios) {
  return inOrder(scenarios.flatMap(scenario => Object.keys(scenario.servers)))
}

export function inOrder (all) {
  const names = new Set(all)
  return [...servers.filter(name => names.has(name)), ...[...names].filter(name => !servers.includes(name))]
}

/** How many times as good as the control: for memory and delays less is better. Undefined where either was not measured. */
export function ratio (scenario, name, figure = 'median', better = scenario.better) {
  const own = scenario.servers[name]?.[figure]
  const reference = scenario.servers[control]?.[figure]
  if (!(own > 0 && reference > 0)) return undefined
  return better === 'lower' ? reference / own : own / reference
}

/** The ratios of a server's worst and best rounds to the control's median. */
export function spread (scenario, name) {
  const { lowest, highest } = scenario.servers[name]
  const { median } = scenario.servers[control]
  return scenario.better === 'lower' ? [median / highest, median / lowest] : [lowest / median, highest / median]
}

/** Two or three significant digits: 0.94, 8.1, 37. */
export function times (value) {
  return value < 1 ? value.toFixed(2) : value < 20 ? value.toFixed(1) : value.toFixed(0)
}

/** Three significant digits, with commas: 1,130,000, 8.05, 0.513. */
export function amount (value) {
  return Number(value.toPrecision(3)).toLocaleString('en', { maximumFractionDigits: 6 })
}

export function bytes (value) {
  for (const [unit, size] of [['MiB', 1024 * 1024], ['KiB', 1024]]) {
    if (value >= size) return `${amount(value / size)} ${unit}`
  }
  return `${value} B`
}

/** Of the day alone, so that it reads the same everywhere. */
export function day (iso) {
  return new Date(iso).toLocaleDateString('en-GB', { day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' })
}

export function machineLine ({ machine, node }) {
  const { cpu, cores, memoryGiB, kernel } = machine
  return `${cpu}, ${cores} cores, ${amount(memoryGiB)} GiB, Linux ${kernel}, Node ${node.replace(/^v/, '')}`
}

export function roundsLine ({ rounds, seconds }) {
  return `medians of ${rounds} rounds${seconds === undefined ? '' : ` of ${seconds} s`}`
}

/** A table's lines; the first column is for words, the others for figures. */
export function table (titles, rows) {
  const line = cells => `| ${cells.join(' | ')} |`
  return [line(titles), line(titles.map((_, column) => column === 0 ? '---' : '--:')), ...rows.map(line)].join('\n')
}
