import type { Adapter, AdapterContext, Envelope } from '../../types/adapter.ts'

/** Joins the memory adapters of one process: several Fastify servers in it, or tests of a cluster. */
export class MemoryHub {
  readonly #adapters = new Set<MemoryAdapter>()

  add (adapter: MemoryAdapter): void {
    this.#adapters.add(adapter)
  }

  delete (adapter: MemoryAdapter): void {
    this.#adapters.delete(adapter)
  }

  publish (from: MemoryAdapter, room: string, envelope: Envelope): void {
    for (const adapter of this.#adapters) {
      if (adapter !== from) adapter.receive(room, envelope)
    }
  }
}

const done = Promise.resolve()

/** Rooms within one process: the default. Nothing leaves it; delivery to another server on the hub is synchronous. */
class MemoryAdapter implements Adapter {
  readonly #hub: MemoryHub
  readonly #rooms = new Set<string>()
  #context: AdapterContext | null = null

  constructor (hub: MemoryHub) {
    this.#hub = hub
  }

  start (context: AdapterContext): Promise<void> {
    this.#context = context
    this.#hub.add(this)
    return done
  }

  publish (room: string, envelope: Envelope): Promise<void> {
    this.#hub.publish(this, room, envelope)
    return done
  }

  subscribe (room: string): Promise<void> {
    this.#rooms.add(room)
    return done
  }

  unsubscribe (room: string): Promise<void> {
    this.#rooms.delete(room)
    return done
  }

  stop (): Promise<void> {
    this.#hub.delete(this)
    return done
  }

  receive (room: string, envelope: Envelope): void {
    if (this.#rooms.has(room)) this.#context?.onEnvelope(room, envelope)
  }
}

/** An adapter in memory. Servers whose adapters share a hub share their rooms. */
export function memoryAdapter (hub: MemoryHub = new MemoryHub()): Adapter {
  return new MemoryAdapter(hub)
}
