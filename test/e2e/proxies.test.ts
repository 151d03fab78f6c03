import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import type { Test } from 'tap'
import { defaults } from '../../lib/options.ts'
import type { Payload } from '../../types/index.ts'
import { pong, readFrame, text } from '../helpers/bytes.ts'
import { RawClient } from '../helpers/raw-client.ts'
import { suiteNeeding } from '../helpers/requirements.ts'
import { Balanced, clientAddress, documented, host } from './balanced.ts'
import { until } from './faults/watched-server.ts'
import type { ProxyKind } from './faults/proxies.ts'
import type { PeerConnection } from './peers.ts'

/** How long it waits for anything to be said on a connection. */
const idleTimeouts: Record<ProxyKind, string> = { nginx: 'proxy_read_timeout 60s', haproxy: 'timeout tunnel 60s' }

for (const kind of ['nginx', 'haproxy'] as const) {
  suiteNeeding([kind], `two servers behind ${kind}, as docs/operations.md has it`, async (t, programs) => {
    suite(t, kind, programs[kind])
  })
}

function suite (t: Test, kind: ProxyKind, program: string): void {
  t.test('messages pass both ways, on many connections at a time', async t => {
    const balanced = await Balanced.start(t, kind, program)
    const clients = await balanced.openMany(8)
    for (const [index, client] of clients.entries()) {
      for (let i = 0; i < 20; i++) client.send(`${index}: ${i}`)
    }
    for (const [index, client] of clients.entries()) {
      const replies: Payload[] = []
      while (replies.length < 20) replies.push(await client.receive())
      t.same(replies, Array.from({ length: 20 }, (_, i) => `${index}: ${i}`))
    }
    t.same(balanced.counts, [4, 4], 'each server has as many')
  })

  t.test('a message that is larger than the body of any request may be passes both ways', async t => {
    const client = await (await Balanced.start(t, kind, program)).open()
    const text = 'ü'.repeat(768 * 1024)
    client.send(text)
    t.ok(await client.receive() === text)
  })

  t.test('compression is between the client and the server', async t => {
    const balanced = await Balanced.start(t, kind, program, { perMessageDeflate: true })
    const client = await balanced.open()
    t.match(client.extensions, 'permessage-deflate')
    client.send('x'.repeat(100_000))
    t.ok(await client.receive() === 'x'.repeat(100_000))
  })

  t.test("the client's close code arrives", async t => {
    const balanced = await Balanced.start(t, kind, program)
    const client = await balanced.open()
    await client.close(4001, 'from the client')
    const { ends } = balanced.serving
    await until(() => ends.length === 1)
    t.match(ends, [{ code: 4001, reason: 'from the client', wasClean: true }])
  })

  t.test("the server's close code arrives", async t => {
    const balanced = await Balanced.start(t, kind, program)
    const client = await balanced.open()
    balanced.serving.connections[0].close(4002, 'from the server')
    t.same(await client.closed(), { code: 4002, reason: 'from the server' })
  })

  t.test('the server sees the address, the host and the scheme that the client used', async t => {
    const balanced = await Balanced.start(t, kind, program)
    await balanced.open()
    t.same(balanced.serving.seen(), { ip: clientAddress, host, hostHeader: host, protocol: 'https' })
  })

  t.test('what a client says of itself in forwarded headers is not passed on', async t => {
    const balanced = await Balanced.start(t, kind, program)
    const { reply } = await balanced.request('/echo', {
      'X-Forwarded-For': '192.0.2.1', 'X-Forwarded-Host': 'evil.example', 'X-Forwarded-Proto': 'http'
    })
    t.equal(reply.statusCode, 101)
    t.same(balanced.serving.seen(), { ip: '127.0.0.1', host, hostHeader: host, protocol: 'https' })
  })

  t.test('what a client says that comes past the proxy does not count', async t => {
    const { upstreams: [{ port, seen }] } = await Balanced.start(t, kind, program)
    const page = { 'X-Forwarded-For': '192.0.2.1', 'X-Forwarded-Host': host, 'X-Forwarded-Proto': 'https' }
    const direct = await RawClient.connect(port, '127.0.0.1', clientAddress)
    direct.request('/echo', { headers: page })
    t.equal((await direct.reply()).statusCode, 101)
    t.same(seen(), { ip: clientAddress, host: `127.0.0.1:${port}`, hostHeader: `127.0.0.1:${port}`, protocol: 'http' })
    const other = await RawClient.connect(port, '127.0.0.1', clientAddress)
    other.request('/echo', { headers: { ...page, Origin: `https://${host}` } })
    t.equal((await other.reply()).statusCode, 403)
  })

  t.test('pages of the same origin may connect, others may not, whatever they forward', async t => {
    const balanced = await Balanced.start(t, kind, program)
    t.equal(await balanced.statusOf({ Origin: 'https://example.com' }), 101)
    t.equal(await balanced.statusOf({ Origin: 'http://example.com' }), 403, 'another scheme')
    t.equal(await balanced.statusOf({ Origin: 'http://example.com', 'X-Forwarded-Proto': 'http' }), 403, 'the scheme that it says')
    t.equal(await balanced.statusOf({ Origin: 'https://evil.example' }), 403, 'another host')
    t.equal(await balanced.statusOf({ Origin: 'https://evil.example', 'X-Forwarded-Host': 'evil.example' }), 403, 'the host that it says')
  })

  t.test('the port is part of the origin where it is not the usual one', async t => {
    const balanced = await Balanced.start(t, kind, program)
    t.equal(await balanced.statusOf({ Host: 'example.com:8443', Origin: 'https://example.com:8443' }), 101)
    t.equal(await balanced.statusOf({ Host: 'example.com:8443', Origin: 'https://example.com' }), 403)
  })

  t.test('the reply to a refused upgrade arrives whole', async t => {
    const balanced = await Balanced.start(t, kind, program)
    const unauthorized = await balanced.request('/refused/401')
    t.match(unauthorized.reply, { statusCode: 401, body: JSON.stringify({ error: 'refused with 401' }) })
    const forbidden = await balanced.request('/echo', { Origin: 'https://evil.example' })
    t.equal(forbidden.reply.statusCode, 403)
    t.match(JSON.parse(forbidden.reply.body), { code: 'FST_ERR_WS_ORIGIN' })
    const unavailable = await balanced.request('/refused/503')
    t.match(unavailable.reply, { statusCode: 503, body: JSON.stringify({ error: 'refused with 503' }) }, 'of the last server that was asked')
  })

  t.test('a client that comes goes where the fewest are', async t => {
    const balanced = await Balanced.start(t, kind, program)
    const clients = await balanced.openMany(6)
    t.same(balanced.counts, [3, 3])
    const [one, two] = balanced.upstreams
    const codes = closeCodes(clients)
    for (const connection of one.connections) connection.close(4000)
    await until(() => codes.size === one.connections.length && one.app.wsConnections.size === 0)
    await balanced.openMany(2)
    t.same([one.app.wsConnections.size, two.app.wsConnections.size], [2, 3])
  })

  t.test('a request to upgrade to anything else has the reply of a plain one', async t => {
    const balanced = await Balanced.start(t, kind, program)
    const { reply } = await balanced.request('/ready', { Upgrade: 'h2c', Connection: 'Upgrade, HTTP2-Settings', 'HTTP2-Settings': 'AAMAAABkAAQAAP__' })
    t.equal(reply.statusCode, 200)
  })

  t.test('a server that closes says 1001 to its clients, and all that come meanwhile and later are served by the other', async t => {
    const balanced = await Balanced.start(t, kind, program)
    const clients = await balanced.openMany(4)
    t.same(balanced.counts, [2, 2])
    const [one, two] = balanced.upstreams
    // Never answers the close, so that the server goes on closing.
    const { client: mute } = await balanced.request('/echo')
    const [closing, staying] = one.connections.length === 3 ? [one, two] : [two, one]
    const closed = closing.app.close()
    const codes = closeCodes(clients)
    await until(() => codes.size === closing.connections.length - 1)
    t.same([...codes.values()], [1001, 1001])
    for (const client of clients.filter(client => !codes.has(client))) {
      client.send('still here')
      t.equal(await client.receive(), 'still here')
    }

    await balanced.openMany(6)
    t.equal(closing.app.wsConnections.size, 1, 'it is still closing')
    t.same([closing.connections.length, staying.connections.length], [3, 8])

    mute.socket.destroy()
    await closed
    await balanced.openMany(2)
    t.equal(staying.connections.length, 10)
  })

  t.test('a client gets 503 where all servers close', async t => {
    const balanced = await Balanced.start(t, kind, program)
    const mutes = [await balanced.request('/echo'), await balanced.request('/echo')]
    t.same(balanced.counts, [1, 1])
    const closed = balanced.upstreams.map(({ app }) => app.close())
    t.equal((await balanced.request('/echo')).reply.statusCode, 503)
    for (const { client } of mutes) client.socket.destroy()
    await Promise.all(closed)
  })

  t.test('an address may have so many connections, and gets 429 for more', async t => {
    const balanced = await Balanced.start(t, kind, program)
    const [, limit] = /(?:limit_conn per_ip|sc_conn_cur\(0\) gt) (\d+)/.exec(documented(kind)) ?? []
    const first = await balanced.request('/echo')
    const statuses = new Set<number>()
    for (let count = 1; count < Number(limit); count++) statuses.add((await balanced.request('/echo')).reply.statusCode)
    t.same([...statuses], [101])
    t.equal((await balanced.request('/echo')).reply.statusCode, 429)
    t.ok(await balanced.open(), 'another address')

    first.client.socket.destroy()
    await until(() => balanced.upstreams.some(({ ends }) => ends.length === 1))
    t.equal((await balanced.request('/echo')).reply.statusCode, 101, 'one has gone')
  })

  t.test('pings keep a connection on which nothing else is said, longer than the proxy would', async t => {
    const edits = { [idleTimeouts[kind]]: idleTimeouts[kind].replace('60s', '2s') }
    const balanced = await Balanced.start(t, kind, program, { heartbeat: { interval: 500 } }, edits)
    const { client, reply } = await balanced.request('/echo')
    t.equal(reply.statusCode, 101)
    const start = performance.now()
    while (performance.now() - start < 3000) {
      const { opcode } = await client.frame()
      if (opcode !== 9) throw new Error(`expected a ping, got opcode ${opcode}`)
      client.write(pong())
    }
    t.equal(balanced.serving.app.wsConnections.size, 1)
  })

  t.test('without them the proxy would be patient for more than two heartbeats', async t => {
    const [, seconds] = /(\d+)s/.exec(idleTimeouts[kind]) ?? []
    t.match(documented(kind), idleTimeouts[kind])
    t.ok(Number(seconds) * 1000 > 2 * defaults.heartbeat.interval)
  })
}

