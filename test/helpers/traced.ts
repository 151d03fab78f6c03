import { subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel'
import { AsyncLocalStorage } from 'node:async_hooks'
import { EventEmitter, once } from 'node:events'
import type { Test } from 'tap'

const events = ['start', 'end', 'asyncStart', 'asyncEnd', 'error'] as const

export interface TracedEvent<Event> {
  readonly name: typeof events[number]
  readonly event: Event
  /** Its fields as they were then. */
  readonly fields: Event
}

/** What a TracingChannel of this package tells until the test ends. */
export class Traced<Event extends object> {
  readonly told: Array<TracedEvent<Event>> = []
  readonly #emitter = new EventEmitter()
  /** Called at each event. */
  onEvent: (name: typeof events[number], event: Event) => void = () => {}

  constructor (t: Test, channel: 'upgrade' | 'message' | 'broadcast') {
    for (const name of events) {
      const full = `tracing:fastify-typed-ws:${channel}:${name}`
      const listener = (message: unknown): void => {
        const event = message as Event
        this.told.push({ name, event, fields: { ...event } })
        this.#emitter.emit('told')
        this.onEvent(name, event)
      }
      subscribe(full, listener)
      t.after(() => unsubscribe(full, listener))
    }
  }

  /** The names of the events so far. */
  get names (): string[] {
    return this.told.map(({ name }) => name)
  }

  /** Settles when so many events were told. */
  async until (count: number): Promise<void> {
    while (this.told.length < count) await once(this.#emitter, 'told')
  }
}

/** A store that is bound to the start of a TracingChannel, until the test ends. */
export function boundStore<Event extends object, Value> (t: Test, channel: string, value: (event: Event) => Value): AsyncLocalStorage<Value> {
  const store = new AsyncLocalStorage<Value>()
  const { start } = tracingChannel<unknown, Event>(`fastify-typed-ws:${channel}`)
  start.bindStore(store, value as (event: unknown) => Value)
  t.after(() => { start.unbindStore(store) })
  return store
}

/** What the process would have ended with, until the test ends. */
export function uncaught (t: Test): unknown[] {
  const errors: unknown[] = []
  process.setUncaughtExceptionCaptureCallback(error => { errors.push(error) })
  t.after(() => process.setUncaughtExceptionCaptureCallback(null))
  return errors
}
