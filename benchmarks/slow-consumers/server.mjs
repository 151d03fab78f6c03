// A room that is broadcast to, in a process of its own: `fork('server.mjs', [policy | '@fastify/websocket'])`.
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises'
import Fastify from 'fastify'
import { answerParent } from '../common.mjs'

const [name] = process.argv.slice(2)
const keepLatest = { policy: 'keep-latest', key: ({ key }) => key }

/** What a message is in JSON, in bytes. */
const size = 4096
const messagesATurn = 8
const highWaterMark = 64 * 1024

/** Those that read: the broadcaster waits for them, and for nobody else. */
const healthy = new Set()

/** Each answers how to send to all. */
const servers = {
  async ours (app) {
    const { default: typedWs } = await import('../../dist/lib/index.js')
    await app.register(typedWs)
    app.rooms.declare('ticker', { slowConsumer: name === 'keep-latest' ? keepLatest : name })
    app.ws('/ticker', {
      onOpen: (connection, { query }) => {
        if (query.reads === 'yes') healthy.add(connection)
        return connection.join('ticker')
      },
      onClose: connection => healthy.delete(connection)
    }, () => {})
    return message => app.room('ticker').send(message)
  },

  /** The same by hand: what its users write today. */
  async theirs (app) {
    const { default: websocket } = await import('@fastify/websocket')
    const members = new Set()
    await app.register(websocket)
    app.get('/ticker', { websocket: true }, (socket, { query }) => {
      members.add(socket)
      if (query.reads === 'yes') healthy.add(socket)
      socket.on('close', () => {
        members.delete(socket)
        healthy.delete(socket)
      })
    })
    return message => {
      const json = JSON.stringify(message)
      for (const member of members) member.send(json)
    }
  }
}

/** Every message is of the same size, so that those who count bytes count messages. */
function message (number) {
  const start = { type: 'tick', key: `key-${String(number % 64).padStart(2, '0')}`, number: String(number).padStart(9, '0'), text: '' }
  return { ...start, text: filler.slice(JSON.stringify(start).length) }
}
const filler = 'x'.repeat(size)

/** As fast as the slowest of those that read: no more than `highWaterMark` and a turn's messages wait for any of them. */
async function broadcast (milliseconds) {
  const until = performance.now() + milliseconds
  let sent = 0
  while (performance.now() < until) {
    for (let i = 0; i < messagesATurn; i++) send(message(sent++))
    await turn()
    // A timer rather than turn after turn: what waiting costs must not count as work.
    while ([...healthy].some(isBehind)) await delay(1)
  }
  return sent
}

const isBehind = ({ bufferedAmount }) => bufferedAmount >= highWaterMark

function cpuSeconds () {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

const app = Fastify()
const send = await servers[name === '@fastify/websocket' ? 'theirs' : 'ours'](app)
await app.listen({ port: 0, host: '127.0.0.1' })
answerParent({
  async broadcast ({ milliseconds }) {
    const started = performance.now()
    const busyBefore = cpuSeconds()
    const sent = await broadcast(milliseconds)
    return { sent, perSecond: sent / (performance.now() - started) * 1000, perCpuSecond: sent / (cpuSeconds() - busyBefore) }
  },
  stats: () => app.wsStats?.().slowConsumers ?? {},
  readers: () => ({ healthy: healthy.size })
})
process.send({ port: app.server.address().port })
