import { setTimeout as pause } from 'node:timers/promises'
import { jetstream } from '@nats-io/jetstream'
import type { HistorySettings } from '../../../types/index.ts'
import { buildApp } from '../../helpers/app.ts'
import { NatsNode, natsNode, numbersOf } from '../../helpers/nats-nodes.ts'
import { NatsServer } from '../../helpers/nats-server.ts'
import { suiteNeeding } from '../../helpers/requirements.ts'

const settings: HistorySettings = { size: 100, ttl: 60_000 }

suiteNeeding(['nats-server'], 'a NATS server that fails', async t => {
  t.test('is unavailable when it is killed, and everything is subscribed to again when it is ready', async t => {
    const server = await NatsServer.start(t)
    const [a, b] = [await natsNode(t, server, 'a'), await natsNode(t, server, 'b')]
    await b.adapter.subscribe('kept')
    await b.adapter.subscribe('left')
    const lost = [a, b].map(node => node.becomes('unavailable'))
    await server.kill()
    for (const error of await Promise.all(lost)) t.match(error, { code: 'FST_ERR_WS_ADAPTER_UNAVAILABLE' })

    await t.rejects(a.publish('kept', 'unheard'), { code: 'FST_ERR_WS_ADAPTER_UNAVAILABLE' })
    await b.adapter.subscribe('new')
    await b.adapter.unsubscribe('left')
    const found = [a, b].map(node => node.becomes('ready'))
    await server.restart()
    await Promise.all(found)

    for (const room of ['left', 'kept', 'new']) await a.publish(room, 'hello')
    t.same([await b.received(), await b.received()], [['kept', 'hello'], ['new', 'hello']])
    for (const node of [a, b]) t.same(node.states, ['unavailable', 'ready'])
  })

  t.test('ends what is under way when it is killed', async t => {
    const server = await NatsServer.start(t)
    const a = await natsNode(t, server, 'a')
    await server.freeze()
    const published = a.publish('room', 'x')
    const rejected = t.rejects(published, { code: 'FST_ERR_WS_ADAPTER_UNAVAILABLE' })
    await server.kill()
    await rejected
  })

  t.test('is unavailable when it hangs, also when nothing is sent, and ready when it goes on', async t => {
    const server = await NatsServer.start(t)
    const [a, b] = [await natsNode(t, server, 'a', { commandTimeout: 500 }), await natsNode(t, server, 'b', { commandTimeout: 500 })]
    await b.adapter.subscribe('room')
    for (let turn = 0; turn < 2; turn++) {
      const lost = [a, b].map(node => node.becomes('unavailable'))
      await server.freeze()
      for (const error of await Promise.all(lost)) t.match(error, { code: 'FST_ERR_WS_ADAPTER_UNAVAILABLE', message: /500 ms/ })
      await t.rejects(a.publish('room', 'unheard'), { code: 'FST_ERR_WS_ADAPTER_UNAVAILABLE' })
      await b.adapter.subscribe(`new-${turn}`)
      const found = [a, b].map(node => node.becomes('ready'))
      server.thaw()
      await Promise.all(found)
      await a.publish('room', 'hello')
      await a.publish(`new-${turn}`, 'hello')
      t.same([await b.received(), await b.received()], [['room', 'hello'], [`new-${turn}`, 'hello']])
    }
  })

  t.test('a subscription that it does not answer to settles, and is there when it goes on', async t => {
    const server = await NatsServer.start(t)
    const [a, b] = [await natsNode(t, server, 'a', { commandTimeout: 500 }), await natsNode(t, server, 'b', { commandTimeout: 500 })]
    await server.freeze()
    await b.adapter.subscribe('room').catch(() => {})
    await b.becomes('unavailable')
    await a.becomes('unavailable')
    const found = [a, b].map(node => node.becomes('ready'))
    server.thaw()
    await Promise.all(found)
    await a.publish('room', 'hello')
    t.same(await b.received(), ['room', 'hello'])
  })

  t.test('that takes a room from us, and gives it back, brings its messages again', async t => {
    const allow = (subjects: string): string => `authorization { users = [{ user: a, password: a, permissions: { publish: ">", subscribe: { allow: ">"${subjects} } } }] }`
    const server = await NatsServer.start(t, { config: allow('') })
    const credentials = { user: 'a', pass: 'a' }
    const [a, b] = [await natsNode(t, server, 'a', {}, credentials), await natsNode(t, server, 'b', {}, credentials)]
    for (const room of ['denied', 'gone', 'other']) await b.adapter.subscribe(room)
    const refused = b.refusal()
    await server.reload(allow(', deny: ["typed-ws.live.nZGVuaWVk.*", "typed-ws.live.nZ29uZQ.*"]'))
    t.match(await refused, /Permissions Violation/)
    // The rest is as it was.
    await a.publish('other', 'hello')
    t.same(await b.received(), ['other', 'hello'])
    t.match(await b.refusal(), /Permissions Violation/, 'it is asked again')
    await b.adapter.unsubscribe('gone')
    await server.reload(allow(''))
    while (b.waiting.length === 0) {
      for (const room of ['gone', 'denied']) await a.publish(room, 'hello').catch(() => {})
      await pause(50)
    }
    t.same(await b.received(), ['denied', 'hello'])
  })

  t.test('is unavailable for good when the connection gives up, and says what to do', async t => {
    const server = await NatsServer.start(t)
    const connection = await server.connect(t, { maxReconnectAttempts: 1 })
    const node = new NatsNode('a', connection, {})
    await node.start((await buildApp(t)).log)
    t.after(() => node.adapter.stop())
    const closed = connection.closed()
    await server.kill()
    await node.becomes('unavailable')
    await closed
    await t.rejects(node.publish('room', 'x'), { code: 'FST_ERR_WS_ADAPTER_UNAVAILABLE' })
    await t.resolves(node.adapter.subscribe('room'))
    t.same(node.states, ['unavailable'])
  })

  t.test('start waits for a server that is away for a moment', async t => {
    const server = await NatsServer.start(t)
    const connection = await server.connect(t)
    const statuses = connection.status()[Symbol.asyncIterator]()
    await server.kill()
    await statuses.next()
    const node = new NatsNode('a', connection, {})
    const started = node.start((await buildApp(t)).log)
    await server.restart()
    await started
    t.after(() => node.adapter.stop())
    await node.publish('room', 'x')
  })

  t.test('start rejects when it hangs', async t => {
    const server = await NatsServer.start(t)
    const connection = await server.connect(t)
    await server.freeze()
    await t.rejects(new NatsNode('a', connection, {}).start((await buildApp(t)).log), { code: 'FST_ERR_WS_ADAPTER', message: /5000 ms/ })
  })
})

