// `npm run bench:deflate`: what compression costs. First zlib alone, at once, on another thread, and with a stream that is kept, on which the
// sizes in lib/connection/{inflater,deflater}.ts rest; then connections that are idle; then an echo.
// Arguments: idle connections, seconds of an echo, and rounds.
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { constants, createDeflateRaw, createInflateRaw, deflateRaw, deflateRawSync, inflateRaw, inflateRawSync } from 'node:zlib'
import { Child, header, jsonOf, median, row, thousands } from './common.mjs'

const [idle = 2000, seconds = 2, rounds = 5] = process.argv.slice(2).map(Number)
const settings = { windowBits: 12, memLevel: 5, finishFlush: constants.Z_SYNC_FLUSH }
const inflating = { windowBits: 15, finishFlush: constants.Z_SYNC_FLUSH }
const atOnce = 3

/** Microseconds a message: until it is there, `atOnce` under way; and how long the event loop was kept from other work. */
async function time (job, isAsync) {
  const until = performance.now() + 150
  const began = performance.now()
  const before = performance.eventLoopUtilization()
  let count = 0
  while (performance.now() < until) {
    if (isAsync) await Promise.all(Array.from({ length: atOnce }, () => job()))
    else for (let i = 0; i < atOnce; i++) job()
    count += atOnce
  }
  const wall = (performance.now() - began) * 1000 / count
  const { active } = performance.eventLoopUtilization(before)
  return { wall, busy: isAsync ? Math.min(wall, active * 1000 / count) : wall }
}

/** A stream of zlib that is kept, and flushed after each message, as most libraries have it. */
function kept (stream, tail = Buffer.alloc(0)) {
  let length = 0
  stream.on('data', chunk => { length += chunk.length })
  return async payload => {
    length = 0
    stream.write(payload)
    if (tail.length > 0) stream.write(tail)
    await new Promise(resolve => stream.flush(constants.Z_SYNC_FLUSH, resolve))
    return length
  }
}

async function zlibAlone () {
  const deflateLater = promisify(deflateRaw)
  const inflateLater = promisify(inflateRaw)
  console.log(`### zlib, microseconds a message of JSON (medians of ${rounds}); “busy” is the event loop\n`)
  header('bytes', 'deflate at once', 'later', 'busy', 'kept stream', 'inflate at once', 'later', 'busy', 'kept stream')
  for (const size of [64, 256, 1024, 4096, 16384, 65536, 262144]) {
    const message = jsonOf(size)
    const deflated = deflateRawSync(message, settings)
    const deflater = createDeflateRaw({ windowBits: 12, memLevel: 5 })
    const inflater = createInflateRaw({ windowBits: 15 })
    const [deflateKept, inflateKept] = [kept(deflater), kept(inflater)]
    // One after the other, as the messages of one connection are.
    const contenders = [
      [() => deflateRawSync(message, settings), false],
      [() => deflateLater(message, settings), true],
      [() => deflateKept(message), 'in turn'],
      [() => inflateRawSync(deflated, inflating), false],
      [() => inflateLater(deflated, inflating), true],
      [() => inflateKept(deflated), 'in turn']
    ]
    const figures = contenders.map(() => [])
    for (let round = 0; round < rounds; round++) {
      for (const [index, [job, isAsync]] of contenders.entries()) {
        figures[index].push(isAsync === 'in turn' ? await timeInTurn(job) : await time(job, isAsync))
      }
    }
    const of = (index, what) => median(figures[index].map(figure => figure[what])).toFixed(0)
    row(thousands(size), of(0, 'wall'), of(1, 'wall'), of(1, 'busy'), of(2, 'wall'), of(3, 'wall'), of(4, 'wall'), of(4, 'busy'), of(5, 'wall'))
    deflater.destroy()
    inflater.destroy()
  }
}

async function timeInTurn (job) {
  const began = performance.now()
  let count = 0
  while (performance.now() < began + 150) {
    await job()
    count++
  }
  return { wall: (performance.now() - began) * 1000 / count }
}

const offered = 'permessage-deflate; client_max_window_bits'
const takeover = { contextTakeover: true }
const kinds = [
  { title: 'off', name: 'fastify-typed-ws', option: false, extensions: '' },
  { title: 'on', name: 'fastify-typed-ws', option: true, extensions: offered },
  { title: 'on, with context takeover', name: 'fastify-typed-ws', option: takeover, extensions: offered },
  { title: 'off', name: '@fastify/websocket', option: false, extensions: '' },
  { title: 'on', name: '@fastify/websocket', option: true, extensions: offered },
  { title: 'on, without context takeover', name: '@fastify/websocket', option: { serverNoContextTakeover: true, clientNoContextTakeover: true }, extensions: offered }
]

async function withServer ({ name, option, extensions }, count, use) {
  const server = await Child.start(new URL('deflate/server.mjs', import.meta.url), [name, JSON.stringify(option)], ['--expose-gc'])
  const clients = await Child.start(new URL('deflate/clients.mjs', import.meta.url))
  try {
    // What is compiled and allocated once belongs to no connection.
    await clients.ask('open', { port: server.ready.port, count: 50, extensions })
    const settled = async () => {
      await server.ask('collect')
      await delay(300)
      await server.ask('collect')
      return (await server.memory()).rss
    }
    const before = await settled()
    await clients.ask('open', { port: server.ready.port, count, extensions })
    return await use({ server, clients, settled, before })
  } finally {
    await clients.stop()
    await server.stop()
  }
}

async function idleConnections () {
  console.log(`\n### ${thousands(idle)} idle connections, after one message of 4 KiB there and back\n`)
  header('server', 'compression', 'RSS a connection')
  for (const kind of kinds) {
    const each = await withServer(kind, idle, async ({ settled, before }) => (await settled() - before) * 1024 / idle)
    row(kind.name, kind.title, `${each.toFixed(1)} KiB`)
  }
}

async function echoes () {
  console.log(`\n### Echo of 4 KiB of JSON, 64 connections, 8 in flight, medians of ${rounds} rounds\n`)
  header('server', 'compression', 'messages a second', 'per CPU second of the server')
  for (const kind of kinds) {
    const results = await withServer(kind, 14, async ({ server, clients }) => {
      const results = []
      await clients.ask('echo', { ...kind, inFlight: 8, milliseconds: 500 })
      await delay(200)
      for (let round = 0; round < rounds; round++) {
        const { seconds: before } = await server.ask('cpu')
        const { replies } = await clients.ask('echo', { ...kind, inFlight: 8, milliseconds: seconds * 1000 })
        const { seconds: after } = await server.ask('cpu')
        results.push({ rate: replies / seconds, efficiency: replies / (after - before) })
        await delay(200)
      }
      return results
    })
    row(kind.name, kind.title, thousands(median(results.map(({ rate }) => rate))), thousands(median(results.map(({ efficiency }) => efficiency))))
  }
}

console.log(`Node ${process.version}\n`)
await zlibAlone()
await idleConnections()
await echoes()
