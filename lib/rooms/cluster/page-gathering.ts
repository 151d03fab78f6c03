import type { Page } from './control-messages.ts'
import type { Entry } from './entry.ts'

/** Gathers the pages of one list, in whatever order they come. */
export class PageGathering {
  readonly #pages = new Map<number, readonly Entry[]>()
  #count = 0

  /** Returns whether all are there now. A page of a list of another length begins that one. */
  add ({ page, pages, members }: Page): boolean {
    if (pages !== this.#count) this.#pages.clear()
    this.#count = pages
    this.#pages.set(page, members)
    return this.#pages.size === this.#count
  }

  get entries (): Entry[] {
    return [...this.#pages.entries()].sort(([a], [b]) => a - b).flatMap(([, members]) => members)
  }
}
