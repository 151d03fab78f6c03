import type { Changes, Roll } from './control-messages.ts'
import type { Entry } from './entry.ts'
import { PageGathering } from './page-gathering.ts'

/** Who is told of changes in another process. */
export interface RollListener {
  /** Joined, or is seen otherwise than before. */
  onJoined (entry: Entry, isNew: boolean): void
  onLeft (entry: Entry): void
  /** Whatever is remembered of it is no longer so, though it may be no news. */
  onChanged (): void
}

/** What is known of another process's members of a room when its roll is begun. */
export type Beginning =
  /** It has none: it has just started. */
  | 'empty'
  /** Unknown, and whoever was there before is no news. */
  | 'unknown'
  /** Unknown, and everybody is news: it was taken for dead. */
  | 'lost'

const nobody: ReadonlyMap<string, Entry> = new Map()
const nothing: readonly Changes[] = []

/** So many changes may wait for what comes before them: after more, the whole roll is asked for. */
const mostAhead = 256

/**
 * The members of a room in another process, as far as that has told. Changes have versions, and say which version they follow: one that does not follow what
 * is known waits for those in between, or for a whole roll.
 */
export class RemoteRoll {
  readonly #listener: RollListener
  /** null for nobody: of most rooms most processes have none. */
  #entries: Map<string, Entry> | null = null
  #version = 0
  #isKnown: boolean
  /** Nobody is told of those who were there before. */
  #isSilent: boolean
  /** The version that is known to be there, where this one may be older. */
  #newest = 0
  #isDoubted = false
  #ahead = nothing
  #pages: PageGathering | null = null
  #pagesVersion = 0
  /** When it was confirmed last, and when it was asked for. */
  confirmedAt = performance.now()
  askedAt = -Infinity

  constructor (beginning: Beginning, listener: RollListener) {
    this.#listener = listener
    this.#isKnown = beginning === 'empty'
    this.#isSilent = beginning === 'unknown'
  }

  get entries (): ReadonlyMap<string, Entry> {
    return this.#entries ?? nobody
  }

  /** What is known; 0 for nothing that could be built on. */
  get version (): number {
    return this.#isKnown ? this.#version : 0
  }

  /** Whether nothing is known to be missing. */
  get isCurrent (): boolean {
    return this.#isKnown && !this.#isDoubted && this.#ahead.length === 0 && this.#newest <= this.#version
  }

  /** It is to be asked whether this is still right. */
  doubt (): void {
    this.#isDoubted = true
  }

  onChanges (changes: Changes): void {
    if (changes.version <= this.#version) return
    if (this.#isSilent) this.#tell(changes)
    this.#ahead = this.#ahead.length === mostAhead ? [changes] : [...this.#ahead, changes]
    this.#catchUp()
  }

  onRoll (roll: Roll): void {
    const { version } = roll
    if (version < this.#version || version < this.#pagesVersion) return
    if (version > this.#pagesVersion || this.#pages === null) this.#pages = new PageGathering()
    this.#pagesVersion = version
    this.askedAt = performance.now()
    if (!this.#pages.add(roll)) return
    const { entries } = this.#pages
    this.#pages = null
    this.#become(version, entries)
  }

  /** What the other process says of its own. */
  onDigest (version: number, count: number): void {
    if (version < this.#version) return
    if (count === 0) {
      this.#become(version, [])
    } else if (version > this.#version) {
      this.#newest = Math.max(this.#newest, version)
    } else if (count === this.entries.size) {
      if (this.#isKnown) this.#confirm()
    } else {
      this.#isKnown = false
    }
  }

  /** Whoever is left is gone. */
  end (): void {
    for (const entry of this.entries.values()) this.#listener.onLeft(entry)
    this.#entries = null
  }

  #become (version: number, entries: readonly Entry[]): void {
    this.#replace(version, entries)
    this.#confirm()
    this.#catchUp()
  }

  #confirm (): void {
    this.#isDoubted = false
    this.confirmedAt = performance.now()
  }

  /** Takes what follows, in its order, whatever the order in which it came. */
  #catchUp (): void {
    for (;;) {
      const next = this.#ahead.find(changes => this.#follows(changes))
      const left = this.#ahead.filter(changes => changes !== next && changes.version > this.#version)
      this.#ahead = left.length === 0 ? nothing : left
      if (next === undefined) break
      this.#apply(next)
    }
    if (this.#isKnown) this.#isSilent = false
  }

  /** Changes of nobody before are a whole roll. */
  #follows ({ previous, version }: Changes): boolean {
    return version > this.#version && (previous === 0 || (this.#isKnown && previous === this.#version))
  }

  #apply (changes: Changes): void {
    this.confirmedAt = performance.now()
    if (changes.previous === 0) {
      this.#replace(changes.version, changes.joined)
      return
    }
    this.#version = changes.version
    this.#listener.onChanged()
    for (const id of changes.left) this.#delete(id)
    for (const entry of changes.joined) this.#set(entry)
  }

  #replace (version: number, entries: readonly Entry[]): void {
    this.#version = version
    this.#isKnown = true
    this.#listener.onChanged()
    const ids = new Set(entries.map(({ id }) => id))
    for (const id of [...this.entries.keys()]) if (!ids.has(id)) this.#delete(id)
    for (const entry of entries) this.#set(entry)
  }

  #set (entry: Entry): void {
    const before = this.entries.get(entry.id)
    this.#entries ??= new Map()
    this.#entries.set(entry.id, entry)
    if (!this.#isSilent && before?.json !== entry.json) this.#listener.onJoined(entry, before === undefined)
  }

  #delete (id: string): void {
    const before = this.entries.get(id)
    if (this.#entries === null || before === undefined) return
    this.#entries.delete(id)
    if (this.#entries.size === 0) this.#entries = null
    if (!this.#isSilent) this.#listener.onLeft(before)
  }

  /** Who was there before is no news, but what happens since is, though the roll is not known yet. */
  #tell ({ joined, left }: Changes): void {
    for (const entry of joined) this.#listener.onJoined(entry, true)
    for (const id of left) this.#listener.onLeft({ id, key: null, json: null })
  }
}
