import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import type { Test } from 'tap'
import { ClusterAdapter } from '../../../lib/rooms/node-cluster/adapter.ts'
import { sessionBounds } from '../../../lib/rooms/node-cluster/sessions.ts'
import type { SessionBounds } from '../../../lib/rooms/node-cluster/sessions.ts'
import { buildApp } from '../../helpers/app.ts'
import { Node } from '../../helpers/nodes.ts'
import { End, Primary } from './ports.ts'

const settings = { size: 1_000, ttl: 60_000 }
const unavailable = { code: 'FST_ERR_WS_ADAPTER_UNAVAILABLE' }
/** Soon impatient. */
const hasty: Partial<SessionBounds> = { interval: 10, timeout: 600 }

interface Started {
  readonly node: Node
  /** The ends of its channel: the primary's and its own. */
  readonly child: End
  readonly parent: End
}

async function start (t: Test, primary: Primary, name: string, bounds: Partial<SessionBounds> = {}): Promise<Started> {
  const { adapter, child, parent } = primary.worker({ stopTimeout: 20, ...bounds })
  const node = new Node(name, adapter)
  await node.start((await buildApp(t)).log)
  t.after(() => adapter.stop())
  return { node, child, parent }
}

async function until (isSo: () => boolean): Promise<void> {
  while (!isSo()) await delay(2)
}

/** The items of each message that was sent from an end, those of no items left out. */
function itemsOf (end: End): unknown[][] {
  return end.sent.flatMap(message => 'items' in message && Array.isArray(message.items) && message.items.length > 0 ? [message.items] : [])
}

t.test('a process without an IPC channel does not start', async t => {
  const node = new Node('one', new ClusterAdapter(null, 'test'))
  await t.rejects(node.start((await buildApp(t)).log), { code: 'FST_ERR_WS_ADAPTER', message: /no IPC channel/ })
})

t.test('a worker does not start where nobody answers, and listens no more', async t => {
  const [, parent] = End.pair()
  const node = new Node('one', new ClusterAdapter(parent, 'test', { ...sessionBounds, startTimeout: 30 }))
  await t.rejects(node.start((await buildApp(t)).log), { code: 'FST_ERR_WS_ADAPTER', message: /carryRooms\(\)/ })
  t.notOk(parent.isOpen)
})

t.test('a worker does not start when its primary goes', async t => {
  const [, parent] = End.pair()
  const node = new Node('one', new ClusterAdapter(parent, 'test'))
  const started = node.start((await buildApp(t)).log)
  parent.disconnect()
  await t.rejects(started, { code: 'FST_ERR_WS_ADAPTER' })
})

t.test('a primary that begins to carry rooms a little later lets the worker in', async t => {
  const [child, parent] = End.pair()
  const node = new Node('one', new ClusterAdapter(parent, 'test', { ...sessionBounds, interval: 5 }))
  const started = node.start((await buildApp(t)).log)
  await until(() => parent.sent.length > 1)
  const { carrier } = new Primary()
  carrier.addPort({ send: () => false, on: () => {}, off: () => {} }, child)
  await started
  await node.adapter.stop()
})

t.test('an id that another process has is not let in', async t => {
  const primary = new Primary()
  await start(t, primary, 'one')
  const { adapter, parent } = primary.worker()
  await t.rejects(new Node('one', adapter).start((await buildApp(t)).log), { code: 'FST_ERR_WS_ADAPTER', message: /'one'/ })
  t.notOk(parent.isOpen)
  t.same(primary.carrier.nodes, ['one'])
})

t.test('what is published in one tick leaves in one message, and so does what the primary makes of it', async t => {
  const primary = new Primary()
  const [one, two] = [await start(t, primary, 'one'), await start(t, primary, 'two')]
  await two.node.adapter.subscribe('room')
  const before = [itemsOf(one.parent).length, itemsOf(two.child).length]
  await Promise.all(Array.from({ length: 50 }, (_, number) => one.node.publish('room', String(number))))
  for (let number = 0; number < 50; number++) t.same(await two.node.received(), ['room', String(number)])
  const [sent, brought] = [itemsOf(one.parent).slice(before[0]), itemsOf(two.child).slice(before[1])]
  t.same(sent.map(({ length }) => length), [50])
  t.same(brought.map(({ length }) => length), [50])
})

