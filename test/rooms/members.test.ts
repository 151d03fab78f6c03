import t from 'tap'
import type { ServerConnection } from '../../lib/connection/connection.ts'
import { Members } from '../../lib/rooms/members.ts'
import { buildApp } from '../helpers/app.ts'
import { pairedRoute } from '../helpers/pairs.ts'

const app = await buildApp(t)
const open = pairedRoute(app)
const [anna, bert] = (await Promise.all([open(), open()])).map(({ connection }) => connection as ServerConnection)

t.test('the first member of a room is told from the next, and the last one to leave from those before', async t => {
  const members = new Members()
  t.equal(members.add('a', anna), true)
  t.equal(members.add('a', bert), false)
  t.equal(members.delete('a', anna), false)
  t.equal(members.delete('a', bert), true)
})

t.test('who joins twice is a member once', async t => {
  const members = new Members()
  members.add('a', anna)
  t.equal(members.add('a', anna), false)
  t.equal(members.of('a').size, 1)
  t.equal(members.delete('a', anna), true)
  t.equal(members.delete('a', anna), false)
})

t.test('both maps say the same', async t => {
  const members = new Members()
  members.add('a', anna)
  members.add('b', anna)
  members.add('b', bert)
  t.same([...members.of('b')].map(({ id }) => id), [anna.id, bert.id])
  t.same([...members.roomsOf(anna)], ['a', 'b'])
  t.same([anna, bert].map(connection => members.countOf(connection)), [2, 1])
  t.same([...members.roomsOf(bert)], ['b'])
})

t.test('an empty room and an empty set of rooms disappear', async t => {
  const members = new Members()
  members.add('a', anna)
  members.delete('a', anna)
  t.equal(members.rooms.size, 0)
  t.equal(members.of('a').size, 0)
  t.equal(members.roomsOf(anna).size, 0)
})

t.test('nothing is kept of a connection that is in no room', async t => {
  const members = new Members()
  members.add('a', anna)
  members.delete('a', anna)
  t.equal(members.roomsOf(anna), members.roomsOf(bert), 'the set that all share who are nowhere')
})

t.test('leaving a room that one is not in changes nothing', async t => {
  const members = new Members()
  members.add('a', anna)
  t.equal(members.delete('a', bert), false)
  t.equal(members.delete('b', anna), false)
  t.same([...members.rooms.keys()], ['a'])
})

t.test('rooms may have the names of what every object has', async t => {
  const members = new Members()
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
    t.equal(members.of(name).size, 0)
    members.add(name, anna)
    t.equal(members.of(name).size, 1)
  }
  t.equal(members.rooms.size, 4)
})
