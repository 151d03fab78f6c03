import type { Adapter, AdapterContext, AdapterHistory, Envelope, HistoryEvent, HistoryPage, HistorySettings, MessageEnvelope, Position } from '../../types/adapter.ts'
import { MemoryHistory } from './memory-history.ts'

/** Joins the memory adapters of one process: several Fastify servers in it, or tests of a cluster. */
export class MemoryHub {
  readonly #adapters = new Set<MemoryAdapter>()
  readonly #history = new MemoryHistory()

  /** @internal */
  add (adapter: MemoryAdapter): void {
    this.#adapters.add(adapter)
  }

  /** @internal */
  delete (adapter: MemoryAdapter): void {
    this.#adapters.delete(adapter)
  }

  /** @internal */
  publish (from: MemoryAdapter, channel: string, envelope: Envelope): void {
    for (const adapter of this.#adapters) {
      if (adapter !== from) adapter.onEnvelope(channel, envelope)
    }
  }

  /** @internal */
  append (channel: string, envelope: MessageEnvelope, settings: HistorySettings): void {
    const event = this.#history.append(channel, envelope, settings)
    if (event === null) return
    for (const adapter of this.#adapters) adapter.onEvent(channel, event)
  }

  /** @internal */
  read (channel: string, after: Position | null, settings: HistorySettings): HistoryPage {
    return this.#history.read(channel, after, settings)
  }
}

const done = Promise.resolve()

/** Rooms within one process: the default. Nothing leaves it; delivery to another server on the hub is synchronous. */
class MemoryAdapter implements Adapter, AdapterHistory {
  readonly history = this
  readonly #hub: MemoryHub
  readonly #channels = new Set<string>()
  #context: AdapterContext | null = null

  constructor (hub: MemoryHub) {
    this.#hub = hub
  }

  start (context: AdapterContext): Promise<void> {
    this.#context = context
    this.#hub.add(this)
    return done
  }

  publish (channel: string, envelope: Envelope): Promise<void> {
    this.#hub.publish(this, channel, envelope)
    return done
  }

  subscribe (channel: string): Promise<void> {
    this.#channels.add(channel)
    return done
  }

  unsubscribe (channel: string): Promise<void> {
    this.#channels.delete(channel)
    return done
  }

  stop (): Promise<void> {
    this.#hub.delete(this)
    return done
  }

  append (channel: string, envelopes: readonly MessageEnvelope[], settings: HistorySettings): Promise<void> {
    for (const envelope of envelopes) this.#hub.append(channel, envelope, settings)
    return done
  }

  async read (channel: string, after: Position | null, settings: HistorySettings): Promise<HistoryPage> {
    return this.#hub.read(channel, after, settings)
  }

  onEnvelope (channel: string, envelope: Envelope): void {
    if (this.#channels.has(channel)) this.#context?.onEnvelope(channel, envelope)
  }

  onEvent (channel: string, event: HistoryEvent): void {
    if (this.#channels.has(channel)) this.#context?.onEvent(channel, event)
  }
}

/** An adapter in memory. Servers whose adapters share a hub share their rooms. */
export function memoryAdapter (hub: MemoryHub = new MemoryHub()): Adapter {
  return new MemoryAdapter(hub)
}