t.test('messages, and events of a history, arrive in the order in which they were sent', async t => {
  const primary = new Primary()
  const one = await start(t, primary, 'one')
  const { adapter } = primary.worker()
  const heard: string[] = []
  await adapter.start({
    node: 'two',
    log: (await buildApp(t)).log,
    onEnvelope: (_channel, envelope) => { heard.push(envelope.kind === 'close' ? '' : String(envelope.payload)) },
    onEvent: (_channel, { envelope }) => { heard.push(String(envelope.payload)) },
    onState: () => {},
    onRefused: () => {}
  })
  t.after(() => adapter.stop())
  await adapter.subscribe('room')
  const sent = Array.from({ length: 20 }, (_, number) => number % 3 === 0 ? one.node.append('room', [number], settings) : one.node.publish('room', `{"n":${number}}`))
  await Promise.all(sent)
  await until(() => heard.length === 20)
  t.same(heard, Array.from({ length: 20 }, (_, number) => `{"n":${number}}`))
})

t.test('a primary that is stopped is noticed when nothing is sent, and what was subscribed to meanwhile is when it is back', async t => {
  const primary = new Primary()
  const [one, two] = [await start(t, primary, 'one', hasty), await start(t, primary, 'two')]
  await one.node.adapter.subscribe('dropped')
  one.child.isFrozen = true
  await until(() => one.node.states.length > 0)
  t.same(one.node.states, ['unavailable'])
  await t.rejects(one.node.publish('room', 'lost'), unavailable)
  await t.rejects(one.node.append('room', [1], settings), unavailable)
  await t.rejects(one.node.history.read('room', null, settings), unavailable)
  await one.node.adapter.subscribe('room')
  await one.node.adapter.unsubscribe('dropped')
  one.child.thaw()
  await until(() => one.node.states.length > 1)
  t.same(one.node.states, ['unavailable', 'ready'])
  await two.node.publish('dropped', 'unheard')
  await two.node.publish('room', 'heard')
  t.same(await one.node.received(), ['room', 'heard'])
  t.equal(primary.carrier.nodes.length, 2, 'it is one node, however often it asked')
})

t.test('what was on its way to a primary that was stopped is rejected, and an append that is repeated is there once', async t => {
  const primary = new Primary()
  const one = await start(t, primary, 'one', hasty)
  const begin = await one.node.history.read('room', null, settings)
  one.child.isFrozen = true
  const message = one.node.message('{"n":1}', 'json')
  const published = Array.from({ length: 20 }, () => one.node.publish('room', 'lost').then(() => 'taken', ({ code }) => code))
  await t.rejects(one.node.history.append('room', [message], settings), unavailable)
  t.same(await Promise.all(published), published.map(() => 'FST_ERR_WS_ADAPTER_UNAVAILABLE'))
  t.same(one.node.states, ['unavailable'])
  one.child.thaw()
  await until(() => one.node.states.length > 1)
  await one.node.history.append('room', [message], settings)
  const { events } = await one.node.history.read('room', { epoch: begin.epoch, offset: begin.head }, settings)
  t.same(events.map(({ envelope }) => envelope), [message])
})

t.test('what a primary does not take is bounded: then publishing is refused, until it has', async t => {
  const primary = new Primary()
  const one = await start(t, primary, 'one', { limit: 100_000 })
  one.child.isFrozen = true
  const payload = 'x'.repeat(1_000)
  const published = Array.from({ length: 200 }, () => one.node.publish('room', payload))
  const refused = published.map(sent => sent.then(() => false, error => {
    t.match(error, unavailable)
    return true
  }))
  await t.rejects(one.node.history.append('room', [one.node.message(payload, 'json')], settings), unavailable)
  one.child.thaw()
  const counts = await Promise.all(refused)
  const taken = counts.indexOf(true)
  t.ok(taken > 40 && taken < 100, `${taken} of 200 were taken`)
  t.notOk(counts.lastIndexOf(false) >= taken, 'those that were refused are the last ones')
  await one.node.publish('room', payload)
  t.same(one.node.states, [], 'it is there all the while')
})

