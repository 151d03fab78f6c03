import t from 'tap'
import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import type { Adapter, CodecOption, Envelope } from '../../types/index.ts'
import { buildApp } from '../helpers/app.ts'
import { pairedRoute, received } from '../helpers/pairs.ts'
import type { Pair } from '../helpers/pairs.ts'

/** Makes a new adapter of one cluster. What it needs, such as a client of a broker, it ends with `t.after`. */
export type NewAdapter = () => Adapter | Promise<Adapter>

/** The envelopes that an adapter hands over, for one test to wait for. */
class Node {
  readonly name: string
  readonly adapter: Adapter
  readonly #received: Array<[room: string, envelope: Envelope]> = []
  #wake: () => void = () => {}

  constructor (name: string, adapter: Adapter) {
    this.name = name
    this.adapter = adapter
  }

  onEnvelope (room: string, envelope: Envelope): void {
    this.#received.push([room, envelope])
    this.#wake()
  }

  publish (room: string, payload: string | Buffer, kind: 'json' | 'text' | 'binary' = 'text', except: readonly string[] = []): Promise<void> {
    return this.adapter.publish(room, { kind, node: this.name, payload, except })
  }

  async next (): Promise<[room: string, envelope: Envelope]> {
    for (;;) {
      const first = this.#received.shift()
      if (first !== undefined) return first
      await new Promise<void>(resolve => { this.#wake = resolve })
    }
  }

  /** The room and the payload of the next message. */
  async message (): Promise<[room: string, payload: string]> {
    const [room, envelope] = await this.next()
    if (envelope.kind === 'close') throw new Error('expected a message, got a close')
    return [room, String(envelope.payload)]
  }
}

/**
 * What every adapter has to do, run against the one that `newCluster` makes. Delivery may take its time: that
 * something does not arrive is seen by what arrives after it in the same room.
 */
export function adapterContract (title: string, newCluster: (t: Test) => NewAdapter | Promise<NewAdapter>): void {
  t.test(`${title}: adapter`, async t => { carriesEnvelopes(t, newCluster) })
  t.test(`${title}: cluster`, async t => { joinsServers(t, newCluster) })
}

function carriesEnvelopes (t: Test, newCluster: (t: Test) => NewAdapter | Promise<NewAdapter>): void {
  async function nodes (t: Test, count: number): Promise<Node[]> {
    const [app, newAdapter] = [await buildApp(t), await newCluster(t)]
    const started: Node[] = []
    for (let index = 0; index < count; index++) {
      const node = new Node(`node-${index}`, await newAdapter())
      await node.adapter.start({ node: node.name, log: app.log, onEnvelope: (room, envelope) => node.onEnvelope(room, envelope) })
      t.after(() => node.adapter.stop())
      started.push(node)
    }
    return started
  }

  t.test('what one node publishes arrives at a node that has subscribed', async t => {
    const [a, b] = await nodes(t, 2)
    await b.adapter.subscribe('room')
    await a.publish('room', 'hello')
    t.same(await b.next(), ['room', { kind: 'text', node: 'node-0', payload: 'hello', except: [] }])
  })

  t.test('a message is carried unchanged, whatever its kind', async t => {
    const [a, b] = await nodes(t, 2)
    await b.adapter.subscribe('room')
    const messages = [
      ['json', '{"text":"grüße 🎉","nul":"\\u0000","__proto__":{"x":1}}'],
      ['json', 'null'],
      ['text', ''],
      ['text', 'grüße 🎉 \0 \r\n "quoted" \u2028'],
      ['binary', Buffer.alloc(0)],
      ['binary', Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))]
    ] as const
    for (const [kind, payload] of messages) {
      await a.publish('room', payload, kind, ['node-0-1', 'node-0-2'])
      t.same(await b.next(), ['room', { kind, node: 'node-0', payload, except: ['node-0-1', 'node-0-2'] }])
    }
  })

  t.test('the payload of a binary message arrives as a Buffer, those of others as strings', async t => {
    const [a, b] = await nodes(t, 2)
    await b.adapter.subscribe('room')
    for (const [kind, payload] of [['binary', Buffer.from('x')], ['text', 'x'], ['json', '"x"']] as const) {
      await a.publish('room', payload, kind)
      const [, envelope] = await b.next()
      t.equal(envelope.kind !== 'close' && Buffer.isBuffer(envelope.payload), kind === 'binary')
    }
  })

  t.test('a message of 256 KiB is carried whole', async t => {
    const [a, b] = await nodes(t, 2)
    await b.adapter.subscribe('room')
    const payload = Buffer.alloc(256 * 1024, 'abcdefghijklm')
    await a.publish('room', payload, 'binary')
    const [, envelope] = await b.next()
    t.ok(envelope.kind === 'binary' && payload.equals(envelope.payload as Buffer))
  })

