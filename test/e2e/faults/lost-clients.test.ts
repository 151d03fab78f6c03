import t from 'tap'
import type { Test } from 'tap'
import { Http1Client } from '../../helpers/http1-client.ts'
import { ClientProcess, ResetClient } from './clients.ts'
import type { LosableClient } from './clients.ts'
import { moments, open } from './moments.ts'
import type { Moment } from './moments.ts'
import { crowd, until, WatchedServer } from './watched-server.ts'

interface Way {
  readonly title: string
  readonly tls: boolean
  /** Whether the server may take the client for one that still reads, as its kernel ends what it sends. */
  readonly isHalfOpen: boolean
  connect (t: Test, port: number): Promise<LosableClient>
}

const ways: readonly Way[] = [
  { title: 'is killed', tls: false, isHalfOpen: true, connect: ClientProcess.connect },
  { title: 'resets its connection', tls: false, isHalfOpen: false, connect: ResetClient.connect },
  { title: 'resets its connection below TLS', tls: true, isHalfOpen: false, connect: ResetClient.connectTls }
]

for (const way of ways) {
  for (const moment of moments) {
    t.test(`a client ${moment.title} ${way.title}: nothing of it is left`, t => leavesNothing(t, way, moment))
  }

  t.test(`a member ${way.title} amid a broadcast that it is behind with: the others miss nothing`, async t => {
    const { server, bystander, client } = await meet(t, way)
    await open(server, client)
    client.stopReading()
    const lost = server.socket
    let count = 0
    const next = async (): Promise<void> => {
      void server.app.room(crowd).send({ count, padding: 'x'.repeat(8_000) })
      const { count: received } = await bystander.message<{ count: number }>()
      if (received !== count++) t.fail(`the bystander received ${received} in place of ${count - 1}`)
    }
    while (server.connection.bufferedAmount === 0) await next()
    client.lose()
    while (!lost.destroyed) await next()
    await server.ended
    await server.sockets.open(1)
    await next()
    t.match(server.ends, [{ code: 1006, wasClean: false, rooms: [crowd] }])
    t.equal(server.app.room(crowd).size, 1)
    await leaves(t, server, bystander)
  })
}

t.test('a client that resets its connection in the handshake of TLS: nothing of it is left', async t => {
  const server = await WatchedServer.start(t, { tls: true })
  const client = await ResetClient.connect(t, server.port)
  // The beginning of a ClientHello of 512 bytes.
  client.write(Buffer.from('16030102000100', 'hex'))
  await server.sockets.open(1)
  client.lose()
  await server.sockets.open(0)
  t.equal(server.opened.length, 0)
})

async function leavesNothing (t: Test, way: Way, { reach, end }: Moment): Promise<void> {
  const { server, bystander, client } = await meet(t, way)
  await reach(server, client)
  const { socket } = server
  client.lose()
  if (way.isHalfOpen) await until(() => socket.readableEnded || socket.destroyed)
  else await server.sockets.open(1)
  server.release()
  await server.sockets.open(1)
  if (end !== null) await server.ended
  await isFine(t, server, bystander)
  await leaves(t, server, bystander)
  t.match(server.ends, end === null ? [] : [{ ...end, rooms: [crowd] }])
}

/** A server, a bystander and a client that has connected. */
async function meet (t: Test, way: Way): Promise<{ server: WatchedServer, bystander: Http1Client, client: LosableClient }> {
  const server = await WatchedServer.start(t, { tls: way.tls })
  const bystander = way.tls ? await Http1Client.connectTls(server.port) : await Http1Client.connect(server.port)
  bystander.request('/bystander')
  await bystander.reply()
  const client = await way.connect(t, server.port)
  await server.sockets.open(2)
  return { server, bystander, client }
}

/** The bystander is served as before, and is alone. */
async function isFine (t: Test, server: WatchedServer, bystander: Http1Client): Promise<void> {
  bystander.send('still here')
  t.equal(await bystander.message(), 'still here')
  await server.app.room(crowd).send('to all')
  t.equal(await bystander.message(), 'to all')
  t.same([server.app.room(crowd).size, server.app.wsConnections.size], [1, 1])
}

/** The bystander goes, too: the server holds nothing any more. */
async function leaves (t: Test, server: WatchedServer, bystander: Http1Client): Promise<void> {
  await bystander.close(1000)
  await server.sockets.open(0)
  t.match(server.app.wsStats(), { connections: { open: 0 }, rooms: 0, memory: { held: 0 } })
}
