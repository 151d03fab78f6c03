import t from 'tap'
import type { Test } from 'tap'
import { connect } from '../../lib/client/index.ts'
import type { ClientOptions } from '../../types/client.ts'
import { FakeSocket } from '../helpers/feed-server.ts'

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
