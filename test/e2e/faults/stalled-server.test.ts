import t from 'tap'
import { close, ping, pong, text } from '../../helpers/bytes.ts'
import { RawClient } from '../../helpers/raw-client.ts'
import { suiteNeeding } from '../../helpers/requirements.ts'
import { PythonPeer } from '../peers.ts'
import { ServerProcess } from './server-process.ts'

/** How long the server's event loop is blocked, in milliseconds. */
const stall = 4_000

// Each test has a server of its own, and mostly waits.
t.jobs = 5
t.after(() => RawClient.dropAll())

t.test('what clients send while the event loop is blocked is answered in order, and nobody is dropped', async t => {
  const server = await ServerProcess.start(t)
  const clients = await Promise.all(Array.from({ length: 10 }, () => RawClient.open(server.port, '/')))
  const staller = await beginStall(server)
  for (const client of clients) {
    for (let i = 0; i < 100; i++) client.write(Buffer.concat([ping(String(i)), text(`${i} ${'x'.repeat(1_000)}`)]))
  }
  for (const [index, client] of clients.entries()) t.same(await numbersOf(client, 100), inOrder(100), `client ${index}`)
  t.equal(await staller.message(), 'awake')
  t.match(await server.report(), { opened: 10, closed: 0 })
})

t.test('who connects while the event loop is blocked is let in afterwards', async t => {
  const server = await ServerProcess.start(t)
  await beginStall(server)
  const clients = await Promise.all(Array.from({ length: 20 }, () => RawClient.open(server.port, '/')))
  for (const client of clients) {
    client.send('hello')
    t.equal(await client.message(), 'hello')
  }
})

t.test('who goes while the event loop is blocked is forgotten afterwards', async t => {
  const server = await ServerProcess.start(t)
  const clients = await Promise.all(Array.from({ length: 20 }, () => RawClient.open(server.port, '/')))
  const staller = await beginStall(server)
  for (const [index, client] of clients.entries()) {
    client.write(text('last words'))
    if (index % 2 === 0) client.reset()
    else client.socket.destroy()
  }
  t.equal(await staller.message(), 'awake')
  await staller.close(1000)
  t.match(await server.report('when empty'), { connections: 0, rooms: 0, opened: 20, closed: 20 })
})

t.test('who answers a close while the event loop is blocked for longer than closeTimeout has answered in time', async t => {
  const server = await ServerProcess.start(t)
  const clients = await Promise.all(Array.from({ length: 10 }, () => RawClient.open(server.port, '/')))
  const staller = await beginStall(server, { closeOthers: true })
  for (const client of clients) {
    t.equal((await client.closeFrame()).code, 4000)
    client.socket.end(close(4000))
  }
  t.equal(await staller.message(), 'awake')
  await staller.close(1000)
  t.match(await server.report('when empty'), { closed: 10, clean: 10 })
})

t.test("the server's heartbeat outlives a blocked event loop: it drops who is silent, and nobody who answers", async t => {
  const server = await ServerProcess.start(t)
  const silent = await RawClient.open(server.port, '/beating')
  const clients = await Promise.all(Array.from({ length: 20 }, () => RawClient.open(server.port, '/beating')))
  for (const client of clients) client.socket.on('data', () => client.write(pong('')))
  // A ping of its own is under way to each when the event loop is blocked for several intervals.
  await Promise.all(clients.map(client => client.frame()))
  const staller = await beginStall(server)
  t.equal(await staller.message(), 'awake')
  await silent.ended()
  for (const client of clients) client.write(text('still here?'))
  for (const client of clients) t.equal(await nextText(client), 'still here?')
  t.match(await server.report(), { silent: 1, opened: 21 })
})

suiteNeeding(['python3-websockets'], "a client's heartbeat outlives a blocked event loop", async (t, paths) => {
  const server = await ServerProcess.start(t)
  const peer = new PythonPeer(t, paths['python3-websockets'])
  await peer.open(`ws://127.0.0.1:${server.port}/`, [], 0.2)
  const staller = await beginStall(server)
  peer.send('still here?')
  t.equal(await peer.receive(), 'still here?')
  await peer.ping()
  t.equal(await staller.message(), 'awake')
  t.equal((await peer.close(1000, '')).code, 1000)
})

/** Settles when a server is just about to block. */
async function beginStall (server: ServerProcess, { closeOthers = false } = {}): Promise<RawClient> {
  const client = await RawClient.open(server.port, '/stall')
  client.send({ stall, closeOthers })
  const { opcode, payload } = await client.frame()
  if (opcode !== 9) throw new Error('expected the ping first')
  client.write(pong(payload))
  if (await client.message<string>() !== 'stalling') throw new Error('expected the stall')
  return client
}

/** The next message, whatever pings come before it. */
async function nextText (client: RawClient): Promise<string> {
  for (;;) {
    const { opcode, payload } = await client.frame()
    if (opcode === 1) return payload.toString()
  }
}

/** The numbers in pongs and messages, which must alternate. */
async function numbersOf (client: RawClient, count: number): Promise<number[][]> {
  const numbers = []
  for (let i = 0; i < count; i++) {
    const [pong, echo] = [await client.frame(), await client.frame()]
    numbers.push([Number(pong.payload), Number.parseInt(echo.payload.toString())])
  }
  return numbers
}

function inOrder (count: number): number[][] {
  return Array.from({ length: count }, (_, i) => [i, i])
}
