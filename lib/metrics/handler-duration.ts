import { tracingChannel } from 'node:diagnostics_channel'
import { performance } from 'node:perf_hooks'
import { Histogram } from 'prom-client'
import type { WsMessageEvent } from '../../types/channels.ts'

const channelName = 'fastify-typed-ws:message'

/** How long the handlers of one server take, from the call until their promise has settled. */
export class HandlerDuration {
  readonly metric: Histogram<'route' | 'type'>
  readonly #server: object
  /** When handlers began that have not ended, in milliseconds. */
  readonly #started = new WeakMap<WsMessageEvent, number>()
  // Kept here: a channel that nobody refers to is collected, subscribers and all.
  readonly #channel = tracingChannel<typeof channelName, WsMessageEvent>(channelName)

  constructor (name: string, buckets: readonly number[], server: object) {
    this.#server = server
    this.metric = new Histogram({
      name,
      help: 'How long handlers took, until their promise had settled, by route and type of message.',
      labelNames: ['route', 'type'],
      buckets: [...buckets],
      registers: []
    })
  }

  start (): void {
    this.#channel.subscribe(this.#subscribers)
  }

  stop (): void {
    this.#channel.unsubscribe(this.#subscribers)
  }

  readonly #onStart = (event: WsMessageEvent): void => {
    if (event.instance.server === this.#server) this.#started.set(event, performance.now())
  }

  /** The handler has returned. Without a result or an error it returned a promise, which `asyncEnd` follows. */
  readonly #onEnd = (event: WsMessageEvent): void => {
    if (Object.hasOwn(event, 'result') || Object.hasOwn(event, 'error')) this.#onDone(event)
  }

  readonly #onDone = (event: WsMessageEvent): void => {
    const started = this.#started.get(event)
    if (started === undefined) return
    this.#started.delete(event)
    this.metric.observe({ route: event.route, type: String(event.type ?? '') }, (performance.now() - started) / 1_000)
  }

  readonly #subscribers = { start: this.#onStart, end: this.#onEnd, asyncStart: ignore, asyncEnd: this.#onDone, error: ignore }
}

function ignore (): void {}
