import { decode, encode } from '@msgpack/msgpack'
import { Type } from '@sinclair/typebox'
import type { Duplex } from 'node:stream'
import t from 'tap'
import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import type { Codec } from '../../types/index.ts'
import { buildApp } from '../helpers/app.ts'
import { isHttp2 } from '../helpers/http-version.ts'
import { pairedRoute, received } from '../helpers/pairs.ts'
import type { Pair, PairedRouteOptions } from '../helpers/pairs.ts'

/** Opens `count` connections, all in the room. */
async function members (app: FastifyInstance, count: number, room = 'a', options: PairedRouteOptions = {}): Promise<Pair[]> {
  const open = pairedRoute(app, '/', options)
  const pairs = await Promise.all(Array.from({ length: count }, () => open()))
  await Promise.all(pairs.map(({ connection }) => connection.join(room)))
  return pairs
}

/** The data frames that each connection of the server was given since it was called, one list each. */
function captureFrames (t: Test, app: FastifyInstance): () => Buffer[][] {
  const captures: Array<() => Array<{ args: unknown[] }>> = []
  app.server.on(isHttp2 ? 'stream' : 'connection', (carrier: Duplex) => captures.push(t.capture(carrier, 'write', carrier.write)))
  return () => captures.map(capture => capture()
    .map(({ args }) => args[0])
    .filter((chunk): chunk is Buffer => Buffer.isBuffer(chunk) && (chunk[0] === 0x81 || chunk[0] === 0x82)))
}

function msgpack (): Codec & { encoded: number } {
  return {
    encoded: 0,
    binary: true,
    decode: payload => decode(payload as Buffer),
    encode (value) {
      this.encoded++
      return Buffer.from(encode(value))
    }
  }
}

t.test('app.room().send reaches every member', async t => {
  const app = await buildApp(t)
  const pairs = await members(app, 3)
  await app.room('a').send({ text: 'hello' })
  for (const pair of pairs) t.same(await received(pair), [{ text: 'hello' }])
})

t.test('a connection that is in another room, or in none, receives nothing', async t => {
  const app = await buildApp(t)
  const open = pairedRoute(app)
  const [inside, elsewhere, outside] = await Promise.all([open(), open(), open()])
  await Promise.all([inside.connection.join('a'), elsewhere.connection.join('b')])
  await app.room('a').send('hello')
  t.same(await received(inside), ['hello'])
  t.same(await received(elsewhere), [])
  t.same(await received(outside), [])
})

t.test('connection.to reaches everybody in the room but the connection itself', async t => {
  const app = await buildApp(t)
  const [anna, bert, carl] = await members(app, 3)
  await anna.connection.to('a').send('hello')
  t.same(await received(anna), [])
  t.same(await received(bert), ['hello'])
  t.same(await received(carl), ['hello'])
})

t.test('a connection need not be in a room to send to it', async t => {
  const app = await buildApp(t)
  const open = pairedRoute(app)
  const [anna, bert] = await Promise.all([open(), open()])
  await bert.connection.join('a')
  await anna.connection.to('a').send('hello')
  t.same(await received(bert), ['hello'])
})

t.test('except leaves out one connection', async t => {
  const app = await buildApp(t)
  const [anna, bert] = await members(app, 2)
  await app.room('a').send('hello', { except: anna.connection })
  t.same(await received(anna), [])
  t.same(await received(bert), ['hello'])
})

t.test('except leaves out a list of connections', async t => {
  const app = await buildApp(t)
  const [anna, bert, carl] = await members(app, 3)
  await app.room('a').send('hello', { except: [anna.connection, carl.connection] })
  t.same(await received(anna), [])
  t.same(await received(bert), ['hello'])
  t.same(await received(carl), [])
})

t.test('except of nobody leaves out nobody', async t => {
  const app = await buildApp(t)
  const [anna] = await members(app, 1)
  await app.room('a').send(1, { except: [] })
  await app.room('a').send(2, { except: undefined })
  await app.room('a').send(3, {})
  t.same(await received(anna), [1, 2, 3])
})

t.test('connection.to with except leaves out those and itself', async t => {
  const app = await buildApp(t)
  const [anna, bert, carl, dora] = await members(app, 4)
  await anna.connection.to('a').send('one', { except: bert.connection })
  await anna.connection.to('a').send('list', { except: [bert.connection, carl.connection] })
  t.same(await received(anna), [])
  t.same(await received(bert), [])
  t.same(await received(carl), ['one'])
  t.same(await received(dora), ['one', 'list'])
})

t.test('a room knows its name, its size and its members', async t => {
  const app = await buildApp(t)
  const [anna, bert] = await members(app, 2)
  await bert.connection.leave('a')
  const room = app.room('a')
  t.same([room.name, room.size], ['a', 1])
  t.same([room.has(anna.connection), room.has(bert.connection)], [true, false])
  t.same([...room], [anna.connection])
})

