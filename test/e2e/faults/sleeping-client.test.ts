import t from 'tap'
import type { Test } from 'tap'
import { pong } from '../../helpers/bytes.ts'
import { RawClient } from '../../helpers/raw-client.ts'
import { ClientProcess, upgradeBytes } from './clients.ts'
import { crowd, until, WatchedServer } from './watched-server.ts'

const heartbeat = { interval: 1_000, timeout: 900 }

t.test('a laptop that falls asleep is reaped, and those who are awake stay', async t => {
  const { server, awake } = await asleep(t)
  await server.ended
  t.match(server.ends, [{ code: 1006, wasClean: false, closedBy: 'network' }])
  t.equal(server.app.wsStats().connections.silent, 1)
  await until(() => server.app.wsConnections.size === 1)
  awake.send('here')
  let frame = await awake.frame()
  while (frame.opcode === 9) frame = await awake.frame()
  t.equal(frame.payload.toString(), '"here"')
})

t.test('a laptop that falls asleep while the room goes on without it is reaped before its budget is spent', async t => {
  const { server } = await asleep(t)
  const talk = setInterval(() => { void server.app.room(crowd).send('x'.repeat(200_000)) }, 2)
  t.teardown(() => clearInterval(talk))
  await server.ended
  t.match(server.ends, [{ code: 1006, wasClean: false, closedBy: 'network' }])
  t.match(server.app.wsStats(), { connections: { silent: 1 }, slowConsumers: { closed: 0 } })
})

/** A server with one client whose process is stopped, and one that answers pings. */
async function asleep (t: Test): Promise<{ server: WatchedServer, awake: RawClient }> {
  const server = await WatchedServer.start(t, { heartbeat, budget: { connection: 1024 ** 3, process: Infinity } })
  const client = await ClientProcess.connect(t, server.port)
  client.write(upgradeBytes('/'))
  await client.upgraded()
  await until(() => server.connection?.readyState === 1)
  const awake = await RawClient.open(server.port, '/bystander')
  const answers = setInterval(() => awake.write(pong('')), 20)
  t.teardown(() => clearInterval(answers))
  await client.stall()
  return { server, awake }
}
