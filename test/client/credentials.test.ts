import t from 'tap'
import type { Credentials, LostConnection } from '../../types/client.ts'
import { change, ChatServer, connectTo, until } from '../helpers/clients.ts'

/* Who the client says that it is, and what becomes of it where the server does not like that. */

t.test('each attempt is made with what it is given', async t => {
  const server = await ChatServer.start(t)
  let n = 0
  const client = connectTo(t, `${server.url}?a=b`, { authenticate: async () => ({ query: { token: `t&${++n}`, a: 'c' } }) })
  await until(client, 'open')
  server.cut()
  await change(client, 'open')
  t.same(server.urls, ['/?a=c&token=t%261', '/?a=c&token=t%262'])
})

t.test('subprotocols, those of the credentials first', async t => {
  const server = await ChatServer.start(t, { subprotocols: offered => { seen.push([...offered].join(' ')); return [...offered][0] } })
  const seen: string[] = []
  const client = connectTo(t, server.url, { protocols: 'chat', authenticate: () => ({ protocols: ['token.abc'] }) })
  await until(client, 'open')
  t.equal(client.protocol, 'token.abc')
  t.same(seen, ['token.abc chat'])
  const other = connectTo(t, server.url, { protocols: ['a', 'b'] })
  await until(other, 'open')
  t.equal(other.protocol, 'a')
})

t.test('a refusal that new credentials answer is none', async t => {
  const server = await ChatServer.start(t)
  const asked: Array<LostConnection | null> = []
  const client = connectTo(t, server.url, { authenticate: refused => { asked.push(refused); return {} } })
  for (const code of [4401, 1008]) {
    t.ok(await client.request({ type: 'echo' }))
    const open = change(client, 'open')
    client.send({ type: 'close', code, reason: 'expired' })
    await open
  }
  t.same(asked, [null, { code: 4401, reason: 'expired' }, { code: 1008, reason: 'expired' }])
})

t.test('nothing, or an error, is no answer to a refusal', async t => {
  const server = await ChatServer.start(t)
  const answers: Array<() => Credentials | null> = [() => null, () => { throw new Error('signed out') }]
  for (const answer of answers) {
    const client = connectTo(t, server.url, { authenticate: async refused => refused === null ? null : answer() })
    const asked = client.request({ type: 'echo' })
    await asked
    const loop = client[Symbol.asyncIterator]().next()
    const closed = change(client, 'closed')
    client.send({ type: 'close', code: 4401, reason: 'expired' })
    t.match(await closed, { lost: { code: 4401, reason: 'expired' } })
    await t.rejects(loop, { code: 'WS_CLIENT_CLOSED', message: 'the server ended it: 4401 expired' })
    t.throws(() => client.send({ type: 'echo' }), { message: 'the server ended it: 4401 expired' })
  }
})

t.test('new credentials that are refused at once end it', async t => {
  const server = await ChatServer.start(t)
  server.onOpen = connection => connection.close(4403, 'banned')
  let asked = 0
  const client = connectTo(t, server.url, { authenticate: () => { asked++; return {} } })
  await until(client, 'closed')
  t.equal(asked, 2)
  t.equal(server.connections, 2)
})

t.test('an error that is no answer to a refusal is a failed attempt', async t => {
  const server = await ChatServer.start(t)
  let asked = 0
  const client = connectTo(t, server.url, { authenticate: async () => { if (++asked < 3) throw new Error('no network'); else return null } })
  t.match((await change(client, 'waiting')).lost, { code: 1006, reason: 'Error: no network' })
  await until(client, 'open')
  t.equal(asked, 3)
})

t.test('credentials that take too long are a failed attempt, and come to nothing later', async t => {
  const server = await ChatServer.start(t)
  const late: Array<() => void> = []
  const client = connectTo(t, server.url, {
    connectTimeout: 1_000,
    authenticate: () => late.length > 0 ? {} : new Promise(resolve => { late.push(() => resolve({ query: { late: 'yes' } })) })
  })
  await change(client, 'waiting')
  for (const answer of late) answer()
  await until(client, 'open')
  t.same(server.urls, ['/'])
})

t.test('a refusal is answered even where the answer takes more than one attempt', async t => {
  const server = await ChatServer.start(t)
  const asked: unknown[] = []
  const client = connectTo(t, server.url, {
    connectTimeout: 1_000,
    authenticate: refused => {
      asked.push(refused?.code)
      return asked.length === 2 ? new Promise(() => {}) : {}
    }
  })
  await client.request({ type: 'echo' })
  client.send({ type: 'close', code: 4401 })
  await change(client, 'open')
  t.same(asked, [undefined, 4401, 4401])
})

t.test('closed while credentials are fetched', async t => {
  const server = await ChatServer.start(t)
  let answer: (credentials: Credentials) => void = () => {}
  const client = connectTo(t, server.url, { authenticate: () => new Promise(resolve => { answer = resolve }) })
  client.close()
  answer({})
  await new Promise(resolve => setTimeout(resolve, 20))
  t.equal(server.connections, 0)
})
