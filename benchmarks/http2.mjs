// `npm run bench:http2 -- [--connections 10000] [--rounds 5] [--seconds 2]`: the same sockets over HTTP/1.1 and over HTTP/2, in cleartext and by TLS:
// what an idle one takes, and what an echoed message costs.
import { parseArgs } from 'node:util'
import { selfSigned } from '../.build/test/helpers/tls.js'
import { Child, header, median, row, thousands } from './common.mjs'
import { levelMemory } from './memory.mjs'

const { values } = parseArgs({
  options: {
    connections: { type: 'string', default: '10000' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    part: { type: 'string', default: 'memory,echo' }
  }
})
const { connections, rounds, seconds } = Object.fromEntries(['connections', 'rounds', 'seconds'].map(name => [name, Number(values[name])]))

/** Opened before the first reading: what is compiled and allocated once belongs to no connection. */
const warmUp = 200
/** The load is shared by so many processes. */
const clientProcesses = 2

const tls = selfSigned()

/** @param perSession how many sockets a session of HTTP/2 carries; 0 for HTTP/1.1 */
const way = (title, perSession, secure) => ({ title, perSession, secure, tls: secure ? tls : null })

const ways = [
  way('HTTP/1.1', 0, false), way('HTTP/2, 100 a session', 100, false), way('HTTP/2, one a session', 1, false),
  way('HTTP/1.1, TLS', 0, true), way('HTTP/2, TLS, 100 a session', 100, true), way('HTTP/2, TLS, one a session', 1, true)
]

const echoes = [
  { title: 'two sockets, one message in flight on each', sockets: 2, inFlight: 1 },
  { title: '200 sockets, one in flight on each', sockets: 200, inFlight: 1 },
  { title: '200 sockets, eight in flight on each', sockets: 200, inFlight: 8 }
]

class Bench {
  static async start (way) {
    const bench = new Bench()
    bench.way = way
    bench.server = await Child.start(new URL('http2/server.mjs', import.meta.url), [JSON.stringify(way)], ['--expose-gc'])
    bench.clients = []
    while (bench.clients.length < clientProcesses) bench.clients.push(await Child.start(new URL('http2/clients.mjs', import.meta.url)))
    return bench
  }

  async open (total) {
    const { server: { ready: { port } }, way: { perSession, secure } } = this
    const count = total / clientProcesses
    await Promise.all(this.clients.map(client => client.ask('open', { port, perSession: Math.min(perSession, count), secure, count })))
  }

  /** Once it falls no further, in bytes. */
  async memory () {
    const rss = await levelMemory(this.server) * 2 ** 20
    const { heap, outside } = await this.server.ask('heap')
    return { rss, heap, outside }
  }

  async stop () {
    for (const child of [...this.clients, this.server]) await child.stop()
  }
}

async function measureMemory () {
  console.log(`Node ${process.version}, ${thousands(connections)} idle connections, KiB of the server for each\n`)
  header('', 'RSS', 'heap', 'outside of the heap')
  for (const way of ways) {
    const bench = await Bench.start(way)
    try {
      await bench.open(warmUp)
      const before = await bench.memory()
      await bench.open(connections)
      const after = await bench.memory()
      row(way.title, ...['rss', 'heap', 'outside'].map(kind => ((after[kind] - before[kind]) / connections / 1024).toFixed(1)))
    } finally {
      await bench.stop()
    }
  }
}

/** Rounds in turn, so that a busy machine is busy for all. */
async function measureEcho ({ title, sockets, inFlight }) {
  const benches = []
  const results = ways.map(() => [])
  try {
    for (const way of ways) {
      const bench = await Bench.start(way)
      benches.push(bench)
      await bench.open(sockets)
      await round(bench, inFlight)
    }
    for (let count = 0; count < rounds; count++) {
      for (const [index, bench] of benches.entries()) results[index].push(await round(bench, inFlight))
    }
  } finally {
    for (const bench of benches) await bench.stop()
  }
  console.log(`\nEchoes of 64 bytes, ${title}; medians of ${rounds} rounds in turn, ratios to HTTP/1.1 round by round\n`)
  header('', 'messages a second', 'ratio', 'CPU of the server, µs a message', 'ratio', 'median latency, ms', 'ratio')
  for (const [index, { title, secure }] of ways.entries()) {
    const base = results[ways.findIndex(way => way.perSession === 0 && way.secure === secure)]
    const [rate, ...others] = ['perSecond', 'cpu', 'latency'].flatMap(kind => [
      median(results[index].map(figures => figures[kind])), median(results[index].map((figures, number) => figures[kind] / base[number][kind]))
    ])
    row(title, thousands(rate), ...others.map(figure => figure.toFixed(2)))
  }
}

async function round ({ server, clients }, inFlight) {
  const before = await server.ask('mark')
  const echoed = await Promise.all(clients.map(client => client.ask('echo', { inFlight, milliseconds: seconds * 1000 })))
  const after = await server.ask('mark')
  const count = echoed.reduce((sum, { count }) => sum + count, 0)
  return { perSecond: count / seconds, cpu: (after.cpu - before.cpu) * 1e6 / count, latency: median(echoed.map(({ latency }) => latency)) }
}

if (values.part.includes('memory')) await measureMemory()
if (values.part.includes('echo')) {
  for (const echo of echoes) await measureEcho(echo)
}
