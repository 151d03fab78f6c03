import type { Observation } from './observations.ts'

/** Whoever is told: the page's own connection. */
export interface Listener {
  readonly writable: boolean
  send (observation: Observation): void
}

/** How many connections of a page are watched at the same time: its own, and those made by hand. */
const atOnce = 4

/** What one page sees. Where it does not keep up, it is told how much it missed, and nothing is held for it. */
export class Watch {
  readonly #listener: Listener
  #connections: number
  #open = 0
  #skipped = 0

  constructor (listener: Listener, connections: number) {
    this.#listener = listener
    this.#connections = connections
  }

  /** How many connections of the page were seen. */
  get connections (): number {
    return this.#connections
  }

  /** Begins to watch a connection. Returns its number, null where too many are watched. */
  begin (): number | null {
    if (this.#open === atOnce) return null
    this.#open++
    return ++this.#connections
  }

  end (): void {
    this.#open--
  }

  tell (observation: Observation): void {
    if (!this.#listener.writable) {
      this.#skipped++
      return
    }
    if (this.#skipped > 0) {
      this.#listener.send({ type: 'skipped', count: this.#skipped })
      this.#skipped = 0
    }
    this.#listener.send(observation)
  }
}

/** Who watches: by the page, which nobody else knows the name of. */
export class Watches {
  readonly #byPage = new Map<string, Watch>()

  /** A page that comes back takes the place of what it was before. */
  open (page: string, listener: Listener): Watch {
    const watch = new Watch(listener, this.#byPage.get(page)?.connections ?? 0)
    this.#byPage.set(page, watch)
    return watch
  }

  close (page: string, watch: Watch): void {
    if (this.#byPage.get(page) === watch) this.#byPage.delete(page)
  }

  of (page: string): Watch | null {
    return this.#byPage.get(page) ?? null
  }
}
