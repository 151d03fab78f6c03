import { setImmediate as immediate } from 'node:timers/promises'
import type { Duplex } from 'node:stream'
import t from 'tap'
import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import type { Connection } from '../../types/index.ts'
import { buildApp, deferred, listen } from '../helpers/app.ts'
import { binary, close, ping, readFrame, text } from '../helpers/bytes.ts'
import { carriersOf } from '../helpers/carriers.ts'
import { takesWritesAtOnce } from '../helpers/http-version.ts'
import { RawClient } from '../helpers/raw-client.ts'

/** What a server writes to one client, each write by the texts in it. */
class Writes {
  readonly all: string[][] = []
  /** How many there were when a chunk of the client had just been read. */
  readonly afterChunk: number[] = []

  constructor (carrier: Duplex) {
    const { _write, _writev } = carrier
    if (_writev === undefined || _writev === null) throw new Error('it writes several at once')
    carrier._write = (chunk, encoding, callback) => { this.#see(chunk); _write.call(carrier, chunk, encoding, callback) }
    carrier._writev = (chunks, callback) => { this.#see(Buffer.concat(chunks.map(({ chunk }) => chunk))); _writev.call(carrier, chunks, callback) }
    carrier.on('data', () => { this.afterChunk.push(this.all.length) })
  }

  #see (bytes: Buffer): void {
    const texts = []
    let at = 0
    for (let next = readFrame(bytes); next !== null; next = readFrame(bytes.subarray(at))) {
      texts.push(next.frame.opcode === 8 ? `close ${next.frame.payload.readUInt16BE(0)}` : next.frame.opcode === 10 ? 'pong' : String(next.frame.payload))
      at += next.size
    }
    if (at !== bytes.length) texts.push('a torn frame')
    this.all.push(texts)
  }
}

type Handler = (message: string, connection: Connection, app: FastifyInstance) => unknown

/** Opens clients of a server with this handler of texts, and shows what it writes to each. */
async function server (t: Test, handler: Handler, concurrency?: number): Promise<{ app: FastifyInstance, open: () => Promise<{ client: RawClient, writes: Writes }> }> {
  const app = await buildApp(t)
  app.ws('/', { codec: 'raw', ...(concurrency === undefined ? {} : { concurrency }) }, (message, connection) => handler(String(message), connection, app))
  const carriers = carriersOf(app)
  const port = await listen(app)
  const open = async () => {
    const client = await RawClient.open(port, '/')
    return { client, writes: new Writes(carriers[carriers.length - 1]) }
  }
  return { app, open }
}

const texts = (...all: string[]): Buffer => Buffer.concat(all.map(each => text(each)))

/** So many texts that a client gets. */
async function got (client: RawClient, count: number): Promise<string[]> {
  const all = []
  for (let i = 0; i < count; i++) all.push(String((await client.frame()).payload))
  return all
}

t.test('the replies of handlers that are not async, to the messages of one chunk, leave in one write, and when it is read', async t => {
  const { open } = await server(t, message => `re ${message}`)
  const { client, writes } = await open()
  client.write(texts('1', '2', '3'))
  t.same(await got(client, 3), ['re 1', 're 2', 're 3'])
  t.same(writes.all, [['re 1', 're 2', 're 3']])
  t.same(writes.afterChunk, [1])
  client.write(texts('4'))
  t.same(await got(client, 1), ['re 4'])
  t.same(writes.afterChunk, [1, 2])
})

t.test('those of async handlers leave in one write too, at the end of the tick', async t => {
  const { open } = await server(t, async message => {
    await null
    return `re ${message}`
  }, 16)
  const { client, writes } = await open()
  client.write(texts('1', '2', '3'))
  t.same(await got(client, 3), ['re 1', 're 2', 're 3'])
  t.same(writes.all, [['re 1', 're 2', 're 3']])
  t.same(writes.afterChunk, [0])
})

t.test('handlers of both kinds: one write, in the order in which they answer', async t => {
  const { open } = await server(t, message => message.startsWith('async') ? Promise.resolve(message) : message, 16)
  const { client, writes } = await open()
  client.write(texts('async 1', '2', 'async 3', '4'))
  t.same(await got(client, 4), ['2', '4', 'async 1', 'async 3'])
  t.same(writes.all, [['2', '4', 'async 1', 'async 3']])
  t.same(writes.afterChunk, [0])
})

t.test('one at a time, replies are in the order of the messages, whichever handler is async', async t => {
  const { open } = await server(t, message => message.startsWith('async') ? immediate(message) : message, 1)
  const { client } = await open()
  const all = Array.from({ length: 12 }, (_, index) => `${index % 3 === 0 ? 'async' : 'sync'} ${index}`)
  client.write(texts(...all))
  t.same(await got(client, 12), all)
})

t.test('a handler that sends to another connection, to its own, and answers: each has its own, in order', async t => {
  const others: Connection[] = []
  const { open } = await server(t, (message, connection) => {
    if (message === 'here') {
      others.push(connection)
      return 'welcome'
    }
    for (const other of others) other.send(`other ${message}`)
    connection.send(`own ${message}`)
    for (const other of others) other.send(`again ${message}`)
    return `re ${message}`
  })
  const [a, b] = [await open(), await open()]
  b.client.write(texts('here'))
  t.same(await got(b.client, 1), ['welcome'])
  a.client.write(texts('1', '2'))
  t.same(await got(a.client, 4), ['own 1', 're 1', 'own 2', 're 2'])
  t.same(await got(b.client, 4), ['other 1', 'again 1', 'other 2', 'again 2'])
  t.same(a.writes.all, [['own 1', 're 1', 'own 2', 're 2']])
  t.same(a.writes.afterChunk, [1])
  t.same(b.writes.all.slice(1), [['other 1', 'again 1', 'other 2', 'again 2']])
})

t.test('broadcasts stand between replies where they were sent', async t => {
  const { app, open } = await server(t, async (message, connection) => {
    if (message === 'join') await connection.join('all')
    return message
  })
  const members = [await open(), await open(), await open()]
  for (const { client } of members) {
    client.write(texts('join'))
    await got(client, 1)
  }
  for (let i = 0; i < 3; i++) void app.room('all').send(`to all ${i}`)
  for (const { client, writes } of members) {
    t.same(await got(client, 3), ['to all 0', 'to all 1', 'to all 2'])
    t.same(writes.all.slice(1), [['to all 0', 'to all 1', 'to all 2']], 'in one write')
  }
})

t.test('a handler that is not async and talks to its room: members get all in order, and it its reply behind its own', async t => {
  const joined = deferred()
  let count = 0
  const { open } = await server(t, (message, connection, app) => {
    if (message === 'join') {
      void connection.join('all').then(() => { if (++count === 3) joined.resolve() })
      return
    }
    connection.send(`before ${message}`)
    void app.room('all').send(`to all ${message}`)
    return `re ${message}`
  })
  const [talker, ...others] = [await open(), await open(), await open()]
  for (const { client } of [talker, ...others]) client.write(texts('join'))
  await joined.promise
  talker.client.write(texts('1', '2'))
  t.same(await got(talker.client, 6), ['before 1', 'to all 1', 're 1', 'before 2', 'to all 2', 're 2'])
  t.equal(talker.writes.all.length, 1)
  for (const { client } of others) t.same(await got(client, 2), ['to all 1', 'to all 2'])
})

t.test('a large reply between small ones is where it belongs, and leaves at once with what is before it', async t => {
  const large = Buffer.alloc(50_000, 'x')
  const { open } = await server(t, message => message === 'large' ? large : message)
  const { client, writes } = await open()
  client.write(texts('1', 'large', '2'))
  t.same(await got(client, 3), ['1', String(large), '2'])
  t.equal(writes.all.length, 2)
  t.same(writes.afterChunk, [takesWritesAtOnce ? 2 : 1])
})

t.test('a client\'s close in the middle of a chunk is answered behind the replies to what is before it, and nothing behind it is', async t => {
  const { open } = await server(t, message => message)
  const { client, writes } = await open()
  client.write(Buffer.concat([texts('1', '2'), close(1000), texts('3')]))
  t.same(await got(client, 2), ['1', '2'])
  t.match(await client.closeFrame(), { code: 1000 })
  await client.ended()
  t.same(writes.all.flat(), ['1', '2', 'close 1000'])
})

t.test('a handler that closes in the middle of a chunk: what it sent before leaves, then the close frame, then nothing', async t => {
  const { open } = await server(t, (message, connection) => {
    if (message !== 'close') return message
    connection.send('last')
    connection.close(4000, 'enough')
    connection.send('too late')
    return 'too late as well'
  })
  const { client, writes } = await open()
  client.write(texts('1', 'close', '2'))
  t.same(await got(client, 2), ['1', 'last'])
  t.match(await client.closeFrame(), { code: 4000, reason: 'enough' })
  client.write(close(4000))
  await client.ended()
  t.same(writes.all.flat(), ['1', 'last', 'close 4000'])
})

t.test('a violation in the middle of a chunk: the replies to what is before it leave, then the close frame', async t => {
  const { open } = await server(t, message => message)
  const { client, writes } = await open()
  client.write(Buffer.concat([texts('1', '2'), text('3', { mask: false }), texts('4')]))
  t.same(await got(client, 2), ['1', '2'])
  t.match(await client.closeFrame(), { code: 1002 })
  await client.ended()
  t.same(writes.all.flat(), ['1', '2', 'close 1002'])
})

t.test('a connection that its handler drops in the middle of a chunk is written no more, and others are', async t => {
  const { open } = await server(t, (message, connection) => {
    if (message === 'drop') connection.terminate()
    return message
  })
  const [a, b] = [await open(), await open()]
  a.client.write(texts('1', 'drop', '2'))
  await a.client.ended()
  t.equal(a.client.unread.length, 0)
  b.client.write(texts('3'))
  t.same(await got(b.client, 1), ['3'])
})

t.test('pongs stand between replies where their pings came', async t => {
  const { open } = await server(t, message => message)
  const { client, writes } = await open()
  client.write(Buffer.concat([texts('1'), ping('p'), binary('2'), ping('q')]))
  await got(client, 4)
  t.same(writes.all, [['1', 'pong', '2', 'pong']])
})
