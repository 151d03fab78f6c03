import type { ServerConnection } from '../connection/connection.ts'
import { closeCode } from '../protocol/close.ts'
import type { Place } from './limits.ts'

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

  /** Closes all with 1001, and settles when they have ended; those that have not within `deadline` milliseconds are dropped. */
  async drain (deadline: number): Promise<void> {
    for (const connection of this.#open) connection.close(closeCode.goingAway, 'server is closing')
    if (await this.#emptyWithin(deadline)) return
    for (const connection of this.#open) connection.drop()
    await this.#emptyWithin(dropTimeout)
  }

  #emptyWithin (deadline: number): Promise<boolean> {
    if (this.#open.size === 0) return Promise.resolve(true)
    return new Promise(resolve => {
      const timer = setTimeout(() => resolve(false), deadline)
      this.#onEmpty = () => {
        clearTimeout(timer)
        resolve(true)
      }
    })
  }
}
