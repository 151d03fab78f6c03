import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { deferred } from '../helpers/app.ts'
import { change, ChatServer, connectTo, ended, next, texts, until } from '../helpers/clients.ts'
import { BrokerProxy } from '../e2e/cluster/broker-proxy.ts'
import { freePort } from '../helpers/free-port.ts'

/* Rooms that are joined again over each connection. */

t.test('a room with history is resumed: nothing is lost, and nothing comes twice', async t => {
  const server = await ChatServer.start(t)
  const client = connectTo(t, server.url)
  const got = texts(client)
  const answers: unknown[] = []
  const all: string[] = []
  await client.join('h:a', reply => { answers.push((reply as { recovered: boolean }).recovered) })
  for (let round = 0; round < 5; round++) {
    for (const kind of ['with', 'without']) {
      const text = `${round} ${kind}`
      all.push(text)
      if (kind === 'without') {
        const waiting = change(client, 'waiting')
        const open = change(client, 'open')
        if (round % 2 === 0) await server.restart()
        else server.cut()
        await Promise.all([waiting, open, server.say('h:a', text)])
      } else {
        await server.say('h:a', text)
      }
    }
    all.push(`${round} end`)
    const last = next(client, 'said')
    await server.say('h:a', `${round} end`)
    await last
    while (got.length < all.length) await next(client, 'said')
  }
  t.same(got, all)
  t.same(answers, [false, true, true, true, true, true])
})

t.test('what comes before the answer is told after it, and not at all where there is none', async t => {
  const server = await ChatServer.start(t)
  const client = connectTo(t, server.url)
  const told: string[] = []
  client.on('said', ({ text }) => { told.push(String(text)) })
  await client.join('h:a', () => { told.push('joined') })
  await server.say('h:a', 'a')
  while (told.length < 2) await next(client, 'said')
  // From now on joins are not answered before the connection is lost.
  const joined = deferred()
  server.answer = async (message, connection) => {
    if (message.type !== 'join') return
    await connection.join('h:a', { since: message.since })
    joined.resolve()
    await ended(connection)
  }
  server.cut()
  await server.say('h:a', 'b')
  await joined.promise
  await server.say('h:a', 'c')
  t.same(told, ['joined', 'a'], 'b was replayed, and waits for the answer')
  server.answer = () => undefined
  server.cut()
  const [last] = await Promise.all([next(client, 'said'), change(client, 'open')])
  t.equal(last.text, 'b')
  t.same(told, ['joined', 'a', 'joined', 'b', 'c'])
  t.equal(server.received.at(-1)?.since, server.received.at(-2)?.since, 'it asked from the same place')
})

t.test('a room of whose history not all is left', async t => {
  const server = await ChatServer.start(t)
  const client = connectTo(t, server.url)
  const answers: unknown[] = []
  await client.join('h:a', reply => { answers.push(reply) })
  const got = texts(client)
  const open = change(client, 'open')
  server.cut()
  for (let i = 0; i < 200; i++) await server.say('h:a', `${i}`)
  await open
  const last = next(client, 'said')
  await client.request({ type: 'say', room: 'h:a', text: 'new' })
  await last
  t.match(answers, [{ recovered: false }, { recovered: false }])
  t.ok(got.includes('new') && new Set(got).size === got.length)
  const again = change(client, 'open')
  server.cut()
  await again
  await client.request({ type: 'say', room: 'h:a', text: 'newer' })
  t.match(answers[2], { recovered: true }, 'from the new place on it goes on')
})

t.test('a gap is a place to go on from', async t => {
  const server = await ChatServer.start(t)
  const client = connectTo(t, server.url)
  const { eventId } = await client.join('h:a') as { eventId: string }
  const epoch = eventId.split('-')[0]
  server.answer = ({ type }) => type === 'echo' ? { type: 'gap', room: 'h:a', eventId: `${epoch}-7` } : undefined
  const gap = next(client, 'gap')
  client.send({ type: 'echo' })
  await gap
  const open = change(client, 'open')
  server.cut()
  await open
  await client.request({ type: 'x' })
  t.equal(server.received.findLast(({ type }) => type === 'join')?.since, `${epoch}-7`)
})

t.test('a room without history is joined again', async t => {
  const server = await ChatServer.start(t)
  const client = connectTo(t, server.url)
  const got = texts(client)
  const answers: unknown[] = []
  await client.join('plain', reply => { answers.push(reply) })
  await client.request({ type: 'say', room: 'plain', text: 'a' })
  const open = change(client, 'open')
  server.cut()
  await open
  await client.request({ type: 'say', room: 'plain', text: 'b' })
  t.same(got, ['a', 'b'])
  t.match(answers, [{ recovered: false }, { recovered: false }])
  t.notOk(server.received.some(({ since }) => since !== undefined), 'it has no place')
})

