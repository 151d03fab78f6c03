import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import t from 'tap'
import { buildApp, deferred, listen } from '../helpers/app.ts'
import { close, ping, text } from '../helpers/bytes.ts'
import { RawClient } from '../helpers/raw-client.ts'
import type { CloseInfo, Connection, Traffic } from '../../types/index.ts'

const none = { messages: 0, bytes: 0 }

t.test('a server at which nothing has happened counts nothing', async t => {
  const app = await buildApp(t)
  app.ws('/', () => {})
  await app.ready()
  const { connections, upgrades, traffic, messages, rooms, memory } = app.wsStats()
  t.same(connections, { open: 0, opened: 0, silent: 0, idle: 0, expired: 0, closed: {}, byRoute: {} })
  t.same(upgrades, { pending: 0, refused: {}, aborted: 0 })
  t.same(traffic, { received: none, sent: none })
  t.same(messages, { invalid: 0, failed: 0, limited: 0 })
  t.equal(rooms, 0)
  t.match(memory, { held: 0, buffered: 0 })
})

t.test('traffic is counted to the byte, while a connection is open and when it has ended', async t => {
  const app = await buildApp(t)
  const opened = deferred<Connection>()
  const ended = deferred<[CloseInfo, Traffic]>()
  app.ws('/echo', { onOpen: connection => opened.resolve(connection), onClose: (connection, info) => ended.resolve([info, connection.traffic]) }, message => message)
  const client = await RawClient.open(await listen(app), '/echo')
  const received = [text('"a"'), text('"bcd"'), ping('1234')]
  client.write(Buffer.concat(received))
  for (const expected of ['"a"', '"bcd"', '1234']) t.equal((await client.frame()).payload.toString(), expected)
  const expected = { received: { messages: 2, bytes: Buffer.concat(received).length }, sent: { messages: 2, bytes: 5 + 7 + 6 } }
  const connection = await opened.promise
  t.same(connection.traffic, expected)
  t.same(app.wsStats().traffic, expected)
  t.same(app.wsStats().connections.byRoute, { '/echo': 1 })
  await client.close(1000)
  const [info, traffic] = await ended.promise
  t.match(info, { code: 1000, closedBy: 'client', wasClean: true })
  t.same(traffic, { received: { messages: 2, bytes: expected.received.bytes + 8 }, sent: { messages: 2, bytes: expected.sent.bytes + 4 } })
  while (app.wsStats().connections.open > 0) await new Promise(resolve => setImmediate(resolve))
  t.same(app.wsStats().traffic, traffic)
  t.match(app.wsStats().connections, { open: 0, opened: 1, closed: { 1000: 1 }, byRoute: {} })
})

t.test('broadcasts, replies and error messages are all messages that were sent', async t => {
  const app = await buildApp(t)
  const opened = deferred<Connection>()
  app.ws('/', {
    async onOpen (connection) {
      await connection.join('all')
      opened.resolve(connection)
    }
  }, message => { if (message === 1) throw new Error('no'); return message })
  const client = await RawClient.open(await listen(app), '/')
  const connection = await opened.promise
  await app.room('all').send('hello')
  client.write(Buffer.concat([text('1'), text('2'), text('{')]))
  for (let i = 0; i < 4; i++) await client.frame()
  t.equal(connection.traffic.sent.messages, 4)
  t.match(app.wsStats().messages, { invalid: 1, failed: 1 })
})

t.test('upgrades are counted by what became of them', async t => {
  const app = await buildApp(t)
  const entered = deferred()
  const left = deferred()
  app.ws('/guarded', { onRequest: async (_request, reply) => { await reply.code(403).send() } }, () => {})
  app.ws('/slow', { onRequest: async () => { entered.resolve(); await left.promise } }, () => {})
  const port = await listen(app)
  for (const path of ['/guarded', '/guarded', '/nowhere']) {
    const client = await RawClient.connect(port)
    client.request(path)
    await client.reply()
  }
  const client = await RawClient.connect(port)
  client.request('/slow')
  await entered.promise
  t.equal(app.wsStats().upgrades.pending, 1)
  client.socket.destroy()
  await once(client.socket, 'close')
  while (app.wsStats().upgrades.pending > 0) await new Promise(resolve => setImmediate(resolve))
  t.same(app.wsStats().upgrades, { pending: 0, refused: { 403: 2, 404: 1 }, aborted: 1 })
  left.resolve()
})

t.test('who began the end is told apart: the client, the server, or the network', async t => {
  const app = await buildApp(t)
  const connections: Connection[] = []
  let ended = deferred<CloseInfo>()
  app.ws('/', { onOpen: connection => { connections.push(connection) }, onClose: (_connection, info) => ended.resolve(info) }, () => {})
  const port = await listen(app)
  const ends: Array<[string, (client: RawClient, connection: Connection) => unknown]> = [
    ['client', client => client.write(close(1000))],
    ['server', (client, connection) => { connection.close(4000); client.write(close(4000)) }],
    ['server', (_client, connection) => connection.terminate()],
    ['server', client => client.write(Buffer.from('ffff', 'hex'))],
    ['network', client => client.reset()],
    ['network', client => client.socket.end()]
  ]
  for (const [closedBy, end] of ends) {
    ended = deferred<CloseInfo>()
    const client = await RawClient.open(port, '/')
    const connection = connections.pop()
    if (connection === undefined) throw new Error('no connection')
    end(client, connection)
    await client.ended()
    client.socket.end()
    const info = await ended.promise
    t.equal(info.closedBy, closedBy)
    t.ok(Number.isInteger(info.duration) && info.duration >= 0)
    client.socket.destroy()
  }
})

t.test('whoever is told of an end, on the channel or by the log, finds the connection among those that have ended, and counted once', async t => {
  const seen: unknown[] = []
  const told = deferred()
  const look = (): void => {
    const { connections: { open, opened, closed }, traffic } = app.wsStats()
    seen.push({ open, opened, closed, received: traffic.received })
  }
  const stream = { write: (line: string) => { if (line.includes('WebSocket closed')) look() } }
  const app = await buildApp(t, {}, { logger: { stream } })
  const listener = (): void => {
    look()
    told.resolve()
  }
  subscribe('fastify-typed-ws:close', listener)
  t.after(() => unsubscribe('fastify-typed-ws:close', listener))
  app.ws('/', message => message)
  const client = await RawClient.open(await listen(app), '/')
  const bytes = close(1000)
  client.write(bytes)
  client.socket.end()
  await told.promise
  const expected = { open: 0, opened: 1, closed: { 1000: 1 }, received: { messages: 0, bytes: bytes.length } }
  t.same(seen, [expected, expected])
})
