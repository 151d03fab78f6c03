import t from 'tap'
import type { Test } from 'tap'
import { connect } from '../../lib/client/index.ts'
import type { Client, ClientOptions } from '../../types/client.ts'
import { FakeSocket } from '../helpers/feed-server.ts'
import { VirtualTime } from '../helpers/virtual-time.ts'

/* What the application does inside of what it is told, and what the other end does at moments that a real one seldom finds. */

function open (t: Test, options: ClientOptions = {}) {
  FakeSocket.all = []
  const client = connect('ws://moments/', { WebSocket: FakeSocket, reconnect: { base: 1_000_000, cap: 1_000_000 }, ...options })
  t.after(() => client.close())
  const socket = FakeSocket.all[0]
  socket.open()
  return { client, socket, tell: (...messages: object[]) => tellAll(socket, messages) }
}

function tellAll (socket: FakeSocket, messages: object[]): void {
  for (const message of messages) {
    socket.coming.push(message as never)
    socket.read()
  }
}

function states (client: Client): string[] {
  const all: string[] = []
  client.onState(({ state }) => { all.push(state) })
  return all
}

t.test('a room that is left when its answer is told brings nothing more', async t => {
  const { client, socket, tell } = open(t)
  client.on('said', () => t.fail('it was left'))
  client.join('a', () => client.leave('a')).catch(() => {})
  const [{ id }] = socket.sent
  tell({ type: 'said', room: 'a', eventId: 'e-1' }, { type: 'joined', id, recovered: false, eventId: 'e-0' })
  t.same(socket.sent.map(({ type }) => type), ['join', 'leave'])
})

t.test('where places are in other words, all that comes before an answer is told', async t => {
  for (const [place, before] of [['17', ['18', '19']], ['a-b', ['a-c', 'x']], ['', ['e-1', 'f-2']]] as const) {
    const { client, socket, tell } = open(t)
    const told: unknown[] = []
    client.on('said', message => { told.push((message as { eventId?: string }).eventId) })
    void client.join('a')
    tell(...before.map(eventId => ({ type: 'said', room: 'a', eventId })), { type: 'joined', id: socket.sent[0].id, recovered: false, eventId: place })
    t.same(told, before)
  }
})

t.test('who closes it while rooms are joined anew finds it closed', async t => {
  let joins = 0
  const { client, socket, tell } = open(t, { rooms: { join: room => { if (++joins > 1) throw new Error('mine'); return { type: 'join', room } } } })
  void client.join('a')
  tell({ type: 'joined', id: socket.sent[0].id })
  client.on('error', () => client.close())
  socket.end(1006)
  client.retry()
  const told = states(client)
  FakeSocket.live[0].open()
  t.equal(client.state, 'closed')
  t.same(told, ['closed'])
  t.same(FakeSocket.live, [])
})

t.test('what is sent as it is opened leaves behind what waited', async t => {
  FakeSocket.all = []
  const client = connect('ws://moments/', { WebSocket: FakeSocket })
  t.after(() => client.close())
  client.onState(({ state }) => { if (state === 'open') client.send({ type: 'first' }) })
  client.send({ type: 'waited' })
  FakeSocket.live[0].open()
  t.same(FakeSocket.live[0].sent.map(({ type }) => type), ['waited', 'first'])
})

t.test('a payload that the WebSocket does not take keeps nothing else from leaving', async t => {
  FakeSocket.all = []
  const client = connect('ws://moments/', { WebSocket: FakeSocket, codec: { encode: message => message as never, decode: payload => payload } })
  t.after(() => client.close())
  const send = (message: string): void => { client.send(message) }
  send('no JSON')
  send('{"type":"good"}')
  FakeSocket.live[0].open()
  t.equal(client.state, 'open')
  t.equal(client.queued, 0)
  t.same(FakeSocket.live[0].sent, [{ type: 'good' }])
  t.throws(() => send('no JSON'), SyntaxError, 'with a connection its sender sees it')
})

t.test('who is told that it ended is not asked to wait for more', async t => {
  const { client, socket } = open(t)
  client.onState(({ state }) => { if (state === 'connecting') client.close() })
  socket.end(4408)
  t.throws(() => client.send({ type: 'x' }), { code: 'WS_CLIENT_CLOSED' })
  t.equal(client.queued, 0)
  await t.rejects(client.request({ type: 'x' }), { code: 'WS_CLIENT_CLOSED' })
})

t.test('a listener that changes the state again: the others are told what it is now, and not after that what it was', async t => {
  const { client, socket } = open(t)
  client.onState(({ state }) => { if (state === 'waiting') client.close() })
  const told = states(client)
  socket.end(1006)
  t.same(told, ['closed'])
  t.equal(client.state, 'closed')
})

t.test('a room whose join is not answered is something to say', async t => {
  for (const answer of [{}, { type: 'error', code: 'FST_ERR_WS_ROOM_UNAVAILABLE', message: '' }]) {
    const { client, socket, tell } = open(t)
    client.join('a').catch(() => {})
    tell({ ...answer, ...'code' in answer && { id: socket.sent[0].id } })
    const waiting = new Promise<number | null>(resolve => client.onState(({ retryIn }) => resolve(retryIn)))
    socket.end(4408)
    t.type(await waiting, 'number')
    client.close()
  }
})

t.test('a request may wait for ever', async t => {
  const { client, socket, tell } = open(t)
  const asked = client.request({ type: 'x' }, { timeout: Infinity })
  await new Promise(resolve => setTimeout(resolve, 10))
  tell({ type: 'done', id: socket.sent[0].id })
  t.match(await asked, { type: 'done' })
})

t.test('a server that says that it beats each millisecond, and does not, is tried less and less often', async t => {
  const time = new VirtualTime()
  time.take()
  try {
    const { client } = open(t, { reconnect: { base: 500, cap: 30_000 } })
    for (let passed = 0; passed < 600_000; passed += 5) {
      const [socket] = FakeSocket.live
      if (socket?.readyState === 0) {
        socket.open()
        tellAll(socket, [{ type: 'heartbeat', interval: 1 }])
      }
      time.pass(5)
    }
    t.ok(FakeSocket.all.length < 100, `${FakeSocket.all.length} connections in ten minutes`)
    client.close()
    t.equal(time.pending, 0)
  } finally {
    time.giveBack()
  }
})
