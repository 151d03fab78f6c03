import type { NatsMessage, NatsSubscription } from '../../../types/nats.ts'
import type { Carrier } from './carrier.ts'
import { outside } from '../../outside.ts'

export interface SubscriptionListener {
  onMessage (channel: string, message: NatsMessage): void
  /** The server does not let us have it any more. */
  onLost (channel: string, error: Error): void
}

/** Channels that are subscribed to. The library subscribes to them again when it has connected again. */
export class Subscriptions {
  readonly #carrier: Carrier
  readonly #subjectOf: (channel: string) => string
  readonly #listener: SubscriptionListener
  readonly #open = new Map<string, NatsSubscription>()

  constructor (carrier: Carrier, subjectOf: (channel: string) => string, listener: SubscriptionListener) {
    this.#carrier = carrier
    this.#subjectOf = subjectOf
    this.#listener = listener
  }

  /** Settles when the server has it, or at once while that is unavailable: it is subscribed to before that is ready. Rejects when the server refuses. */
  async add (channel: string): Promise<void> {
    if (this.#open.has(channel) || this.#carrier.connection.isClosed()) return
    const opened = outside(() => this.#subscribe(channel))
    this.#open.set(channel, opened.subscription)
    try {
      await this.#carrier.flush()
    } catch (error) {
      // What is not answered now is asked again before the carrier is ready.
      if (this.#carrier.error === null) throw error
    }
    if (opened.refused !== null) throw opened.refused
  }

  delete (channel: string): void {
    const subscription = this.#open.get(channel)
    this.#open.delete(channel)
    subscription?.unsubscribe()
  }

  clear (): void {
    for (const subscription of this.#open.values()) subscription.unsubscribe()
    this.#open.clear()
  }

  #subscribe (channel: string): { readonly subscription: NatsSubscription, refused: Error | null } {
    const opened: { subscription: NatsSubscription, refused: Error | null } = {
      refused: null,
      subscription: this.#carrier.connection.subscribe(this.#subjectOf(channel), {
        callback: (error, message) => {
          // One that has ended may still be called with what came in the same chunk.
          if (this.#open.get(channel) !== opened.subscription) return
          if (error === null) return this.#listener.onMessage(channel, message)
          opened.refused = error
          this.#open.delete(channel)
          this.#listener.onLost(channel, error)
        }
      })
    }
    return opened
  }
}