  t.test('a close is carried with its code and reason', async t => {
    const [a, b] = await nodes(t, 2)
    await b.adapter.subscribe('room')
    const close = { kind: 'close', node: 'node-0', code: 4001, reason: 'tschüß' } as const
    await a.adapter.publish('room', close)
    t.same(await b.next(), ['room', close])
  })

  t.test('every node that has subscribed receives it, the others do not', async t => {
    const [a, b, c, d] = await nodes(t, 4)
    await Promise.all([b.adapter.subscribe('room'), c.adapter.subscribe('room')])
    await a.publish('room', 'first')
    await d.adapter.subscribe('room')
    await a.publish('room', 'second')
    t.same([await b.message(), await c.message()], [['room', 'first'], ['room', 'first']])
    t.same(await d.message(), ['room', 'second'])
  })

  t.test('a node does not receive what it has published itself', async t => {
    const [a, b] = await nodes(t, 2)
    await Promise.all([a.adapter.subscribe('room'), b.adapter.subscribe('room')])
    await a.publish('room', 'from a')
    t.same(await b.message(), ['room', 'from a'])
    await b.publish('room', 'from b')
    t.same(await a.message(), ['room', 'from b'])
  })

  t.test('a node receives nothing of other rooms', async t => {
    const [a, b] = await nodes(t, 2)
    await b.adapter.subscribe('room')
    await a.publish('other', 'unheard')
    await b.adapter.subscribe('other')
    await a.publish('other', 'heard')
    t.same(await b.message(), ['other', 'heard'])
  })

  t.test('a node that has unsubscribed receives nothing until it subscribes again', async t => {
    const [a, b] = await nodes(t, 2)
    await b.adapter.subscribe('room')
    await b.adapter.unsubscribe('room')
    await a.publish('room', 'unheard')
    await b.adapter.subscribe('room')
    await a.publish('room', 'heard')
    t.same(await b.message(), ['room', 'heard'])
  })

  t.test('unsubscribing from one room leaves the others subscribed', async t => {
    const [a, b] = await nodes(t, 2)
    await Promise.all([b.adapter.subscribe('one'), b.adapter.subscribe('two')])
    await b.adapter.unsubscribe('one')
    await a.publish('two', 'hello')
    t.same(await b.message(), ['two', 'hello'])
  })

  t.test('what one node publishes to a room arrives in order, awaited or not', async t => {
    const [a, b] = await nodes(t, 2)
    await b.adapter.subscribe('room')
    const published = Array.from({ length: 300 }, (_, number) => a.publish('room', String(number)))
    const received = []
    while (received.length < 300) received.push((await b.message())[1])
    t.same(received, Array.from({ length: 300 }, (_, number) => String(number)))
    await Promise.all(published)
  })

  t.test('publishing settles when nobody has subscribed', async t => {
    const [a] = await nodes(t, 1)
    t.equal(await a.publish('room', 'hello'), undefined)
  })

  t.test('any name of a room is that room only, patterns and separators of brokers included', async t => {
    const [a, b] = await nodes(t, 2)
    const names = [
      'chat', 'chat:*', 'chat:?', 'chat:[a-z]', 'chat:a', 'chat.*', 'chat.>', '>', '*', 'chat.a', 'chat..a', '.', 'Chat',
      '__proto__', 'constructor', ' ', 'a b', 'a\r\nb', '\0', '$SYS', '{tag}', 'größe 🎉', 'x'.repeat(256)
    ]
    for (const name of names) {
      await b.adapter.subscribe(name)
      for (const other of names) if (other !== name) await a.publish(other, 'unheard')
      await a.publish(name, 'heard')
      t.same(await b.message(), [name, 'heard'])
      await b.adapter.unsubscribe(name)
    }
  })

  t.test('a node that has stopped receives nothing more, and the others go on', async t => {
    const [app, newAdapter] = [await buildApp(t), await newCluster(t)]
    const [a, b, c] = [new Node('a', await newAdapter()), new Node('b', await newAdapter()), new Node('c', await newAdapter())]
    for (const node of [a, b, c]) {
      await node.adapter.start({ node: node.name, log: app.log, onEnvelope: (room, envelope) => node.onEnvelope(room, envelope) })
    }
    await Promise.all([b.adapter.subscribe('room'), c.adapter.subscribe('room')])
    let isStopped = false
    b.onEnvelope = () => { if (isStopped) t.fail('delivered after stop') }
    await b.adapter.stop()
    isStopped = true
    await a.publish('room', 'hello')
    t.same(await c.message(), ['room', 'hello'])
    await Promise.all([a.adapter.stop(), c.adapter.stop()])
  })
}