t.test('rooms are joined before what waits leaves', async t => {
  const server = await ChatServer.start(t)
  const client = connectTo(t, server.url)
  await client.join('a')
  await client.join('b')
  server.received.length = 0
  const waiting = change(client, 'waiting')
  server.cut()
  await waiting
  client.send({ type: 'ignored' })
  const c = client.join('c')
  await client.request({ type: 'echo' })
  await c
  t.same(server.received.map(({ type, room }) => `${type} ${room}`), ['join a', 'join b', 'join c', 'ignored undefined', 'echo undefined'])
})

t.test('two joins of a room are one', async t => {
  const server = await ChatServer.start(t)
  const client = connectTo(t, server.url)
  const told: string[] = []
  const [one, other] = await Promise.all([client.join('a', () => { told.push('one') }), client.join('a', () => { told.push('other') })])
  t.equal(one, other)
  t.equal(await client.join('a', () => { told.push('later') }), one)
  const open = change(client, 'open')
  server.cut()
  await open
  await client.request({ type: 'echo' })
  t.same(told, ['one', 'other', 'one', 'other', 'later'])
  t.equal(server.received.filter(({ type }) => type === 'join').length, 2)
})

t.test('a join that is refused is none', async t => {
  const server = await ChatServer.start(t)
  server.answer = ({ room }) => {
    if (room === 'refused') throw Object.assign(new Error('no'), { statusCode: 403, code: 'NO' })
    if (room === 'broken') throw new Error('mine')
  }
  const client = connectTo(t, server.url)
  await t.rejects(client.join('refused'), { code: 'NO' })
  await t.rejects(client.join('broken'), { code: 'FST_ERR_WS_INTERNAL' }, 'a handler that fails is seen')
  server.received.length = 0
  server.answer = () => undefined
  const open = change(client, 'open')
  server.cut()
  await open
  await client.request({ type: 'echo' })
  t.same(server.received.map(({ type }) => type), ['echo'])
})

t.test('a first join waits for a server that is away, however long an answer may take', async t => {
  const server = new ChatServer()
  t.after(() => server.kill())
  server.port = await freePort()
  const client = connectTo(t, server.url, { requestTimeout: 500 })
  const joined = client.join('a')
  for (const end = Date.now() + 600; Date.now() < end;) await change(client, 'waiting')
  await server.start()
  t.match(await joined, { room: 'a' })
})

t.test('a first join that is refused for the moment is tried again', async t => {
  const server = await ChatServer.start(t)
  const client = connectTo(t, server.url)
  const codes = ['FST_ERR_WS_ROOM_UNAVAILABLE', 'FST_ERR_WS_RATE_LIMIT']
  server.answer = () => {
    const code = codes.shift()
    if (code !== undefined) throw Object.assign(new Error('later'), { statusCode: 429, code })
  }
  t.match(await client.join('h:a'), { room: 'h:a' })
  t.equal(server.received.length, 3)
  t.equal(server.connections, 1)
})

t.test('a first join that is not answered is asked over another connection', async t => {
  const server = await ChatServer.start(t)
  const client = connectTo(t, server.url, { requestTimeout: 200 })
  server.answer = (_message, connection) => ended(connection)
  const joined = client.join('a')
  t.match((await change(client, 'waiting')).lost, { code: 1006, reason: 'no answer to a join' })
  server.answer = () => undefined
  t.match(await joined, { room: 'a' })
})

t.test('a first join outlasts the connection', async t => {
  const server = await ChatServer.start(t)
  const client = connectTo(t, server.url)
  const asked = deferred()
  server.answer = async (_message, connection) => {
    asked.resolve()
    await ended(connection)
  }
  const joined = client.join('a')
  await asked.promise
  server.answer = () => undefined
  server.cut()
  t.match(await joined, { room: 'a' })
})

t.test('a rejoin that is refused for the moment is tried again; messages come once', async t => {
  const server = await ChatServer.start(t)
  const client = connectTo(t, server.url)
  const got = texts(client)
  await client.join('h:a')
  const codes = ['FST_ERR_WS_ROOM_UNAVAILABLE', 'FST_ERR_WS_RATE_LIMIT']
  server.answer = async (message, connection) => {
    if (message.type !== 'join') return
    const code = codes.shift()
    if (code !== undefined) throw Object.assign(new Error('later'), { statusCode: 429, code })
    // A handler that has joined, and fails behind that; the next time something comes before it joins.
    await connection.join('h:a', { since: message.since })
    server.answer = async () => {
      server.answer = () => undefined
      await server.say('h:a', 'c')
    }
    throw new Error('mine')
  }
  client.on('error', () => t.fail('nobody need know'))
  const waiting = change(client, 'waiting')
  server.cut()
  await waiting
  for (const text of ['a', 'b']) await server.say('h:a', text)
  while (got.length < 3) await next(client, 'said')
  await client.request({ type: 'say', room: 'h:a', text: 'd' })
  t.same(got, ['a', 'b', 'c', 'd'])
  t.equal(server.received.filter(({ type }) => type === 'join').length, 5)
})

