import { deflateRawSync } from 'node:zlib'
import t from 'tap'
import type { Test } from 'tap'
import { deferred } from '../helpers/app.ts'
import { binary, continuation, frame, text } from '../helpers/bytes.ts'
import { readAhead } from '../helpers/http-version.ts'
import { published } from '../helpers/published.ts'
import { Crowd, immediate, until } from '../helpers/slow-clients.ts'
import type { CrowdOptions, Member } from '../helpers/slow-clients.ts'

const kib = 1024
const limit = 1024 * kib

/** A crowd with a budget of 1 MiB, and what it held at most at the end of a turn of the event loop. */
async function gather (t: Test, options: CrowdOptions = {}): Promise<{ crowd: Crowd, most: () => number }> {
  const crowd = await Crowd.gather(t, { ...options, plugin: { budget: { process: limit }, closeTimeout: 200, ...options.plugin } })
  let most = 0
  let isWatching = true
  const watch = (): void => {
    most = Math.max(most, crowd.app.wsStats().memory.held)
    if (isWatching) setImmediate(watch)
  }
  watch()
  t.teardown(() => { isWatching = false })
  return { crowd, most: () => most }
}

function joinAll (crowd: Crowd, count: number, headers?: Record<string, string>): Promise<Member[]> {
  return Promise.all(Array.from({ length: count }, () => crowd.join(headers)))
}

/** Those who were shed. */
const shedOf = (members: readonly Member[]): Member[] => members.filter(({ connection }) => connection.readyState !== 1)

/** Ends when all have gone: nothing may be counted any more. */
async function endsWithNothing (t: Test, crowd: Crowd, members: readonly Member[]): Promise<void> {
  for (const { client } of members) client.socket.destroy()
  await until(() => crowd.app.wsConnections.size === 0)
  t.equal(crowd.app.wsStats().memory.held, 0)
}

async function echoes (t: Test, { client }: Member): Promise<void> {
  client.send('still served')
  t.equal(await client.message(), 'still served')
}

const echo = (message: unknown): unknown => message

t.test('half messages: those who hold most are closed with 1013, and honest clients go on', async t => {
  const { crowd, most } = await gather(t, { handler: echo })
  const honest = await crowd.join()
  const half = binary(Buffer.alloc(100 * kib), { length: 200 * kib })
  const hostile = await joinAll(crowd, 20)
  const small = await crowd.join()
  small.client.write(text('"half', { length: 20 }))
  for (const { client } of hostile) client.write(half)
  await until(() => hostile.filter(({ connection }) => connection.readyState === 1).length < 11)
  const shed = shedOf(hostile)
  t.same(await shed[0].client.closeFrame(), { code: 1013, reason: 'out of memory' })
  await shed[0].client.ended()
  await echoes(t, honest)
  t.equal(small.connection.readyState, 1)
  t.ok(most() <= limit)
  t.equal(crowd.app.wsStats().memory.shed, shedOf(hostile).length)
  await endsWithNothing(t, crowd, [honest, small, ...hostile])
})

t.test('who is shed hears so, ends and is forgotten at once, without closeTimeout', async t => {
  const { crowd } = await gather(t, { plugin: { closeTimeout: 60_000 } })
  const { client, connection, closed } = await crowd.join()
  for (const { client } of await joinAll(crowd, 6)) client.write(binary(Buffer.alloc(50 * kib), { length: 60 * kib }))
  client.write(binary(Buffer.alloc(900 * kib), { length: 1000 * kib }))
  await until(() => connection.readyState !== 1)
  t.match(await client.closeFrame(), { code: 1013 })
  await client.ended()
  client.socket.end()
  t.match(await closed, { code: 1013 })
})

