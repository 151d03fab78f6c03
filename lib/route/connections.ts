import { setImmediate as immediate } from 'node:timers/promises'
import type { ServerConnection } from '../connection/connection.ts'
import type { ResolvedDrain } from '../options.ts'
import { closeCode } from '../protocol/close.ts'
import type { Place } from './limits.ts'
import { spreadOut } from './spread.ts'

const reason = 'server is closing'

/** How long connections that were dropped may take to run their `onClose`, in milliseconds. */
const dropTimeout = 500

/** This process's connections. */
export class Connections {
  readonly #open = new Set<ServerConnection>()
  /** What those that are counted have reserved. */
  readonly #places = new Map<ServerConnection, Place>()
  readonly #prefix: string
  #next = 1
  #onEmpty: (() => void) | null = null

  /** @param node the id of this process, with which the ids of its connections begin */
  constructor (node: string) {
    this.#prefix = `${node}-`
  }

  get size (): number {
    return this.#open.size
  }

  [Symbol.iterator] (): Iterator<ServerConnection> {
    return this.#open[Symbol.iterator]()
  }

  filter (predicate: (connection: ServerConnection) => boolean): ServerConnection[] {
    return [...this.#open].filter(predicate)
  }

  nextId (): string {
    return this.#prefix + (this.#next++).toString(36)
  }

  add (connection: ServerConnection, place: Place | null = null): void {
    this.#open.add(connection)
    if (place !== null) this.#places.set(connection, place)
  }

  readonly delete = (connection: ServerConnection): void => {
    this.#open.delete(connection)
    const place = this.#places.get(connection)
    if (place !== undefined) {
      this.#places.delete(connection)
      place.release()
    }
    if (this.#open.size === 0) this.#onEmpty?.()
  }

  /** Closes all with 1001, each once its handlers have replied, and settles when they have ended or have not within `timeout` milliseconds. */
  async drain ({ timeout, spread }: Pick<ResolvedDrain, 'timeout' | 'spread'>): Promise<void> {
    const stop = spreadOut(this.#open, spread, connection => connection.retire(closeCode.goingAway, reason))
    await this.#emptyWithin(timeout)
    stop()
  }

  /** Drops those that are left, whatever they are doing. */
  async drop (): Promise<void> {
    if (this.#open.size === 0) return
    // Those whose handlers still run: they hear why. What came while the loop was blocked is read before they are dropped.
    for (const connection of this.#open) connection.close(closeCode.goingAway, reason)
    await immediate()
    for (const connection of this.#open) connection.drop()
    await this.#emptyWithin(dropTimeout)
  }

  #emptyWithin (milliseconds: number): Promise<void> {
    if (this.#open.size === 0) return Promise.resolve()
    return new Promise(resolve => {
      const timer = setTimeout(resolve, milliseconds)
      this.#onEmpty = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}
