import { stat } from 'node:fs/promises'
import t from 'tap'
import type { Test } from 'tap'
import type { CloseInfo } from '../../types/index.ts'
import { Agenda } from '../../lib/connection/agenda.ts'
import type { Scheduled } from '../../lib/connection/agenda.ts'
import { buildApp, deferred, listen, logLines } from '../helpers/app.ts'
import { close, frame, text } from '../helpers/bytes.ts'
import { RawClient } from '../helpers/raw-client.ts'

const ignore = (): void => {}

/** Keeps the event loop from turning. */
function block (milliseconds: number): void {
  const until = performance.now() + milliseconds
  while (performance.now() < until);
}

/** The agendas that anything is put on while the test runs. */
function agendasOf (t: Test): Set<Agenda> {
  const seen = new Set<Agenda>()
  const { set } = Agenda.prototype
  Agenda.prototype.set = function (entry, due) {
    seen.add(this)
    set.call(this, entry, due)
  }
  t.after(() => { Agenda.prototype.set = set })
  return seen
}

t.test('entries that are moved and leave in any order leave no other behind', async t => {
  const agenda = new Agenda()
  const entries = Array.from({ length: 10_000 }, (): Scheduled => ({ slot: -1, due: 0, onDue: ignore }))
  const hour = 3_600_000
  for (const entry of entries) agenda.set(entry, performance.now() + hour * Math.random())
  for (const entry of entries.filter(() => Math.random() < 0.5)) agenda.set(entry, performance.now() + hour * Math.random())
  t.equal(agenda.size, entries.length)
  const order = entries.map(entry => ({ entry, at: Math.random() })).sort((a, b) => a.at - b.at)
  for (const { entry } of order) {
    agenda.delete(entry)
    agenda.delete(entry)
  }
  t.equal(agenda.size, 0)
  t.ok(entries.every(({ slot }) => slot === -1))
})

t.test('onExpiring waits for onOpen, whatever little time the credentials have left', async t => {
  const app = await buildApp(t)
  const { promise: isWarnable, resolve: warnable } = deferred()
  const warned = deferred<unknown>()
  app.ws('/', {
    expiryWarning: 60_000,
    onRequest: async request => { request.wsExpiresAt = Date.now() + 30_000 },
    onOpen: async () => {
      await isWarnable
      return { name: 'Ada' }
    },
    onExpiring: connection => {
      warned.resolve(connection.data)
    }
  }, ignore)
  const client = await RawClient.open(await listen(app), '/')
  // It is due, and the agenda has been looked at.
  await new Promise(resolve => setTimeout(resolve, 20))
  warnable()
  t.same(await warned.promise, { name: 'Ada' })
  t.equal(client.unread.length, 0)
})

t.test('a connection that goes while onOpen runs leaves nothing behind that is to be woken', async t => {
  const agendas = agendasOf(t)
  const app = await buildApp(t)
  const { promise: opening, resolve: open } = deferred()
  const hasClosed = deferred()
  const { promise: hasBegun, resolve: begin } = deferred()
  app.ws('/', {
    idleTimeout: 60_000,
    onRequest: async request => { request.wsExpiresAt = Date.now() + 60_000 },
    onOpen: async connection => {
      connection.signal.addEventListener('abort', () => begin())
      await opening
    },
    onClose: connection => {
      connection.renew(Date.now() + 60_000)
      hasClosed.resolve()
    }
  }, ignore)
  const client = await RawClient.open(await listen(app), '/')
  client.reset()
  await hasBegun
  open()
  await hasClosed.promise
  t.same([...agendas].map(({ size }) => size), [0])
})

t.test('a handler that settles once the event loop was blocked for longer than closeTimeout wins those behind it theirs', async t => {
  const app = await buildApp(t, { closeTimeout: 300 })
  app.ws('/', async message => {
    if (message === 'first') {
      // Right behind the chunk that it came in, at whose end is the Close.
      await new Promise(resolve => setImmediate(resolve))
      const read = stat('.')
      block(600)
      await read
    } else {
      for (let turn = 0; turn < 5; turn++) await new Promise(resolve => setImmediate(resolve))
    }
    return message
  })
  const client = await RawClient.open(await listen(app), '/')
  client.write(Buffer.concat([text('"first"'), text('"second"'), close(1000)]))
  t.equal(await client.message(), 'first')
  t.equal(await client.message(), 'second')
  t.equal((await client.closeFrame()).code, 1000)
})

