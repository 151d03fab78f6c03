import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { until } from '../fuzz/until.ts'
import { deferred, listen } from '../helpers/app.ts'
import { close } from '../helpers/bytes.ts'
import { buildHttp2App, onHttp2, ServerSessions } from '../helpers/http2-app.ts'
import { headers, ping, setting, windowUpdate } from '../helpers/http2-frames.ts'
import { RawHttp2Client } from '../helpers/raw-http2-client.ts'

/** So long may a client take to end a session of which nothing is left, in milliseconds. */
const closeTimeout = 200

/** The largest window that there is (RFC 9113 section 6.9.1), in bytes. */
const maxWindow = 2 ** 31 - 1

/** Requests a page. */
function get (client: RawHttp2Client, path: string): number {
  const stream = client.nextStream()
  client.write(headers([[':method', 'GET'], [':scheme', 'http'], [':authority', 'localhost'], [':path', path]], { stream, endStream: true }))
  return stream
}

function addRoutes (app: FastifyInstance): void {
  app.get('/page', async () => 'a page')
  app.ws('/socket', () => {})
}

const uses: Record<string, (client: RawHttp2Client) => Promise<unknown>> = {
  'has a WebSocket': client => client.status(client.open('/socket')),
  'had a WebSocket': async client => {
    const stream = client.open('/socket')
    await client.status(stream)
    client.send(stream, close(1000), true)
    await client.until('the reply to it', () => client.data.has(stream))
  },
  'had a handshake refused': client => client.status(client.open('/missing')),
  'has requested pages only': client => client.status(get(client, '/page')),
  'has requested nothing': async client => {
    client.write(ping())
    await client.until('an answer', () => client.pongs > 0)
  }
}

for (const [use, act] of Object.entries(uses)) {
  onHttp2(`app.close() waits no longer than closeTimeout for a client that ${use} and does not end its side`, async (t, server) => {
    const app = await server.build({ closeTimeout, drain: { timeout: closeTimeout } })
    addRoutes(app)
    const client = await RawHttp2Client.connect(await listen(app), { secure: server.isSecure, holdsOpen: true })
    await act(client)
    await app.close()
    t.not(client.goaway, null, 'it was told')
  })
}

t.test('a client that has used up the drain does not have as much again', async t => {
  const app = await buildHttp2App(t, { closeTimeout: 600_000, drain: { timeout: closeTimeout } })
  addRoutes(app)
  const client = await RawHttp2Client.connect(await listen(app), { holdsOpen: true })
  await client.status(client.open('/socket'))
  await app.close()
  t.not(client.goaway, null)
})

t.test('of a session that the application closes nothing is left either', async t => {
  const app = await buildHttp2App(t, { closeTimeout })
  addRoutes(app)
  const sessions = new ServerSessions(app)
  const client = await RawHttp2Client.connect(await listen(app), { holdsOpen: true })
  await client.status(get(client, '/page'))
  sessions.all[0].close()
  await until('the session has gone', () => sessions.all.length === 0)
})

t.test('nothing is left of a session that is destroyed before its client has taken what was sent', async t => {
  const app = await buildHttp2App(t, { closeTimeout })
  app.get('/large', async () => Buffer.alloc(32 * 1024 * 1024))
  const sessions = new ServerSessions(app)
  const client = await RawHttp2Client.connect(await listen(app), { values: [[setting.initialWindowSize, maxWindow]], holdsOpen: true })
  client.write(windowUpdate(maxWindow - 65_535, 0))
  await client.status(get(client, '/large'))
  client.socket.pause()
  const [session] = sessions.all
  await until('no more is taken', async () => {
    const { bytesWritten } = session.socket
    await delay(50)
    return session.socket.bytesWritten === bytesWritten
  })
  session.destroy()
  await until('it has gone', () => sessions.all.length === 0)
})

t.test('a reply that is not ready yet is waited for, as over HTTP/1.1', async t => {
  const app = await buildHttp2App(t, { closeTimeout })
  const release = deferred()
  const entered = deferred()
  app.get('/slow', async () => { entered.resolve(); await release.promise; return 'worth it' })
  const port = await listen(app)
  const sessions = new ServerSessions(app)
  const waiting = await RawHttp2Client.connect(port, { holdsOpen: true })
  await RawHttp2Client.connect(port, { holdsOpen: true })
  const stream = get(waiting, '/slow')
  await entered.promise
  await until('both sessions have begun', () => sessions.all.length === 2)
  const closed = app.close()
  await until('the other session has gone', () => sessions.all.length === 1)
  release.resolve()
  t.equal(await waiting.status(stream), 200)
  await waiting.until('the body', () => waiting.data.get(stream)?.toString() === 'worth it')
  await closed
})

t.test('a session that ends in time costs no wait', async t => {
  const app = await buildHttp2App(t, { closeTimeout: 600_000, drain: { timeout: 600_000 } })
  addRoutes(app)
  const client = await RawHttp2Client.connect(await listen(app))
  await client.status(get(client, '/page'))
  await Promise.all([app.close(), once(client.socket, 'close')])
  t.not(client.goaway, null)
})
