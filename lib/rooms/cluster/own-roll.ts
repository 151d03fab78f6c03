import type { Changes } from './control-messages.ts'
import { pagesOf } from './entry.ts'
import type { Entry } from './entry.ts'

/** What became of a member since the others were told: they know of a `joined` one nothing yet. */
type Change = 'joined' | 'updated' | 'left'

/** Ids are short: so many of those who left go with one page. */
const mostLeft = 5_000

/** The members of a room in this process, and what the others have not been told of them yet. */
export class OwnRoll {
  readonly entries = new Map<string, Entry>()
  readonly #changes = new Map<string, Change>()
  #version = 0

  /** What the others have been told; 0 for nothing, as long as nobody was in it. */
  get version (): number {
    return this.#version
  }

  join (entry: Entry): void {
    const { id } = entry
    const change = this.#changes.get(id)
    if (change === 'left' || (change === undefined && this.entries.has(id))) this.#changes.set(id, 'updated')
    else if (change === undefined) this.#changes.set(id, 'joined')
    this.entries.set(id, entry)
  }

  /** The one that left; null where it was not in. */
  leave (id: string): Entry | null {
    const entry = this.entries.get(id)
    if (entry === undefined) return null
    this.entries.delete(id)
    if (this.#changes.get(id) === 'joined') this.#changes.delete(id)
    else this.#changes.set(id, 'left')
    return entry
  }

  /** What the others are to be told, in pieces that fit into envelopes. */
  take (nextVersion: () => number): Changes[] {
    if (this.#changes.size === 0) return []
    const joined: Entry[] = []
    const left: string[] = []
    for (const [id, change] of this.#changes) {
      const entry = this.entries.get(id)
      if (change === 'left' || entry === undefined) left.push(id)
      else joined.push(entry)
    }
    this.#changes.clear()
    const pages = pagesOf(joined)
    const pieces: Changes[] = []
    for (let index = 0; index < pages.length || index * mostLeft < left.length; index++) {
      const previous = this.#version
      this.#version = nextVersion()
      pieces.push({
        say: 'changes', previous, version: this.#version, joined: pages[index] ?? [], left: left.slice(index * mostLeft, (index + 1) * mostLeft)
      })
    }
    return pieces
  }
}
