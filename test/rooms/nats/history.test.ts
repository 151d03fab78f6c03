import { setTimeout } from 'node:timers/promises'
import type { Test } from 'tap'
import { jetstream } from '@nats-io/jetstream'
import { headers } from '@nats-io/transport-node'
import { EnvelopeCodec } from '../../../lib/rooms/envelope.ts'
import { eventSubject, historySubject, tokenOf } from '../../../lib/rooms/nats/subjects.ts'
import type { HistorySettings } from '../../../types/index.ts'
import { natsNode, numbersOf } from '../../helpers/nats-nodes.ts'
import type { NatsNode, NatsNodeOptions } from '../../helpers/nats-nodes.ts'
import { NatsServer } from '../../helpers/nats-server.ts'
import { suiteNeeding } from '../../helpers/requirements.ts'

const settings: HistorySettings = { size: 100, ttl: 60_000 }

async function nodes (t: Test, count: number, options: NatsNodeOptions = {}): Promise<NatsNode[]> {
  const server = await NatsServer.start(t, { jetstream: true })
  return await Promise.all(Array.from({ length: count }, (_, index) => natsNode(t, server, `node-${index}`, { hasHistory: true, ...options })))
}

async function streamsOf (node: NatsNode): Promise<string[]> {
  const manager = await jetstream(node.connection).jetstreamManager()
  const names = []
  for await (const { config } of manager.streams.list()) names.push(config.name)
  return names.sort()
}

suiteNeeding(['nats-server'], 'a history of many bytes', async t => {
  t.test('is read without the server cutting us off, as far as one read may bring it', async t => {
    const [a] = await nodes(t, 1, { storage: 'memory' })
    const large = { size: 1_000, ttl: 60_000 }
    const { epoch, head: start } = await a.history.read('room', null, large)
    const payload = `{"text":"${'x'.repeat(1_000_000)}"}`
    for (let number = 0; number < 90; number++) await a.history.append('room', [a.message(payload, 'json')], large)
    const { floor, head, events } = await a.history.read('room', { epoch, offset: start }, large)
    t.equal(events.length, Math.floor(64 * 1024 * 1024 / payload.length))
    t.ok(floor > start && events[0].previous === floor && events.at(-1)?.offset === head)
    t.same(a.states, [])
  })

  t.test('is read whole where it is no more than that, however large its messages are', async t => {
    const [a, b] = await nodes(t, 2, { storage: 'memory' })
    const { epoch, head: start } = await a.history.read('room', null, settings)
    const most = (a.connection.info?.max_payload ?? 0) - 2_000
    const sizes = [most, 1, most - 1, 300_000, 300_000, 300_000, 300_000, 1, 1, most]
    for (const size of sizes) await a.history.append('room', [a.message(Buffer.alloc(size), 'binary')], settings)
    const { floor, events } = await b.history.read('room', { epoch, offset: start }, settings)
    t.equal(floor, start)
    t.same(events.map(({ envelope }) => envelope.payload.length), sizes)
  })
})

suiteNeeding(['nats-server'], 'the streams of histories', async t => {
  t.test('are made by whoever needs one first, once, however many need it at the same time', async t => {
    const all = await nodes(t, 5)
    t.same(await streamsOf(all[0]), [])
    const pages = await Promise.all(all.flatMap(node => [node.history.read('room', null, settings), node.history.read('room', null, settings)]))
    for (const page of pages) t.same(page, pages[0])
    const names = await streamsOf(all[0])
    t.equal(names.length, 1)
    t.match(names[0], /^typed-ws_100-60000_[0-9a-f]{16}$/)
  })

  t.test('are one for each setting: declarations do not disturb each other', async t => {
    const [a, b] = await nodes(t, 2)
    const few = { size: 1, ttl: 30_000 }
    const [first, second] = [await a.history.read('many', null, settings), await b.history.read('few', null, few)]
    await Promise.all([a.append('many', [1, 2, 3], settings), b.append('few', [4, 5, 6], few)])
    t.same(numbersOf(await b.history.read('many', { epoch: first.epoch, offset: first.head }, settings)), [1, 2, 3])
    const page = await a.history.read('few', { epoch: second.epoch, offset: second.head }, few)
    t.equal(numbersOf(page).at(-1), 6)
    t.ok(page.floor > second.head)
    t.equal((await streamsOf(a)).length, 2)
  })

  t.test('are not shared with another namespace', async t => {
    const server = await NatsServer.start(t, { jetstream: true })
    const [a, b] = [await natsNode(t, server, 'a', { hasHistory: true, namespace: 'one' }), await natsNode(t, server, 'b', { hasHistory: true, namespace: 'two' })]
    await b.adapter.subscribe('room')
    const begin = await b.history.read('room', null, settings)
    await a.append('room', [1], settings)
    await b.append('room', [2], settings)
    t.match((await b.event())[1].envelope, { payload: '{"n":2}' })
    t.same(numbersOf(await b.history.read('room', { epoch: begin.epoch, offset: begin.head }, settings)), [2])
  })

  t.test('are kept as was asked for', async t => {
    const [a] = await nodes(t, 1, { storage: 'memory' })
    await a.history.read('room', null, settings)
    const [stream] = await (await jetstream(a.connection).jetstreamManager()).streams.list().next()
    t.match(stream.config, { storage: 'memory', num_replicas: 1, max_msgs_per_subject: 101, discard: 'old', allow_direct: true })
  })

  t.test('do not use a stream of somebody else that takes their subjects: the error names it', async t => {
    const [a] = await nodes(t, 1)
    const manager = await jetstream(a.connection).jetstreamManager()
    await manager.streams.add({ name: 'archive', subjects: ['typed-ws.>'] })
    await t.rejects(a.history.read('room', null, settings), { code: 'FST_ERR_WS_ADAPTER_UNAVAILABLE', message: /archive/ })
    await t.rejects(a.append('room', [1], settings), { code: 'FST_ERR_WS_ADAPTER_UNAVAILABLE', message: /archive/ })
    await manager.streams.delete('archive')
    await t.resolves(a.append('room', [1], settings))
  })
})

