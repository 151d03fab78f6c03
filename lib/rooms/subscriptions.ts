import type { Adapter } from '../../types/adapter.ts'
import { outside } from '../outside.ts'

/**
 * Keeps the adapter subscribed to the rooms that have members here. Joins and leaves that follow each other fast
 * are taken in turn, and only what they come to is asked of the adapter.
 */
export class Subscriptions {
  readonly #adapter: Pick<Adapter, 'subscribe' | 'unsubscribe'>
  readonly #rooms = new Map<string, Subscription>()

  constructor (adapter: Pick<Adapter, 'subscribe' | 'unsubscribe'>) {
    this.#adapter = adapter
  }

  /** Settles when the room is subscribed to. */
  want (room: string): Promise<void> {
    let subscription = this.#rooms.get(room)
    if (subscription === undefined) this.#rooms.set(room, subscription = { wanted: true, has: false, hasFailed: false, turn: Promise.resolve() })
    subscription.wanted = true
    return this.#settle(room, subscription)
  }

  /** Settles when the room is subscribed to no more, or wanted again. */
  drop (room: string): Promise<void> {
    const subscription = this.#rooms.get(room)
    if (subscription === undefined) return Promise.resolve()
    subscription.wanted = false
    return this.#settle(room, subscription)
  }

  /** Settles when a wanted room is subscribed to; tries again where the last attempt failed. */
  ready (room: string): Promise<void> {
    const subscription = this.#rooms.get(room)
    if (subscription === undefined) return Promise.resolve()
    return subscription.hasFailed ? this.#settle(room, subscription) : subscription.turn
  }

  /** How many rooms are wanted, or still being dropped. */
  get size (): number {
    return this.#rooms.size
  }

  #settle (room: string, subscription: Subscription): Promise<void> {
    subscription.hasFailed = false
    // What is asked of the adapter serves all who join, and is kept as long as the room has members.
    const turn = outside(() => subscription.turn.then(() => this.#apply(room, subscription), () => this.#apply(room, subscription)))
    // Who joins hears of a failure; when nobody listens it is no unhandledRejection.
    turn.catch(ignore)
    subscription.turn = turn
    return turn
  }

  async #apply (room: string, subscription: Subscription): Promise<void> {
    try {
      if (subscription.wanted && !subscription.has) {
        await this.#adapter.subscribe(room)
        subscription.has = true
      } else if (!subscription.wanted && subscription.has) {
        subscription.has = false
        await this.#adapter.unsubscribe(room)
      }
    } catch (error) {
      subscription.hasFailed = true
      throw error
    } finally {
      if (!subscription.wanted && !subscription.has && this.#rooms.get(room) === subscription) this.#rooms.delete(room)
    }
  }
}

interface Subscription {
  /** Whether the room has members. */
  wanted: boolean
  /** Whether the adapter is subscribed. */
  has: boolean
  /** Whether the last thing asked of the adapter failed, and nothing has been asked since. */
  hasFailed: boolean
  /** The last thing asked of the adapter for it. */
  turn: Promise<void>
}

function ignore (): void {}
