import { jetstream } from '@nats-io/jetstream'
import { natsAdapter } from '../../../lib/rooms/nats/index.ts'
import { liveSubject } from '../../../lib/rooms/nats/subjects.ts'
import { buildApp } from '../../helpers/app.ts'
import { NatsNode, natsNode } from '../../helpers/nats-nodes.ts'
import { NatsServer } from '../../helpers/nats-server.ts'
import { suiteNeeding } from '../../helpers/requirements.ts'

const namespace = 'typed-ws'

suiteNeeding(['nats-server'], 'the NATS adapter', async t => {
  const server = await NatsServer.start(t)

  t.test('what is not signed, or by somebody else, or is no envelope, is refused and nothing is thrown', async t => {
    const secret = 'a secret of the cluster'
    const node = await natsNode(t, server, 'b', { secret })
    await node.adapter.subscribe('room')
    const stranger = await natsNode(t, server, 'a', { secret: 'another secret of others' })
    const unsigned = await natsNode(t, server, 'c')
    for (const [send, why] of [
      [() => stranger.publish('room', 'x'), /wrong signature/],
      [() => unsigned.publish('room', 'x'), /not signed/],
      ...[Buffer.alloc(0), Buffer.from('garbage'), Buffer.alloc(4_096, 1)].map(bytes => [() => stranger.connection.publish(liveSubject(namespace, 'room'), bytes), /not an envelope/] as const)
    ] as const) {
      const refused = node.refusal()
      await send()
      t.match(await refused, { code: 'FST_ERR_WS_ENVELOPE', message: why })
    }
    const friend = await natsNode(t, server, 'd', { secret: ['a newer secret of the cluster', secret].reverse() })
    await friend.publish('room', 'hello')
    t.same(await node.received(), ['room', 'hello'])
    t.equal(node.refused.length, 5)
  })

  t.test('namespaces share a server and no rooms', async t => {
    const [a, b, c] = [await natsNode(t, server, 'a', { namespace: 'one' }), await natsNode(t, server, 'b', { namespace: 'two' }), await natsNode(t, server, 'c', { namespace: 'one' })]
    await Promise.all([b.adapter.subscribe('room'), c.adapter.subscribe('room')])
    await a.publish('room', 'for one')
    t.same(await c.received(), ['room', 'for one'])
    await c.publish('room', 'for one again')
    await natsNode(t, server, 'd', { namespace: 'two' }).then(d => d.publish('room', 'for two'))
    t.same(await b.received(), ['room', 'for two'])
  })

  t.test('what is published in one tick leaves in one write, and in one message for each room, as long as the server takes that', async t => {
    const [a, b] = [await natsNode(t, server, 'a'), await natsNode(t, server, 'b')]
    const messages: number[] = []
    b.connection.subscribe(`${namespace}.live.>`, {
      callback: (_error, message) => { messages.push(message.data.length) }
    })
    await b.connection.flush()
    const { protocol } = a.connection as object as { protocol: { transport: { send: (bytes: Uint8Array) => void } } }
    const send = t.capture(protocol.transport, 'send', protocol.transport.send)
    await Promise.all(Array.from({ length: 100 }, (_, number) => a.publish(number % 2 === 0 ? 'even' : 'odd', String(number))))
    t.equal(send().length, 1)
    await b.connection.flush()
    t.equal(messages.length, 2)
    // Five of 400 KiB: two fit.
    messages.length = 0
    await Promise.all(Array.from({ length: 5 }, () => a.publish('large', Buffer.alloc(400 * 1024), 'binary')))
    await b.connection.flush()
    t.equal(messages.length, 3)
    for (const length of messages) t.ok(length < 1024 * 1024)
  })

  t.test('a message that is larger than the server takes is refused at once, and harms nobody', async t => {
    const [a, b] = [await natsNode(t, server, 'a'), await natsNode(t, server, 'b')]
    await b.adapter.subscribe('room')
    const sent = [a.publish('room', 'before'), a.publish('room', Buffer.alloc(1024 * 1024), 'binary'), a.publish('room', 'after')]
    await t.rejects(sent[1], { code: 'FST_ERR_WS_SEND_INVALID', message: /max_payload/ })
    await Promise.all(sent.toSpliced(1, 1))
    t.same([await b.received(), await b.received()], [['room', 'before'], ['room', 'after']])
    t.same(a.states, [])
  })

  t.test('who joins and leaves in a storm ends as what was asked last', async t => {
    const [a, b] = [await natsNode(t, server, 'a'), await natsNode(t, server, 'b')]
    const rooms = Array.from({ length: 50 }, (_, number) => `room-${number}`)
    await Promise.all(rooms.map(async (room, index) => {
      for (let turn = 0; turn < 10; turn++) {
        await b.adapter.subscribe(room)
        await b.adapter.unsubscribe(room)
      }
      if (index % 2 === 0) await b.adapter.subscribe(room)
    }))
    for (const room of rooms) await a.publish(room, 'hello')
    const heard = []
    while (heard.length < 25) heard.push((await b.received())[0])
    await a.publish('room-0', 'last')
    t.same(await b.received(), ['room-0', 'last'])
    t.same(heard, rooms.filter((_, index) => index % 2 === 0))
  })

  t.test('start rejects where the connection is closed', async t => {
    const connection = await server.connect(t)
    await connection.close()
    const node = new NatsNode('a', connection, {})
    await t.rejects(node.start((await buildApp(t)).log), { code: 'FST_ERR_WS_ADAPTER', message: /closed/ })
  })

  t.test('start rejects where there is no JetStream', async t => {
    const connection = await server.connect(t)
    const adapter = natsAdapter({ connection, jetstream: jetstream(connection) })
    const app = await buildApp(t, { adapter }).then(app => app, error => error)
    await t.rejects(app.ready(), { code: 'FST_ERR_WS_ADAPTER', message: /JetStream/ })
  })
})

