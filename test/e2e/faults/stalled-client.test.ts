import { once } from 'node:events'
import t from 'tap'
import type { Test } from 'tap'
import { pong } from '../../helpers/bytes.ts'
import { RawClient } from '../../helpers/raw-client.ts'
import { ClientProcess, upgradeBytes } from './clients.ts'
import { crowd, until, WatchedServer } from './watched-server.ts'

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
async function stalled (t: Test, options?: { closeTimeout: number }): Promise<{ server: WatchedServer, client: ClientProcess }> {
  const server = await WatchedServer.start(t, options)
  const client = await ClientProcess.connect(t, server.port)
  client.write(upgradeBytes('/'))
  await client.upgraded()
  await until(() => server.connection?.readyState === 1)
  client.stall()
  return { server, client }
}