t.test('a room that is kept follows who joins and leaves', async t => {
  const app = await buildApp(t)
  const room = app.room('a')
  const [anna] = await members(app, 1)
  t.equal(room.size, 1)
  await anna.connection.leave('a')
  t.equal(room.size, 0)
  await anna.connection.join('a')
  t.equal(room.size, 1)
})

t.test('messages of one room arrive in the order in which they were sent', async t => {
  const app = await buildApp(t)
  const [anna, bert] = await members(app, 2)
  for (let number = 0; number < 100; number++) {
    void (number % 2 === 0 ? app.room('a') : anna.connection.to('a')).send(number)
  }
  t.same(await received(bert), Array.from({ length: 100 }, (_, number) => number))
})

t.test('a handler can join, send to the others and answer in one go', async t => {
  const app = await buildApp(t)
  app.ws('/chat', async (message, connection) => {
    await connection.join('chat')
    await connection.to('chat').send({ joined: message })
    return { members: app.room('chat').size }
  })
  const [anna, bert] = [await app.injectWS('/chat'), await app.injectWS('/chat')]
  anna.send({ name: 'anna' })
  t.same(await anna.receive(), { members: 1 })
  bert.send({ name: 'bert' })
  t.same(await bert.receive(), { members: 2 })
  t.same(await anna.receive(), { joined: { name: 'bert' } })
})

t.test('a broadcast is serialized once and framed once, whatever the room\'s size', async t => {
  const app = await buildApp(t)
  let serialized = 0
  app.setSerializerCompiler(() => message => {
    serialized++
    return JSON.stringify(message)
  })
  app.rooms.declare('a', { send: Type.Object({ text: Type.String() }) })
  const frames = captureFrames(t, app)
  await members(app, 50)
  frames()
  await app.room('a').send({ text: 'hello' })
  await nextTurn()
  const written = frames()
  t.same(written.map(list => list.length), Array(50).fill(1))
  t.equal(new Set(written.flat()).size, 1, 'every socket got the same Buffer')
  t.equal(serialized, 1)
})

t.test('what a connection sends to a room is serialized once and framed once too', async t => {
  const app = await buildApp(t)
  let serialized = 0
  app.setSerializerCompiler(() => message => {
    serialized++
    return JSON.stringify(message)
  })
  const frames = captureFrames(t, app)
  const [anna] = await members(app, 20, 'a', { schema: { send: Type.Object({ text: Type.String() }) } })
  frames()
  await anna.connection.to('a').send({ text: 'hello' })
  await nextTurn()
  const written = frames().flat()
  t.same([written.length, new Set(written).size, serialized], [19, 1, 1])
})

t.test('a broadcast is encoded and framed once for each codec in the room', async t => {
  const app = await buildApp(t)
  const [pack, otherPack] = [msgpack(), msgpack()]
  const opens = [
    pairedRoute(app, '/json'),
    pairedRoute(app, '/pack', { codec: pack }),
    pairedRoute(app, '/by-subprotocol', { codec: { pack, json: 'json' } }),
    pairedRoute(app, '/other', { codec: otherPack })
  ]
  const frames = captureFrames(t, app)
  for (let round = 0; round < 5; round++) {
    for (const open of opens) await (await open({ protocols: ['pack'] })).connection.join('a')
  }
  frames()
  await app.room('a').send({ text: 'hello' })
  await nextTurn()
  const written = frames().flat()
  t.same([written.length, new Set(written).size], [20, 3])
  t.same([pack.encoded, otherPack.encoded], [1, 1])
})

t.test('members with different codecs each get the message in their own', async t => {
  const app = await buildApp(t)
  const opens = [pairedRoute(app, '/json'), pairedRoute(app, '/raw', { codec: 'raw' }), pairedRoute(app, '/pack', { codec: msgpack() })]
  const [json, raw, pack] = await Promise.all(opens.map(open => open()))
  for (const { connection } of [json, raw, pack]) await connection.join('a')
  await app.room('a').send('grüße')
  t.equal(await json.client.receive(), 'grüße')
  t.equal(await raw.client.receive(), 'grüße')
  t.equal(decode(await pack.client.receive<Buffer>()), 'grüße')
})

t.test('bytes reach raw members as a binary message', async t => {
  const app = await buildApp(t)
  const pairs = await members(app, 2, 'a', { codec: 'raw' })
  await app.room('a').send(Buffer.from([0, 1, 255]))
  await app.room('a').send(new Uint8Array([2, 3]))
  for (const pair of pairs) t.same(await received(pair), [Buffer.from([0, 1, 255]), Buffer.from([2, 3])])
})

t.test('an undeclared field leaves in no codec', async t => {
  const app = await buildApp(t)
  app.rooms.declare('a', { send: Type.Object({ text: Type.String() }) })
  const [pack] = await members(app, 1, 'a', { codec: msgpack() })
  await app.room('a').send({ text: 'hello', password: 'secret' })
  t.same(decode(await pack.client.receive<Buffer>()), { text: 'hello' })
})