suiteNeeding(['nats-server'], 'a connection of the application', async t => {
  t.test('is open after stop, with the subscriptions of the application only', async t => {
    const server = await NatsServer.start(t, { jetstream: true })
    const node = await natsNode(t, server, 'a', { hasHistory: true })
    node.connection.subscribe('own', { callback: () => {} })
    const settings = { size: 10, ttl: 60_000 }
    await node.adapter.subscribe('room')
    const { epoch } = await node.history.read('room', null, settings)
    await node.append('room', [1, 2], settings)
    await node.history.read('room', { epoch, offset: 1 }, settings)
    await node.adapter.stop()
    t.notOk(node.connection.isClosed())
    // What the library knows: "own", and one for answers.
    const { protocol } = node.connection as object as { protocol: { subscriptions: { subs: Map<number, { subject: string }> }, listeners: unknown[] } }
    const subjects = [...protocol.subscriptions.subs.values()].map(({ subject }) => subject).filter(subject => !subject.startsWith('_INBOX.'))
    t.same(subjects, ['own'])
    t.equal(protocol.listeners.length, 0)
    await t.rejects(node.publish('room', 'late'), { code: 'FST_ERR_WS_ADAPTER_UNAVAILABLE' })
    t.same(node.states, [])
  })

  t.test('may lack permission to subscribe: the subscription is refused', async t => {
    const server = await NatsServer.start(t, { config: 'authorization { users = [{ user: a, password: a, permissions: { publish: ">", subscribe: { deny: "typed-ws.>" } } }] }' })
    const connection = await server.connect(t, { user: 'a', pass: 'a' })
    const node = new NatsNode('a', connection, {})
    await node.start((await buildApp(t)).log)
    t.after(() => node.adapter.stop())
    await t.rejects(node.adapter.subscribe('room'), /[Pp]ermission/)
  })

  t.test('may lack permission to publish: what is published is rejected, and the rest is not', async t => {
    const server = await NatsServer.start(t, { config: `authorization { users = [{ user: a, password: a, permissions: { subscribe: ">", publish: { deny: "${liveSubject(namespace, 'denied')}" } } }] }` })
    const connection = await server.connect(t, { user: 'a', pass: 'a' })
    const node = new NatsNode('a', connection, {})
    await node.start((await buildApp(t)).log)
    t.after(() => node.adapter.stop())
    for (let turn = 0; turn < 3; turn++) {
      const allowed = node.publish('allowed', 'x')
      await t.rejects(node.publish('denied', 'x'), /[Pp]ermission/)
      await allowed
    }
    t.same(node.states, [])
  })
})
