import { randomBytes } from 'node:crypto'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import t from 'tap'
import type { Test } from 'tap'
import { EnvelopeCodec } from '../../../lib/rooms/envelope.ts'
import { redisAdapter } from '../../../lib/rooms/redis/index.ts'
import type { RedisAdapterOptions } from '../../../lib/rooms/redis/index.ts'
import { buildApp } from '../../helpers/app.ts'
import { Node, nodes } from '../../helpers/nodes.ts'
import { RedisServer } from '../../helpers/redis-server.ts'
import { adapterContract } from '../adapter-contract.ts'
import { newClients, newClusters } from './clients.ts'
import { newNamespace, withRedis } from './with-redis.ts'

const settings = { size: 10, ttl: 60_000 }
const secret = 'what only these processes know'

await withRedis('the Redis adapter', server => {
  for (const [title, newCluster] of newClusters(server, { secret })) adapterContract(`${title}, signed`, newCluster)

  for (const [title, newCluster] of newClusters(server)) {
    t.test(`${title}: what is published in one turn is one PUBLISH for each channel, and one round trip`, async t => {
      const [a, b] = await nodes(t, newCluster, 2)
      const rooms = ['one', 'two', 'three', 'four']
      for (const room of rooms) await b.adapter.subscribe(room)
      const figures = async (): Promise<[publishes: number, reads: number]> => [await server.figure('commandstats', 'cmdstat_publish'), await server.figure('stats', 'total_reads_processed')]
      const before = await figures()
      await Promise.all(Array.from({ length: 100 }, (_, index) => a.publish(rooms[index % 4], String(index))))
      const after = await figures()
      t.equal(after[0] - before[0], rooms.length)
      // Those of the figures are among them, and perhaps a ping.
      t.ok(after[1] - before[1] <= 12, `${after[1] - before[1]} reads`)
      for (let count = 0; count < 100; count++) await b.received()
    })

    t.test(`${title}: many bytes of one turn are several messages`, async t => {
      const [a, b] = await nodes(t, newCluster, 2)
      await b.adapter.subscribe('room')
      const before = await server.figure('commandstats', 'cmdstat_publish')
      await Promise.all(Array.from({ length: 12 }, () => a.publish('room', Buffer.alloc(256 * 1024), 'binary')))
      t.equal(await server.figure('commandstats', 'cmdstat_publish') - before, 4)
      for (let count = 0; count < 12; count++) await b.received()
    })
  }

  for (const [title, newClient] of Object.entries(newClients)) {
    t.test(`${title}: stopping ends what the adapter has opened, and leaves the client that it was given`, async t => {
      const before = await connections(server)
      const adapter = redisAdapter({ client: newClient(t, server), namespace: newNamespace() })
      const [node] = await nodes(t, () => () => adapter, 1)
      t.equal(await connections(server), before + 2)
      const published = node.publish('room', 'last')
      await adapter.stop()
      await published
      while (await connections(server) > before) ;
      t.equal(await connections(server), before)
    })
  }

  t.test('a client that is in use goes on being used', async t => {
    const [ioredis, redis] = [new Redis(server.port), createClient({ url: server.url })]
    await redis.connect()
    for (const client of [ioredis, redis]) {
      const adapter = redisAdapter({ client, namespace: newNamespace() })
      const [node] = await nodes(t, () => () => adapter, 1)
      await node.adapter.subscribe('room')
      await adapter.stop()
      t.equal(await client.set('key', 'value'), 'OK')
    }
    ioredis.disconnect()
    redis.destroy()
  })

  t.test('credentials of the client are used, and wrong ones are told at the start', async t => {
    const guarded = await RedisServer.start(t, ['--requirepass', 'open sesame'])
    const url = guarded.url.replace('//', '//:open%20sesame@')
    const clients = [new Redis(url, { lazyConnect: true }), createClient({ url }), createClient({ socket: { port: guarded.port, host: '127.0.0.1' }, password: 'open sesame' })]
    for (const client of clients) {
      const namespace = newNamespace()
      const [a, b] = await nodes(t, () => () => redisAdapter({ client, namespace }), 2)
      await b.adapter.subscribe('room')
      await a.publish('room', 'hello')
      t.same(await b.received(), ['room', 'hello'])
    }
    const app = await buildApp(t)
    const strangers = [newClients.ioredis(t, guarded), newClients.redis(t, guarded)].map(client => new Node('stranger', redisAdapter({ client })))
    await Promise.all(strangers.map(node => t.rejects(node.start(app.log), { code: 'FST_ERR_WS_ADAPTER', message: /NOAUTH/ })))
  })

  t.test('processes of other namespaces hear nothing, and have other histories', async t => {
    const client = newClients.ioredis(t, server)
    const adapters = [newNamespace(), newNamespace()].map(namespace => redisAdapter({ client, namespace }))
    const [a, b] = await nodes(t, () => () => adapters.shift() ?? redisAdapter({ client }), 2)
    await Promise.all([a, b].map(node => node.adapter.subscribe('room')))
    await a.publish('room', 'unheard')
    await a.append('room', [1], settings)
    t.equal((await b.history.read('room', null, settings)).head, 0)
    await b.append('room', [2], settings)
    t.match((await b.event())[1].envelope, { payload: '{"n":2}' })
    t.same(b.waiting, [])
  })

  t.test('a key prefix of the client changes nothing', async t => {
    const namespace = newNamespace()
    const clients = [new Redis(server.port, { lazyConnect: true, keyPrefix: 'app:' }), newClients.redis(t, server)]
    const [a, b] = await nodes(t, () => () => redisAdapter({ client: clients.shift() ?? createClient(), namespace }), 2)
    await b.adapter.subscribe('room')
    await a.publish('room', 'hello')
    t.same(await b.received(), ['room', 'hello'])
    await a.append('room', [1], settings)
    t.match((await b.event())[1], { offset: 1 })
    t.equal((await b.history.read('room', null, settings)).head, 1)
    await a.adapter.subscribe('room')
    await b.publish('room', 'answer')
    t.same(await a.received(), ['room', 'answer'])
  })

  t.test('names that Redis would take apart, or that have no bytes, are rooms of their own', async t => {
    const [[, newCluster]] = newClusters(server)
    const [a, b] = await nodes(t, newCluster, 2)
    const names = ['', '%', '{', '}', '{}', '{a}b', '%007b', '\ud800', '\udc00', '\ufffd']
    for (const name of names) {
      await b.adapter.subscribe(name)
      for (const other of names) if (other !== name) await a.publish(other, 'unheard')
      await a.publish(name, 'heard')
      t.same(await b.received(), [name, 'heard'])
      await a.append(name, [names.indexOf(name)], settings)
      t.same((await b.event())[1].envelope.payload, `{"n":${names.indexOf(name)}}`)
      t.equal((await b.history.read(name, null, settings)).head, 1)
      await b.adapter.unsubscribe(name)
    }
  })

  t.test('what others write into a channel is refused, and nothing else happens', async t => {
    const [stranger, old, trusted] = [{ secret: 'what somebody else knows' }, {}, { secret }].map(options => ({ namespace: '', ...options }))
    const namespace = newNamespace()
    const client = newClients.ioredis(t, server)
    const options: Array<Partial<RedisAdapterOptions>> = [stranger, old, trusted].map(other => ({ ...other, namespace }))
    const [wrong, unsigned, right] = await nodes(t, () => () => redisAdapter({ client, ...options.shift() }), 3)
    await right.adapter.subscribe('room')
    await wrong.publish('room', 'signed with another secret')
    await unsigned.publish('room', 'not signed')
    await unsigned.append('room', [1], settings)
    const key = `${namespace}:{room}`
    const envelope = new EnvelopeCodec(namespace, [secret]).encode('room', { kind: 'text', node: 'other', seq: 1, payload: 'x', except: [] })
    const control = new EnvelopeCodec(namespace, [secret]).encode('room', { kind: 'control', node: 'other', seq: 2, payload: '{}' })
    const elsewhere = new EnvelopeCodec(namespace, [secret]).encode('other room', { kind: 'text', node: 'other', seq: 1, payload: 'x', except: [] })
    const newer = Buffer.from(envelope).fill(2, 0, 1)
    const messages = [
      randomBytes(200), Buffer.alloc(0), newer, elsewhere, envelope.subarray(0, -1), Buffer.concat([envelope, Buffer.from('x')]),
      'E', 'E1:1', 'E1:1:', Buffer.concat([Buffer.from('E1:0:'), envelope]), Buffer.concat([Buffer.from('E1:9007199254740991:'), envelope]),
      Buffer.concat([Buffer.from('E!:1:'), envelope]), Buffer.concat([Buffer.from('E1:1:'), control])
    ]
    for (const message of messages) await server.command('PUBLISH', key, message)
    await server.command('PUBLISH', key, envelope)
    t.match(await right.next(), ['room', { node: 'other', payload: 'x' }])
    t.equal(right.refused.length, messages.length + 3)
    for (const error of right.refused) t.match(error, { code: 'FST_ERR_WS_ENVELOPE' })
    t.same(right.states, [])
  })

  t.test('histories', async t => { histories(t, server) })
})