t.test('a rejoin that is not answered is asked over another connection', async t => {
  const server = await ChatServer.start(t)
  const client = connectTo(t, server.url, { requestTimeout: 200 })
  let answers = 0
  await client.join('a', () => { answers++ })
  const asked = deferred()
  server.answer = (_message, connection) => {
    asked.resolve()
    return ended(connection)
  }
  server.cut()
  await asked.promise
  server.answer = () => undefined
  t.match((await change(client, 'waiting')).lost, { reason: 'no answer to a join' })
  await until(client, 'open')
  await client.request({ type: 'echo' })
  t.equal(answers, 2)
})

t.test('a rejoin that the application refuses is told, and the room forgotten', async t => {
  const server = await ChatServer.start(t)
  const client = connectTo(t, server.url)
  await client.join('a')
  server.answer = ({ type }) => {
    if (type === 'join') throw Object.assign(new Error('you were banned'), { statusCode: 403, code: 'BANNED' })
  }
  const told = next(client, 'error')
  server.cut()
  t.match(await told, { type: 'error', code: 'BANNED', message: 'you were banned', room: 'a' })
  server.received.length = 0
  const open = change(client, 'open')
  server.cut()
  await open
  await client.request({ type: 'echo' })
  t.same(server.received.map(({ type }) => type), ['echo'])
})

t.test('a room that was left is not joined again', async t => {
  const server = await ChatServer.start(t)
  const client = connectTo(t, server.url)
  const got = texts(client)
  await client.join('a')
  client.leave('a')
  client.leave('a')
  client.leave('never joined')
  await client.request({ type: 'say', room: 'a', text: 'gone' })
  const open = change(client, 'open')
  server.cut()
  await open
  await client.request({ type: 'echo' })
  t.same(got, [])
  t.same(server.received.map(({ type }) => type), ['join', 'leave', 'say', 'echo'])
})

t.test('a room may be left before its join is answered, and joined anew', async t => {
  const server = await ChatServer.start(t)
  const client = connectTo(t, server.url)
  const early = client.join('a')
  client.leave('a')
  await t.rejects(early, { code: 'WS_CLIENT_LEFT' })
  await until(client, 'open')
  const asked = client.join('a', () => t.fail('it was left'))
  client.leave('a')
  await t.rejects(asked, { code: 'WS_CLIENT_LEFT' })
  void client.join('a', () => t.fail('it was left'))
  client.leave('a')
  const got = texts(client)
  await client.join('a')
  await client.request({ type: 'say', room: 'a', text: 'here' })
  t.same(got, ['here'])
  t.same(server.received.map(({ type }) => type), ['join', 'leave', 'join', 'leave', 'join', 'say'])
})

t.test('rooms in words of the application', async t => {
  const server = await ChatServer.start(t)
  server.answer = async (message, connection) => {
    const { op, topic, after } = message as { op?: string, topic?: string, after?: string }
    if (op === 'sub') return { op: 'subbed', ...await connection.join(`h:${topic}`, { since: after }) }
    if (op === 'pub') await server.app.room(`h:${topic}`).send({ op: 'news', topic })
    return { op: 'ok' }
  }
  const client = connectTo(t, server.url, {
    discriminator: 'op' as never,
    rooms: {
      join: (topic, after) => ({ op: 'sub', topic, after }),
      leave: topic => ({ op: 'unsub', topic }),
      roomOf: message => (message as { topic?: string }).topic
    }
  })
  await Promise.all([client.join('tea'), client.join('cake')])
  const news = next(client, 'news')
  await client.request({ op: 'pub', topic: 'tea' })
  const { eventId } = await news
  const open = change(client, 'open')
  server.cut()
  await open
  client.leave('cake')
  await client.request({ op: 'x' })
  const said = server.received as unknown as Array<{ op: string, topic?: string, after?: string }>
  t.equal(said.findLast(({ op, topic }) => op === 'sub' && topic === 'tea')?.after, eventId)
  t.same(said.at(-2), { op: 'unsub', topic: 'cake' })
})

t.test('a connection that freezes, and comes back', async t => {
  const server = await ChatServer.start(t)
  const proxy = await BrokerProxy.start(t, server.port)
  const client = connectTo(t, `ws://127.0.0.1:${proxy.port}/`, { silenceTimeout: 600, connectTimeout: 600 })
  const got = texts(client)
  await client.join('h:a')
  proxy.silence()
  await server.say('h:a', 'a')
  await change(client, 'waiting')
  await server.say('h:a', 'b')
  proxy.heal()
  while (got.length < 2) await next(client, 'said')
  await sleep(30)
  t.same(got, ['a', 'b'])
})
