import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import type { CodecOption, HistoryPage, HistorySettings } from '../../types/index.ts'
import { buildApp } from '../helpers/app.ts'
import { nodes } from '../helpers/nodes.ts'
import type { NewCluster, Node } from '../helpers/nodes.ts'
import { pairedRoute, received } from '../helpers/pairs.ts'
import type { Pair } from '../helpers/pairs.ts'

/**
 * What every adapter has to do, run against the one that `newCluster` makes. Delivery may take its time: that
 * something does not arrive is seen by what arrives after it in the same room.
 */
export function adapterContract (title: string, newCluster: NewCluster, { hasHistory = true } = {}): void {
  t.test(`${title}: adapter`, async t => { carriesEnvelopes(t, newCluster) })
  if (hasHistory) t.test(`${title}: history`, async t => { keepsHistory(t, newCluster) })
  t.test(`${title}: cluster`, async t => { joinsServers(t, newCluster) })
}

function carriesEnvelopes (t: Test, newCluster: NewCluster): void {
  t.test('what one node publishes arrives at a node that has subscribed', async t => {
    const [a, b] = await nodes(t, newCluster, 2)
    await b.adapter.subscribe('room')
    await a.publish('room', 'hello')
    t.same(await b.next(), ['room', { kind: 'text', node: 'node-0', seq: 1, payload: 'hello', except: [] }])
  })

  t.test('a message is carried unchanged, whatever its kind', async t => {
    const [a, b] = await nodes(t, newCluster, 2)
    await b.adapter.subscribe('room')
    const messages = [
      ['json', '{"text":"grüße 🎉","nul":"\\u0000","__proto__":{"x":1}}'],
      ['json', 'null'],
      ['text', ''],
      ['text', 'grüße 🎉 \0 \r\n "quoted" \u2028'],
      ['binary', Buffer.alloc(0)],
      ['binary', Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))]
    ] as const
    for (const [index, [kind, payload]] of messages.entries()) {
      await a.publish('room', payload, kind, ['node-0-1', 'node-0-2'])
      t.same(await b.next(), ['room', { kind, node: 'node-0', seq: index + 1, payload, except: ['node-0-1', 'node-0-2'] }])
    }
  })

  t.test('the payload of a binary message arrives as a Buffer, those of others as strings', async t => {
    const [a, b] = await nodes(t, newCluster, 2)
    await b.adapter.subscribe('room')
    for (const [kind, payload] of [['binary', Buffer.from('x')], ['text', 'x'], ['json', '"x"']] as const) {
      await a.publish('room', payload, kind)
      const [, envelope] = await b.next()
      t.equal(envelope.kind !== 'close' && Buffer.isBuffer(envelope.payload), kind === 'binary')
    }
  })

  t.test('a message of 256 KiB is carried whole', async t => {
    const [a, b] = await nodes(t, newCluster, 2)
    await b.adapter.subscribe('room')
    const payload = Buffer.alloc(256 * 1024, 'abcdefghijklm')
    await a.publish('room', payload, 'binary')
    const [, envelope] = await b.next()
    t.ok(envelope.kind === 'binary' && payload.equals(envelope.payload as Buffer))
  })

  t.test('a close is carried with its code and reason', async t => {
    const [a, b] = await nodes(t, newCluster, 2)
    await b.adapter.subscribe('room')
    const close = { kind: 'close', node: 'node-0', seq: 1, code: 4001, reason: 'tschüß' } as const
    await a.adapter.publish('room', close)
    t.same(await b.next(), ['room', close])
  })

  t.test('what registries say to each other is carried unchanged', async t => {
    const [a, b] = await nodes(t, newCluster, 2)
    await b.adapter.subscribe('@')
    const control = { kind: 'control', node: 'node-0', seq: 1, payload: '{"text":"grüße 🎉"}' } as const
    await a.adapter.publish('@', control)
    t.same(await b.next(), ['@', control])
  })

  t.test('every node that has subscribed receives it, the others do not', async t => {
    const [a, b, c, d] = await nodes(t, newCluster, 4)
    await Promise.all([b.adapter.subscribe('room'), c.adapter.subscribe('room')])
    await a.publish('room', 'first')
    await d.adapter.subscribe('room')
    await a.publish('room', 'second')
    t.same([await b.received(), await c.received()], [['room', 'first'], ['room', 'first']])
    t.same(await d.received(), ['room', 'second'])
  })

  t.test('a node does not receive what it has published itself', async t => {
    const [a, b] = await nodes(t, newCluster, 2)
    await Promise.all([a.adapter.subscribe('room'), b.adapter.subscribe('room')])
    await a.publish('room', 'from a')
    t.same(await b.received(), ['room', 'from a'])
    await b.publish('room', 'from b')
    t.same(await a.received(), ['room', 'from b'])
  })

  t.test('a node receives nothing of other rooms', async t => {
    const [a, b] = await nodes(t, newCluster, 2)
    await b.adapter.subscribe('room')
    await a.publish('other', 'unheard')
    await b.adapter.subscribe('other')
    await a.publish('other', 'heard')
    t.same(await b.received(), ['other', 'heard'])
  })

  t.test('a node that has unsubscribed receives nothing until it subscribes again', async t => {
    const [a, b] = await nodes(t, newCluster, 2)
    await b.adapter.subscribe('room')
    await b.adapter.unsubscribe('room')
    await a.publish('room', 'unheard')
    await b.adapter.subscribe('room')
    await a.publish('room', 'heard')
    t.same(await b.received(), ['room', 'heard'])
  })

  t.test('unsubscribing from one room leaves the others subscribed', async t => {
    const [a, b] = await nodes(t, newCluster, 2)
    await Promise.all([b.adapter.subscribe('one'), b.adapter.subscribe('two')])
    await b.adapter.unsubscribe('one')
    await a.publish('two', 'hello')
    t.same(await b.received(), ['two', 'hello'])
  })

  t.test('what one node publishes to a room arrives in order, awaited or not', async t => {
    const [a, b] = await nodes(t, newCluster, 2)
    await b.adapter.subscribe('room')
    const published = Array.from({ length: 300 }, (_, number) => a.publish('room', String(number)))
    const received = []
    while (received.length < 300) received.push((await b.received())[1])
    t.same(received, Array.from({ length: 300 }, (_, number) => String(number)))
    await Promise.all(published)
  })

  t.test('publishing settles when nobody has subscribed', async t => {
    const [a] = await nodes(t, newCluster, 1)
    t.equal(await a.publish('room', 'hello'), undefined)
  })

  t.test('any name of a room is that room only, patterns and separators of brokers included', async t => {
    const [a, b] = await nodes(t, newCluster, 2)
    const names = [
      'chat', 'chat:*', 'chat:?', 'chat:[a-z]', 'chat:a', 'chat.*', 'chat.>', '>', '*', 'chat.a', 'chat..a', '.', 'Chat',
      '__proto__', 'constructor', ' ', 'a b', 'a\r\nb', '\0', '$SYS', '{tag}', 'größe 🎉', 'x'.repeat(256)
    ]
    for (const name of names) {
      await b.adapter.subscribe(name)
      for (const other of names) if (other !== name) await a.publish(other, 'unheard')
      await a.publish(name, 'heard')
      t.same(await b.received(), [name, 'heard'])
      await b.adapter.unsubscribe(name)
    }
  })

  t.test('a node that has stopped receives nothing more, and the others go on', async t => {
    const [a, b, c] = await nodes(t, newCluster, 3)
    await Promise.all([b.adapter.subscribe('room'), c.adapter.subscribe('room')])
    await b.adapter.stop()
    await a.publish('room', 'hello')
    t.same(await c.received(), ['room', 'hello'])
    t.same(b.waiting, [])
  })
}

