import { once } from 'node:events'
import { getDefaultHighWaterMark } from 'node:stream'
import t from 'tap'
import type { Test } from 'tap'
import type { WsPluginOptions } from '../../../types/index.ts'
import { pong } from '../../helpers/bytes.ts'
import { RawClient } from '../../helpers/raw-client.ts'
import { ClientProcess, upgradeBytes } from './clients.ts'
import { crowd, until, WatchedServer } from './watched-server.ts'

/** What may be on its way out besides: a little less than makes a stream of Node's ask for patience, and a message. */
const writable = getDefaultHighWaterMark(false) + 10_000

t.test('a client that stalls and wakes up gets everything, in order', async t => {
  const { server, client } = await stalled(t)
  for (let i = 0; i < 100; i++) void server.app.room(crowd).send(`${i} ${'x'.repeat(5_000)}`)
  const answered = server.connection.ping()
  client.wakeUp()
  for (let i = 0; i < 100; i++) {
    const { payload } = await client.frame()
    if (!payload.toString().startsWith(`"${i} `)) t.fail(`received ${payload.toString('latin1', 0, 10)} in place of ${i}`)
  }
  const { opcode, payload } = await client.frame()
  t.equal(opcode, 9)
  client.write(pong(payload))
  t.type(await answered, 'number')
})

t.test('while a client stalls, the others are served', async t => {
  const { server } = await stalled(t)
  const other = await RawClient.open(server.port, '/bystander')
  for (let i = 0; i < 500; i++) {
    void server.app.room(crowd).send({ i, padding: 'x'.repeat(1_000) })
    const message = await other.message<{ i: number }>()
    if (message.i !== i) t.fail(`received ${message.i} in place of ${i}`)
  }
})

t.test('a client that stalls for good is dropped by a close that it does not answer', async t => {
  const { server } = await stalled(t, { closeTimeout: 200 })
  const { socket } = server
  const closed = once(socket, 'close')
  server.connection.close(1008)
  await closed
  await server.ended
  t.match(server.ends, [{ code: 1008, wasClean: false }])
  t.equal(server.app.wsConnections.size, 0)
})

t.test('a client that stalls for good holds no more than its budget, and is closed', async t => {
  const { server } = await stalled(t, { budget: { connection: 100_000 }, closeTimeout: 200 })
  const { connection, app } = server
  let mostHeld = 0
  while (connection.readyState === 1) {
    void app.room(crowd).send('x'.repeat(1_000))
    mostHeld = Math.max(mostHeld, app.wsStats().memory.held)
    await new Promise(resolve => setImmediate(resolve))
  }
  await server.ended
  await server.sockets.open(0)
  t.match(server.ends, [{ code: 1013, wasClean: false }])
  t.ok(mostHeld > 50_000 && mostHeld < 100_000 + writable, `${mostHeld} bytes were held`)
  t.match(app.wsStats(), { connections: { open: 0 }, memory: { held: 0 }, slowConsumers: { closed: 1 } })
})

t.test('a client that stalls and wakes up has missed the newest messages where these are dropped', async t => {
  const received = await receivedAfter(t, 'drop-newest')
  const first = received.findIndex((number, index) => number !== index)
  t.ok(first > 0, 'it got all up to a point')
  t.equal(received[received.length - 1], 'last')
})

t.test('a client that stalls and wakes up has missed the oldest messages where these are dropped', async t => {
  const received = await receivedAfter(t, 'drop-oldest')
  const numbers = received.slice(0, -1) as number[]
  t.same(numbers, [...numbers].sort((a, b) => a - b), 'in order')
  const gaps = numbers.filter((number, index) => index > 0 && number !== numbers[index - 1] + 1)
  t.equal(gaps.length, 1, 'it got all up to a point, and all from a later one on')
  t.equal(received[received.length - 1], 'last')
})

t.test('a client that stalls and wakes up gets the latest message where that is kept', async t => {
  const received = await receivedAfter(t, { policy: 'keep-latest', key: message => typeof message === 'string' ? message : 'number' })
  const numbers = received.slice(0, -1) as number[]
  const latest = numbers.pop()
  t.same(numbers, [...numbers.keys()], 'it got all up to a point')
  t.ok(Number(latest) > numbers.length, 'and the latest')
  t.equal(received[received.length - 1], 'last')
})

t.test('a client that stalls is killed: what waited for it is let go', async t => {
  const { server, client } = await stalled(t)
  while (server.connection.bufferedAmount < 100_000) {
    server.connection.send('x'.repeat(10_000))
    await new Promise(resolve => setImmediate(resolve))
  }
  client.lose()
  await server.ended
  await server.sockets.open(0)
  t.match(server.ends, [{ code: 1006, wasClean: false }])
  t.equal(server.connection.bufferedAmount, 0)
})

/** A server with one client, which is stopped. */
async function stalled (t: Test, options: WsPluginOptions = {}): Promise<{ server: WatchedServer, client: ClientProcess }> {
  const server = await WatchedServer.start(t, options)
  const client = await ClientProcess.connect(t, server.port)
  client.write(upgradeBytes('/'))
  await client.upgraded()
  await until(() => server.connection?.readyState === 1)
  await client.stall()
  return { server, client }
}

/** The numbers that a client gets which stalls until some of them did not wait, and the word after them. */
async function receivedAfter (t: Test, slowConsumer: NonNullable<WsPluginOptions['slowConsumer']>): Promise<unknown[]> {
  const { server, client } = await stalled(t, { budget: { connection: 100_000 }, slowConsumer })
  const { connection, app } = server
  const missed = (): number => app.wsStats().slowConsumers.dropped + app.wsStats().slowConsumers.replaced
  for (let i = 0; missed() < 200; i++) {
    connection.send({ i, padding: 'x'.repeat(1_000) })
    await new Promise(resolve => setImmediate(resolve))
  }
  client.wakeUp()
  await connection.drained()
  connection.send('last')
  const received: unknown[] = []
  while (received[received.length - 1] !== 'last') {
    const message = JSON.parse((await client.frame()).payload.toString())
    received.push(typeof message === 'string' ? message : message.i)
  }
  return received
}
