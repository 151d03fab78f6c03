// `npm run bench`: the same work on each server in turn, A B A B …, and the medians of all rounds.
// The load is written with bare sockets, so that no client library is measured.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

const names = ['fastify-typed-ws', '@fastify/websocket']
const rounds = Number(process.argv[2] ?? 5)
const warmUpMs = 300
const roundMs = 1500

const said = JSON.stringify({ type: 'said', room: 'lobby', text: 'hello there, how are you?' })
const scenarios = [
  { title: 'echo, 64 B, 64 in flight', path: '/echo', inFlight: 64, payload: 'x'.repeat(64), replyBytes: 66 },
  { title: 'echo, 64 B, one in flight', path: '/echo', inFlight: 1, payload: 'x'.repeat(64), replyBytes: 66 },
  {
    title: 'JSON, validated, 16 in flight',
    path: '/typed',
    inFlight: 16,
    payload: JSON.stringify({ type: 'say', room: 'lobby', text: 'hello there, how are you?' }),
    replyBytes: 2 + said.length
  }
]
const connections = 64

/** A masked text frame; the key is of no matter here. */
function frame (payload) {
  const key = [1, 2, 3, 4]
  const body = Buffer.from(payload).map((byte, index) => byte ^ key[index % 4])
  return Buffer.concat([Buffer.from([0x81, 0x80 | body.length, ...key]), body])
}

/** Keeps `inFlight` messages under way on each connection; returns messages per second. */
async function load (port, { path, inFlight, payload, replyBytes }) {
  const one = frame(payload)
  let replies = 0
  let isOver = false
  const sockets = await Promise.all(Array.from({ length: connections }, async () => {
    const socket = connect(port, '127.0.0.1').setNoDelay(true)
    socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n')
    await once(socket, 'data')
    let bytes = 0
    socket.on('data', chunk => {
      bytes += chunk.length
      const count = Math.floor(bytes / replyBytes)
      bytes -= count * replyBytes
      replies += count
      if (!isOver && count > 0) socket.write(count === 1 ? one : Buffer.concat(Array(count).fill(one)))
    })
    return socket
  }))
  for (const socket of sockets) socket.write(Buffer.concat(Array(inFlight).fill(one)))
  await delay(warmUpMs)
  replies = 0
  const started = performance.now()
  await delay(roundMs)
  const perSecond = replies / (performance.now() - started) * 1000
  isOver = true
  for (const socket of sockets) socket.destroy()
  return perSecond
}

async function ask (server) {
  const answer = once(server, 'message')
  server.send('cpu')
  return (await answer)[0].cpuSeconds
}

const median = values => values.toSorted((a, b) => a - b)[values.length >> 1]
const thousands = value => Math.round(value).toLocaleString('en')

const servers = await Promise.all(names.map(async name => {
  const child = fork(new URL('server.mjs', import.meta.url), [name])
  const [{ port }] = await once(child, 'message')
  return { name, child, port }
}))

console.log(`Node ${process.version}, ${connections} connections, ${rounds} rounds, medians (lowest–highest)\n`)
console.log(`| messages a second | ${names.join(' | ')} | ratio | ratio per CPU second of the server |`)
console.log('| --- | --- | --- | --- | --- |')
for (const scenario of scenarios) {
  const rates = new Map(names.map(name => [name, []]))
  const efficiencies = new Map(names.map(name => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const { name, child, port } of servers) {
      const before = await ask(child)
      const rate = await load(port, scenario)
      rates.get(name).push(rate)
      efficiencies.get(name).push(rate / (await ask(child) - before))
    }
  }
  const [ours, theirs] = names.map(name => median(rates.get(name)))
  const [ourWork, theirWork] = names.map(name => median(efficiencies.get(name)))
  const cells = names.map(name => `${thousands(median(rates.get(name)))} (${thousands(Math.min(...rates.get(name)))}–${thousands(Math.max(...rates.get(name)))})`)
  console.log(`| ${scenario.title} | ${cells.join(' | ')} | ${(ours / theirs).toFixed(1)} | ${(ourWork / theirWork).toFixed(1)} |`)
}
for (const { child } of servers) child.kill()
