import { getDefaultHighWaterMark } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import type { Test } from 'tap'
import type { Connection, WsPluginOptions } from '../../types/index.ts'
import { until } from '../fuzz/until.ts'
import { deferred, listen } from '../helpers/app.ts'
import { binary, readFrame, text } from '../helpers/bytes.ts'
import { buildHttp2App } from '../helpers/http2-app.ts'
import { data, errorCode, ping, setting, windowUpdate } from '../helpers/http2-frames.ts'
import { RawHttp2Client } from '../helpers/raw-http2-client.ts'

setFlagsFromString('--expose-gc')
const gc: () => void = runInNewContext('gc')

const kib = 1024
const filling = 'f'.repeat(1300)

interface Pair { app: FastifyInstance, client: RawHttp2Client, slow: { stream: number, connection: Connection }, quick: { stream: number, connection: Connection } }

/** Two connections of one session: the first has no window, the second all that it needs. */
async function pair (t: Test, plugin: WsPluginOptions, sessionWindow = true): Promise<Pair> {
  const app = await buildHttp2App(t, plugin)
  const opened: Connection[] = []
  app.ws('/', { onOpen: connection => { opened.push(connection); void connection.join('all') } }, message => message)
  const client = await RawHttp2Client.connect(await listen(app), { values: [[setting.initialWindowSize, 0]] })
  if (sessionWindow) client.write(windowUpdate(1 << 29, 0))
  const streams = [client.open('/'), client.open('/')]
  for (const stream of streams) await client.status(stream)
  client.write(windowUpdate(1 << 29, streams[1]))
  return { app, client, slow: { stream: streams[0], connection: opened[0] }, quick: { stream: streams[1], connection: opened[1] } }
}

/** The messages that a stream has got. */
function messagesOf (client: RawHttp2Client, stream: number): unknown[] {
  const messages: unknown[] = []
  let bytes = client.data.get(stream) ?? Buffer.alloc(0)
  for (let read = readFrame(bytes); read !== null; read = readFrame(bytes)) {
    if (read.frame.opcode === 1) messages.push(JSON.parse(read.frame.payload.toString()))
    bytes = bytes.subarray(read.size)
  }
  return messages
}

const policies: Record<string, { slowConsumer: WsPluginOptions['slowConsumer'], outcome: object }> = {
  close: { slowConsumer: 'close', outcome: { closed: 1, dropped: 0, replaced: 0 } },
  'drop-newest': { slowConsumer: 'drop-newest', outcome: { closed: 0, replaced: 0 } },
  'drop-oldest': { slowConsumer: 'drop-oldest', outcome: { closed: 0, replaced: 0 } },
  'keep-latest': { slowConsumer: { policy: 'keep-latest', key: message => String((message as { at: number }).at % 3) }, outcome: { closed: 0, dropped: 0 } }
}

for (const [policy, { slowConsumer, outcome }] of Object.entries(policies)) {
  t.test(`a stream without a window is a slow consumer, treated by ${policy}, and others of its session miss nothing`, async t => {
    const { app, client, slow, quick } = await pair(t, { slowConsumer, budget: { connection: 40 * kib }, highWaterMark: 16 * kib, closeTimeout: 100 })
    const sent = Array.from({ length: 200 }, (_, at) => ({ at, filling }))
    for (const message of sent) {
      void app.room('all').send(message)
      await turn()
    }
    await client.until('all at the other', () => messagesOf(client, quick.stream).length === sent.length)
    t.same(messagesOf(client, quick.stream), sent)
    t.match(app.wsStats().slowConsumers, outcome)
    t.notOk(client.data.has(slow.stream))
    if (policy === 'close') {
      await client.until('the reset', () => client.resets.has(slow.stream))
      t.equal(client.resets.get(slow.stream), errorCode.cancel)
      await until('it is forgotten', () => app.wsConnections.size === 1 && app.wsStats().memory.held === 0)
      return
    }
    t.equal(slow.connection.writable, false)
    t.ok(slow.connection.bufferedAmount > 16 * kib && slow.connection.bufferedAmount < 64 * kib + getDefaultHighWaterMark(false), `${slow.connection.bufferedAmount} bytes wait`)
    t.equal(quick.connection.bufferedAmount, 0)
    const drained = slow.connection.drained()
    client.write(windowUpdate(1 << 29, slow.stream))
    await drained
    await until('nothing waits', () => slow.connection.bufferedAmount === 0)
    t.equal(slow.connection.writable, true)
    // Of those that keep the latest, it is the last that was sent; else it stops somewhere before.
    if (policy !== 'drop-newest') await client.until('the last', () => (messagesOf(client, slow.stream).at(-1) as { at?: number } | undefined)?.at === sent.length - 1)
    t.ok(messagesOf(client, slow.stream).length < sent.length)
  })
}

t.test('budget.process closes the one whose window is closed, not the others of its session', async t => {
  const { app, client, slow, quick } = await pair(t, { budget: { process: 256 * kib }, closeTimeout: 100 })
  for (let at = 0; at < 400; at++) {
    void app.room('all').send({ at, filling })
    await turn()
  }
  await client.until('all at the other', () => messagesOf(client, quick.stream).length === 400)
  t.match(app.wsStats().memory, { shed: 1 })
  await client.until('the reset', () => client.resets.has(slow.stream))
  await until('it is forgotten', () => app.wsConnections.size === 1)
})

