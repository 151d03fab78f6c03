import type { NatsMessage, NatsSubscription } from '../../../types/nats.ts'
import type { Carrier } from './carrier.ts'
import { outside } from '../../outside.ts'

/** After how long the server is asked again for what it does not let us have any more, in milliseconds. */
const retryInterval = 2_000

export interface SubscriptionListener {
  onMessage (channel: string, message: NatsMessage): void
  /** The server does not let us have it any more, or still not. */
  onLost (channel: string, error: Error): void
}

interface Opened {
  readonly subscription: NatsSubscription
  /** Whether whoever wants it takes it to be there. */
  isTaken: boolean
  refused: Error | null
}

/** Channels that are subscribed to. The library subscribes to them again when it has connected again. */
export class Subscriptions {
  readonly #carrier: Carrier
  readonly #subjectOf: (channel: string) => string
  readonly #listener: SubscriptionListener
  readonly #open = new Map<string, Opened>()
  /** Channels that were there, are wanted, and that the server refuses: a user's rights may change while it is connected, and change back. */
  readonly #lost = new Set<string>()
  #timer: NodeJS.Timeout | null = null

  constructor (carrier: Carrier, subjectOf: (channel: string) => string, listener: SubscriptionListener) {
    this.#carrier = carrier
    this.#subjectOf = subjectOf
    this.#listener = listener
  }

  /** Settles when the server has it, or at once while that is unavailable: it is subscribed to before that is ready. Rejects when the server refuses. */
  async add (channel: string): Promise<void> {
    if (this.#open.has(channel) || this.#carrier.connection.isClosed()) return
    const opened = outside(() => this.#subscribe(channel))
    try {
      await this.#carrier.flush()
    } catch (error) {
      // What is not answered now is asked again before the carrier is ready.
      if (this.#carrier.error === null) throw error
    }
    if (opened.refused !== null) throw opened.refused
    opened.isTaken = true
  }

  delete (channel: string): void {
    const opened = this.#open.get(channel)
    this.#open.delete(channel)
    this.#lost.delete(channel)
    opened?.subscription.unsubscribe()
  }

  clear (): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    for (const channel of [...this.#open.keys(), ...this.#lost]) this.delete(channel)
  }

  #subscribe (channel: string): Opened {
    const opened: Opened = {
      isTaken: false,
      refused: null,
      subscription: this.#carrier.connection.subscribe(this.#subjectOf(channel), {
        callback: (error, message) => {
          // One that has ended may still be called with what came in the same chunk.
          if (this.#open.get(channel) !== opened) return
          if (error === null) this.#listener.onMessage(channel, message)
          else this.#onRefused(channel, opened, error)
        }
      })
    }
    this.#open.set(channel, opened)
    return opened
  }

  #onRefused (channel: string, opened: Opened, error: Error): void {
    opened.refused = error
    this.#open.delete(channel)
    if (opened.isTaken) this.#retryLater(channel)
    this.#listener.onLost(channel, error)
  }

  #retryLater (channel: string): void {
    this.#lost.add(channel)
    this.#timer ??= outside(() => setTimeout(() => this.#retry(), retryInterval).unref())
  }

  #retry (): void {
    this.#timer = null
    const lost = [...this.#lost]
    this.#lost.clear()
    for (const channel of lost) {
      try {
        this.#subscribe(channel).isTaken = true
      } catch {
        // The connection is closed, or is about to be.
        return
      }
    }
  }
}