suiteNeeding(['nats-server'], 'histories in JetStream', async t => {
  t.test('in a file outlive a kill: the same epoch, nothing lost, and what is appended again is there once', async t => {
    const server = await NatsServer.start(t, { jetstream: true })
    const [a, b] = [await natsNode(t, server, 'a', { hasHistory: true }), await natsNode(t, server, 'b', { hasHistory: true })]
    await b.adapter.subscribe('room')
    const begin = await b.history.read('room', null, settings)
    const messages = [1, 2, 3].map(number => a.message(`{"n":${number}}`, 'json'))
    await a.history.append('room', messages, settings)
    const lost = [a, b].map(node => node.becomes('unavailable'))
    await server.kill()
    await Promise.all(lost)
    await t.rejects(a.history.append('room', messages, settings), { code: 'FST_ERR_WS_ADAPTER_UNAVAILABLE' })
    await t.rejects(b.history.read('room', null, settings), { code: 'FST_ERR_WS_ADAPTER_UNAVAILABLE' })
    const found = [a, b].map(node => node.becomes('ready'))
    await server.restart()
    await Promise.all(found)
    await eventually(() => a.history.append('room', messages, settings))
    await a.append('room', [4], settings)
    const page = await b.history.read('room', { epoch: begin.epoch, offset: begin.head }, settings)
    t.equal(page.epoch, begin.epoch)
    t.ok(page.floor <= begin.head)
    t.same(numbersOf(page), [1, 2, 3, 4])
    const events = [await b.event(), await b.event(), await b.event(), await b.event()].map(([, event]) => event)
    t.same(events.map(({ offset }) => offset), page.events.map(({ offset }) => offset))
    t.equal(events[3].previous, events[2].offset)
  })

  t.test('in memory are lost with the server: another epoch, and no position of the old one recovers', async t => {
    const server = await NatsServer.start(t, { jetstream: true })
    const [a, b] = [await natsNode(t, server, 'a', { hasHistory: true, storage: 'memory' }), await natsNode(t, server, 'b', { hasHistory: true, storage: 'memory' })]
    await b.adapter.subscribe('room')
    const begin = await b.history.read('room', null, settings)
    await a.append('room', [1, 2, 3], settings)
    for (let count = 0; count < 3; count++) await b.event()
    const lost = [a, b].map(node => node.becomes('unavailable'))
    await server.kill()
    await Promise.all(lost)
    const found = [a, b].map(node => node.becomes('ready'))
    await server.restart()
    await Promise.all(found)
    await eventually(() => a.append('room', [4], settings))
    const [, event] = await b.event()
    const page = await b.history.read('room', { epoch: begin.epoch, offset: begin.head }, settings)
    t.not(page.epoch, begin.epoch)
    t.equal(event.epoch, page.epoch)
    t.same(page.events, [])
    t.match(await a.history.read('room', null, settings), { epoch: page.epoch, head: page.head })
  })

  t.test('a server that hangs in the middle of an append: what is repeated is there once, in order', async t => {
    const server = await NatsServer.start(t, { jetstream: true })
    const a = await natsNode(t, server, 'a', { hasHistory: true, commandTimeout: 2_000 })
    const begin = await a.history.read('room', null, settings)
    const messages = Array.from({ length: 20 }, (_, number) => a.message(`{"n":${number}}`, 'json'))
    await a.history.append('room', messages.slice(0, 5), settings)
    await server.freeze()
    await t.rejects(a.history.append('room', messages.slice(5), settings), { code: 'FST_ERR_WS_ADAPTER_UNAVAILABLE' })
    await a.becomes('unavailable')
    const found = a.becomes('ready')
    server.thaw()
    await found
    await a.history.append('room', messages.slice(5), settings)
    t.same(numbersOf(await a.history.read('room', { epoch: begin.epoch, offset: begin.head }, settings)), Array.from({ length: 20 }, (_, number) => number))
  })

  t.test('a stream that an operator deletes begins anew, with another epoch, also while it is appended to', async t => {
    const server = await NatsServer.start(t, { jetstream: true })
    const [a, b] = [await natsNode(t, server, 'a', { hasHistory: true }), await natsNode(t, server, 'b', { hasHistory: true })]
    await b.adapter.subscribe('room')
    const begin = await b.history.read('room', null, settings)
    await a.append('room', [1], settings)
    await b.event()
    const manager = await jetstream(a.connection).jetstreamManager()
    const [stream] = await manager.streams.list().next()
    await manager.streams.delete(stream.config.name)
    await a.append('room', [2], settings)
    const [, event] = await b.event()
    t.not(event.epoch, begin.epoch)
    const page = await b.history.read('room', { epoch: begin.epoch, offset: begin.head }, settings)
    t.same([page.epoch, page.events], [event.epoch, []])

    // Made again by hand, from what it was: its sequences begin anew.
    const [again] = await manager.streams.list().next()
    await manager.streams.delete(again.config.name)
    await manager.streams.add(again.config)
    const third = await b.history.read('room', { epoch: page.epoch, offset: page.head }, settings)
    t.notOk([begin.epoch, page.epoch].includes(third.epoch))
  })

  t.test('a stream that an operator purges recovers nobody who missed something', async t => {
    const server = await NatsServer.start(t, { jetstream: true })
    const [a, b] = [await natsNode(t, server, 'a', { hasHistory: true }), await natsNode(t, server, 'b', { hasHistory: true })]
    await b.adapter.subscribe('room')
    const begin = await b.history.read('room', null, settings)
    await a.append('room', [1, 2], settings)
    const [[, first], [, second]] = [await b.event(), await b.event()]
    const manager = await jetstream(a.connection).jetstreamManager()
    const [stream] = await manager.streams.list().next()
    await manager.streams.purge(stream.config.name)
    await a.append('other', [0], settings)
    await a.append('room', [3], settings)
    // Whoever has 2 can't tell that nothing was between: that is what it is told.
    const [, third] = await b.event()
    t.ok(third.previous > second.offset)
    for (const offset of [begin.head, first.offset]) {
      const page = await b.history.read('room', { epoch: begin.epoch, offset }, settings)
      t.equal(page.epoch, begin.epoch)
      t.ok(page.floor > second.offset)
      t.same(numbersOf(page), [3])
    }
  })
})

/** A stream needs a moment after its server has started. */
async function eventually<Result> (action: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await action()
    } catch {
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  }
}