t.test('a message that is larger than all that may be on its way is refused for good', async t => {
  const primary = new Primary()
  const one = await start(t, primary, 'one', { limit: 10_000 })
  await t.rejects(one.node.publish('room', 'x'.repeat(10_000)), { code: 'FST_ERR_WS_SEND_INVALID', message: /too large/ })
  await one.node.publish('room', 'x'.repeat(9_000))
})

t.test('many messages that are appended at once are, however much they are together', async t => {
  const primary = new Primary()
  const [one, two] = [await start(t, primary, 'one', { limit: 2_000_000 }), await start(t, primary, 'two')]
  const { epoch } = await one.node.history.read('room', null, settings)
  const messages = Array.from({ length: 40 }, (_, number) => one.node.message(`{"n":${number},"text":"${'x'.repeat(100_000)}"}`, 'json'))
  await one.node.history.append('room', messages, settings)
  const page = await two.node.history.read('room', { epoch, offset: 0 }, settings)
  t.same(page.events.map(({ envelope }) => envelope.seq), messages.map(({ seq }) => seq))
})

t.test('a part of an append that is not taken has none of the rest behind it, and all is there once when it is repeated', async t => {
  const primary = new Primary()
  const one = await start(t, primary, 'one', hasty)
  const { epoch } = await one.node.history.read('room', null, settings)
  const messages = Array.from({ length: 40 }, (_, number) => one.node.message(`{"n":${number},"text":"${'x'.repeat(100_000)}"}`, 'json'))
  one.child.isFrozen = true
  await t.rejects(one.node.history.append('room', messages, settings), unavailable)
  one.child.thaw()
  await until(() => one.node.states.length > 1)
  t.equal((await one.node.history.read('room', null, settings)).head, 11, 'the first part had left')
  await one.node.history.append('room', messages, settings)
  const page = await one.node.history.read('room', { epoch, offset: 0 }, settings)
  t.same(page.events.map(({ envelope }) => envelope.seq), messages.map(({ seq }) => seq))
})

t.test('a worker that reads the histories of many rooms at once is not let go for all that comes', async t => {
  const primary = new Primary({ limit: 8_000_000 })
  const [one, two] = [await start(t, primary, 'one'), await start(t, primary, 'two')]
  const rooms = Array.from({ length: 50 }, (_, index) => `room-${index}`)
  const begins = await Promise.all(rooms.map(room => one.node.history.read(room, null, settings)))
  for (const room of rooms) await one.node.history.append(room, Array.from({ length: 5 }, () => one.node.message(`{"text":"${'x'.repeat(100_000)}"}`, 'json')), settings)
  const pages = await Promise.all(rooms.map((room, index) => two.node.history.read(room, { epoch: begins[index].epoch, offset: 0 }, settings)))
  t.ok(pages.every(({ events }) => events.length === 5))
  t.same(two.node.states, [])
})

t.test('what a worker asks for waits where much is on its way to it, and does not cost it its place', async t => {
  const primary = new Primary({ limit: 1_000_000 })
  const [one, two] = [await start(t, primary, 'one'), await start(t, primary, 'two')]
  await two.node.adapter.subscribe('room')
  const text = `{"text":"${'x'.repeat(100_000)}"}`
  for (let number = 0; number < 4; number++) await one.node.history.append('log', [one.node.message(text, 'json')], settings)
  const { epoch } = await two.node.history.read('log', null, settings)
  two.parent.isFrozen = true
  for (let number = 0; number < 4; number++) await one.node.publish('room', text)
  const read = t.rejects(two.node.history.read('log', { epoch, offset: 0 }, settings), { code: 'FST_ERR_WS_ADAPTER' })
  await until(() => itemsOf(two.child).some(items => items.some(item => Array.isArray(item) && item[0] === 'refused')))
  two.parent.thaw()
  await read
  t.equal((await two.node.history.read('log', { epoch, offset: 0 }, settings)).events.length, 4)
  t.same(two.node.states, [])
})

