import { decode, encode } from '@msgpack/msgpack'
import t from 'tap'
import type { Test } from 'tap'
import type { Codec, Connection } from '../../types/index.ts'
import { buildApp, deferred, listen, logLines } from '../helpers/app.ts'
import { pong } from '../helpers/bytes.ts'
import { keepAlive } from '../helpers/keep-alive.ts'
import { RawClient } from '../helpers/raw-client.ts'

const heartbeat = { interval: 50, notify: true }
const notice = { type: 'heartbeat', interval: 50 }

const ping = 9

/** What a client of a route gets, frame by frame: the value of a message, or that it is a ping. */
async function framesOf (t: Test, options: object, count: number, valueOf: (payload: Buffer) => unknown = payload => JSON.parse(String(payload))): Promise<unknown[]> {
  const app = await buildApp(t)
  app.ws('/', options, message => message)
  const client = await RawClient.open(await listen(app), '/')
  const frames = []
  while (frames.length < count) {
    const { opcode, payload } = await client.frame()
    if (opcode === ping) client.write(pong(payload))
    frames.push(opcode === ping ? 'ping' : valueOf(payload))
  }
  return frames
}

t.before(() => keepAlive(t))

t.test('a client is told the interval when it is open, and with each ping', async t => {
  t.same(await framesOf(t, { heartbeat }, 5), [notice, 'ping', notice, 'ping', notice])
})

t.test('without notify it is told nothing', async t => {
  t.same(await framesOf(t, { heartbeat: { interval: 50 } }, 2), ['ping', 'ping'])
})

t.test('the first notice comes after what onOpen sends, and no earlier than that is done', async t => {
  const opened = deferred()
  const onOpen = async (connection: Connection): Promise<void> => {
    await opened.promise
    connection.send('opened')
  }
  const app = await buildApp(t)
  app.ws('/', { heartbeat, onOpen }, message => message)
  const client = await RawClient.open(await listen(app), '/')
  const { opcode, payload } = await client.frame()
  t.equal(opcode, ping, 'a ping while onOpen runs')
  client.write(pong(payload))
  opened.resolve()
  const messages = []
  while (messages.length < 2) {
    const { opcode, payload } = await client.frame()
    if (opcode !== ping) messages.push(JSON.parse(String(payload)))
  }
  t.same(messages, ['opened', notice])
})

t.test('it is encoded once for all clients of a codec, by which it leaves', async t => {
  let encoded = 0
  const msgpack: Codec = {
    binary: true,
    decode: payload => decode(payload as Buffer),
    encode (value) {
      encoded++
      return Buffer.from(encode(value))
    }
  }
  t.same(await framesOf(t, { heartbeat, codec: msgpack }, 4, decode), [notice, 'ping', notice, 'ping'])
  t.equal(encoded, 1)
})

t.test('with codec raw it is JSON, as all that this package says itself', async t => {
  t.same(await framesOf(t, { heartbeat, codec: 'raw' }, 2), [notice, 'ping'])
})

t.test('a codec that can not encode it costs the notice, not the connection or the process', async t => {
  const { lines, stream } = logLines()
  const app = await buildApp(t, {}, { logger: { stream } })
  const codec: Codec = { binary: false, decode: String, encode (value) { if (typeof value === 'string') return value; throw new Error('texts only') } }
  app.ws('/', { heartbeat, codec }, message => message)
  const client = await app.injectWS('/')
  client.send('hello')
  t.equal(await client.receive(), 'hello')
  t.match(lines.find(({ msg }) => msg === 'message of fastify-typed-ws could not be encoded'), { err: { message: /texts only/ } })
})

t.test('a slow consumer that keeps the latest of each key is not asked for the key of a notice', async t => {
  const frames = await framesOf(t, { heartbeat, slowConsumer: { policy: 'keep-latest', key: () => { throw new Error('asked') } } }, 3)
  t.same(frames, [notice, 'ping', notice])
})

t.test('it is an option of the plugin too: a route changes what it names', async t => {
  const app = await buildApp(t, { heartbeat })
  app.ws('/inherits', message => message)
  app.ws('/slower', { heartbeat: { interval: 2 * heartbeat.interval } }, message => message)
  app.ws('/quiet', { heartbeat: { notify: false } }, message => message)
  app.ws('/none', { heartbeat: false }, message => message)
  for (const [url, interval] of [['/inherits', heartbeat.interval], ['/slower', 2 * heartbeat.interval]] as const) {
    const client = await app.injectWS(url)
    t.same(await client.receive(), { ...notice, interval })
  }
  for (const url of ['/quiet', '/none']) {
    const client = await app.injectWS(url)
    client.send('"hello"')
    t.equal(await client.receive(), 'hello')
  }
})
