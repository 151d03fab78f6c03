import type { ServerHttp2Session } from 'node:http2'
import { setImmediate as turn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import type { Test } from 'tap'
import { SessionState } from '../../lib/route/session-state.ts'
import { until } from '../fuzz/until.ts'
import { deferred, listen } from '../helpers/app.ts'
import { Http2Client } from '../helpers/http2-client.ts'
import { buildHttp2App, ServerSessions } from '../helpers/http2-app.ts'
import { errorCode, headers, rstStream, setting } from '../helpers/http2-frames.ts'
import { RawHttp2Client } from '../helpers/raw-http2-client.ts'

setFlagsFromString('--expose-gc')
const gc: () => void = runInNewContext('gc')

const mebibyte = 1024 * 1024
const streams = 10_000

/** Node 20 reads no further from a session that nghttp2 has ended, and does not hear that its client has gone: Fastify's timeout is what ends it. */
const http2SessionTimeout = 500

/** A client in a session of its own that is answered all the while; stopped, it says how often. */
async function honestClient (app: FastifyInstance, port: number): Promise<() => Promise<number>> {
  // A slow machine may take longer over what the others send than its session may be idle.
  app.server.once('session', (session: ServerHttp2Session) => session.setTimeout(0))
  const client = await (await Http2Client.connect(port)).open('/echo')
  const stop = new AbortController()
  const echoing = (async () => {
    let echoes = 0
    while (!stop.signal.aborted) {
      client.send(echoes)
      if (await client.message<number>() !== echoes++) throw new Error('another echo')
    }
    return echoes
  })()
  return async () => {
    stop.abort()
    return await echoing
  }
}

/** Opens streams and cancels each at once, in as many sessions as the server ends meanwhile. Returns how many sessions it took. */
async function rapidReset (port: number, path: string): Promise<number> {
  let sent = 0
  let sessions = 0
  while (sent < streams) {
    const client = await RawHttp2Client.connect(port)
    sessions++
    while (sent < streams && client.goaway === null && !client.isClosed) {
      const frames: Buffer[] = []
      for (let i = 0; i < 200; i++, sent++) {
        const stream = client.nextStream()
        frames.push(headers(client.connectFields(path), { stream }), rstStream(errorCode.cancel, stream))
      }
      client.write(Buffer.concat(frames))
      await turn()
    }
    client.socket.destroy()
  }
  return sessions
}

/**
 * @param act must leave nothing behind, and never make the heap or the process large
 * @param running how many hooks of the application are to go on: each keeps its request, whatever became of it
 */
async function costsLittle (t: Test, app: FastifyInstance, act: () => Promise<void>, running = (): number => 0): Promise<void> {
  gc()
  const before = process.memoryUsage()
  const sessions = new ServerSessions(app)
  await act()
  await until('all are over', () => app.wsStats().upgrades.pending === 0 && app.wsConnections.size === 1 && sessions.all.length === 0 && running() === 0)
  // Promises that are watched by asynchronous hooks, as tap does, take more than one collection.
  for (let i = 0; i < 3; i++) {
    await turn()
    gc()
  }
  const { heapUsed, rss } = process.memoryUsage()
  t.ok(heapUsed - before.heapUsed < 16 * mebibyte, `${heapUsed - before.heapUsed} bytes of heap are kept`)
  t.ok(rss - before.rss < 256 * mebibyte, `the process has grown by ${rss - before.rss} bytes`)
}

t.test('so many of one session may be asked of the application, and those that it has cancelled count until their deadlines', async t => {
  const state = new SessionState()
  for (let i = 0; i < 999; i++) state.onAsked()
  t.notOk(state.isFull)
  state.onAsked()
  t.ok(state.isFull)
  state.onAnswered()
  t.notOk(state.isFull)

  state.onAsked()
  const now = performance.now()
  for (let i = 0; i < 1_000; i++) state.onCancelled(i < 500 ? now : now + 60_000)
  t.notOk(state.isFull, 'the deadlines of 500 are past')
  for (let i = 0; i < 500; i++) state.onAsked()
  t.ok(state.isFull)
})

/** What hooks wait for whose client has gone before they run, or goes while they do. */
const waits: Record<string, { wait: () => Promise<void>, refuses?: boolean }> = {
  'never settles': { wait: () => new Promise(() => {}) },
  'takes a moment': { wait: async () => { for (let i = 0; i < 50; i++) await turn() } },
  'refuses later': { wait: () => turn(), refuses: true }
}

for (const [name, { wait, refuses = false }] of Object.entries(waits)) {
  t.test(`rapid reset: ${streams} streams opened and cancelled at once, on a route whose hook ${name}`, async t => {
    const app = await buildHttp2App(t, { limits: { connections: 2_000 } }, { http2SessionTimeout })
    app.ws('/echo', message => message)
    let asked = 0
    let wentOn = 0
    app.ws('/', {
      onRequest: async (_request, reply) => {
        asked++
        await wait()
        wentOn++
        return refuses ? await reply.code(401).send('no') : undefined
      }
    }, () => {})
    const port = await listen(app)
    const stop = await honestClient(app, port)
    let sessions = 0
    await costsLittle(t, app, async () => { sessions = await rapidReset(port, '/') }, () => name === 'never settles' ? 0 : asked - wentOn)
    t.ok(sessions >= 5, `nghttp2 ends a session by GOAWAY behind a burst of 1,000: it took ${sessions}`)
    t.ok(asked <= 1_000 * sessions, `hooks ran ${asked} times in ${sessions} sessions`)
    t.ok(await stop() > 0, 'an honest client is answered all the while')
    t.ok(app.wsStats().upgrades.aborted > 0)
  })
}

t.test(`rapid reset: ${streams} connections that are cancelled right behind their 200`, async t => {
  const app = await buildHttp2App(t, {}, { http2SessionTimeout })
  app.ws('/echo', message => message)
  let opened = 0
  let closed = 0
  app.ws('/', { onOpen: () => { opened++ }, onClose: () => { closed++ } }, () => {})
  const port = await listen(app)
  const stop = await honestClient(app, port)
  await costsLittle(t, app, async () => { await rapidReset(port, '/') })
  t.ok(opened > 1_000)
  t.equal(closed, opened)
  t.match(app.wsStats(), { connections: { open: 1, closed: { 1006: opened } }, memory: { held: 0 } })
  t.ok(await stop() > 0)
})

t.test('places of cancelled handshakes are given back', async t => {
  const app = await buildHttp2App(t, { limits: { connections: 2 } })
  const release = deferred()
  let asked = 0
  app.ws('/slow', { onRequest: async () => { asked++; await release.promise } }, () => {})
  app.ws('/', () => {})
  const port = await listen(app)
  const client = await RawHttp2Client.connect(port)
  for (let i = 1; i <= 50; i++) {
    const stream = client.open('/slow')
    await until('it is asked', () => asked === i)
    client.reset(stream)
    await until('its place is free', () => app.wsStats().upgrades.pending === 0)
  }
  release.resolve()
  t.equal(await client.status(client.open('/')), 200)
  t.equal(await client.status(client.open('/')), 200)
  t.equal(await client.status(client.open('/')), 503)
})

t.test(`${streams} handshakes that nobody cancels: 1,000 of a session are asked of the application, and the others refused without a body`, async t => {
  const app = await buildHttp2App(t)
  app.ws('/echo', message => message)
  let asked = 0
  app.ws('/', { onRequest: () => { asked++; return new Promise<void>(() => {}) } }, () => {})
  const port = await listen(app)
  const stop = await honestClient(app, port)
  await costsLittle(t, app, async () => {
    // None of its windows ever opens.
    const client = await RawHttp2Client.connect(port, { values: [[setting.initialWindowSize, 0]] })
    // Node refuses some itself, without a word to anybody, once a session takes 10 MB: a quick client has the most streams that linger.
    const refused = (): number => (app.wsStats().upgrades.refused[429] ?? 0) + [...client.resets.values()].filter(code => code !== errorCode.noError).length
    for (let i = 0; i < streams; i += 100) {
      for (let j = 0; j < 100; j++) client.open('/')
      await until('they are answered', () => app.wsStats().upgrades.pending + refused() === i + 100)
    }
    t.equal(refused(), streams - 1_000)
    t.ok(app.wsStats().upgrades.refused[429] > streams / 2, 'most of them by the plugin')
    t.same([asked, app.wsStats().upgrades.pending], [1_000, 1_000])
    client.socket.destroy()
  })
  t.ok(await stop() > 0)
})

t.test('3,000 handshakes that are refused, and 3,000 connections that end as they should, in one session cost nothing', async t => {
  const app = await buildHttp2App(t)
  app.ws('/echo', message => message)
  app.ws('/refused', { onRequest: async (_request, reply) => await reply.code(401).send('no') }, () => {})
  const port = await listen(app)
  const stop = await honestClient(app, port)
  await costsLittle(t, app, async () => {
    const client = await Http2Client.connect(port)
    for (let i = 0; i < 60; i++) {
      await Promise.all(Array.from({ length: 50 }, async () => {
        await client.reply(client.request('/refused'))
        await (await client.open('/echo')).close(1000)
      }))
    }
    client.session.destroy()
  })
  t.match(app.wsStats(), { upgrades: { refused: { 401: 3_000 } }, connections: { opened: 3_001, closed: { 1000: 3_000 } } })
  t.ok(await stop() > 0)
})

t.test('a session that was ended for its resets, and whose client stays, keeps nobody from closing the server', async t => {
  const app = await buildHttp2App(t, { handshakeTimeout: 100, closeTimeout: 100 })
  const closed = deferred<{ code: number }>()
  app.ws('/', { onClose: (_connection, info) => { closed.resolve(info) } }, () => {})
  const client = await RawHttp2Client.connect(await listen(app))
  t.equal(await client.status(client.open('/')), 200)
  for (let i = 0; client.goaway === null && i < streams; i += 100) {
    for (let j = 0; j < 100; j++) client.reset(client.open('/elsewhere'))
    await turn()
  }
  await client.until('GOAWAY', () => client.goaway !== null)
  t.equal(client.goaway, errorCode.internalError)
  await app.close()
  t.ok((await closed.promise).code > 0)
})
