// What is measured. Each names the work of the server, what is said to it, and the load that says it.

const messages = { unit: 'messages/s', better: 'higher', load: 'exchange', connections: 64 }
const deliveries = { unit: 'deliveries/s', better: 'higher', load: 'broadcast', work: 'broadcast', message: 'tick', size: 256, inFlight: 8 }
const bulk = { ...messages, work: 'echo', message: 'binary' }
const deflated = { ...messages, work: 'echo', message: 'records', size: 4096, inFlight: 8, without: ['net'] }
const memory = { unit: 'bytes a connection', better: 'lower', load: 'idle', work: 'echo', message: 'text', size: 64, connections: 10_000, isIdle: true }
const compressedMemory = { message: 'records', size: 4096, deflate: 'alone', without: ['net'] }

/** What it says before the first message is compressed as well, and would have to be known to read on. */
const greeting = ['socket.io']

const scenarios = {
  echo: { ...messages, title: 'Echo, 64 B, 64 connections, 64 in flight each', work: 'echo', message: 'text', size: 64, inFlight: 64 },
  one: { ...messages, title: 'Echo, 64 B, 64 connections, one in flight each', work: 'echo', message: 'text', size: 64, inFlight: 1 },
  rpc: { ...messages, title: 'Typed: JSON validated against a union of 2, JSON in reply, 64 connections, 16 in flight each', work: 'typed', message: 'say', inFlight: 16 },
  union: { ...messages, title: 'Typed: a union of 20, each in turn, 64 connections, 16 in flight each', work: 'union', message: 'kinds', inFlight: 16 },
  'broadcast-1000': { ...deliveries, title: 'Broadcast of 256 B of JSON to 1,000, 8 in flight', connections: 1000 },
  'broadcast-10000': { ...deliveries, title: 'Broadcast of 256 B of JSON to 10,000, 8 in flight', connections: 10_000 },
  'binary-64k': { ...bulk, title: 'Binary echo, 64 KiB, 16 connections, 4 in flight each', size: 64 * 1024, connections: 16, inFlight: 4 },
  'binary-1m': { ...bulk, title: 'Binary echo, 1 MiB, 8 connections, 2 in flight each', size: 1024 * 1024, connections: 8, inFlight: 2 },
  fragments: { ...messages, title: '64 KiB of multi-byte text in 16 fragments, 16 connections, 4 in flight each', work: 'text', message: 'multibyte', size: 64 * 1024, fragments: 16, connections: 16, inFlight: 4 },
  deflate: { ...deflated, title: 'Compressed echo, 4 KiB of JSON text, no context takeover, 64 connections, 8 in flight each', deflate: 'alone' },
  'deflate-takeover': { ...deflated, title: 'Compressed echo, 4 KiB of JSON text, context takeover, 64 connections, 8 in flight each', deflate: 'takeover', without: ['net', ...greeting] },
  handshakes: { title: 'Handshakes, 32 at a time; the Fastify servers run an async onRequest hook', unit: 'handshakes/s', better: 'higher', load: 'handshakes', work: 'hooked', message: 'text', size: 64, connections: 32 },
  'idle-10000': { ...memory, title: 'RSS of an idle connection, of 10,000 that nothing was sent on' },
  'idle-deflate-10000': { ...memory, title: 'RSS of an idle connection with compression negotiated, of 10,000 that nothing was sent on', ...compressedMemory },
  'idle-used-10000': { ...memory, title: 'RSS of an idle connection, of 10,000, after a message of 64 B there and back', isUsed: true },
  'idle-used-deflate-10000': { ...memory, title: 'RSS of an idle connection with compression, of 10,000, after a message of 4 KiB there and back', ...compressedMemory, isUsed: true },
  'slow-consumers': {
    ...deliveries,
    title: 'Broadcast of 4 KiB to 100, 10 of which never read: what each of the others gets',
    unit: 'messages/s',
    size: 4096,
    connections: 90,
    slow: 10,
    // The operating system takes some 10 MB for each before any waits in the server.
    timesLonger: 3,
    countsOncePerMember: true,
    // What waits for them is its user's to decide, and it has no limit.
    without: ['net']
  },
  latency: { ...messages, title: 'Typed requests at half of the peak of ws, latency from the intended time of sending', unit: 'ms p99', better: 'lower', load: 'latency', work: 'typed', message: 'say' }
}

export const scenarioNames = Object.keys(scenarios)

/**
 * A scenario by its name, or one that differs from it: `{ base: 'echo', name: 'echo-16', title, size: 16, connections: 100 }`.
 *
 * @throws where there is none of that name
 */
export function scenarioOf (scenario) {
  const { base, ...differing } = typeof scenario === 'string' ? { base: scenario, name: scenario } : { base: scenario.name, ...scenario }
  if (!Object.hasOwn(scenarios, base)) throw new Error(`no scenario '${base}'; there are ${scenarioNames.join(', ')}`)
  return { name: base, ...scenarios[base], ...differing }
}
