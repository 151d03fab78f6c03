import t from 'tap'
import { Carrier } from '../../../lib/rooms/nats/carrier.ts'
import type { NatsConnectionLike, NatsStatus } from '../../../types/nats.ts'
import type { AdapterState } from '../../../types/index.ts'
import { deferred } from '../../helpers/app.ts'

/** A connection whose server answers when the test says so. */
class SilentConnection implements NatsConnectionLike {
  /** Questions that were not answered yet. */
  readonly flushes: Array<{ readonly resolve: () => void }> = []
  #onFlush: () => void = () => {}
  readonly #statuses: NatsStatus[] = []
  #onStatus: () => void = () => {}
  isEnded = false

  publish (): void {}
  subscribe (): { unsubscribe (): void } { return { unsubscribe () {} } }
  request (): Promise<never> { return Promise.reject(new Error('nobody answers')) }
  isClosed (): boolean { return false }

  flush (): Promise<void> {
    const flush = deferred()
    this.flushes.push(flush)
    this.#onFlush()
    return flush.promise
  }

  /** Answers the next question, those that are yet to come included. */
  async answer (): Promise<void> {
    while (this.flushes.length === 0) await new Promise<void>(resolve => { this.#onFlush = resolve })
    this.flushes.shift()?.resolve()
  }

  say (type: string): void {
    this.#statuses.push({ type })
    this.#onStatus()
  }

  status (): AsyncIterable<NatsStatus> & { stop: () => void } {
    return { [Symbol.asyncIterator]: () => this.#iterate(), stop: () => { this.isEnded = true } }
  }

  async * #iterate (): AsyncGenerator<NatsStatus> {
    for (;;) {
      const status = this.#statuses.shift()
      if (status !== undefined) yield status
      else await new Promise<void>(resolve => { this.#onStatus = resolve })
    }
  }
}

async function started (timeout = 10_000): Promise<{ connection: SilentConnection, carrier: Carrier, states: AdapterState[], changed: () => Promise<void> }> {
  const connection = new SilentConnection()
  const carrier = new Carrier(connection, timeout)
  const states: AdapterState[] = []
  let onChange: () => void = () => {}
  const reached = carrier.start(state => {
    states.push(state)
    onChange()
  })
  await connection.answer()
  await reached
  return { connection, carrier, states, changed: () => new Promise(resolve => { onChange = resolve }) }
}

t.test('what was asked before a loss says nothing of what comes after it', async t => {
  const { connection, carrier, states, changed } = await started()
  t.after(() => carrier.stop())
  const lost = changed()
  connection.say('disconnect')
  await lost
  // The question that was under way.
  await connection.answer()
  await new Promise(resolve => setImmediate(resolve))
  t.same(states, ['unavailable'])
  const found = changed()
  await connection.answer()
  await found
  t.same(states, ['unavailable', 'ready'])
})

t.test('who asks in one tick asks once, and what is to be sent leaves before', async t => {
  const { connection, carrier } = await started()
  t.after(() => carrier.stop())
  const pings = connection.flushes.length
  const order: string[] = []
  const depart = (): void => { order.push(`sent after ${connection.flushes.length - pings} questions`) }
  const answers = [carrier.flush(), carrier.flush(depart), carrier.flush(depart), carrier.flush()]
  await Promise.resolve()
  answers.push(carrier.flush())
  while (connection.flushes.length === pings) await new Promise(resolve => setImmediate(resolve))
  t.equal(connection.flushes.length, pings + 1)
  t.same(order, ['sent after 0 questions'])
  for (let count = 0; count <= pings; count++) await connection.answer()
  await Promise.all(answers)
})

t.test('what is under way ends with the connection, and what comes after is refused at once', async t => {
  const { connection, carrier } = await started()
  t.after(() => carrier.stop())
  const asked = carrier.ask(() => new Promise<never>(() => {}))
  connection.say('disconnect')
  await t.rejects(asked, { code: 'FST_ERR_WS_ADAPTER_UNAVAILABLE', message: /lost/ })
  await t.rejects(carrier.ask(async () => t.fail('was asked')), { code: 'FST_ERR_WS_ADAPTER_UNAVAILABLE' })
  await t.rejects(carrier.flush(() => t.fail('was sent')), { code: 'FST_ERR_WS_ADAPTER_UNAVAILABLE' })
})

t.test('a question that is not answered in time rejects, and the state does not hang on it', async t => {
  const { carrier, states } = await started()
  t.after(() => carrier.stop())
  await t.rejects(carrier.ask(() => new Promise<never>(() => {}), 10), { code: 'FST_ERR_WS_ADAPTER_UNAVAILABLE', message: /10 ms/ })
  t.same(states, [])
})

t.test('a ping that is not answered in time is a loss', async t => {
  const { connection, carrier, states, changed } = await started(10)
  t.after(() => carrier.stop())
  if (states.length === 0) await changed()
  t.same(states, ['unavailable'])
  t.match(carrier.error, { message: /10 ms/ })
  await connection.answer()
  const found = changed()
  await connection.answer()
  await found
})

t.test('status that says nothing of a loss changes nothing', async t => {
  const { connection, carrier, states } = await started()
  t.after(() => carrier.stop())
  for (const type of ['update', 'ldm', 'ping', 'reconnecting', 'reconnect', 'slowConsumer', 'error', '__proto__', 'constructor']) connection.say(type)
  await new Promise(resolve => setImmediate(resolve))
  t.same(states, [])
  t.equal(carrier.error, null)
})

t.test('whoever stops listens no more', async t => {
  const { connection, carrier, states } = await started()
  carrier.stop()
  t.ok(connection.isEnded)
  connection.say('disconnect')
  await new Promise(resolve => setImmediate(resolve))
  t.same(states, [])
})
