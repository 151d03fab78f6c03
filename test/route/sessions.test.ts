import type { ServerHttp2Session } from 'node:http2'
import t from 'tap'
import { until } from '../fuzz/until.ts'
import { deferred, listen } from '../helpers/app.ts'
import { close } from '../helpers/bytes.ts'
import { buildHttp2App, ServerSessions } from '../helpers/http2-app.ts'
import { Http2Client } from '../helpers/http2-client.ts'
import type { StreamClient } from '../helpers/http2-client.ts'

const goingAway = { code: 1001, reason: 'session is closing' }

const ways: Record<string, (client: Http2Client, server: ServerHttp2Session) => void> = {
  'the client says GOAWAY': client => { client.session.close() },
  'the application closes it': (_client, server) => { server.close() }
}

/** Answers the close frame that the server sends next, and ends its side. */
async function closes (socket: StreamClient): Promise<{ code: number, reason: string }> {
  const status = await socket.closeFrame()
  socket.write(close(status.code))
  await socket.ended()
  socket.socket.end()
  return status
}

for (const [way, act] of Object.entries(ways)) {
  t.test(`of a session that ends because ${way}, connections are closed, each once its handler has replied, and others go on`, async t => {
    const app = await buildHttp2App(t)
    const entered = deferred()
    const release = deferred()
    app.ws('/', async message => { entered.resolve(); await release.promise; return message })
    const port = await listen(app)
    const sessions = new ServerSessions(app)
    const client = await Http2Client.connect(port)
    const [busy, idle] = [await client.open('/'), await client.open('/')]
    const other = await (await Http2Client.connect(port)).open('/')
    busy.send('last')
    await entered.promise
    act(client, sessions.all[0])
    t.same(await closes(idle), goingAway)
    release.resolve()
    t.equal(await busy.message(), 'last')
    t.same(await closes(busy), goingAway)
    await until('the session has gone', () => sessions.all.length === 1)
    other.send('still here')
    t.equal(await other.message(), 'still here')
    t.equal(app.wsConnections.size, 1)
  })

  t.test(`a handshake that is accepted after ${way} opens a connection that is closed`, async t => {
    const app = await buildHttp2App(t)
    const entered = deferred()
    const release = deferred()
    app.ws('/', { onRequest: async () => { entered.resolve(); await release.promise } }, () => {})
    const port = await listen(app)
    const sessions = new ServerSessions(app)
    const client = await Http2Client.connect(port)
    const opening = client.open('/')
    await entered.promise
    const [server] = sessions.all
    act(client, server)
    await until('the session is closing', () => server.closed)
    release.resolve()
    t.same(await closes(await opening), goingAway)
    await until('nothing is left', () => sessions.all.length === 0 && app.wsConnections.size === 0)
  })
}
