import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { WebSocket as WsWebSocket } from 'ws'
import { deferred } from '../helpers/app.ts'
import { ChatServer, connectTo, next, until } from '../helpers/clients.ts'

/* What is sent, what is told, what is answered, over one connection. */

t.test('over undici and over ws', async t => {
  for (const WebSocket of [undefined, WsWebSocket]) {
    const server = await ChatServer.start(t)
    const client = connectTo(t, server.url, WebSocket === undefined ? {} : { WebSocket })
    t.match(await client.request({ type: 'echo', text: 'a' }), { type: 'done', text: 'a' })
    await t.rejects(client.request({ type: 'fail' }), { name: 'WsClientError', code: 'NOT_YOU', message: 'you may not' })
    client.close()
    t.equal(client.state, 'closed')
    await sleep(0)
  }
})

t.test('an answer is told to nobody but who asked', async t => {
  const server = await ChatServer.start(t)
  server.onOpen = connection => connection.send({ type: 'done', text: 'by itself' })
  const client = connectTo(t, server.url)
  const told: unknown[] = []
  client.on('done', message => { told.push(message.text) })
  await client.request({ type: 'echo', text: 'asked' })
  t.same(told, ['by itself'])
})

t.test('a message with an id of the application is a message', async t => {
  const server = await ChatServer.start(t)
  const client = connectTo(t, server.url)
  const done = next(client, 'done')
  client.send({ type: 'echo', text: 'a', id: 7 })
  t.same(await done, { type: 'done', text: 'a', id: 7 })
})

t.test('an answer that comes too late is told to nobody', async t => {
  const server = await ChatServer.start(t)
  const go = deferred()
  server.answer = async ({ text }) => { if (text === 'slow') await go.promise }
  const client = connectTo(t, server.url)
  client.on('done', () => t.fail('an answer that nobody waits for'))
  await t.rejects(client.request({ type: 'echo', text: 'slow' }, { timeout: 20 }), { code: 'WS_CLIENT_TIMEOUT' })
  const controller = new AbortController()
  const aborted = client.request({ type: 'echo', text: 'slow' }, { signal: controller.signal })
  controller.abort()
  await t.rejects(aborted, { name: 'AbortError' })
  await t.rejects(client.request({ type: 'echo' }, { signal: AbortSignal.abort(new Error('before')) }), { message: 'before' })
  go.resolve()
  t.match(await client.request({ type: 'echo', text: 'b' }), { text: 'b' })
})

t.test('requests are answered in any order', async t => {
  const server = await ChatServer.start(t, { concurrency: 2 })
  const go = deferred()
  server.answer = async ({ text }) => { if (text === 'slow') await go.promise }
  const client = connectTo(t, server.url)
  const slow = client.request({ type: 'echo', text: 'slow' })
  t.match(await client.request({ type: 'echo', text: 'quick' }), { text: 'quick' })
  go.resolve()
  t.match(await slow, { text: 'slow' })
})

t.test('what can not be decoded is told, and harms nothing', async t => {
  const server = await ChatServer.start(t)
  const client = connectTo(t, server.url, {
    codec: {
      encode: message => JSON.stringify(message),
      decode: payload => { if (String(payload).includes('broken')) throw new Error('no such code'); else return JSON.parse(String(payload)) }
    }
  })
  await until(client, 'open')
  const told = next(client, 'error')
  client.send({ type: 'echo', text: 'broken' })
  t.same(await told, { type: 'error', code: 'WS_CLIENT_PAYLOAD', message: 'Error: no such code' })
  t.match(await client.request({ type: 'echo', text: 'b' }), { text: 'b' })
})

t.test('messages that are no objects reach the loops', async t => {
  const server = await ChatServer.start(t)
  const values = [null, 0, 'text', [1], true, { type: null }]
  server.onOpen = connection => { for (const value of values) connection.send(value) }
  const client = connectTo(t, server.url)
  const got: unknown[] = []
  for await (const message of client) if (got.push(message) === values.length) break
  t.same(got, values)
})

t.test('messages told apart by something else than their type', async t => {
  const server = await ChatServer.start(t)
  server.answer = () => ({ op: 'answer', n: 5 })
  const client = connectTo(t, server.url, { discriminator: 'op' as never })
  const told = next(client, 'answer')
  client.send({ op: 'ask' })
  t.same(await told, { op: 'answer', n: 5 })
  const error = next(client, 'error')
  server.answer = () => { throw new Error('mine') }
  client.send({ op: 'ask' })
  t.match(await error, { code: 'FST_ERR_WS_INTERNAL' })
})

t.test('a binary codec', async t => {
  const server = await ChatServer.start(t)
  for (const WebSocket of [undefined, WsWebSocket]) {
    const client = connectTo(t, server.url, {
      ...WebSocket !== undefined && { WebSocket },
      codec: {
        encode: message => new TextEncoder().encode(JSON.stringify(message)),
        decode: payload => typeof payload === 'string' ? JSON.parse(payload) : JSON.parse(new TextDecoder().decode(payload))
      }
    })
    const told = next(client, 'error')
    client.send({ type: 'echo' })
    t.match(await told, { code: 'FST_ERR_WS_UNSUPPORTED_DATA' }, 'this route takes text: it went as binary')
  }
})

t.test('several loops see the same, and each ends by itself', async t => {
  const server = await ChatServer.start(t)
  const client = connectTo(t, server.url)
  const collect = async (count: number): Promise<unknown[]> => {
    const got: unknown[] = []
    for await (const message of client) if (got.push((message as { text: unknown }).text) === count) break
    return got
  }
  const loops = [collect(1), collect(3)]
  for (const text of ['a', 'b', 'c']) client.send({ type: 'echo', text })
  t.same(await Promise.all(loops), [['a'], ['a', 'b', 'c']])
})

t.test('a loop that is too slow ends with an error', async t => {
  const server = await ChatServer.start(t)
  const client = connectTo(t, server.url, { buffer: 2 })
  const slow = client[Symbol.asyncIterator]()
  for (const text of ['a', 'b', 'c']) client.send({ type: 'echo', text })
  await client.request({ type: 'echo' })
  t.match([await slow.next(), await slow.next()], [{ value: { text: 'a' } }, { value: { text: 'b' } }])
  await t.rejects(slow.next(), { code: 'WS_CLIENT_OVERFLOW' })
})

t.test('loops end with the client', async t => {
  const server = await ChatServer.start(t)
  const client = connectTo(t, server.url)
  const running = client[Symbol.asyncIterator]().next()
  await until(client, 'open')
  client.close()
  t.same(await running, { done: true, value: undefined })
  for await (const message of client) t.fail(`a loop over a closed client: ${String(message)}`)
})
