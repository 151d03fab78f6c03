import { Channel } from 'node:diagnostics_channel'
import { constants, deflateRawSync } from 'node:zlib'
import type { FastifyInstance } from 'fastify'
import { Type } from '@sinclair/typebox'
import t from 'tap'
import type { Connection, WsBroadcastEvent, WsMessageEvent, WsUpgradeEvent } from '../types/index.ts'
import { channels } from '../lib/channels.ts'
import { buildApp, listen } from './helpers/app.ts'
import { binary, frame } from './helpers/bytes.ts'
import { published } from './helpers/published.ts'
import { RawClient } from './helpers/raw-client.ts'
import { Traced, uncaught } from './helpers/traced.ts'

const bomb = deflateRawSync(Buffer.alloc(100_000), { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4)

const tooBig: Readonly<Record<string, Buffer>> = {
  'in one frame': binary(Buffer.alloc(1_001)),
  'in fragments': Buffer.concat([frame({ opcode: 2, fin: false, payload: Buffer.alloc(600) }), frame({ opcode: 0, payload: Buffer.alloc(600) })]),
  'once inflated': frame({ opcode: 2, rsv: 4, payload: bomb })
}

for (const [title, bytes] of Object.entries(tooBig)) {
  t.test(`a message that is larger than maxPayload ${title} is counted and published`, async t => {
    const messages = published(t, 'too-big')
    const app = await buildApp(t, { maxPayload: 1_000, perMessageDeflate: true })
    const opened: Connection[] = []
    app.ws('/', { codec: 'raw', onOpen (connection) { opened.push(connection) } }, () => {})
    const client = await RawClient.open(await listen(app), '/', { headers: { 'Sec-WebSocket-Extensions': 'permessage-deflate' } })
    client.write(bytes)
    t.equal((await client.closeFrame()).code, 1009)
    t.equal(messages.length, 1)
    t.equal(messages[0].connection, opened[0])
    t.equal(messages[0].maxPayload, 1_000)
    t.equal((messages[0].instance as FastifyInstance).server, app.server)
    t.equal(messages[0].route, '/')
    t.equal(app.wsStats().memory.tooBig, 1)
    client.socket.destroy()
  })
}

const invalid: Readonly<Record<string, { message: Buffer, code: string, closeCode: number }>> = {
  'is not JSON': { message: frame({ opcode: 1, payload: Buffer.from('{') }), code: 'FST_ERR_WS_INVALID_JSON', closeCode: 1007 },
  'is not valid': { message: frame({ opcode: 1, payload: Buffer.from('{"n":"x"}') }), code: 'FST_ERR_WS_INVALID_MESSAGE', closeCode: 1008 },
  'is binary': { message: binary(Buffer.alloc(1)), code: 'FST_ERR_WS_UNSUPPORTED_DATA', closeCode: 1003 }
}

for (const [title, { message, code, closeCode }] of Object.entries(invalid)) {
  t.test(`a message that ${title} is published with its error, before the client is told`, async t => {
    const messages = published(t, 'invalid')
    const app = await buildApp(t)
    const opened: Connection[] = []
    app.register(async scope => {
      scope.ws('/numbers', { schema: { receive: Type.Object({ n: Type.Integer() }) }, onOpen (connection) { opened.push(connection) } }, () => 'handled')
    }, { prefix: '/v1' })
    const client = await RawClient.open(await listen(app), '/v1/numbers')
    client.write(message)
    t.match(await client.message(), { type: 'error', code })
    client.send({ n: 1 })
    t.equal(await client.message(), 'handled')
    t.equal(messages.length, 1)
    t.equal(messages[0].connection, opened[0])
    t.equal(messages[0].route, '/v1/numbers')
    t.equal((messages[0].instance as FastifyInstance).server, app.server)
    t.match(messages[0].error, { code, closeCode })
  })
}

t.test('a subscriber of invalid messages that throws does not keep the client from being told', async t => {
  const errors = uncaught(t)
  const broken = new Error('broken')
  const listener = (): void => { throw broken }
  channels.invalid.subscribe(listener)
  t.after(() => { channels.invalid.unsubscribe(listener) })
  const app = await buildApp(t)
  app.ws('/', () => {})
  const client = await RawClient.open(await listen(app), '/')
  client.write(frame({ opcode: 1, payload: Buffer.from('{') }))
  t.match(await client.message(), { code: 'FST_ERR_WS_INVALID_JSON' })
  t.same(errors, [broken])
})

t.test('several servers of one process are told apart by instance.server, on every channel', async t => {
  const upgrades = new Traced<WsUpgradeEvent>(t, 'upgrade')
  const messages = new Traced<WsMessageEvent>(t, 'message')
  const broadcasts = new Traced<WsBroadcastEvent>(t, 'broadcast')
  const refused = published(t, 'invalid')
  const closed = published(t, 'close')
  const apps = [await buildApp(t), await buildApp(t)]
  for (const app of apps) {
    app.register(async scope => {
      scope.ws('/', { schema: { receive: Type.Integer() } }, async () => {
        await app.room('all').send('hello')
        return 'done'
      })
    })
    const client = await RawClient.open(await listen(app), '/')
    client.send(1)
    t.equal(await client.message(), 'done')
    client.send('not a number')
    t.match(await client.message(), { type: 'error' })
    await client.close(1000)
    await app.close()
  }
  const servers = apps.map(({ server }) => server)
  const serversOf = (events: Iterable<{ readonly instance?: unknown }>): unknown[] => [...new Set([...events].map(({ instance }) => (instance as FastifyInstance).server))]
  const told = {
    upgrade: upgrades.told.map(({ event }) => event),
    message: messages.told.map(({ event }) => event),
    broadcast: broadcasts.told.map(({ event }) => event),
    invalid: refused,
    close: closed
  }
  for (const [name, events] of Object.entries(told)) {
    const seen = serversOf(events)
    t.ok(seen.length === 2 && seen[0] === servers[0] && seen[1] === servers[1], name)
  }
})

t.test('nothing is published where nobody listens, and no longer once nobody does', async t => {
  const calls: string[] = []
  const { publish, runStores } = Channel.prototype
  t.after(() => { Object.assign(Channel.prototype, { publish, runStores }) })
  // What a channel without subscribers inherits; one with them has its own.
  Channel.prototype.publish = function () { calls.push(`publish ${String(this.name)}`) }
  Channel.prototype.runStores = function (_event, run, self, ...args) {
    calls.push(`runStores ${String(this.name)}`)
    return Reflect.apply(run, self, args)
  }
  const listener = (): void => { calls.push('listened') }
  channels.message.start.subscribe(listener)
  channels.message.start.unsubscribe(listener)

  const app = await buildApp(t, { maxPayload: 100 })
  app.ws('/', async message => {
    await app.room('all').send(message)
    return message
  })
  const port = await listen(app)
  const client = await RawClient.open(port, '/')
  client.send('one')
  t.equal(await client.message(), 'one')
  client.write(frame({ opcode: 1, payload: Buffer.from('{') }))
  t.match(await client.message(), { type: 'error' })
  client.write(frame({ opcode: 1, payload: Buffer.alloc(101) }))
  t.equal((await client.closeFrame()).code, 1009)
  const refused = await RawClient.connect(port)
  refused.request('/nowhere')
  t.equal((await refused.reply()).statusCode, 404)
  RawClient.dropAll()
  await app.close()
  t.same(calls.filter(call => call === 'listened' || call.includes('fastify-typed-ws')), [])
})
