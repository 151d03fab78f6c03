import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import type { Test } from 'tap'
import { carryRooms, clusterAdapter } from '../../../lib/rooms/node-cluster/index.ts'
import type { IpcProcess } from '../../../types/cluster.ts'
import { holds } from '../../helpers/property.ts'
import { End, Primary } from './ports.ts'

const session = 'session-1'

/** A worker that says what it likes. */
class Stranger {
  readonly primary = new Primary()
  readonly #child: End
  readonly #parent: End
  readonly #heard: object[] = []
  #sent = 0

  constructor (primary = new Primary()) {
    this.primary = primary;
    [this.#child, this.#parent] = End.pair()
    this.#parent.open(message => this.#heard.push(message as object), () => {})
    this.primary.carrier.addPort({ send: () => false, on: () => {}, off: () => {} }, this.#child)
  }

  say (value: unknown): void {
    this.#child.receive(value)
  }

  hello (node: string, of = session): void {
    this.say({ 'fastify-typed-ws': 1, kind: 'hello', session: of, node })
  }

  items (...items: unknown[]): void {
    this.#sent += items.length
    this.say({ 'fastify-typed-ws': 1, kind: 'items', session, sent: this.#sent, weight: items.length, taken: 0, items })
  }

  disconnect (): void {
    this.#child.disconnect()
  }

  /** What the primary has said until all was read that was said to it. */
  async heard (): Promise<Array<Record<string, unknown>>> {
    for (let turn = 0; turn < 5; turn++) await new Promise(resolve => setImmediate(resolve))
    return this.#heard.splice(0).map(message => ({ ...message }))
  }

  async itemsHeard (): Promise<unknown[]> {
    return (await this.heard()).flatMap(({ items }) => Array.isArray(items) ? items : [])
  }
}

async function member (_t: Test, primary?: Primary, node = 'one'): Promise<Stranger> {
  const stranger = new Stranger(primary)
  stranger.hello(node)
  await stranger.heard()
  return stranger
}

const envelope = { kind: 'text', node: 'one', seq: 1, payload: 'x', except: [] }

t.test('what is none of ours is left alone', async t => {
  const stranger = await member(t)
  for (const value of [null, undefined, 1, 'fastify-typed-ws', [], ['fastify-typed-ws'], {}, { kind: 'hello' }, Object.create({ 'fastify-typed-ws': 1 })]) stranger.say(value)
  t.same(await stranger.heard(), [])
  t.equal(stranger.primary.carrier.refused, 0)
})

t.test('what is ours and malformed is counted, and nothing else', async t => {
  const stranger = await member(t)
  const ours = { 'fastify-typed-ws': 1 }
  const malformed = [
    { 'fastify-typed-ws': 2, kind: 'hello', session, node: 'two' },
    ours,
    { ...ours, kind: 'hello', session: '', node: 'two' },
    { ...ours, kind: 'hello', session: 'a b', node: 'two' },
    { ...ours, kind: 'hello', session: 'x'.repeat(65), node: 'two' },
    { ...ours, kind: 'hello', session, node: 5 },
    { ...ours, kind: 'welcome', session },
    { ...ours, kind: 'lost', session, reason: 'x' },
    { ...ours, kind: '__proto__', session },
    { ...ours, kind: 'items', session, sent: -1, weight: 0, taken: 0, items: [] },
    { ...ours, kind: 'items', session, sent: 0, weight: NaN, taken: 0, items: [] },
    { ...ours, kind: 'items', session, sent: 0, weight: 0, taken: 0.5, items: [] },
    { ...ours, kind: 'items', session, sent: 0, weight: 0, taken: 0, items: 'none' }
  ]
  for (const value of malformed) stranger.say(value)
  t.same(await stranger.heard(), [])
  t.equal(stranger.primary.carrier.refused, malformed.length)
  t.same(stranger.primary.carrier.nodes, ['one'])
})

t.test('an item that is malformed is refused with its number, those around it are done', async t => {
  const stranger = await member(t)
  const listener = await member(t, stranger.primary, 'two')
  listener.items(['subscribe', 'room'])
  const settings = { size: 1, ttl: 1 }
  const bad = [
    null, 'ping', [], ['pong'], ['subscribe'], ['subscribe', 5], ['subscribe', 'x'.repeat(401)], ['publish', 'room'], ['publish', 'room', 'x'],
    ['publish', 'room', { ...envelope, kind: 'event' }], ['publish', 'room', { ...envelope, seq: 0 }], ['publish', 'room', { ...envelope, payload: 5 }],
    ['publish', 'room', { ...envelope, except: 'all' }], ['publish', 'room', { ...envelope, kind: 'close', code: 1006, reason: '' }],
    ['publish', 'room', { ...envelope, node: 'two' }], ['append', 'room', [{ ...envelope, node: 'two' }], settings],
    ['append', 'room', envelope, settings], ['append', 'room', [{ ...envelope, kind: 'control' }], settings], ['append', 'room', [envelope]],
    ['append', 'room', [envelope], { size: 0, ttl: 1 }], ['append', 'room', [envelope], { size: 1, ttl: Infinity }],
    ['read', 'room', { epoch: '-', offset: 0 }, settings], ['read', 'room', { epoch: 'a', offset: -1 }, settings], ['read', 'room', undefined, settings], ['read', 'room', null, null]
  ]
  stranger.items(...bad, ['publish', 'room', envelope])
  const answers = await stranger.itemsHeard() as Array<[kind: string, id: number, reason: string]>
  t.same(answers.map(([kind, id]) => [kind, id]), bad.map((_, index) => ['refused', index + 1]))
  t.same(await listener.itemsHeard(), [['envelope', 'room', envelope]])
  t.equal(stranger.primary.carrier.refused, bad.length)
})

t.test('nothing that a process says breaks the primary', async t => {
  const stranger = await member(t)
  const tagged = fc.record({
    'fastify-typed-ws': fc.constantFrom(1, 1, 1, 2),
    kind: fc.constantFrom('hello', 'items', 'items', 'lost', 'x'),
    session: fc.constantFrom(session, 'another'),
    node: fc.constantFrom('one', 'two', ''),
    sent: fc.nat(5),
    weight: fc.nat(5),
    taken: fc.nat(5),
    items: fc.array(fc.oneof(fc.anything(), fc.tuple(fc.constantFrom('ping', 'bye', 'subscribe', 'publish', 'append', 'read'), fc.anything(), fc.anything(), fc.anything())), { maxLength: 4 })
  }, { requiredKeys: ['fastify-typed-ws'] })
  const [child] = End.pair()
  let told: (message: unknown) => void = () => {}
  child.open = onMessage => { told = onMessage }
  stranger.primary.carrier.addPort({ send: () => false, on: () => {}, off: () => {} }, child)
  holds(t, fc.property(fc.oneof(fc.anything(), tagged), value => { assert.doesNotThrow(() => told(value)) }), { numRuns: 1_000 })
})

t.test('items of a session that is not known are answered: it has to begin anew', async t => {
  const stranger = new Stranger()
  stranger.items(['ping'])
  t.match(await stranger.heard(), [{ kind: 'lost', session }])
})

t.test('a node that begins anew replaces what it was, with all that it had subscribed to', async t => {
  const stranger = await member(t)
  const other = await member(t, stranger.primary, 'two')
  stranger.items(['subscribe', 'room'])
  stranger.hello('one', 'session-2')
  await stranger.heard()
  other.items(['publish', 'room', { ...envelope, node: 'two' }])
  t.same(await stranger.itemsHeard(), [])
  t.same(stranger.primary.carrier.nodes, ['one', 'two'])
})

t.test('a process that has gone is forgotten, with its subscriptions', async t => {
  const stranger = await member(t)
  const other = await member(t, stranger.primary, 'two')
  stranger.items(['subscribe', 'room'])
  await stranger.heard()
  t.equal(stranger.primary.carrier.channels, 1)
  stranger.disconnect()
  t.same(stranger.primary.carrier.nodes, ['two'])
  t.equal(stranger.primary.carrier.channels, 0)
  other.items(['publish', 'room', { ...envelope, node: 'two' }])
  await other.heard()
  t.same(await stranger.heard(), [])
  const again = await member(t, stranger.primary)
  t.same(again.primary.carrier.nodes, ['two', 'one'], 'its id is free')
})

t.test('a node that has said goodbye is asked nothing more', async t => {
  const stranger = await member(t)
  stranger.items(['subscribe', 'room'], ['bye'], ['subscribe', 'room'])
  t.match(await stranger.heard(), [{ kind: 'items', taken: 3, items: [] }])
  t.same(stranger.primary.carrier.nodes, [])
  t.equal(stranger.primary.carrier.channels, 0)
})

t.test('a process has a bounded number of nodes', async t => {
  const stranger = new Stranger()
  for (let index = 0; index <= 256; index++) stranger.hello(`node-${index}`, `session-${index}`)
  t.match((await stranger.heard()).at(-1), { kind: 'lost', session: 'session-256' })
  t.equal(stranger.primary.carrier.nodes.length, 256)
})

t.test('when it stops, all are told, and nothing is heard any more', async t => {
  const stranger = await member(t)
  stranger.primary.carrier.stop()
  t.match(await stranger.heard(), [{ kind: 'lost', session }])
  stranger.hello('one')
  t.same(await stranger.heard(), [])
})

t.test('a child is listened to once, and not when it has gone', async t => {
  const listeners = new Map<string, Set<(message: unknown) => void>>()
  const of = (event: string): Set<(message: unknown) => void> => {
    const known = listeners.get(event) ?? new Set()
    listeners.set(event, known)
    return known
  }
  const child: IpcProcess = {
    send: () => true,
    on: (event, listener) => of(event).add(listener),
    off: (event, listener) => of(event).delete(listener)
  }
  const rooms = carryRooms()
  rooms.add(child)
  rooms.add(child)
  t.same([...listeners].map(([event, { size }]) => [event, size]), [['message', 1], ['disconnect', 1], ['exit', 1]])
  for (const listener of [...of('exit')]) listener(0)
  t.same([...listeners].map(([, { size }]) => size), [0, 0, 0])
  rooms.stop()
})

t.test('rooms are carried once at a time', async t => {
  const rooms = carryRooms()
  t.throws(() => carryRooms(), { code: 'FST_ERR_WS_ADAPTER' })
  rooms.stop()
  rooms.stop()
  carryRooms().stop()
})

t.test('options of the adapter are checked', async t => {
  t.throws(() => clusterAdapter({ namespace: 'a b' }), { code: 'FST_ERR_WS_OPTION' })
  t.throws(() => clusterAdapter({ name: 'a' } as object), { code: 'FST_ERR_WS_OPTION' })
  t.doesNotThrow(() => clusterAdapter({ namespace: 'a' }))
})