function joinsServers (t: Test, newCluster: (t: Test) => NewAdapter | Promise<NewAdapter>): void {
  async function servers (t: Test, codec: CodecOption = 'json'): Promise<Array<{ app: FastifyInstance, open: () => Promise<Pair> }>> {
    const newAdapter = await newCluster(t)
    const apps = [await buildApp(t, { adapter: await newAdapter() }), await buildApp(t, { adapter: await newAdapter() })]
    return apps.map(app => ({ app, open: pairedRoute(app, '/', { codec }) }))
  }

  /** A member on each server. */
  async function members (t: Test, codec: CodecOption = 'json'): Promise<{ apps: FastifyInstance[], here: Pair, there: Pair }> {
    const [one, two] = await servers(t, codec)
    const [here, there] = [await one.open(), await two.open()]
    await Promise.all([here.connection.join('room'), there.connection.join('room')])
    return { apps: [one.app, two.app], here, there }
  }

  t.test('a message to a room reaches its members on every server, once each', async t => {
    const { apps: [app], here, there } = await members(t)
    await app.room('room').send({ text: 'first' })
    await app.room('room').send({ text: 'last' })
    for (const { client } of [here, there]) t.same([await client.receive(), await client.receive()], [{ text: 'first' }, { text: 'last' }])
    t.same(await received(here), [])
  })

  t.test('a text and bytes reach raw members on the other server as what they are', async t => {
    const { apps: [app], there } = await members(t, 'raw')
    await app.room('room').send('grüße 🎉')
    await app.room('room').send(Buffer.from([0, 1, 255]))
    await app.room('room').send(new Uint8Array([2, 3]))
    t.equal(await there.client.receive(), 'grüße 🎉')
    t.same(await there.client.receive(), Buffer.from([0, 1, 255]))
    t.same(await there.client.receive(), Buffer.from([2, 3]))
  })

  t.test('a text reaches a JSON member on the other server as JSON', async t => {
    const { apps: [app], there } = await members(t)
    await app.room('room').send('grüße')
    t.equal(await there.client.receive(), 'grüße')
  })

  t.test('the sender is left out, and the members of both servers receive it', async t => {
    const [one, two] = await servers(t)
    const [sender, neighbour, there] = [await one.open(), await one.open(), await two.open()]
    for (const { connection } of [sender, neighbour, there]) await connection.join('room')
    await sender.connection.to('room').send('hello')
    t.equal(await neighbour.client.receive(), 'hello')
    t.equal(await there.client.receive(), 'hello')
    await there.connection.to('room').send('answer')
    t.equal(await sender.client.receive(), 'answer')
    t.same(await received(there), [])
  })

  t.test('a connection that is left out is left out on its own server too', async t => {
    const { apps: [app], there } = await members(t)
    await app.room('room').send('unheard', { except: there.connection })
    await app.room('room').send('heard')
    t.equal(await there.client.receive(), 'heard')
  })

  t.test('undeclared fields are stripped before a message leaves its server', async t => {
    const newAdapter = await newCluster(t)
    const one = await buildApp(t, { adapter: await newAdapter() })
    const two = await buildApp(t, { adapter: await newAdapter() })
    one.rooms.declare('room', { send: { type: 'object', properties: { text: { type: 'string' } } } })
    const there = await pairedRoute(two)()
    await Promise.all([one.ready(), there.connection.join('room')])
    await one.room('room').send({ text: 'hello', password: 'secret' })
    t.same(await there.client.receive(), { text: 'hello' })
  })

  t.test('what one server sends to a room arrives in order on the other', async t => {
    const { apps: [app], here, there } = await members(t)
    for (let number = 0; number < 200; number++) {
      void (number % 2 === 0 ? app.room('room') : here.connection.to('room')).send(number)
    }
    const numbers = []
    while (numbers.length < 200) numbers.push(await there.client.receive())
    t.same(numbers, Array.from({ length: 200 }, (_, number) => number))
  })

  t.test('a server whose last member has left receives nothing until somebody joins again', async t => {
    const { apps: [app], there } = await members(t)
    await there.connection.leave('room')
    await app.room('room').send('unheard')
    await there.connection.join('room')
    await app.room('room').send('heard')
    t.equal(await there.client.receive(), 'heard')
  })

  t.test('size is that of this server, whoever is elsewhere', async t => {
    const { apps: [app], here } = await members(t)
    t.equal(app.room('room').size, 1)
    t.same([...app.room('room')], [here.connection])
  })

  t.test('room.close closes the members on every server', async t => {
    const { apps, here, there } = await members(t)
    await apps[0].room('room').close(4001, 'the room is closed')
    for (const { client, closed } of [here, there]) {
      t.same(await client.expectClose(4001), { code: 4001, reason: 'the room is closed' })
      await closed
    }
    for (const app of apps) t.equal(app.rooms.size, 0)
  })

  t.test('a server that closes leaves the other as it was', async t => {
    const { apps: [one, two], there } = await members(t)
    await one.close()
    await two.room('room').send('still here')
    t.equal(await there.client.receive(), 'still here')
  })
}
