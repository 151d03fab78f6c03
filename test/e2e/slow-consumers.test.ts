import t from 'tap'
import type { Test } from 'tap'
import type { Connection, SlowConsumerOption, WsStats } from '../../types/index.ts'
import { buildApp, listen } from '../helpers/app.ts'
import { RawClient } from '../helpers/raw-client.ts'

/** Of one client that does not read, in bytes. */
const budget = 256 * 1024
const readers = 8
const slow = 2

/** What a message is in JSON, and with the header of its frame. */
const messageBytes = 4096
const frameBytes = messageBytes + 4

/** More than the operating system takes for clients that never read. */
const most = 20_000

interface Outcome {
  readonly stats: WsStats
  /** How many messages each reader has. */
  readonly received: readonly number[]
  readonly sent: number
}

/** Broadcasts, as fast as the readers take it, until the others have been dropped as many messages as may be waiting for them. */
async function broadcast (t: Test, slowConsumer: SlowConsumerOption<{ key: string }>, isOver: (counts: WsStats['slowConsumers']) => boolean): Promise<Outcome> {
  const app = await buildApp(t, { budget: { connection: budget } })
  app.rooms.declare('ticker', { slowConsumer: slowConsumer as SlowConsumerOption })
  const healthy: Connection[] = []
  app.ws('/', {
    onOpen: async (connection, request) => {
      if (request.headers['x-reads'] === 'yes') healthy.push(connection)
      await connection.join('ticker')
      connection.send('ready')
    }
  }, () => {})
  const port = await listen(app)
  const received = Array<number>(readers).fill(0)
  for (let i = 0; i < readers; i++) {
    const client = await open(port, 'yes')
    client.socket.removeAllListeners('data')
    client.socket.on('data', (chunk: Buffer) => { received[i] += chunk.length / frameBytes })
  }
  for (let i = 0; i < slow; i++) (await open(port, 'no')).socket.pause()

  let sent = 0
  while (!isOver(app.wsStats().slowConsumers) && sent < most) {
    const start = JSON.stringify({ key: `key-${sent % 16}`, number: sent++, text: '' })
    void app.room('ticker').send({ ...JSON.parse(start), text: 'x'.repeat(messageBytes - start.length) })
    if (sent % 8 === 0) await Promise.all(healthy.map(async connection => { await connection.drained() }))
    if (sent % 8 === 0) await new Promise(resolve => setImmediate(resolve))
  }
  while (received.some(count => Math.round(count) < sent)) await new Promise(resolve => setImmediate(resolve))
  return { stats: app.wsStats(), received: received.map(Math.round), sent }
}

async function open (port: number, reads: string): Promise<RawClient> {
  const client = await RawClient.open(port, '/', { headers: { 'X-Reads': reads } })
  await client.message()
  return client
}

function nothingMissed (t: Test, { received, sent }: Outcome): void {
  t.same(received, Array(readers).fill(sent), 'those that read have all of it')
}

t.test('close: those that never read are closed, and the others miss nothing', async t => {
  const outcome = await broadcast(t, 'close', ({ closed }) => closed === slow)
  t.equal(outcome.stats.slowConsumers.closed, slow)
  t.ok(outcome.stats.memory.peak < (budget * 1.5) * slow, `held ${outcome.stats.memory.peak}`)
  nothingMissed(t, outcome)
})

const keepLatest: SlowConsumerOption<{ key: string }> = { policy: 'keep-latest', key: ({ key }) => key }

for (const [title, policy, count] of [
  ['drop-newest', 'drop-newest', 'dropped'],
  ['drop-oldest', 'drop-oldest', 'dropped'],
  ['keep-latest', keepLatest, 'replaced']
] as const) {
  t.test(`${title}: those that never read stay within their budget, and the others miss nothing`, async t => {
    const outcome = await broadcast(t, policy, counts => counts[count] >= 1_000)
    t.ok(outcome.stats.slowConsumers[count] >= 1_000, `${outcome.stats.slowConsumers[count]} ${count}`)
    t.equal(outcome.stats.connections.open, readers + slow)
    t.ok(outcome.stats.memory.held < (budget * 1.5) * slow, `held ${outcome.stats.memory.held}`)
    nothingMissed(t, outcome)
  })
}
