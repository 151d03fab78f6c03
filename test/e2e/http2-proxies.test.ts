import type { ServerHttp2Stream } from 'node:http2'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Test } from 'tap'
import { blockOf } from '../docs/code.ts'
import { close, text } from '../helpers/bytes.ts'
import { Http2Client } from '../helpers/http2-client.ts'
import type { RawClient } from '../helpers/raw-client.ts'
import { suiteNeeding } from '../helpers/requirements.ts'
import { Balanced, documented, host } from './balanced.ts'
import { until } from './faults/watched-server.ts'

/* Servers that speak HTTP/2 alone, in cleartext, behind a proxy. That it is not HTTP/1.1 needs no assertion: they would not understand it. */

const [backend] = /^backend chat\n[^]*/m.exec(documented('haproxy')) ?? ['']

/** With the backend that docs/http2.md shows, in place of that of docs/operations.md. */
const start = (t: Test, program: string, edits: Record<string, string> = {}): Promise<Balanced> =>
  Balanced.start(t, 'haproxy', program, {}, { [backend]: blockOf('docs/http2.md', 'haproxy'), ...edits }, { http2: true } as object)

/** A session of HTTP/2 with the proxy. */
async function connect (t: Test, { proxy }: Balanced): Promise<Http2Client> {
  const client = await Http2Client.connect(proxy.port, { secure: true })
  t.after(() => client.session.destroy())
  return client
}

const page = { ':authority': host, origin: `https://${host}` }

/** How a page of ours opens a WebSocket, by the version that it speaks with the proxy. */
const ways: Record<string, (t: Test, balanced: Balanced) => Promise<RawClient>> = {
  'HTTP/1.1': async (_t, balanced) => (await balanced.request('/echo')).client,
  'HTTP/2': async (t, balanced) => (await connect(t, balanced)).open('/echo', page)
}