function keepsHistory (t: Test, newCluster: NewCluster): void {
  const settings = { size: 10, ttl: 60_000 }
  const start: HistorySettings = { size: 1_000, ttl: 60_000 }

  function numbersOf (page: HistoryPage): number[] {
    return page.events.map(({ envelope }) => JSON.parse(String(envelope.payload)).n)
  }

  async function eventNumbers (node: Node, count: number): Promise<number[]> {
    const numbers = []
    while (numbers.length < count) numbers.push(JSON.parse(String((await node.event())[1].envelope.payload)).n)
    return numbers
  }

  t.test('what is appended arrives at every node that has subscribed, its own included, with its place', async t => {
    const [a, b] = await nodes(t, newCluster, 2)
    await Promise.all([a.adapter.subscribe('room'), b.adapter.subscribe('room')])
    const { epoch, head } = await b.history.read('room', null, settings)
    await a.append('room', [1, 2], settings)
    for (const node of [a, b]) {
      const [[channel, first], [, second]] = [await node.event(), await node.event()]
      t.equal(channel, 'room')
      t.match(first, { epoch, previous: head, envelope: { kind: 'json', node: 'node-0', seq: 1, payload: '{"n":1}', except: [] } })
      t.match(second, { epoch, previous: first.offset, envelope: { seq: 2, payload: '{"n":2}' } })
      t.ok(first.offset > head && second.offset > first.offset)
    }
  })

  t.test('a page has what came after a position, in order, up to its head', async t => {
    const [a, b] = await nodes(t, newCluster, 2)
    const begin = await b.history.read('room', null, settings)
    t.same(begin.events, [])
    t.match(begin.epoch, /^[A-Za-z0-9]{1,64}$/)
    await a.append('room', [1, 2, 3], settings)
    await b.append('room', [4], settings)
    const page = await b.history.read('room', { epoch: begin.epoch, offset: begin.head }, settings)
    t.same(numbersOf(page), [1, 2, 3, 4])
    t.equal(page.epoch, begin.epoch)
    t.ok(page.floor <= begin.head)
    t.equal(page.events[0].previous, begin.head)
    t.equal(page.head, page.events[3].offset)
    for (let index = 1; index < 4; index++) t.equal(page.events[index].previous, page.events[index - 1].offset)
    t.same(numbersOf(await a.history.read('room', page.events[1], settings)), [3, 4])
    const end = await a.history.read('room', page.events[3], settings)
    t.match(end, { head: page.head, epoch: page.epoch })
    t.same(end.events, [])
  })

  t.test('an empty room has an epoch of its own, which stays', async t => {
    const [a, b] = await nodes(t, newCluster, 2)
    const [one, two] = await Promise.all([a.history.read('room', null, settings), b.history.read('room', null, settings)])
    t.same(one, two)
    await a.append('room', [1], settings)
    const page = await b.history.read('room', { epoch: one.epoch, offset: one.head }, settings)
    t.equal(page.epoch, one.epoch)
    t.same(numbersOf(page), [1])
    t.ok(page.floor <= one.head)
  })

  t.test('as many messages are kept as were asked for, and the page says from where on', async t => {
    const [a] = await nodes(t, newCluster, 1)
    const begin = await a.history.read('room', null, settings)
    for (let number = 1; number <= 15; number++) await a.append('room', [number], settings)
    const page = await a.history.read('room', { epoch: begin.epoch, offset: begin.head }, settings)
    t.ok(page.floor > begin.head)
    const kept = numbersOf(page)
    t.equal(kept.at(-1), 15)
    t.ok(kept.length >= settings.size)
    t.same(kept, Array.from({ length: kept.length }, (_, index) => 16 - kept.length + index))
    // Who has the one before the last ten has missed none of them.
    const all = await a.history.read('room', { epoch: page.epoch, offset: page.events[kept.length - settings.size].previous }, settings)
    t.ok(all.floor <= page.events[kept.length - settings.size].previous)
  })

  t.test('a position of another epoch, and one that was never reached, has no events', async t => {
    const [a] = await nodes(t, newCluster, 1)
    await a.append('room', [1, 2], settings)
    const { epoch, head } = await a.history.read('room', null, settings)
    const other = await a.history.read('room', { epoch: 'other', offset: 0 }, settings)
    t.match(other, { epoch, head })
    t.same(other.events, [])
    const beyond = await a.history.read('room', { epoch, offset: head + 1_000 }, settings)
    t.match(beyond, { epoch, head })
    t.same(beyond.events, [])
  })

  t.test('messages expire', async t => {
    const brief = { size: 10, ttl: 1_000 }
    const [a] = await nodes(t, newCluster, 1)
    const begin = await a.history.read('room', null, brief)
    await a.append('room', [1], brief)
    for (;;) {
      const page = await a.history.read('room', { epoch: begin.epoch, offset: begin.head }, brief)
      if (page.epoch !== begin.epoch || page.floor > begin.head) {
        t.same(page.events, [])
        return
      }
      await setTimeout(50)
    }
  })

  t.test('an append that is repeated appends nothing twice', async t => {
    const [a, b] = await nodes(t, newCluster, 2)
    await b.adapter.subscribe('room')
    const begin = await a.history.read('room', null, start)
    const messages = [1, 2, 3].map(number => a.message(`{"n":${number}}`, 'json'))
    await a.history.append('room', messages.slice(0, 2), start)
    await a.history.append('room', messages, start)
    await a.history.append('room', messages, start)
    await a.append('room', [4], start)
    t.same(numbersOf(await b.history.read('room', { epoch: begin.epoch, offset: begin.head }, start)), [1, 2, 3, 4])
    t.same(await eventNumbers(b, 4), [1, 2, 3, 4])
  })

  t.test('all nodes see one order, which is that of each publisher too', async t => {
    const [a, b, c] = await nodes(t, newCluster, 3)
    await Promise.all([a, b, c].map(node => node.adapter.subscribe('room')))
    const begin = await c.history.read('room', null, start)
    await Promise.all([a, b].map(async (node, index) => {
      for (let number = 0; number < 20; number++) await node.append('room', [index * 1_000 + number * 2, index * 1_000 + number * 2 + 1], start)
    }))
    const [one, two, three] = [await eventNumbers(a, 80), await eventNumbers(b, 80), await eventNumbers(c, 80)]
    t.same(two, one)
    t.same(three, one)
    t.same(numbersOf(await c.history.read('room', { epoch: begin.epoch, offset: begin.head }, start)), one)
    for (const first of [0, 1_000]) {
      const own = one.filter(number => number >= first && number < first + 1_000)
      t.same(own, Array.from({ length: 40 }, (_, index) => first + index))
    }
  })

  t.test('rooms have histories of their own', async t => {
    const [a, b] = await nodes(t, newCluster, 2)
    await b.adapter.subscribe('one')
    const begin = await a.history.read('one', null, settings)
    const other = await a.history.read('two', null, settings)
    await a.append('two', [1], settings)
    await a.append('one', [2], settings)
    t.same(await eventNumbers(b, 1), [2])
    t.same(numbersOf(await a.history.read('one', { epoch: begin.epoch, offset: begin.head }, settings)), [2])
    t.same(numbersOf(await a.history.read('two', { epoch: other.epoch, offset: other.head }, settings)), [1])
  })

  t.test('ids that must not receive it, and any text, are kept', async t => {
    const [a] = await nodes(t, newCluster, 1)
    const begin = await a.history.read('room', null, settings)
    const message = a.message('{"text":"grüße 🎉 \\u0000 \\n"}', 'json', ['node-0-1'])
    await a.history.append('room', [message], settings)
    const page = await a.history.read('room', { epoch: begin.epoch, offset: begin.head }, settings)
    t.same(page.events[0].envelope, message)
  })

  t.test('a node that has unsubscribed is brought no events', async t => {
    const [a, b] = await nodes(t, newCluster, 2)
    await b.adapter.subscribe('room')
    await b.adapter.unsubscribe('room')
    await a.append('room', [1], settings)
    await b.adapter.subscribe('room')
    await a.append('room', [2], settings)
    t.same(await eventNumbers(b, 1), [2])
  })
}
function joinsServers (t: Test, newCluster: NewCluster): void {
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