t.test('a session without a window holds all its connections, and each within its budget', async t => {
  const { app, client } = await pair(t, { budget: { connection: 40 * kib }, slowConsumer: 'drop-oldest' }, false)
  for (let at = 0; at < 400; at++) {
    void app.room('all').send({ at, filling })
    await turn()
  }
  t.ok(app.wsStats().memory.held < 2 * (84 * kib + getDefaultHighWaterMark(false)), `${app.wsStats().memory.held} bytes are held`)
  t.ok(app.wsStats().slowConsumers.dropped > 300)
  client.write(Buffer.concat([windowUpdate(1 << 29, 0), windowUpdate(1 << 29)]))
  await until('nothing waits', () => app.wsStats().memory.held === 0)
})

for (const window of [64 * kib - 1, 256 * kib]) {
  t.test(`behind a handler that does not return, a stream takes no more than its window of ${window} bytes, and others go on`, async t => {
    const app = await buildHttp2App(t, { maxPayload: 1024 * kib }, { http: { settings: { initialWindowSize: window } } })
    const entered = deferred()
    const release = deferred()
    let handled = 0
    app.ws('/', { codec: 'raw' }, async message => {
      if (message !== 'echo') {
        if (++handled === 1) entered.resolve()
        await release.promise
        return undefined
      }
      return message
    })
    const client = await RawHttp2Client.connect(await listen(app))
    const streams = [client.open('/'), client.open('/')]
    for (const stream of streams) await client.status(stream)
    client.send(streams[0], binary('first'))
    await entered.promise
    const piece = binary(Buffer.alloc(8 * kib - 8))
    for (let sent = 11; sent + piece.length <= window; sent += piece.length) client.send(streams[0], piece)
    client.send(streams[1], text('echo'))
    await client.until('the echo', () => client.data.has(streams[1]))
    t.equal(handled, 1)
    // Its inbox has taken 64 KiB of it, and opened the window again for as much.
    for (let i = 0; i < 16; i++) client.send(streams[0], piece)
    await until('what exceeds the window ends the stream, or the session (RFC 9113 section 6.9.1)', () => {
      const { held } = app.wsStats().memory
      if (held > window + 96 * kib) throw new Error(`${held} bytes are held`)
      return client.resets.has(streams[0]) || client.goaway !== null
    })
    release.resolve()
  })
}

/** A handler that waits, and a hook that does: nobody reads what comes meanwhile. */
const unread: Record<string, { size: number, declare: (app: FastifyInstance, gate: Promise<void>) => void }> = {
  'a handler waits': { size: 50_000, declare: (app, gate) => app.ws('/', { concurrency: 1, maxPayload: 100_000 }, async message => { await gate; return message }) },
  'a hook waits': { size: 3_500, declare: (app, gate) => app.ws('/', { onRequest: async () => { await gate } }, message => message) }
}

for (const [title, { size, declare }] of Object.entries(unread)) {
  t.test(`while ${title}, frames of one byte cost what they carry, and are read whole afterwards`, async t => {
    const app = await buildHttp2App(t, { handshakeTimeout: 60_000 })
    const gate = deferred()
    declare(app, gate.promise)
    const client = await RawHttp2Client.connect(await listen(app))
    const messages = ['a', 'b', 'c'.repeat(size)].map(message => JSON.stringify(message))
    const rest = Buffer.concat(messages.slice(1).map(message => text(message)))
    const tiny = Buffer.concat([...rest].map(byte => data(Buffer.of(byte))))
    // What the tests before it left behind goes first.
    for (let i = 0; i < 5; i++) {
      await turn()
      gc()
    }
    const before = process.memoryUsage().heapUsed
    const stream = client.open('/')
    client.send(stream, text(messages[0]))
    // So many wait for a handler that reading stops.
    for (let i = 0; i < 20; i++) client.send(stream, text('"more"'))
    client.write(tiny)
    client.write(ping())
    await until('all of it has come', () => client.pongs === 1)
    gc()
    const kept = process.memoryUsage().heapUsed - before
    t.ok(kept < 2 * 1024 * kib, `${kept} bytes of heap are kept for ${rest.length}`)
    gate.resolve()
    await until('all are answered', () => messagesOf(client, stream).length === 23)
    t.same(messagesOf(client, stream), ['a', ...Array.from({ length: 20 }, () => 'more'), 'b', 'c'.repeat(size)])
  })
}

t.test('a client that sends more than 4 KiB before its 200 is cancelled then, and others of its session go on', async t => {
  const app = await buildHttp2App(t)
  const gate = deferred()
  app.ws('/slow', { onRequest: async () => { await gate.promise } }, message => message)
  const client = await RawHttp2Client.connect(await listen(app))
  const [early, patient] = [client.open('/slow'), client.open('/slow')]
  for (let i = 0; i < 3; i++) client.send(early, binary(Buffer.alloc(2 * kib)))
  client.send(patient, text('"early, but short"'))
  client.write(ping())
  await until('all of it has come', () => client.pongs === 1)
  gate.resolve()
  await until('it is cancelled', () => client.resets.has(early))
  t.equal(client.resets.get(early), errorCode.cancel)
  await until('it has gone', () => app.wsConnections.size === 1)
  await until('the other is answered', () => messagesOf(client, patient).length === 1)
  t.match(app.wsStats().connections, { opened: 2, closed: { 1006: 1 } })
})
