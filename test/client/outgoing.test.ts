import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { Outgoing } from '../../lib/client/outgoing.ts'
import type { Fields } from '../../lib/client/outgoing.ts'
import type { QueueOptions } from '../../types/client.ts'

const codec = { encode: (message: unknown) => JSON.stringify(message), decode: (payload: string | ArrayBuffer): unknown => JSON.parse(String(payload)) }

function build (size = 100, policy?: QueueOptions['policy']) {
  const wire = { isOpen: false, sent: [] as Fields[] }
  const outgoing = new Outgoing({ codec, size, policy }, payload => {
    if (wire.isOpen) wire.sent.push(codec.decode(String(payload)) as Fields)
    return wire.isOpen
  })
  const ask = (message: object, timeout?: number, signal?: AbortSignal): Promise<Fields> =>
    new Promise((resolve, reject) => outgoing.ask(message, (error, reply) => error === null ? resolve(reply) : reject(error), timeout, signal))
  return { outgoing, wire, ask }
}

t.test('what waits leaves in order, and as it was when it was sent', async t => {
  const { outgoing, wire } = build()
  const message = { n: 1 }
  outgoing.send(message)
  message.n = 2
  outgoing.send(message)
  t.equal(outgoing.length, 2)
  wire.isOpen = true
  outgoing.flush()
  outgoing.send({ n: 3 })
  t.same(wire.sent, [{ n: 1 }, { n: 2 }, { n: 3 }])
  t.equal(outgoing.length, 0)
})

t.test('what can not leave any more goes on waiting, in its place', async t => {
  const sent: unknown[] = []
  let room = 0
  const outgoing = new Outgoing({ codec, size: 5 }, payload => {
    if (room-- <= 0) return false
    sent.push(payload)
    return true
  })
  for (const n of [1, 2, 3]) outgoing.send(n)
  room = 2
  outgoing.flush()
  t.same(sent, ['1', '2'])
  t.equal(outgoing.length, 1)
})

t.test('a queue that is full throws, and drops nothing', async t => {
  for (const policy of [undefined, 'throw'] as const) {
    const { outgoing, wire, ask } = build(1, policy)
    outgoing.send({ n: 1 })
    t.throws(() => outgoing.send({ n: 2 }), { code: 'WS_CLIENT_QUEUE_FULL', message: 'more than 1 messages wait' })
    await t.rejects(ask({ n: 3 }), { code: 'WS_CLIENT_QUEUE_FULL' })
    wire.isOpen = true
    outgoing.flush()
    t.same(wire.sent, [{ n: 1 }])
  }
})

t.test('drop-newest drops what is sent last', async t => {
  const { outgoing, wire, ask } = build(1, 'drop-newest')
  outgoing.send({ n: 1 })
  outgoing.send({ n: 2 })
  await t.rejects(ask({ n: 3 }), { code: 'WS_CLIENT_QUEUE_FULL' })
  wire.isOpen = true
  outgoing.flush()
  t.same(wire.sent, [{ n: 1 }])
})

t.test('drop-oldest drops what was sent first', async t => {
  const { outgoing, wire, ask } = build(1, 'drop-oldest')
  const first = ask({ n: 1 })
  outgoing.send({ n: 2 })
  await t.rejects(first, { code: 'WS_CLIENT_QUEUE_FULL' })
  outgoing.send({ n: 3 })
  wire.isOpen = true
  outgoing.flush()
  t.same(wire.sent, [{ n: 3 }])
})

t.test('a queue of 0 keeps nothing', async t => {
  t.throws(() => build(0).outgoing.send(1), { code: 'WS_CLIENT_QUEUE_FULL' })
  const { outgoing } = build(0, 'drop-oldest')
  outgoing.send(1)
  t.equal(outgoing.length, 0)
})

t.test('ids are short, and those of two clients differ', async t => {
  const [one, other] = [build(), build()]
  for (const { wire, ask } of [one, other]) {
    wire.isOpen = true
    for (const message of [{}, {}]) void ask(message)
  }
  const ids = [...one.wire.sent, ...other.wire.sent].map(({ id }) => id)
  t.equal(new Set(ids).size, 4)
  for (const id of ids) t.ok(typeof id === 'string' && id.length <= 64, String(id))
})

t.test('an answer is known by its id, others are none of its business', async t => {
  const { outgoing, wire, ask } = build()
  wire.isOpen = true
  const asked = ask({ n: 1 })
  const [{ id }] = wire.sent
  for (const other of [undefined, 0, 1, '', '0', 'x', `x${id}`, null, {}]) t.notOk(outgoing.answer({ id: other, type: 'x' }), String(other))
  t.ok(outgoing.answer({ id, type: 'done' }))
  t.same(await asked, { id, type: 'done' })
  t.ok(outgoing.answer({ id, type: 'done' }), 'one that comes too late, or twice, is still no message')
})

t.test('an error message rejects', async t => {
  const { outgoing, wire, ask } = build()
  wire.isOpen = true
  const asked = ask({ n: 1 })
  outgoing.answer({ type: 'error', id: wire.sent[0].id, code: 'NO', message: 'you may not', errors: [1] })
  await t.rejects(asked, { name: 'WsClientError', code: 'NO', message: 'you may not', errors: [1] })
})

t.test('a request that is given up does not leave any more', async t => {
  const { outgoing, wire, ask } = build()
  const controller = new AbortController()
  const [late, aborted] = [ask({ n: 1 }, 5), ask({ n: 2 }, 10_000, controller.signal)]
  controller.abort(new Error('enough'))
  await t.rejects(aborted, { message: 'enough' })
  await t.rejects(late, { code: 'WS_CLIENT_TIMEOUT', message: 'no answer within 5 ms' })
  wire.isOpen = true
  outgoing.flush()
  t.same(wire.sent, [])
})

t.test('with a connection is lost what it had not answered, and not what waits', async t => {
  const { outgoing, wire, ask } = build()
  wire.isOpen = true
  const lost = ask({ n: 1 })
  wire.isOpen = false
  const kept = ask({ n: 2 })
  outgoing.lose(new Error('lost'))
  await t.rejects(lost, { message: 'lost' })
  wire.isOpen = true
  outgoing.flush()
  outgoing.answer({ id: wire.sent[1].id })
  await kept
})

t.test('a request that is answered leaves no timer and no listener', async t => {
  const { outgoing, wire, ask } = build()
  wire.isOpen = true
  const controller = new AbortController()
  const listeners = { count: 0 }
  const { signal } = controller
  const add = signal.addEventListener.bind(signal)
  const remove = signal.removeEventListener.bind(signal)
  signal.addEventListener = (...args: Parameters<typeof add>) => { listeners.count++; add(...args) }
  signal.removeEventListener = (...args: Parameters<typeof remove>) => { listeners.count--; remove(...args) }
  const asked = ask({ n: 1 }, 20, signal)
  outgoing.answer({ id: wire.sent[0].id })
  await asked
  t.equal(listeners.count, 0)
  await sleep(30)
})

t.test('what the codec can not encode is thrown, and asked in vain', async t => {
  const { outgoing, ask } = build()
  t.throws(() => outgoing.send(1n), TypeError)
  await t.rejects(ask({ n: 1n }), TypeError)
  t.equal(outgoing.length, 0)
})