t.test('a codec that cannot encode the message costs its own members the message, and nobody else', async t => {
  const app = await buildApp(t)
  const failing: Codec = { binary: false, decode: String, encode () { throw new Error('no such text') } }
  const opens = [pairedRoute(app, '/failing', { codec: failing }), pairedRoute(app, '/raw', { codec: 'raw' }), pairedRoute(app, '/json')]
  const [broken, raw, json] = await Promise.all(opens.map(open => open()))
  for (const { connection } of [broken, raw, json]) await connection.join('a')
  t.throws(() => app.room('a').send({ text: 'hello' }), { code: 'FST_ERR_WS_SEND_INVALID' })
  t.same(await received(json), [{ text: 'hello' }])
  t.same(await received(raw), [])
  t.equal(broken.connection.readyState, 1)
})

t.test('a message that no codec of the room can encode is refused', async t => {
  const app = await buildApp(t)
  await members(app, 2, 'a', { codec: 'raw' })
  t.throws(() => app.room('a').send({ text: 'hello' }), { code: 'FST_ERR_WS_SEND_INVALID' })
})

t.test('room.close closes every member with the code and the reason', async t => {
  const app = await buildApp(t)
  const pairs = await members(app, 3)
  await app.room('a').close(4001, 'the room is closed')
  for (const { client, closed } of pairs) {
    t.same(await client.expectClose(4001), { code: 4001, reason: 'the room is closed' })
    t.match(await closed, { code: 4001, wasClean: true, rooms: ['a'] })
  }
  t.equal(app.rooms.size, 0)
})

t.test('room.close leaves those in other rooms alone', async t => {
  const app = await buildApp(t)
  const open = pairedRoute(app)
  const [inside, elsewhere] = await Promise.all([open(), open()])
  await Promise.all([inside.connection.join('a'), elsewhere.connection.join('b')])
  await app.room('a').close()
  await inside.client.expectClose(1000)
  t.equal(elsewhere.connection.readyState, 1)
})

t.test('room.close refuses a code or a reason that may not be sent, and closes nobody', async t => {
  const app = await buildApp(t)
  const [anna] = await members(app, 1)
  t.throws(() => app.room('a').close(1006), { code: 'FST_ERR_WS_CLOSE_CODE' })
  t.throws(() => app.room('a').close(1000, 'x'.repeat(124)), { code: 'FST_ERR_WS_CLOSE_REASON' })
  t.equal(anna.connection.readyState, 1)
})

t.test('all members can leave while the room is iterated', async t => {
  const app = await buildApp(t)
  const pairs = await members(app, 5)
  let visited = 0
  for (const connection of app.room('a')) {
    visited++
    void connection.leave('a')
    void app.room('a').send(visited)
  }
  t.same([visited, app.rooms.size], [5, 0])
  t.same(await received(pairs[0]), [])
  t.same(await received(pairs[4]), [1, 2, 3, 4])
})

t.test('a loop over a room ends when its body leaves and joins again', async t => {
  const app = await buildApp(t)
  await members(app, 3)
  let visited = 0
  for (const connection of app.room('a')) {
    if (++visited > 3) break
    void connection.leave('a')
    void connection.join('a')
  }
  t.same([visited, app.room('a').size], [3, 3])
})

t.test('a loop over all rooms ends when its body moves the members to new ones', async t => {
  const app = await buildApp(t)
  const [anna] = await members(app, 3)
  let visited = 0
  for (const room of app.rooms) {
    if (++visited > 1) break
    for (const connection of room) {
      void connection.leave(room.name)
      void connection.join(`new ${room.name}`)
    }
  }
  t.equal(visited, 1)
  t.same([...anna.connection.rooms], ['new a'])
})

t.test('members can be closed and terminated, and others can join, while the room is iterated', async t => {
  const app = await buildApp(t)
  const pairs = await members(app, 4)
  const late = pairs[3]
  await late.connection.leave('a')
  let visited = 0
  for (const connection of app.room('a')) {
    visited++
    if (visited === 1) connection.close(4000)
    if (visited === 2) connection.terminate()
    if (visited === 3) void late.connection.join('a')
    void app.room('a').send(visited)
  }
  t.equal(visited, 3)
  await pairs[0].client.expectClose(4000)
  await pairs[1].client.expectClose(1006)
  await Promise.all([pairs[0].closed, pairs[1].closed])
  t.same(await received(pairs[2]), [1, 2, 3])
  t.same(await received(late), [3])
  t.same([...app.room('a')], [pairs[2].connection, late.connection])
})

t.test('a member whose close has begun receives nothing more, and the rest of the room does', async t => {
  const app = await buildApp(t)
  const [anna, bert] = await members(app, 2)
  anna.connection.close(4000)
  await app.room('a').send('hello')
  t.same(await received(bert), ['hello'])
  await anna.client.expectClose(4000)
  await t.rejects(anna.client.receive(), { code: 'FST_ERR_WS_CLOSED' })
})

function nextTurn (): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}