for (const [name, value] of Object.entries({ 'a string': 'tomorrow', NaN, 'no valid Date': new Date(NaN), 'more than a Date can hold': 8.64e15 + 1, '-Infinity': -Infinity, 'an object': {} })) {
  t.test(`a wsExpiresAt that is ${name} refuses the upgrade, since it would let somebody stay for ever`, async t => {
    const app = await buildApp(t)
    app.ws('/', { onRequest: async request => { request.wsExpiresAt = value as number } }, ignore)
    const client = await RawClient.connect(await listen(app))
    client.request('/')
    const { statusCode, body } = await client.reply()
    t.match({ statusCode, body: JSON.parse(body) }, { statusCode: 500, body: { code: 'FST_ERR_WS_EXPIRES_AT' } })
  })

  t.test(`renew refuses what is ${name}, and the time that was set before holds`, async t => {
    const app = await buildApp(t)
    app.ws('/', { onRequest: async request => { request.wsExpiresAt = 4e12 } }, (_message, connection) => {
      t.throws(() => connection.renew(value as number), { code: 'FST_ERR_WS_EXPIRES_AT' })
      return connection.expiresAt
    })
    const client = await app.injectWS('/')
    client.send(1)
    t.equal(await client.receive(), new Date(4e12).toISOString())
  })
}

t.test('times in seconds are in 1970: nobody is let in by them', async t => {
  const app = await buildApp(t)
  app.ws('/', { onRequest: async request => { request.wsExpiresAt = Math.floor(Date.now() / 1000) + 3600 } }, ignore)
  const client = await RawClient.connect(await listen(app))
  client.request('/')
  t.equal((await client.reply()).statusCode, 401)
})

t.test('a client that answers a close with codes of its own makes no counters of them', async t => {
  const app = await buildApp(t)
  const ended = deferred()
  let left = 50
  app.ws('/', { onClose: () => { if (--left === 0) ended.resolve() } }, (_message, connection) => { connection.close(4000) })
  const port = await listen(app)
  for (let i = 0; i < 50; i++) {
    const client = await RawClient.open(port, '/')
    client.send('close')
    await client.closeFrame()
    client.write(close(i === 0 ? 4000 : 3000 + i))
    await client.ended()
    client.socket.end()
  }
  await ended.promise
  while (app.wsConnections.size > 0) await new Promise(resolve => setImmediate(resolve))
  t.same(app.wsStats().connections.closed, { 4000: 1, other: 49 })
})

interface Ending {
  readonly way: string
  readonly act: (client: RawClient) => unknown
  readonly code: number
  readonly closedBy: CloseInfo['closedBy']
}

const endings: readonly Ending[] = [
  { way: 'by a close of the client', act: client => client.close(1000), code: 1000, closedBy: 'client' },
  { way: 'by a close of the client and a reset right behind it', act: client => { client.write(close(1000)); client.socket.end() }, code: 1000, closedBy: 'client' },
  { way: 'by a reset', act: client => { client.reset() }, code: 1006, closedBy: 'network' },
  { way: 'by an end without a close', act: client => { client.socket.end() }, code: 1006, closedBy: 'network' },
  { way: 'by close()', act: async client => { client.send('close'); await client.closeFrame(); client.write(close(4000)) }, code: 4000, closedBy: 'server' },
  { way: 'by close(), which the client never answers', act: client => { client.send('close') }, code: 4000, closedBy: 'server' },
  { way: 'by terminate()', act: client => { client.send('terminate') }, code: 1006, closedBy: 'server' },
  { way: 'by terminate() after close()', act: client => { client.send('both') }, code: 4000, closedBy: 'server' },
  { way: 'by a violation', act: client => { client.write(frame({ opcode: 3 })) }, code: 1002, closedBy: 'server' },
  { way: 'by a violation and a reset', act: client => { client.socket.write(frame({ opcode: 3 }), () => client.reset()) }, code: 1002, closedBy: 'server' },
  { way: 'by a violation behind a close', act: client => { client.write(Buffer.concat([close(1000), frame({ opcode: 3 })])) }, code: 1000, closedBy: 'client' },
  { way: 'by credentials that expire', act: client => { client.send('expire') }, code: 4401, closedBy: 'server' }
]

for (const { way, act, code, closedBy } of endings) {
  t.test(`a connection that ends ${way} has one line in the log, which says that it was the ${closedBy}, and one onClose`, async t => {
    const { lines, stream } = logLines()
    const app = await buildApp(t, { closeTimeout: 50 }, { logger: { level: 'info', stream } })
    const infos: CloseInfo[] = []
    app.ws('/', { onClose: (_connection, info) => { infos.push(info) } }, (message, connection) => {
      if (message === 'close' || message === 'both') connection.close(4000)
      if (message === 'terminate' || message === 'both') connection.terminate()
      if (message === 'expire') connection.renew(Date.now())
    })
    const client = await RawClient.open(await listen(app), '/', { head: text('"hello"') })
    await act(client)
    while (app.wsConnections.size > 0) await new Promise(resolve => setImmediate(resolve))
    await app.close()
    const closed = lines.filter(({ msg }) => msg === 'WebSocket closed')
    t.match(closed, [{ level: 30, code, closedBy }])
    t.equal(closed.length, 1)
    t.match(infos, [{ code, closedBy }])
    t.equal(infos.length, 1)
    t.same(lines.filter(({ level }) => Number(level) > 30), [], 'and nothing else that is worth a warning')
  })
}
