import { setImmediate as turn } from 'node:timers/promises'
import type { ServerHttp2Session } from 'node:http2'
import t from 'tap'
import { until } from '../fuzz/until.ts'
import { deferred, listen } from '../helpers/app.ts'
import { Http2Client } from '../helpers/http2-client.ts'
import { buildHttp2App, ServerSessions } from '../helpers/http2-app.ts'
import { data, fieldBlock, frameType, goAway, headers, http2Frame, ping, setting, settings, windowUpdate } from '../helpers/http2-frames.ts'
import { RawHttp2Client } from '../helpers/raw-http2-client.ts'

const mebibyte = 1024 * 1024

/** Writes of frames that are legal one by one, beside an open WebSocket. */
const floods: Record<string, (client: RawHttp2Client, stream: number) => Buffer> = {
  PING: () => ping(),
  SETTINGS: () => settings([[setting.initialWindowSize, 65_535]]),
  'empty DATA': (_client, stream) => data(Buffer.alloc(0), { stream }),
  PRIORITY: (_client, stream) => http2Frame(frameType.priority, 0, stream, Buffer.alloc(5)),
  'WINDOW_UPDATE of the session': () => windowUpdate(1, 0),
  'WINDOW_UPDATE of a stream': (_client, stream) => windowUpdate(1, stream),
  'frames of an unknown type': (_client, stream) => http2Frame(0xfa, 0, stream, Buffer.alloc(16)),
  CONTINUATION: client => Buffer.concat([
    headers(client.connectFields('/'), { stream: client.nextStream(), endHeaders: false }),
    ...Array.from({ length: 10 }, () => http2Frame(frameType.continuation, 0, 3, fieldBlock([['x', 'y']])))
  ]),
  'header lists of 15 KB': client => headers(client.connectFields('/', ['x', 'y', 'z'].map(name => [name, name.repeat(5_000)])), { stream: client.nextStream() })
}

for (const [name, make] of Object.entries(floods)) {
  t.test(`a flood of ${name} beside a WebSocket costs bounded memory, and other sessions go on`, async t => {
    const app = await buildHttp2App(t, { limits: { connections: 100 }, closeTimeout: 100 }, { http2SessionTimeout: 2_000 })
    app.ws('/', message => message)
    const port = await listen(app)
    const sessions = new ServerSessions(app)
    const honest = await (await Http2Client.connect(port)).open('/')
    const client = await RawHttp2Client.connect(port)
    const stream = client.open('/')
    t.equal(await client.status(stream), 200)
    const before = process.memoryUsage().rss
    client.socket.pause()
    for (let i = 0; i < 50 && !client.isClosed; i++) {
      // At most 10 MB in all: what the client has not written lies in this process, too.
      for (let written = 0, count = 0; written < 200_000 && count < 200; count++) {
        const frames = make(client, stream)
        client.write(frames)
        written += frames.length
      }
      honest.send(i)
      t.equal(await honest.message(), i)
    }
    const grown = process.memoryUsage().rss - before
    t.ok(grown < 128 * mebibyte, `the process has grown by ${grown} bytes`)
    client.socket.destroy()
    await until('its session has gone', () => sessions.all.length === 1)
    await until('its connection has gone', () => app.wsConnections.size === 1)
    honest.send('still here')
    t.equal(await honest.message(), 'still here')
  })
}

/* Sessions that end at any moment. */

const moments = ['onRequest', 'onSend', 'onOpen', 'handler', 'onClose'] as const

const ends: Record<string, (client: RawHttp2Client, server: ServerHttp2Session) => void> = {
  'is reset': client => { client.socket.resetAndDestroy() },
  'is destroyed by the server': (_client, server) => { server.destroy() },
  'is destroyed with an error': (_client, server) => { server.destroy(new Error('broken')) },
  'is ended by GOAWAY': client => { client.write(goAway()) }
}

for (const [end, act] of Object.entries(ends)) {
  for (const moment of moments) {
    t.test(`a session that ${end} in ${moment} leaves nothing behind, and harms nobody`, async t => {
      const app = await buildHttp2App(t, { closeTimeout: 50, handshakeTimeout: 200 })
      const reached = deferred()
      const release = deferred()
      const stopAt = async (at: typeof moments[number]): Promise<void> => {
        if (at !== moment) return
        reached.resolve()
        await release.promise
      }
      let opened = 0
      let closed = 0
      app.ws('/', {
        onRequest: async () => { await stopAt('onRequest') },
        onSend: async (_request, _reply, payload) => { await stopAt('onSend'); return payload },
        onOpen: async () => { opened++; await stopAt('onOpen') },
        onClose: async () => { closed++; await stopAt('onClose') }
      }, async message => { await stopAt('handler'); return message })
      app.ws('/echo', message => message)
      const port = await listen(app)
      const sessions = new ServerSessions(app)
      const client = await RawHttp2Client.connect(port)
      const stream = client.open('/')
      if (moment === 'handler' || moment === 'onClose') {
        await client.status(stream)
        client.send(stream, Buffer.from(moment === 'handler' ? '818100000000' + '31' : '888000000000', 'hex'))
      }
      await reached.promise
      act(client, sessions.all[0])
      await turn()
      release.resolve()
      await until('it has gone', () => sessions.all.length === 0 && app.wsConnections.size === 0 && app.wsStats().upgrades.pending === 0)
      t.equal(closed, opened)
      const honest = await (await Http2Client.connect(port)).open('/echo')
      honest.send(1)
      t.equal(await honest.message(), 1)
    })
  }
}

for (const moment of moments) {
  t.test(`app.close() ends while a client is in ${moment}, and does not go`, async t => {
    const app = await buildHttp2App(t, { closeTimeout: 50, drain: { timeout: 300 } })
    const reached = deferred()
    const stopAt = async (at: typeof moments[number]): Promise<void> => {
      if (at !== moment) return
      reached.resolve()
      await new Promise(() => {})
    }
    app.ws('/', {
      onRequest: async () => { await stopAt('onRequest') },
      onSend: async (_request, _reply, payload) => { await stopAt('onSend'); return payload },
      onOpen: async () => { await stopAt('onOpen') },
      onClose: async () => { await stopAt('onClose') }
    }, async () => { await stopAt('handler') })
    const client = await RawHttp2Client.connect(await listen(app))
    const stream = client.open('/')
    if (moment === 'handler' || moment === 'onClose') {
      await client.status(stream)
      client.send(stream, Buffer.from(moment === 'handler' ? '818100000000' + '31' : '888000000000', 'hex'), moment === 'onClose')
    }
    await reached.promise
    await app.close()
    t.pass('it ended')
  })
}