suiteNeeding(['haproxy'], 'servers of HTTP/2 behind haproxy', async (t, { haproxy }) => {
  for (const [version, open] of Object.entries(ways)) {
    t.test(`clients of ${version}`, async t => {
      t.test('messages pass both ways', async t => {
        const client = await open(t, await start(t, haproxy))
        for (let i = 0; i < 20; i++) client.write(text(String(i)))
        for (let i = 0; i < 20; i++) t.equal((await client.frame()).payload.toString(), String(i))
        const large = 'ü'.repeat(768 * 1024)
        client.write(text(large))
        t.ok((await client.frame()).payload.toString() === large)
      })

      t.test('the server sees the address, the host and the scheme that the client used', async t => {
        const balanced = await start(t, haproxy)
        await open(t, balanced)
        t.match(balanced.serving.seen(), { ip: '127.0.0.1', host, protocol: 'https' })
      })

      t.test('close codes arrive at either end', async t => {
        const balanced = await start(t, haproxy)
        const client = await open(t, balanced)
        client.write(close(4001, 'from the client'))
        const { ends, connections } = balanced.serving
        await until(() => ends.length === 1)
        t.match(ends, [{ code: 4001, reason: 'from the client', wasClean: true }])
        t.equal(connections.length, 1)

        const other = await start(t, haproxy)
        const waiting = await open(t, other)
        other.serving.connections[0].close(4002, 'from the server')
        t.same(await waiting.closeFrame(), { code: 4002, reason: 'from the server' })
      })

      t.test('a client that goes without a word has gone for the server', async t => {
        const balanced = await start(t, haproxy)
        const client = await open(t, balanced)
        client.socket.destroy()
        const { ends } = balanced.serving
        await until(() => ends.length === 1)
        t.match(ends, [{ code: 1006, wasClean: false }])
      })

      t.test('a client that reads nothing holds back what is sent to it, and gets all of it once it reads', async t => {
        const balanced = await start(t, haproxy)
        const client = await open(t, balanced)
        client.socket.pause()
        const [connection] = balanced.serving.connections
        let sent = 0
        while (connection.writable) {
          connection.send(Buffer.alloc(16 * 1024, sent++))
          await nextTurn()
        }
        const other = await open(t, balanced)
        other.write(text('meanwhile'))
        t.equal((await other.frame()).payload.toString(), 'meanwhile', 'others are not held back')
        client.socket.resume()
        for (let i = 0; i < sent; i++) {
          const { payload } = await client.frame()
          if (payload.length !== 16 * 1024 || payload[0] !== i % 256) throw new Error(`message ${i} is another one`)
        }
        await connection.drained()
        t.equal(connection.bufferedAmount, 0)
      })

      t.test('after a reload, connections are served by the old worker', async t => {
        const balanced = await start(t, haproxy)
        const client = await open(t, balanced)
        await balanced.proxy.reload()
        client.write(text('still here'))
        t.equal((await client.frame()).payload.toString(), 'still here')
      })

      t.test('a server that closes says 1001', async t => {
        const balanced = await start(t, haproxy)
        const client = await open(t, balanced)
        const closed = balanced.serving.app.close()
        t.match(await client.closeFrame(), { code: 1001 })
        client.socket.destroy()
        await closed
      })
    })
  }

  t.test('the reply to a refused handshake arrives whole', async t => {
    const balanced = await start(t, haproxy)
    const client = await connect(t, balanced)
    const unauthorized = await client.reply(client.request('/refused/401', page))
    t.match(unauthorized, { statusCode: 401, body: JSON.stringify({ error: 'refused with 401' }) })
    const forbidden = await client.reply(client.request('/echo', { ...page, origin: 'https://evil.example' }))
    t.equal(forbidden.statusCode, 403)
    t.match(JSON.parse(forbidden.body), { code: 'FST_ERR_WS_ORIGIN' })
    t.equal(await balanced.statusOf({ Origin: 'https://evil.example' }), 403, 'over HTTP/1.1')
    t.match((await balanced.request('/refused/401')).reply, { statusCode: 401, body: JSON.stringify({ error: 'refused with 401' }) })
  })

  t.test('what a client says of itself in forwarded headers is not passed on', async t => {
    const balanced = await start(t, haproxy)
    const client = await connect(t, balanced)
    await client.open('/echo', { ...page, 'x-forwarded-for': '192.0.2.1', 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'http' })
    t.match(balanced.serving.seen(), { ip: '127.0.0.1', host, protocol: 'https' })
  })

  t.test('the WebSockets of many clients share one session with each server', async t => {
    const balanced = await start(t, haproxy, { 'global\n': 'global\n  nbthread 1\n' })
    const sessions = new Set<unknown>()
    for (const { app } of balanced.upstreams) {
      app.server.on('stream', (stream: ServerHttp2Stream, headers: Record<string, unknown>) => {
        if (headers[':protocol'] === 'websocket') sessions.add(stream.session)
      })
    }
    const client = await connect(t, balanced)
    for (let i = 0; i < 10; i++) {
      await client.open('/echo', page)
      await balanced.request('/echo')
    }
    t.same(balanced.counts, [10, 10])
    t.equal(sessions.size, 2)
  })

  t.test('a server that is not ready gets no new clients', async t => {
    const balanced = await start(t, haproxy)
    const [busy, idle] = balanced.upstreams
    busy.isReady = false
    await until(() => busy.checks.filter(status => status === 503).length === 2)
    const client = await connect(t, balanced)
    for (let i = 0; i < 4; i++) await client.open('/echo', page)
    t.same([busy.connections.length, idle.connections.length], [0, 4])
  })
})

suiteNeeding(['nginx'], 'clients of HTTP/2 before nginx', async (t, { nginx }) => {
  t.test('they are not told that they may open a WebSocket, and open it over HTTP/1.1', async t => {
    const balanced = await Balanced.start(t, 'nginx', nginx, {}, { 'listen 443 ssl;': 'listen 443 ssl http2;' })
    const client = await connect(t, balanced)
    t.equal(client.session.alpnProtocol, 'h2')
    t.equal(client.session.remoteSettings.enableConnectProtocol, false)
    t.equal((await client.reply(client.request('/echo', page))).statusCode, 400, 'one that does not ask')
    t.equal(await balanced.statusOf({}), 101)
  })
})
