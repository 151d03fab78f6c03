import type { Test } from 'tap'
import { RawClient } from '../../helpers/raw-client.ts'
import { suiteNeeding } from '../../helpers/requirements.ts'
import { ws } from '../peers.ts'
import type { PeerConnection } from '../peers.ts'
import { behind } from './proxied-app.ts'
import { Proxy } from './proxies.ts'
import type { ProxyKind } from './proxies.ts'
import { ServerProcess } from './server-process.ts'
import { until } from './watched-server.ts'

const clientCount = 5

for (const kind of ['nginx', 'haproxy'] as const) {
  suiteNeeding([kind], `faults of ${kind}`, async (t, programs) => {
    suite(t, kind, programs[kind])
  })
}

function suite (t: Test, kind: ProxyKind, program: string): void {
  for (const [title, end] of [
    ['is killed', (proxy: Proxy) => proxy.kill()],
    ['is stopped', (proxy: Proxy) => proxy.stop()],
    ['stalls and is killed', async (proxy: Proxy) => { await proxy.stall(); await proxy.kill() }]
  ] as const) {
    t.test(`it ${title}: its clients are forgotten, and served again once it is back`, async t => {
      const { proxy, ends, emptied } = await behind(t, kind, program)
      const clients = await open(proxy)
      await end(proxy)
      await Promise.all(clients.map(client => client.closed()))
      await emptied()
      t.match(ends, Array(clientCount).fill({ code: 1006, wasClean: false }))
      await proxy.startAgain()
      await areServed(t, await open(proxy))
    })
  }

  t.test('it is killed amid a refused upgrade, and while its clients do not read: the server holds nothing', async t => {
    const { proxy, broadcast, connection, emptied } = await behind(t, kind, program)
    const reader = await RawClient.open(proxy.port, '/echo')
    reader.socket.pause()
    while (connection().bufferedAmount === 0) {
      broadcast('x'.repeat(16_000))
      await new Promise(resolve => setImmediate(resolve))
    }
    const refused = await RawClient.connect(proxy.port)
    refused.socket.pause()
    refused.request('/private')
    await proxy.kill()
    await emptied()
    t.equal(connection().bufferedAmount, 0)
  })

  t.test('it is reloaded: open connections go on, and new ones are served, also once its old workers have ended', async t => {
    const { proxy, ends } = await behind(t, kind, program)
    const old = await open(proxy)
    const oldWorkers = proxy.workers
    await proxy.reload()
    const young = await open(proxy)
    await areServed(t, [...old, ...young])
    for (const client of [...old, ...young]) await client.close(1000, '')
    await until(() => !proxy.workers.some(pid => oldWorkers.includes(pid)))
    await areServed(t, await open(proxy))
    t.match(ends, Array(2 * clientCount).fill({ code: 1000, wasClean: true }))
  })

  t.test('it stalls for a while: what both sides sent meanwhile arrives, in order', async t => {
    const { proxy, broadcast, ends } = await behind(t, kind, program)
    const clients = await open(proxy)
    await proxy.stall()
    for (let i = 0; i < 100; i++) {
      broadcast(`broadcast ${i}`)
      for (const client of clients) client.send(`echo ${i}`)
    }
    proxy.wakeUp()
    for (const client of clients) {
      for (const kind of ['broadcast', 'echo']) {
        for (let i = 0; i < 100; i++) t.equal(await client.receive(), `${kind} ${i}`)
      }
    }
    t.same(ends, [])
  })

  t.test('it stalls while the server closes: the server waits no longer than closeTimeout', async t => {
    const { proxy, connection, ends, emptied } = await behind(t, kind, program, { closeTimeout: 500 })
    await ws.open(`${proxy.url}/echo`)
    await proxy.stall()
    connection().close(4002)
    await emptied()
    t.match(ends, [{ code: 4002, wasClean: false }])
    proxy.wakeUp()
  })

  t.test('the server behind it is killed: clients hear of it, and are served again once it is back', async t => {
    const server = await ServerProcess.start(t)
    const proxy = await Proxy.start(t, kind, program, server.port)
    const clients = await open(proxy, '/')
    await server.kill()
    for (const client of clients) t.match(await client.closed(), { code: 1006 })
    t.match(await ws.refusal(proxy.url), kind === 'nginx' ? 502 : 503)
    await ServerProcess.start(t, { port: server.port })
    await areServed(t, await open(proxy, '/'))
  })
}

/** Clients through a proxy, each of which was served. */
async function open (proxy: Proxy, path = '/echo'): Promise<PeerConnection[]> {
  return Promise.all(Array.from({ length: clientCount }, () => ws.open(proxy.url + path)))
}

async function areServed (t: Test, clients: readonly PeerConnection[]): Promise<void> {
  for (const client of clients) {
    client.send('anybody there?')
    t.equal(await client.receive(), 'anybody there?')
  }
}
