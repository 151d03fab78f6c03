import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import type { Test } from 'tap'
import { Heartbeat, Heartbeats } from '../../lib/connection/heartbeat.ts'
import type { Beating } from '../../lib/connection/heartbeat.ts'
import type { CloseInfo } from '../../types/index.ts'
import { buildApp, deferred, listen } from '../helpers/app.ts'
import { pong, text } from '../helpers/bytes.ts'
import { keepAlive } from '../helpers/keep-alive.ts'
import { RawClient } from '../helpers/raw-client.ts'

/** A connection that keeps what it is asked, and settles when it is asked for the first time. */
class Peer implements Beating {
  slot: Set<Beating> | null = null
  readonly asked: string[] = []
  readonly beaten = deferred()
  readonly judged = deferred()

  beat (): void {
    this.asked.push('beat')
    this.beaten.resolve()
  }

  endIfSilent (): void {
    this.asked.push('end')
    this.judged.resolve()
  }
}

const timers = (): number => process.getActiveResourcesInfo().filter(name => name === 'Timeout').length

/** Keeps the event loop busy. */
function block (milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)
}

t.before(() => keepAlive(t))

t.test('each connection is asked in turn: pinged, and then judged', async t => {
  const heartbeat = new Heartbeat(50, 20)
  const peers = Array.from({ length: 20 }, () => new Peer())
  for (const peer of peers) heartbeat.add(peer)
  await Promise.all(peers.map(peer => peer.judged.promise))
  await Promise.all(peers.map(peer => peer.beaten.promise))
  for (const peer of peers) t.ok(peer.asked.includes('beat'))
  for (const peer of peers) heartbeat.delete(peer)
})

t.test('connections are not all pinged at the same moment', async t => {
  const heartbeat = new Heartbeat(200, 100)
  const peers = Array.from({ length: 200 }, () => new Peer())
  for (const peer of peers) heartbeat.add(peer)
  await Promise.race(peers.map(peer => peer.beaten.promise))
  t.ok(peers.filter(peer => peer.asked.includes('beat')).length < peers.length)
  for (const peer of peers) heartbeat.delete(peer)
})

t.test('one timer serves all, and none is left behind them', async t => {
  const before = timers()
  const heartbeat = new Heartbeat(1_000, 500)
  const peers = Array.from({ length: 100 }, () => new Peer())
  for (const peer of peers) heartbeat.add(peer)
  t.ok(timers() <= before + 1)
  for (const peer of peers) heartbeat.delete(peer)
  t.equal(timers(), before)
  heartbeat.delete(new Peer())
})

t.test('a process that was busy judges nobody at that moment', async t => {
  const heartbeat = new Heartbeat(50, 25)
  const peers = Array.from({ length: 100 }, () => new Peer())
  for (const peer of peers) heartbeat.add(peer)
  for (let i = 0; i < 30; i++) {
    block(20)
    await delay(1)
  }
  t.ok(peers.some(peer => peer.asked.includes('beat')))
  t.notOk(peers.some(peer => peer.asked.includes('end')))
  await peers[0].judged.promise
  for (const peer of peers) heartbeat.delete(peer)
})

t.test('routes with the same times share a heartbeat', async t => {
  const heartbeats = new Heartbeats()
  t.equal(heartbeats.of(1_000, 500), heartbeats.of(1_000, 500))
  t.not(heartbeats.of(1_000, 500), heartbeats.of(1_000, 400))
})

/** A server whose clients are pinged every 200 ms and have 100 ms to answer; what they call slow is handled when the test says so. */
async function server (t: Test): Promise<{ port: number, app: Awaited<ReturnType<typeof buildApp>>, closed: Promise<CloseInfo>, goOn: () => void }> {
  const app = await buildApp(t, { heartbeat: { interval: 200, timeout: 100 } })
  const closed = deferred<CloseInfo>()
  const slow = deferred()
  app.ws('/', {
    onOpen () {},
    onClose: (_connection, info) => closed.resolve(info)
  }, async message => {
    if (message === 'slow') await slow.promise
    return message
  })
  return { app, port: await listen(app), closed: closed.promise, goOn: slow.resolve }
}

t.test('a client that answers no ping is dropped, and counted', async t => {
  const { app, port, closed } = await server(t)
  const client = await RawClient.open(port, '/')
  t.equal((await client.frame()).opcode, 9)
  t.match(await closed, { code: 1006, wasClean: false })
  t.equal(app.wsStats().connections.silent, 1)
  await client.ended()
})

t.test('a client that answers stays', async t => {
  const { app, port } = await server(t)
  const client = await RawClient.open(port, '/')
  for (let i = 0; i < 3; i++) {
    const { opcode, payload } = await client.frame()
    t.equal(opcode, 9)
    client.write(pong(payload))
  }
  t.equal(app.wsStats().connections.silent, 0)
})

t.test('whatever a client sends is a sign of life', async t => {
  const { app, port } = await server(t)
  const client = await RawClient.open(port, '/')
  const timer = setInterval(() => client.write(text('1')), 10)
  t.teardown(() => clearInterval(timer))
  let pings = 0
  while (pings < 3) if ((await client.frame()).opcode === 9) pings++
  t.equal(app.wsStats().connections.silent, 0)
})

t.test('a client whose messages wait for a slow handler is not taken for silent', async t => {
  const { app, port, goOn } = await server(t)
  const client = await RawClient.open(port, '/')
  client.write(Buffer.concat([text('"slow"'), ...Array.from({ length: 40 }, () => text('1'))]))
  let pings = 0
  for (let replies = 0; replies < 41;) {
    const { opcode, payload } = await client.frame()
    if (opcode === 9) {
      // With the third, the first two have long been judged.
      if (++pings === 3) goOn()
      client.write(pong(payload))
    } else {
      replies++
    }
  }
  t.equal(app.wsStats().connections.silent, 0)
})

t.test('a server whose event loop was blocked drops no client that answers', async t => {
  const { app, port } = await server(t)
  await Promise.all(Array.from({ length: 50 }, async () => {
    const client = await RawClient.open(port, '/')
    // At once: the first are pinged while the last are being opened.
    client.socket.on('data', () => client.write(pong('')))
  }))
  for (let i = 0; i < 5; i++) {
    block(200)
    await delay(30)
  }
  t.match(app.wsStats().connections, { open: 50, silent: 0 })
})

t.test('heartbeat: false pings nobody', async t => {
  const app = await buildApp(t, { heartbeat: { interval: 20, timeout: 10 } })
  app.ws('/', { heartbeat: false }, message => message)
  const port = await listen(app)
  const client = await RawClient.open(port, '/')
  await delay(100)
  client.write(text('1'))
  t.equal((await client.frame()).payload.toString(), '1')
  client.socket.destroy()
  await once(client.socket, 'close')
})
