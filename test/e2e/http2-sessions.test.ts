import { once } from 'node:events'
import type { ServerHttp2Session } from 'node:http2'
import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { until } from '../fuzz/until.ts'
import { listen } from '../helpers/app.ts'
import { Http2Client } from '../helpers/http2-client.ts'
import { buildHttp2App, ServerSessions } from '../helpers/http2-app.ts'
import type { RawClient } from '../helpers/raw-client.ts'

const sessions = 10
const ofEach = 100
/** How often each of those that stay says something, a third of it before a session goes. */
const rounds = 3

interface Said { from: number, n: number }

/** How the first session goes: by TCP reset, by the server, and by the client's GOAWAY. */
const ways: Record<string, (client: Http2Client, server: ServerHttp2Session) => void> = {
  'is reset': client => { client.session.socket.resetAndDestroy() },
  'is destroyed by the server': (_client, server) => { server.destroy() },
  'says GOAWAY': client => { client.session.close() }
}

for (const [way, act] of Object.entries(ways)) {
  t.test(`1,000 sockets over 10 sessions, one of which ${way} amid a broadcast: the others lose nothing`, async t => {
    const app = await buildHttp2App(t, { closeTimeout: 500 })
    const closes = new Map<string, number>()
    app.ws('/', {
      onOpen: connection => { void connection.join('all') },
      onClose: connection => { closes.set(connection.id, (closes.get(connection.id) ?? 0) + 1) }
    }, (message: unknown) => { void app.room('all').send(message) })
    const port = await listen(app)
    const servers = new ServerSessions(app)
    const clients: Http2Client[] = []
    const sockets: RawClient[] = []
    for (let i = 0; i < sessions; i++) {
      const client = await Http2Client.connect(port)
      clients.push(client)
      sockets.push(...await Promise.all(Array.from({ length: ofEach }, () => client.open('/'))))
    }
    t.equal(app.room('all').size, sessions * ofEach)
    t.equal(servers.all.length, sessions)

    // A few speak, since each message goes to a thousand.
    const speakers = sockets.map((_, index) => index).filter(index => index % 50 === 1)
    const staying = sockets.map((_, index) => index).filter(index => index >= ofEach)
    const stayingSpeakers = speakers.filter(index => index >= ofEach)
    const reads = staying.map(async index => {
      const next = new Map<number, number>()
      for (let left = stayingSpeakers.length * rounds; left > 0;) {
        const { from, n } = await sockets[index].message<Said>()
        if ((next.get(from) ?? 0) !== n) throw new Error(`${index} got ${n} of ${from}, not ${next.get(from) ?? 0}`)
        next.set(from, n + 1)
        if (from >= ofEach) left--
      }
      return stayingSpeakers.every(from => next.get(from) === rounds)
    })
    for (let n = 0; n < rounds; n++) {
      for (const from of speakers) if (n === 0 || from >= ofEach) sockets[from].send({ from, n })
      await turn()
      if (n === 0) act(clients[0], servers.all[0])
    }
    t.ok((await Promise.all(reads)).every(Boolean), 'everything once, in the order of each')
    await until('its sockets have gone', () => app.room('all').size === (sessions - 1) * ofEach && app.wsConnections.size === (sessions - 1) * ofEach)
    t.equal(closes.size, ofEach)
    t.ok([...closes.values()].every(count => count === 1), 'onClose ran once for each of them')
    t.match(app.wsStats(), { connections: { open: (sessions - 1) * ofEach, opened: sessions * ofEach }, memory: { held: 0 }, slowConsumers: { closed: 0, dropped: 0 } })
    sockets[ofEach].send({ from: -1, n: 0 })
    t.same(await Promise.all(staying.map(async index => (await sockets[index].message<Said>()).from)), staying.map(() => -1))
    await until('the session has gone', () => servers.all.length === sessions - 1)
    // Not one closing handshake after the other: 900 at once.
    const closed = Promise.all(clients.slice(1).map(({ session }) => once(session, 'close')))
    for (const { session } of clients.slice(1)) session.destroy()
    await closed
  })
}