t.test('a worker that reads nothing is let go before it costs the primary more than its bound, and begins anew', async t => {
  const primary = new Primary({ limit: 1_000_000 })
  const [one, two, three] = [await start(t, primary, 'one'), await start(t, primary, 'two'), await start(t, primary, 'three')]
  for (const { node } of [two, three]) await node.adapter.subscribe('room')
  two.parent.isFrozen = true
  const before = two.child.sent.length
  for (let number = 0; number < 30; number++) {
    await one.node.publish('room', 'x'.repeat(100_000))
    t.equal((await three.node.received())[1].length, 100_000)
  }
  t.same(primary.carrier.nodes, ['one', 'three'])
  const sent = JSON.stringify(two.child.sent.slice(before)).length
  t.ok(sent < 1_100_000, `${sent} bytes were sent to it`)

  two.parent.thaw()
  await until(() => two.node.states.length === 2)
  t.same(two.node.states, ['unavailable', 'ready'])
  while (two.node.waiting.length > 0) await two.node.next()
  await one.node.publish('room', 'again')
  t.same(await two.node.received(), ['room', 'again'])
})

t.test('a worker that reads is not let go, however much it is sent', async t => {
  const primary = new Primary({ limit: 1_000_000 })
  const [one, two] = [await start(t, primary, 'one'), await start(t, primary, 'two')]
  await two.node.adapter.subscribe('room')
  for (let number = 0; number < 60; number++) {
    await one.node.publish('room', 'x'.repeat(100_000))
    await two.node.next()
  }
  t.same(two.node.states, [])
})

t.test('a history that is larger than one message should be is read in parts, whole and in order', async t => {
  const primary = new Primary()
  const [one, two] = [await start(t, primary, 'one'), await start(t, primary, 'two')]
  const { epoch } = await one.node.history.read('room', null, settings)
  const text = 'x'.repeat(100_000)
  for (let number = 1; number <= 35; number++) await one.node.history.append('room', [one.node.message(`{"n":${number},"text":"${text}"}`, 'json')], settings)
  const before = itemsOf(two.child).length
  const page = await two.node.history.read('room', { epoch, offset: 3 }, settings)
  t.same(page.events.map(({ offset }) => offset), Array.from({ length: 32 }, (_, index) => index + 4))
  t.match(page, { epoch, head: 35, floor: 0 })
  t.ok(itemsOf(two.child).length - before > 3, 'it came in several messages')
  t.ok(two.child.sent.every(message => JSON.stringify(message).length < 1_300_000))
})

t.test('what is trimmed between two parts of a history leaves no gap unsaid', async t => {
  const primary = new Primary()
  const [one, two] = [await start(t, primary, 'one'), await start(t, primary, 'two')]
  const { epoch } = await one.node.history.read('room', null, settings)
  const text = 'x'.repeat(600_000)
  const numbered = (number: number): string => `{"n":${number},"text":"${text}"}`
  for (let number = 1; number <= 4; number++) await one.node.history.append('room', [one.node.message(numbered(number), 'json')], settings)
  // The first part is on its way to a worker that is slow: it asks for the next one when that is trimmed.
  two.parent.isFrozen = true
  const reading = two.node.history.read('room', { epoch, offset: 0 }, settings)
  await until(() => itemsOf(two.child).some(([item]) => Array.isArray(item) && item[0] === 'page'))
  await one.node.append('room', [5, 6, 7, 8, 9], { size: 2, ttl: 60_000 })
  two.parent.thaw()
  const page = await reading
  t.match(page, { epoch, head: 9, floor: 7 })
  t.same(page.events.map(({ offset }) => offset), [8, 9])
})

t.test('what was on its way when a room was unsubscribed from is not brought', async t => {
  const primary = new Primary()
  const [one, two] = [await start(t, primary, 'one'), await start(t, primary, 'two')]
  for (const room of ['room', 'other']) await two.node.adapter.subscribe(room)
  two.parent.isFrozen = true
  await one.node.publish('room', 'on its way')
  await one.node.publish('other', 'behind it')
  const unsubscribed = two.node.adapter.unsubscribe('room')
  two.parent.thaw()
  t.same(await two.node.received(), ['other', 'behind it'])
  await unsubscribed
})

