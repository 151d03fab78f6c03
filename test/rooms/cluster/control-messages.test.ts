import fc from 'fast-check'
import t from 'tap'
import { decodeControl, encodeControl } from '../../../lib/rooms/cluster/control-messages.ts'
import type { ControlMessage } from '../../../lib/rooms/cluster/control-messages.ts'
import { memberOfEach, startNodes } from '../../helpers/clusters.ts'
import { holds } from '../../helpers/property.ts'

const ada = { id: 'n-1', key: 'ada', json: '{"name":"ada"}' }
const bob = { id: 'n-2', key: null, json: null }

const messages: readonly ControlMessage[] = [
  { say: 'hello' },
  { say: 'alive' },
  { say: 'bye' },
  { say: 'changes', previous: 1, version: 2, joined: [ada, bob], left: ['n-3'] },
  { say: 'sync', rooms: [['lobby', 0], ['__proto__', 7]] },
  { say: 'roll', room: 'lobby', version: 3, page: 1, pages: 2, members: [ada] },
  { say: 'digests', rooms: [['lobby', 3, 1]] },
  { say: 'ask', id: 1, of: 'count', room: 'lobby' },
  { say: 'ask', id: 2, of: 'members', room: 'lobby', limit: null, after: null },
  { say: 'ask', id: 3, of: 'members', room: 'lobby', limit: 10, after: 'n-1' },
  { say: 'ask', id: 4, of: 'join', room: 'lobby', key: 'ada' },
  { say: 'ask', id: 5, of: 'leave', room: 'lobby', key: 'ada' },
  { say: 'answer', id: 6, count: 2, page: 0, pages: 1, members: [ada, bob] }
]

function wire (message: ControlMessage): string {
  return JSON.stringify(encodeControl(message))
}

t.test('every message comes out as it went in', async t => {
  for (const message of messages) t.same(decodeControl(wire(message)), message)
})

t.test('a field of a later version is no matter, a kind of a later version is nothing', async t => {
  t.same(decodeControl('{"say":"alive","load":0.5}'), { say: 'alive' })
  t.equal(decodeControl('{"say":"vote"}'), null)
  t.equal(decodeControl('{"say":"ask","id":1,"of":"sum","room":"lobby"}'), null)
})

t.test('names that every object has are no kinds and no fields', async t => {
  for (const say of ['constructor', '__proto__', 'toString', 'hasOwnProperty']) t.equal(decodeControl(JSON.stringify({ say })), null)
  t.equal(decodeControl('{"__proto__":{"say":"alive"}}'), null)
})

t.test('what lacks a field, or has one of another type, is nothing', async t => {
  for (const message of messages) {
    const body = encodeControl(message) as Record<string, unknown>
    for (const name of Object.keys(body)) {
      for (const value of [undefined, {}, [], [[]], '', -1, 0.5, true, 2 ** 53, 'x'.repeat(300)]) {
        if (Array.isArray(body[name]) && JSON.stringify(value) === '[]') continue
        if (name === 'limit' && value === undefined) continue
        const decoded = decodeControl(JSON.stringify({ ...body, [name]: value }))
        // A long key and any id to list behind are allowed.
        if ((name === 'key' || name === 'after') && typeof value === 'string' && decoded !== null) continue
        t.equal(decoded, null, `${message.say}: ${name} is ${JSON.stringify(value)}`)
      }
    }
  }
})

t.test('versions go forwards, and a page is one of its list', async t => {
  t.equal(decodeControl(wire({ say: 'changes', previous: 2, version: 2, joined: [], left: [] })), null)
  t.equal(decodeControl(wire({ say: 'roll', room: 'a', version: 1, page: 2, pages: 2, members: [] })), null)
  t.equal(decodeControl(wire({ say: 'answer', id: 1, count: 0, page: 0, pages: 1_000_000, members: [] })), null)
})

t.test('any text is a message that can be sent again, or nothing', async t => {
  const texts = fc.oneof(
    fc.string(),
    fc.json(),
    fc.constantFrom(...messages).map(wire).chain(text => fc.tuple(fc.nat(text.length), fc.nat(3), fc.string({ maxLength: 3 }))
      .map(([at, length, put]) => text.slice(0, at) + put + text.slice(at + length))),
    fc.tuple(fc.constantFrom(...messages.map(({ say }) => say)), fc.dictionary(
      fc.constantFrom('id', 'of', 'room', 'rooms', 'page', 'pages', 'members', 'version', 'previous', 'joined', 'left', 'count', 'key', 'limit', 'after'), fc.jsonValue()
    )).map(([say, fields]) => JSON.stringify({ ...fields, say }))
  )
  holds(t, fc.property(texts, text => {
    const message = decodeControl(text)
    if (message === null) return
    t.same(decodeControl(wire(message)), message)
  }), { numRuns: 2_000 })
})

t.test('whatever comes, a server goes on', async t => {
  const [one, two] = await startNodes(t, 2, { presence: { notify: true } })
  await memberOfEach([one, two], 'room:1')
  const garbage = ['', 'null', '[]', '1', '{', '{"say":null}', '{"say":["alive"]}', '{"say":"sync","rooms":[["room:1"]]}', '{"say":"answer","id":1}']
  const strange: ControlMessage[] = [
    ...messages.filter(({ say }) => say !== 'bye'),
    { say: 'changes', previous: 0, version: Number.MAX_SAFE_INTEGER, joined: [{ id: 'x', key: null, json: 'no json' }], left: ['y'] },
    { say: 'sync', rooms: [['room:1', 5], ['room:1', 0], ['nobody', 0]] },
    { say: 'roll', room: 'room:1', version: 1, page: 0, pages: 1, members: [ada, ada] }
  ]
  for (const payload of garbage) one.adapter.bring('@', 'other', payload)
  t.same(one.app.rooms.status.nodes, [one.id, two.id], 'what is nothing is no sign of life')
  for (const channel of ['@', `@${one.id}`, '=room:1', '=', 'unknown', '']) {
    for (const node of ['stranger', '__proto__', one.id, '', 'a b', 'x'.repeat(100)]) {
      for (const payload of [...garbage, ...strange.map(wire)]) one.adapter.bring(channel, node, payload)
    }
  }
  t.notOk(one.app.rooms.status.nodes.includes('a b'))
  t.notOk(one.app.rooms.status.nodes.includes(''))
  for (const node of ['stranger', '__proto__']) one.adapter.bring('@', node, '{"say":"bye"}')
  t.equal(await one.app.room('room:1').count(), 2)
  t.same(one.app.rooms.status.nodes, [one.id, two.id])
})