suiteNeeding(['nginx'], 'what only nginx does', async (t, { nginx }) => {
  t.test('once all servers have answered 503, it answers 502 by itself for a while', async t => {
    const balanced = await Balanced.start(t, 'nginx', nginx)
    t.equal((await balanced.request('/refused/503')).reply.statusCode, 503)
    t.equal((await balanced.request('/refused/503')).reply.statusCode, 502)
  })

  t.test('after a reload, connections are served by the old workers, as long as worker_shutdown_timeout says', async t => {
    const balanced = await Balanced.start(t, 'nginx', nginx, {}, { 'worker_shutdown_timeout 1h': 'worker_shutdown_timeout 3s' })
    const client = await balanced.open()
    await balanced.proxy.reload()
    client.send('still here')
    t.equal(await client.receive(), 'still here')
    t.match(await client.closed(), { code: 1006 })
  })
})

suiteNeeding(['haproxy'], 'what only haproxy does', async (t, { haproxy }) => {
  t.test('a server that is not ready, though it would serve, gets no new clients', async t => {
    const balanced = await Balanced.start(t, 'haproxy', haproxy)
    const [busy, idle] = balanced.upstreams
    const clients = await balanced.openMany(2)
    busy.isReady = false
    // The second check is made when the first one has told.
    await until(() => busy.checks.filter(status => status === 503).length === 2)
    await balanced.openMany(4)
    t.same([busy.connections.length, idle.connections.length], [1, 5])
    for (const client of clients) {
      client.send('still here')
      t.equal(await client.receive(), 'still here')
    }
  })

  t.test('a WebSocket over HTTP/2 comes to the server as an upgrade', async t => {
    const balanced = await Balanced.start(t, 'haproxy', haproxy)
    const session = connectHttp2(`https://127.0.0.1:${balanced.proxy.port}`, { rejectUnauthorized: false })
    t.after(() => session.destroy())
    await once(session, 'remoteSettings')
    t.equal(session.alpnProtocol, 'h2')
    t.equal(session.remoteSettings.enableConnectProtocol, true)
    const stream = session.request({
      ':method': 'CONNECT',
      ':protocol': 'websocket',
      ':scheme': 'https',
      ':authority': host,
      ':path': '/echo',
      'sec-websocket-version': '13',
      origin: `https://${host}`
    }, { endStream: false })
    const [headers] = await once(stream, 'response')
    t.equal(headers[':status'], 200)
    stream.write(text('over HTTP/2'))
    const [bytes] = await once(stream, 'data')
    t.equal(readFrame(bytes)?.frame.payload.toString(), 'over HTTP/2')
    t.same(balanced.serving.seen(), { ip: '127.0.0.1', host, hostHeader: host, protocol: 'https' })
  })
})

/** The codes of those that were closed so far: which of them are whose, only the servers know. */
function closeCodes (clients: readonly PeerConnection[]): Map<PeerConnection, number> {
  const codes = new Map<PeerConnection, number>()
  for (const client of clients) void client.closed().then(({ code }) => codes.set(client, code))
  return codes
}