t.test('a channel that is closed is lost for good, and nothing is sent', async t => {
  const primary = new Primary()
  const one = await start(t, primary, 'one', hasty)
  one.parent.disconnect()
  t.same(one.node.states, ['unavailable'])
  const sent = one.parent.sent.length
  await t.rejects(one.node.publish('room', 'x'), unavailable)
  await one.node.adapter.subscribe('room')
  await delay(50)
  t.equal(one.parent.sent.length, sent)
  await one.node.adapter.stop()
})

t.test('where a message between the two was lost the session begins anew', async t => {
  const primary = new Primary()
  const [one, two] = [await start(t, primary, 'one'), await start(t, primary, 'two')]
  await one.node.adapter.subscribe('room')
  const session = sessionOf(one.parent)
  one.parent.receive({ 'fastify-typed-ws': 1, kind: 'items', session, sent: 100, weight: 1, taken: 0, items: [['ping']] })
  await until(() => one.node.states.length === 2)
  one.child.receive({ 'fastify-typed-ws': 1, kind: 'items', session: sessionOf(one.parent), sent: 100, weight: 1, taken: 0, items: [['ping']] })
  await until(() => one.node.states.length === 4)
  t.same(one.node.states, ['unavailable', 'ready', 'unavailable', 'ready'])
  await two.node.publish('room', 'heard')
  t.same(await one.node.received(), ['room', 'heard'])
})

function sessionOf (end: End): string {
  const last = end.sent.findLast(message => 'session' in message)
  return last !== undefined && 'session' in last ? String(last.session) : ''
}

t.test('what the primary says and is none of ours is left alone, what is malformed is told, and the rest arrives', async t => {
  const primary = new Primary()
  const [one, two] = [await start(t, primary, 'one'), await start(t, primary, 'two')]
  await one.node.adapter.subscribe('room')
  for (const value of [null, 0, 'fastify-typed-ws', [], {}, { kind: 'items' }, { cmd: 'NODE_X' }]) one.parent.receive(value)
  await two.node.publish('room', 'first')
  t.same(await one.node.received(), ['room', 'first'])
  t.same(one.node.refused, [])

  for (const value of [{ 'fastify-typed-ws': 2 }, { 'fastify-typed-ws': 1, kind: 'items', session: 5 }]) one.parent.receive(value)
  const sent = Number(Object.entries(one.child.sent.at(-1) ?? {}).find(([name]) => name === 'sent')?.[1])
  const channel = 'test:room'
  const envelope = { kind: 'text', node: 'x', seq: 1, payload: 'second', except: [] }
  const items = [5, [], ['event', channel, {}], ['envelope', 5, envelope], ['envelope', channel, { ...envelope, seq: 0 }], ['page', 1, { epoch: '' }], ['envelope', channel, envelope]]
  one.parent.receive({ 'fastify-typed-ws': 1, kind: 'items', session: sessionOf(one.parent), sent: sent + items.length, weight: 1, taken: 0, items })
  t.same(await one.node.received(), ['room', 'second'])
  t.equal(one.node.refused.length, 8)
  for (const error of one.node.refused) t.match(error, { code: 'FST_ERR_WS_ENVELOPE' })
})

t.test('what was published before it stops still gets there, and the primary forgets it', async t => {
  const primary = new Primary()
  const [one, two] = [await start(t, primary, 'one', { stopTimeout: sessionBounds.stopTimeout }), await start(t, primary, 'two')]
  await two.node.adapter.subscribe('room')
  const published = one.node.publish('room', 'last words')
  await one.node.adapter.stop()
  await published
  t.same(await two.node.received(), ['room', 'last words'])
  t.same(primary.carrier.nodes, ['two'])
  t.notOk(one.parent.isOpen)
  await t.rejects(one.node.publish('room', 'x'), unavailable)
})

t.test('stopping does not wait for a primary that is stopped', async t => {
  const primary = new Primary()
  const one = await start(t, primary, 'one')
  one.child.isFrozen = true
  const published = t.rejects(one.node.publish('room', 'x'), unavailable)
  await one.node.adapter.stop()
  await published
  t.same(one.node.states, [], 'nobody is told of what was wanted')
})