t.test('fragments of one byte, up to maxPayload, cost what they carry', async t => {
  const { crowd, most } = await gather(t, { plugin: { maxPayload: 64 * kib }, handler: echo })
  const honest = await crowd.join()
  const hostile = await joinAll(crowd, 5)
  const fragments = Buffer.concat([text('x', { fin: false }), ...Array.from({ length: 60_000 }, () => continuation('x', { fin: false }))])
  await Promise.all(hostile.map(({ client }) => new Promise<void>(resolve => client.socket.write(fragments, () => resolve()))))
  await until(() => crowd.app.wsStats().memory.held >= 5 * 60_000)
  t.equal(crowd.app.wsStats().memory.shed, 0)
  t.ok(most() <= 5 * (66 * kib + readAhead))
  await echoes(t, honest)
  await endsWithNothing(t, crowd, [honest, ...hostile])
})

t.test('messages that wait behind a handler that hangs', async t => {
  const released = deferred()
  const { crowd, most } = await gather(t, { handler: message => message === 'hang' ? released.promise : message })
  const honest = await crowd.join()
  const hostile = await joinAll(crowd, 30)
  for (const { client } of hostile) {
    client.send('hang')
    for (let i = 0; i < 10; i++) client.send('w'.repeat(30 * kib))
  }
  await until(() => crowd.app.wsStats().memory.shed > 0)
  await echoes(t, honest)
  t.ok(most() <= limit)
  released.resolve()
  await endsWithNothing(t, crowd, [honest, ...hostile])
})

t.test('messages that wait behind a handler that hangs are still counted when their client has gone', async t => {
  const { crowd } = await gather(t, { plugin: { closeTimeout: 500 }, handler: () => new Promise(() => {}) })
  const { client, connection } = await crowd.join()
  client.send('hang')
  client.send('w'.repeat(30 * kib))
  await until(() => crowd.app.wsStats().memory.held >= 30 * kib)
  client.reset()
  await until(() => connection.readyState === 3)
  t.ok(crowd.app.wsStats().memory.held >= 30 * kib)
  await until(() => crowd.app.wsConnections.size === 0)
  t.equal(crowd.app.wsStats().memory.held, 0)
})

t.test('messages that nobody reads: those who hold most are dropped, and the others miss nothing', async t => {
  const { crowd } = await gather(t, { plugin: { budget: { process: 40_000 * kib, connection: Infinity } }, handler: echo })
  const honest = await crowd.join()
  const slow = [await crowd.joinStuck(), await crowd.joinStuck()]
  t.ok(crowd.app.wsStats().memory.held > 20_000_000, 'what the operating system does not take is counted, though nothing waits behind it')
  const messages = Array.from({ length: 300 }, (_, index) => `${index} ${'b'.repeat(50 * kib)}`)
  for (const message of messages) {
    await crowd.app.room('crowd').send(message)
    if (await honest.client.message<string>() !== message) t.fail(`expected ${message.slice(0, 4)}`)
    await immediate()
    if (crowd.app.wsStats().memory.held > crowd.app.wsStats().memory.limit) t.fail('more is held than may be')
  }
  t.equal(shedOf(slow).length, 1, 'one was enough')
  t.equal(crowd.app.wsStats().memory.shed, 1)
  await echoes(t, honest)
  await endsWithNothing(t, crowd, [honest, ...slow])
})

t.test('each one who is shed is published and logged', async t => {
  const messages = published(t, 'shed')
  const { crowd } = await gather(t)
  const [a, b] = await joinAll(crowd, 2)
  a.client.write(binary(Buffer.alloc(400 * kib), { length: 900 * kib }))
  await until(() => crowd.app.wsStats().memory.held > 400 * kib)
  b.client.write(binary(Buffer.alloc(800 * kib), { length: 900 * kib }))
  await until(() => messages.length > 0)
  const [first, ...others] = messages
  t.same(others, [])
  const larger = shedOf([a, b])[0]
  t.equal(first.connection, larger.connection)
  t.ok(Number(first.held) >= 400 * kib && Number(first.total) > limit * 15 / 16)
  t.equal(first.limit, limit)
  t.match(crowd.lines.filter(({ msg }) => /budget\.process/.test(String(msg))), [{ level: 40, held: first.held, limit }])
})

/* Compressed. */