function histories (t: Test, server: RedisServer): void {
  async function start (t: Test, options: Partial<RedisAdapterOptions> = {}): Promise<{ a: Node, key: string }> {
    const namespace = newNamespace()
    const [a] = await nodes(t, () => () => redisAdapter({ client: newClients.redis(t, server), namespace, ...options }), 1)
    return { a, key: `${namespace}:{room}` }
  }

  const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1)

  t.test('exactly as many as were asked for are kept', async t => {
    const { a, key } = await start(t)
    const { epoch } = await a.history.read('room', null, settings)
    await a.append('room', numbers(25), settings)
    t.equal(await server.command('XLEN', `${key}:log`), ':10\r\n')
    const page = await a.history.read('room', { epoch, offset: 0 }, settings)
    t.match(page, { head: 25, floor: 15 })
    t.same(page.events.map(({ offset, previous }) => [offset, previous]), numbers(10).map(number => [15 + number, 14 + number]))
  })

  t.test('what is older than ttl is deleted with the next message, and not read before that', async t => {
    const { a, key } = await start(t)
    const brief = { size: 10, ttl: 300 }
    await a.append('room', [1, 2], brief)
    const { epoch } = await a.history.read('room', null, settings)
    // The key itself would expire as well: it is kept by a longer ttl here.
    await a.append('room', [3], settings)
    for (;;) {
      const page = await a.history.read('room', { epoch, offset: 0 }, brief)
      if (page.floor === 3) {
        t.same(page.events, [])
        break
      }
    }
    await a.append('room', [4], brief)
    t.equal(await server.command('XLEN', `${key}:log`), ':1\r\n')
    t.match(await a.history.read('room', { epoch, offset: 3 }, brief), { head: 4, floor: 3, events: [{ offset: 4 }] })
  })

  t.test('keys expire when nobody uses them', async t => {
    const { a, key } = await start(t)
    await a.append('room', [1], settings)
    const expiry = async (suffix: string): Promise<number> => Number((await server.command('PTTL', key + suffix)).slice(1))
    const within = (value: number, most: number): void => { t.ok(value > most - 30_000 && value <= most, `${value} of ${most}`) }
    within(await expiry(':log'), settings.ttl)
    within(await expiry(':pos'), settings.ttl + 3_600_000)
    within(await expiry(':seq:node-0'), 600_000)
    await a.append('room', [2], { size: 10, ttl: 7_200_000 })
    within(await expiry(':pos'), 14_400_000)
    await a.history.read('room', null, settings)
    within(await expiry(':pos'), settings.ttl + 3_600_000)
  })

  t.test('a history of many bytes is read whole, in parts, so that Redis is never long at one', async t => {
    const { a } = await start(t)
    const large = { size: 10_000, ttl: 60_000 }
    const { epoch } = await a.history.read('room', null, large)
    await a.history.append('room', numbers(1_024).map(() => a.message(`"${'x'.repeat(1_024)}"`, 'json')), large)
    const before = await server.figure('commandstats', 'cmdstat_evalsha')
    const page = await a.history.read('room', { epoch, offset: 100 }, large)
    t.same(page.events.map(({ offset }) => offset), numbers(924).map(number => 100 + number))
    t.match(page, { head: 1_024, floor: 0 })
    t.equal(await server.figure('commandstats', 'cmdstat_evalsha') - before, 5)
  })

  t.test('entries of somebody else do not keep a read from its end', async t => {
    const { a } = await start(t)
    await a.append('visited', [1], settings)
    const { epoch } = await a.history.read('visited', null, settings)
    const [log, position] = (await server.command('KEYS', '*{visited}:*')).split('\r\n').filter(key => /:(?:log|pos)$/.test(key)).sort()
    for (let entry = 1; entry <= 20; entry++) await server.command('XADD', log, `1-${entry}`, 'whose', 'x'.repeat(20_000))
    await server.command('HSET', position, 'offset', '2')
    const page = await a.history.read('visited', { epoch, offset: 0 }, settings)
    t.match(page, { epoch, head: 2, floor: 2, events: [] })
    t.ok(a.refused.length >= 1)
  })

  t.test('messages of many bytes are appended one script after the other, and published so', async t => {
    const { a } = await start(t)
    await a.adapter.subscribe('room')
    const payload = JSON.stringify('x'.repeat(400_000))
    const messages = numbers(5).map(() => a.message(payload, 'json'))
    const before = await server.figure('commandstats', 'cmdstat_publish')
    await a.history.append('room', messages, settings)
    t.equal(await server.figure('commandstats', 'cmdstat_publish') - before, 3)
    for (const number of numbers(5)) t.match((await a.event())[1], { offset: number, previous: number - 1 })
  })

  t.test('what somebody has deleted from the middle, or from the end, is not passed over', async t => {
    const { a, key } = await start(t)
    await a.append('room', numbers(6), settings)
    const { epoch } = await a.history.read('room', null, settings)
    await server.command('XDEL', `${key}:log`, '3-0')
    const page = await a.history.read('room', { epoch, offset: 0 }, settings)
    t.match(page, { head: 6, floor: 3 })
    t.same(page.events.map(({ offset }) => offset), [4, 5, 6])
    await server.command('XDEL', `${key}:log`, '6-0')
    t.match(await a.history.read('room', { epoch, offset: 0 }, settings), { head: 6, floor: 6, events: [] })
    await server.command('DEL', `${key}:log`)
    t.match(await a.history.read('room', { epoch, offset: 5 }, settings), { head: 6, floor: 6, events: [] })
    await a.append('room', [7], settings)
    t.match(await a.history.read('room', { epoch, offset: 5 }, settings), { head: 7, floor: 6, events: [{ offset: 7 }] })
  })

  t.test('what somebody has changed is refused, and nothing before it is replayed', async t => {
    const { a, key } = await start(t, { secret })
    const { epoch } = await a.history.read('room', null, settings)
    const codec = new EnvelopeCodec(key.split(':')[0], [secret])
    const time = Date.now()
    const good = codec.encode('room', { kind: 'text', node: 'other', seq: 1, payload: 'x', except: [] })
    const control = codec.encode('room', { kind: 'control', node: 'other', seq: 1, payload: '{}' })
    const wrong = [['t', time, 'e', 'garbage'], ['t', time, 'e', control], ['t', time, 'e', Buffer.concat([good, good])], ['t', 'never', 'e', good], ['x', 'y']]
    let head = 0
    for (const fields of wrong) {
      await a.append('room', [1], settings)
      await server.command('XADD', `${key}:log`, `${head + 2}-0`, ...fields)
      await server.command('HSET', `${key}:pos`, 'offset', head + 2)
      await a.append('room', [2], settings)
      head += 3
      const page = await a.history.read('room', { epoch, offset: 0 }, settings)
      t.match(page, { head, floor: head - 1 })
      t.same(page.events.map(({ offset }) => offset), [head])
    }
    t.ok(a.refused.length >= 4)
  })

  t.test('keys that are of something else fail the call, and nothing but it', async t => {
    const { a, key } = await start(t)
    const refused = { code: 'FST_ERR_WS_ADAPTER_UNAVAILABLE' }
    await server.command('SET', `${key}:pos`, 'text')
    await t.rejects(a.append('room', [1], settings), refused)
    await t.rejects(a.history.read('room', null, settings), refused)
    await server.command('DEL', `${key}:pos`)
    await a.append('room', [1], settings)
    await server.command('HSET', `${key}:pos`, 'epoch', 'no epoch')
    await t.rejects(a.history.read('room', null, settings), refused)
    t.same(a.states, [])
  })

  t.test('an epoch that is not known is begun once, whoever asks first', async t => {
    const [[, newCluster]] = newClusters(server)
    const all = await nodes(t, newCluster, 4)
    const pages = await Promise.all(all.map(node => node.history.read('room', null, settings)))
    t.equal(new Set(pages.map(({ epoch }) => epoch)).size, 1)
  })
}

/** How many the adapter has opened. */
async function connections (server: RedisServer): Promise<number> {
  return (await server.command('CLIENT', 'LIST')).match(/name=fastify-typed-ws /g)?.length ?? 0
}
