import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { connect } from '../../lib/client/index.ts'
import type { StateChange } from '../../types/client.ts'
import { WebSocket } from 'undici'
import { WebSocket as WsWebSocket } from 'ws'
import { BrokerProxy } from '../e2e/cluster/broker-proxy.ts'
import { freePort } from '../helpers/free-port.ts'
import { change, ChatServer, connectTo, ended, next, until } from '../helpers/clients.ts'

/* One connection after the other. */

t.test('its states', async t => {
  const server = await ChatServer.start(t)
  const client = connectTo(t, server.url)
  t.equal(client.state, 'connecting')
  t.equal(client.protocol, '')
  const changes: StateChange[] = []
  const stop = client.onState(change => { changes.push(change) })
  await until(client, 'open')
  server.cut()
  await change(client, 'open')
  client.close()
  stop()
  const lost = changes[1].lost
  t.match(lost, { code: 1006 })
  t.match(changes, [
    { state: 'open', lost: null, retryIn: null }, { state: 'waiting', lost, retryIn: Number }, { state: 'connecting', lost, retryIn: null },
    { state: 'open', lost, retryIn: null }, { state: 'closed', lost, retryIn: null }
  ])
  t.equal(changes.length, 5)
})

t.test('a server that is away is tried until it is there, and what waited leaves in order', async t => {
  for (const Socket of [WebSocket, WsWebSocket]) {
    const server = new ChatServer()
    t.after(() => server.kill())
    server.port = await freePort()
    const client = connectTo(t, server.url, { WebSocket: Socket })
    client.send({ type: 'ignored', text: 'a' })
    const answered = client.request({ type: 'echo', text: 'b' })
    client.send({ type: 'ignored', text: 'c' })
    t.equal(client.queued, 3)
    await change(client, 'waiting')
    await change(client, 'waiting')
    await server.start()
    t.match(await answered, { text: 'b' })
    await client.request({ type: 'echo', text: 'd' })
    t.same(server.received.map(({ text }) => text), ['a', 'b', 'c', 'd'])
    t.equal(client.queued, 0)
  }
})

t.test('what was asked is lost with the connection; what waits, waits on', async t => {
  const server = await ChatServer.start(t)
  server.answer = ({ text }, connection) => text === 'slow' ? ended(connection) : undefined
  const client = connectTo(t, server.url)
  const asked = client.request({ type: 'echo', text: 'slow' })
  await until(client, 'open')
  const lost = change(client, 'waiting')
  server.cut()
  await t.rejects(asked, { code: 'WS_CLIENT_LOST' })
  await lost
  t.match(await client.request({ type: 'echo', text: 'b' }), { text: 'b' })
})

t.test('a server that greets whom it accepts, and then closes, is tried less and less often', async t => {
  const server = await ChatServer.start(t)
  server.onOpen = connection => {
    connection.send({ type: 'hello' })
    connection.close(1011)
  }
  // No pause is waited for, and each is longer than a busy machine takes for a connection.
  const client = connectTo(t, server.url, { reconnect: { base: 5_000, cap: 10_000_000 } })
  const pauses: number[] = []
  await new Promise<void>(resolve => client.onState(({ state, retryIn }) => {
    if (state !== 'waiting' || retryIn === null || pauses.push(retryIn) < 40) client.retry()
    else resolve()
  }))
  t.ok(Math.max(...pauses) > 100_000, `up to ${Math.max(...pauses)}`)
})

t.test('after a connection that lasted longer than the longest pause, pauses begin anew', async t => {
  const server = await ChatServer.start(t)
  const client = connectTo(t, server.url, { reconnect: { base: 8, cap: 100_000 } })
  for (let i = 0; i < 12; i++) {
    await until(client, 'open')
    await sleep(20)
    const waiting = change(client, 'waiting')
    server.cut()
    t.ok(Number((await waiting).retryIn) < 8)
  }
})

t.test('an attempt that nobody answers is given up', async t => {
  const silent = createServer()
  t.after(() => silent.close())
  await new Promise<void>(resolve => silent.listen(0, '127.0.0.1', resolve))
  for (const Socket of [WebSocket, WsWebSocket]) {
    const client = connectTo(t, `ws://127.0.0.1:${(silent.address() as AddressInfo).port}/`, { WebSocket: Socket, connectTimeout: 30 })
    t.match((await change(client, 'waiting')).lost, { code: 1006, reason: 'no connection in time' })
    client.close()
  }
})

t.test('without reconnect a lost connection is the end', async t => {
  const server = await ChatServer.start(t)
  const client = connectTo(t, server.url, { reconnect: false })
  await until(client, 'open')
  const loop = client[Symbol.asyncIterator]().next()
  server.cut()
  await t.rejects(loop, { code: 'WS_CLIENT_CLOSED', message: /^the server ended it: 1006/ })
  t.equal(client.state, 'closed')
})