suiteNeeding(['nats-server'], 'a history in JetStream', async t => {
  t.test('a room that has been quiet for longer than its ttl: who was there all the time has missed nothing, and is told so', async t => {
    const brief = { size: 10, ttl: 500 }
    const [a, b] = await nodes(t, 2)
    await b.adapter.subscribe('room')
    const begin = await a.history.read('room', null, brief)
    await a.append('room', [1], brief)
    const [, event] = await b.event()
    let page = await b.history.read('room', event, brief)
    // Once quiet, and once more after that.
    for (let turn = 0; turn < 2; turn++) {
      const { head } = page
      while (page.head === head) {
        await setTimeout(50)
        page = await b.history.read('room', event, brief)
      }
      t.match(page, { epoch: event.epoch, floor: event.offset, events: [] })
    }
    t.ok((await a.history.read('room', { epoch: begin.epoch, offset: begin.head }, brief)).floor > begin.head)
    await a.append('room', [2], brief)
    const [, next] = await b.event()
    t.equal(next.previous, event.offset)
    t.same(numbersOf(await a.history.read('room', event, brief)), [2])
  })

  t.test('what somebody else put into it is refused, never handed over, and nobody is told that nothing is missing', async t => {
    const server = await NatsServer.start(t, { jetstream: true })
    const secret = 'a secret of the cluster'
    const [a, b] = [await natsNode(t, server, 'a', { hasHistory: true, secret }), await natsNode(t, server, 'b', { hasHistory: true, secret })]
    await b.adapter.subscribe('room')
    const begin = await a.history.read('room', null, settings)
    await a.append('room', [1], settings)
    const [, first] = await b.event()
    const subject = historySubject('typed-ws', '100-60000', tokenOf('room'))
    const refused = b.refusal()
    await jetstream(a.connection).publish(subject, 'garbage')
    t.match(await refused, { code: 'FST_ERR_WS_ENVELOPE' })
    await a.append('room', [2], settings)
    const [, second] = await b.event()
    t.ok(second.previous > first.offset)
    for (const offset of [begin.head, first.offset]) {
      const page = await b.history.read('room', { epoch: begin.epoch, offset }, settings)
      t.equal(page.floor, second.previous)
      t.same(numbersOf(page), [2])
    }
    const after = await b.history.read('room', { epoch: begin.epoch, offset: second.previous }, settings)
    t.equal(after.floor, second.previous)
  })

  t.test('messages that look like events, and are none, are refused', async t => {
    const [a, b] = await nodes(t, 2)
    await b.adapter.subscribe('room')
    await a.append('room', [1], settings)
    const [, event] = await b.event()
    const [name] = await streamsOf(a)
    const bytes = new EnvelopeCodec('typed-ws', []).encode('room', a.message('{"n":9}', 'json'))
    const unheaded = b.refusal()
    a.connection.publish(eventSubject('typed-ws', 'room'), bytes)
    t.match(await unheaded, { code: 'FST_ERR_WS_ENVELOPE' })
    const cases: Array<Record<string, string>> = [
      { 'Nats-Stream': 'another', 'Nats-Sequence': '9', 'Nats-Last-Sequence': '1' },
      { 'Nats-Stream': 'typed-ws_100-60000_0123456789abcdef', 'Nats-Sequence': '9', 'Nats-Last-Sequence': '1' },
      { 'Nats-Stream': name },
      { 'Nats-Stream': name, 'Nats-Sequence': '9' },
      { 'Nats-Stream': name, 'Nats-Sequence': '9', 'Nats-Last-Sequence': '9' },
      { 'Nats-Stream': name, 'Nats-Sequence': '-9', 'Nats-Last-Sequence': '-10' },
      { 'Nats-Stream': name, 'Nats-Sequence': '9e9', 'Nats-Last-Sequence': '1' },
      { 'Nats-Stream': name, 'Nats-Sequence': '99999999999999999999', 'Nats-Last-Sequence': '1' }
    ]
    for (const fields of cases) {
      const forged = headers()
      for (const [field, value] of Object.entries(fields)) forged.set(field, value)
      const refused = b.refusal()
      a.connection.publish(eventSubject('typed-ws', 'room'), bytes, { headers: forged })
      t.ok(await refused instanceof Error)
    }
    t.equal(b.refused.length, 1 + cases.length)
    await a.append('room', [2], settings)
    t.equal((await b.event())[1].previous, event.offset)
  })

  t.test('events reach those who may not publish any', async t => {
    const server = await NatsServer.start(t, {
      jetstream: true,
      config: 'authorization { users = [{ user: a, password: a, permissions: { subscribe: ["typed-ws.>", "_INBOX.>"], publish: { allow: ["typed-ws.>", "$JS.API.>"], deny: "typed-ws.live.*.event" } } }] }'
    })
    const node = await natsNode(t, server, 'a', { hasHistory: true }, { user: 'a', pass: 'a' })
    await node.adapter.subscribe('room')
    const begin = await node.history.read('room', null, settings)
    await node.append('room', [1], settings)
    t.equal((await node.event())[1].previous, begin.head)
    t.same(numbersOf(await node.history.read('room', { epoch: begin.epoch, offset: begin.head }, settings)), [1])
  })

  t.test('a long one is read whole, and from anywhere', async t => {
    const long = { size: 2_000, ttl: 60_000 }
    const [a, b] = await nodes(t, 2)
    const begin = await a.history.read('room', null, long)
    const numbers = Array.from({ length: 2_000 }, (_, number) => number)
    await a.append('room', numbers, long)
    const page = await b.history.read('room', { epoch: begin.epoch, offset: begin.head }, long)
    t.same(numbersOf(page), numbers)
    t.equal(page.floor, begin.head)
    for (const index of [0, 1, 1_000, 1_998, 1_999]) t.same(numbersOf(await b.history.read('room', page.events[index], long)), numbers.slice(index + 1))
  })

  t.test('a message that the server does not take is refused, and nothing of what came with it is kept', async t => {
    const [a] = await nodes(t, 1)
    const begin = await a.history.read('room', null, settings)
    const messages = [a.message('{"n":1}', 'json'), a.message(JSON.stringify({ n: 2, text: 'x'.repeat(1024 * 1024) }), 'json')]
    await t.rejects(a.history.append('room', messages, settings), { code: 'FST_ERR_WS_SEND_INVALID', message: /max_payload/ })
    t.same(numbersOf(await a.history.read('room', { epoch: begin.epoch, offset: begin.head }, settings)), [])
  })

  t.test('an append that fails in the middle is repeated from there, also when the stream was lost meanwhile', async t => {
    const server = await NatsServer.start(t, { jetstream: true })
    const connection = await server.connect(t)
    const client = jetstream(connection)
    let failing = 2
    const a = await natsNode(t, server, 'a', {
      jetstream: {
        apiPrefix: client.apiPrefix,
        publish: async (subject, payload, options) => {
          if (payload.length > 0 && failing-- === 0) throw new Error('the link is down')
          return await client.publish(subject, payload, options)
        }
      }
    })
    await a.adapter.subscribe('room')
    await a.history.read('room', null, settings)
    // So large that each leaves alone.
    const text = 'x'.repeat(600_000)
    const messages = [1, 2, 3, 4].map(number => a.message(`{"n":${number},"text":"${text}"}`, 'json'))
    await t.rejects(a.history.append('room', messages, settings), { code: 'FST_ERR_WS_ADAPTER_UNAVAILABLE', message: /the link is down/ })
    await (await client.jetstreamManager()).streams.delete((await streamsOf(a))[0])
    await a.history.append('room', messages, settings)
    await a.append('room', [5], settings)
    const numbers = []
    while (numbers.length < 5) numbers.push(JSON.parse(String((await a.event())[1].envelope.payload)).n)
    t.same(numbers, [1, 2, 3, 4, 5])
  })

  t.test('reading leaves no consumer and no subscription behind', async t => {
    const [a] = await nodes(t, 1)
    const begin = await a.history.read('room', null, settings)
    await a.append('room', [1, 2, 3], settings)
    for (let turn = 0; turn < 20; turn++) await a.history.read('room', { epoch: begin.epoch, offset: begin.head }, settings)
    const manager = await jetstream(a.connection).jetstreamManager()
    const [name] = await streamsOf(a)
    t.same(await manager.consumers.list(name).next(), [])
  })
})
