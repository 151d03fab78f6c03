import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { Test } from 'tap'
import { change, ChatServer, connectTo, until } from '../helpers/clients.ts'
import { BrokerProxy } from '../e2e/cluster/broker-proxy.ts'

/* Node has no window: these stand in for a browser's. test/e2e/client.test.ts has a real one. */

class Target extends EventTarget {
  /** How many listeners there are, of all events. */
  listeners = 0

  override addEventListener (type: string, listener: () => void, options: { readonly signal: AbortSignal }): void {
    this.listeners++
    options.signal.addEventListener('abort', () => { this.listeners-- })
    super.addEventListener(type, listener, options)
  }

  tell (event: string): void {
    this.dispatchEvent(new Event(event))
  }
}

function openWindow (t: Test) {
  const window = new Target()
  const document = Object.assign(new Target(), { visibilityState: 'visible' })
  const navigator = { onLine: true }
  t.intercept(globalThis, 'addEventListener' as never, { value: window.addEventListener.bind(window), configurable: true, writable: true } as never)
  t.intercept(globalThis, 'document' as never, { value: document, configurable: true, writable: true } as never)
  t.intercept(globalThis, 'navigator' as never, { value: navigator, configurable: true, writable: true } as never)
  return { window, document, navigator }
}

const never = { reconnect: { base: 2_000_000_000, cap: 2_000_000_000 } }

t.test('without a network nothing is tried until there is one', async t => {
  const server = await ChatServer.start(t)
  const { window, navigator } = openWindow(t)
  navigator.onLine = false
  const client = connectTo(t, server.url)
  t.equal(client.state, 'waiting')
  const answered = client.request({ type: 'echo' })
  await sleep(30)
  t.equal(server.connections, 0)
  navigator.onLine = true
  window.tell('online')
  await answered
  navigator.onLine = false
  const waiting = change(client, 'waiting')
  server.cut()
  t.match(await waiting, { retryIn: null })
  navigator.onLine = true
  window.tell('online')
  await until(client, 'open')
})

t.test('a network that goes while it waits', async t => {
  const server = await ChatServer.start(t)
  const { navigator } = openWindow(t)
  const client = connectTo(t, server.url)
  await until(client, 'open')
  const waiting = change(client, 'waiting')
  server.cut()
  t.type((await waiting).retryIn, 'number')
  navigator.onLine = false
  t.match(await change(client, 'waiting'), { retryIn: null })
  t.equal(server.connections, 1)
})

t.test('who comes back to the page does not wait', async t => {
  const server = await ChatServer.start(t)
  const { window, document } = openWindow(t)
  const client = connectTo(t, server.url, never)
  await until(client, 'open')
  for (const wake of [() => window.tell('online'), () => window.tell('pageshow'), () => document.tell('visibilitychange')]) {
    const waiting = change(client, 'waiting')
    server.cut()
    await waiting
    document.visibilityState = 'hidden'
    document.tell('visibilitychange')
    t.equal(client.state, 'waiting', 'one that is hidden is not woken')
    document.visibilityState = 'visible'
    wake()
    await until(client, 'open')
  }
})

t.test('an open connection that was silent for too long while timers slept is dropped', async t => {
  const server = await ChatServer.start(t)
  const proxy = await BrokerProxy.start(t, server.port)
  const { window } = openWindow(t)
  const client = connectTo(t, `ws://127.0.0.1:${proxy.port}/`, { ...never, silenceTimeout: 10_000 })
  await until(client, 'open')
  window.tell('online')
  t.equal(client.state, 'open', 'one that is not stays')
  const { now } = Date
  t.teardown(() => { Date.now = now })
  Date.now = () => now() + 11_000
  const connecting = change(client, 'connecting')
  window.tell('online')
  t.match((await connecting).lost, { code: 1006, reason: 'silence' })
  await until(client, 'open')
  t.equal(server.connections, 2)
})

t.test('a closed client listens to nothing', async t => {
  const server = await ChatServer.start(t)
  const { window, document } = openWindow(t)
  const client = connectTo(t, server.url)
  t.ok(window.listeners > 0 && document.listeners > 0)
  client.close()
  t.same([window.listeners, document.listeners], [0, 0])
  window.tell('online')
  document.tell('visibilitychange')
  t.equal(client.state, 'closed')
})