const takeover = { perMessageDeflate: { contextTakeover: true, windowBits: 15 } }
const offer = { 'Sec-WebSocket-Extensions': 'permessage-deflate' }

function compressed (message: string): Buffer {
  return frame({ opcode: 1, rsv: 4, payload: deflateRawSync(message, { finishFlush: 2 }).subarray(0, -4) })
}

t.test('windows of contexts that are taken over count, and those who keep the largest are closed when they are too many', async t => {
  const { crowd, most } = await gather(t, { plugin: { ...takeover, maxPayload: 64 * kib }, handler: () => {} })
  const idle = await joinAll(crowd, 5, offer)
  t.equal(crowd.app.wsStats().memory.held, 0)
  const message = compressed(JSON.stringify('w'.repeat(40 * kib)))
  for (const { client } of idle) client.write(message)
  await until(() => crowd.app.wsStats().memory.held >= 5 * 32 * kib)
  const many = await joinAll(crowd, 30, offer)
  for (const { client } of many) client.write(message)
  await until(() => crowd.app.wsStats().memory.shed > 0)
  for (let i = 0; i < 20; i++) await immediate()
  const all = [...idle, ...many]
  t.ok(crowd.app.wsStats().memory.held > limit / 2, 'no more than it takes')
  t.ok(most() <= limit)
  await endsWithNothing(t, crowd, all)
})

t.test('the window of what is only sent counts as well', async t => {
  const { crowd } = await gather(t, { plugin: takeover })
  const member = await crowd.join(offer)
  member.connection.send(Array.from({ length: 2000 }, (_, index) => index))
  t.ok(crowd.app.wsStats().memory.held > 0)
  t.equal((await member.client.frame()).rsv, 4)
  await endsWithNothing(t, crowd, [member])
})

t.test('compression without takeover holds nothing between messages', async t => {
  const { crowd } = await gather(t, { plugin: { perMessageDeflate: true }, handler: echo })
  const members = await joinAll(crowd, 5, offer)
  for (const { client } of members) client.write(compressed(JSON.stringify('w'.repeat(100 * kib))))
  for (const { client } of members) t.equal((await client.frame()).rsv, 4)
  await until(() => crowd.app.wsStats().memory.held === 0)
})

t.test('bombs cost no more than maxPayload each, and nothing is left of them', async t => {
  const { crowd, most } = await gather(t, { plugin: { perMessageDeflate: true, maxPayload: 64 * kib }, handler: echo })
  const honest = await crowd.join()
  const bombers = await joinAll(crowd, 10, offer)
  for (const { client } of bombers) client.write(compressed('0'.repeat(10_000 * kib)))
  for (const { client } of bombers) t.equal((await client.closeFrame()).code, 1009)
  await echoes(t, honest)
  t.ok(most() <= limit)
  await endsWithNothing(t, crowd, [honest, ...bombers])
})

/* At rest. */

t.test('nothing is held at rest, with clients that read and send', async t => {
  const { crowd } = await gather(t, { handler: echo, plugin: { budget: { process: 64_000 * kib } } })
  const members = await joinAll(crowd, 10)
  for (const { client } of members) {
    for (let i = 0; i < 50; i++) client.send(`${i} ${'e'.repeat(10 * kib)}`)
  }
  for (const { client } of members) {
    for (let i = 0; i < 50; i++) await client.frame()
  }
  await until(() => crowd.app.wsStats().memory.held === 0)
  t.match(crowd.app.wsStats(), { connections: { open: 10 }, memory: { held: 0, shed: 0 } })
})

t.test('messages that waited for onOpen are not counted once they are handled', async t => {
  const opened = deferred()
  const { crowd } = await gather(t, { onOpen: () => opened.promise })
  const { client } = await crowd.join()
  for (let i = 0; i < 5; i++) client.send('w'.repeat(1000))
  await until(() => crowd.app.wsStats().memory.held > 5000)
  opened.resolve()
  await until(() => crowd.app.wsStats().memory.held === 0)
})