t.test('close codes: which end it, and which do not', async t => {
  const server = await ChatServer.start(t)
  const cases = { 1000: 'closed', 1001: 'open', 1003: 'open', 1008: 'closed', 1009: 'open', 1011: 'open', 1012: 'open', 1013: 'open', 3000: 'open', 4000: 'open', 4399: 'open', 4400: 'closed', 4401: 'closed', 4403: 'closed', 4499: 'closed', 4500: 'open' } as const
  await Promise.all(Object.entries(cases).map(async ([code, state]) => {
    const client = connectTo(t, server.url)
    await until(client, 'open')
    const changed = change(client, state)
    client.send({ type: 'close', code: Number(code), reason: 'because' })
    t.match((await changed).lost, { code: Number(code), reason: 'because' }, code)
  }))
})

t.test('who is idle comes back when there is something to say', async t => {
  const server = await ChatServer.start(t)
  const client = connectTo(t, server.url)
  for (const rouse of [
    () => client.request({ type: 'echo' }), () => client.join('a'), () => client.retry(), () => client.send({ type: 'ignored' })
  ]) {
    await until(client, 'open')
    const waiting = change(client, 'waiting')
    client.send({ type: 'close', code: 4408 })
    t.match(await waiting, { lost: { code: 4408 }, retryIn: null })
    const { connections } = server
    await sleep(30)
    t.equal(server.connections, connections, 'it has not come by itself')
    const open = change(client, 'open')
    await rouse()
    await open
  }
})

t.test('a closed client', async t => {
  const server = await ChatServer.start(t)
  const client = connectTo(t, server.url)
  const asked = client.request({ type: 'echo' })
  const joined = client.join('a')
  void client.join('b')
  client.close()
  client.close()
  await t.rejects(asked, { code: 'WS_CLIENT_CLOSED' })
  await t.rejects(joined, { code: 'WS_CLIENT_CLOSED' })
  t.throws(() => client.send({ type: 'echo' }), { code: 'WS_CLIENT_CLOSED', message: 'the client is closed' })
  await t.rejects(client.request({ type: 'echo' }), { code: 'WS_CLIENT_CLOSED' })
  await t.rejects(client.join('a'), { code: 'WS_CLIENT_CLOSED' })
  client.retry()
  client.leave('a')
  t.equal(client.state, 'closed')
  t.equal(client.queued, 0)
})

t.test('the server is told how a client was closed', async t => {
  const server = await ChatServer.start(t)
  const codes: unknown[] = []
  server.onOpen = connection => { connection.signal.addEventListener('abort', () => codes.push(1)) }
  const client = connectTo(t, server.url)
  await until(client, 'open')
  client.close(1005, 'no such code can be sent')
  t.equal(client.state, 'closed', 'it is closed all the same')
  while (codes.length === 0) await sleep(1)
})

t.test('listeners of the state may close it, or try at once', async t => {
  const server = await ChatServer.start(t)
  const client = connectTo(t, server.url, { reconnect: { base: 1_000_000, cap: 1_000_000 } })
  client.onState(({ state }) => { if (state === 'waiting') client.retry() })
  await until(client, 'open')
  server.cut()
  await change(client, 'open')
  client.onState(({ state }) => { if (state === 'connecting') client.close() })
  const { connections } = server
  const closed = change(client, 'closed')
  server.cut()
  await closed
  await sleep(20)
  t.equal(server.connections, connections)
})

t.test('what no attempt could make better is thrown at once', async t => {
  t.throws(() => connect('/chat', { WebSocket }), { code: 'WS_CLIENT_OPTION' })
  t.throws(() => connect('ftp://127.0.0.1/', { WebSocket }), { code: 'WS_CLIENT_OPTION' })
  t.throws(() => connect('ws://127.0.0.1/', { WebSocket, protocols: 'not a token' }), { code: 'WS_CLIENT_OPTION' })
})

t.test('silence ends a connection, as the server says in its heartbeat', async t => {
  const server = await ChatServer.start(t)
  const proxy = await BrokerProxy.start(t, server.port)
  server.onOpen = connection => {
    const beat = setInterval(() => connection.send({ type: 'heartbeat', interval: 400 }), 400)
    connection.signal.addEventListener('abort', () => clearInterval(beat))
  }
  const client = connectTo(t, `ws://127.0.0.1:${proxy.port}/`)
  for (let beats = 0; beats < 4; beats++) t.match(await next(client, 'heartbeat'), { interval: 400 })
  t.equal(server.connections, 1, 'while it beats it stays')
  const waiting = change(client, 'waiting')
  proxy.silence()
  t.match((await waiting).lost, { code: 1006, reason: 'silence' })
  const open = change(client, 'open')
  proxy.heal()
  await open
})

t.test('silence ends a connection, as the option says', async t => {
  const server = await ChatServer.start(t)
  server.onOpen = connection => connection.send({ type: 'heartbeat', interval: 1 })
  const client = connectTo(t, server.url, { silenceTimeout: 100 })
  await until(client, 'open')
  const begin = Date.now()
  await change(client, 'waiting')
  t.ok(Date.now() - begin >= 95, 'and not as the server says')
})

t.test('a heartbeat that makes no sense is none', async t => {
  const server = await ChatServer.start(t)
  server.onOpen = connection => { for (const interval of [0, -1, null, 'x', 1e300, {}]) connection.send({ type: 'heartbeat', interval }) }
  const client = connectTo(t, server.url)
  await until(client, 'open')
  await client.request({ type: 'echo' })
  await sleep(30)
  t.equal(server.connections, 1)
})
