import type { HistorySettings } from '../../types/adapter.ts'
import type { SlowConsumer } from '../connection/slow-consumer.ts'
import { FST_ERR_WS_ROOM_DECLARED, FST_ERR_WS_ROOM_PATTERN } from '../errors.ts'
import type { SendContract } from '../messages/send-contract.ts'
import type { ResolvedPresence } from '../room-options.ts'

/** What rooms of one pattern carry. */
export interface Declaration {
  readonly pattern: string
  /** The schema of what is sent to them; undefined for none. */
  readonly schema: unknown
  /** null where it is what the members' routes say */
  readonly slowConsumer: SlowConsumer | null
  /** null for none */
  readonly history: HistorySettings | null
  /** null for none */
  readonly presence: ResolvedPresence | null
  /** Compiled when the application starts: null until then, and where nothing is declared. */
  contract: SendContract | null
}

/** Declarations by name and by prefix; the longest pattern that fits a name counts. */
export class Declarations {
  readonly #byName = new Map<string, Declaration>()
  /** Longest prefix first. */
  #byPrefix: Array<{ prefix: string, declaration: Declaration }> = []

  /** @throws FST_ERR_WS_ROOM_PATTERN, FST_ERR_WS_ROOM_DECLARED */
  add (declaration: Declaration): void {
    const { pattern } = declaration
    if (typeof pattern !== 'string' || pattern === '' || pattern.slice(0, -1).includes('*')) throw new FST_ERR_WS_ROOM_PATTERN(pattern)
    if (pattern.endsWith('*')) {
      const prefix = pattern.slice(0, -1)
      if (this.#byPrefix.some(entry => entry.prefix === prefix)) throw new FST_ERR_WS_ROOM_DECLARED(pattern)
      this.#byPrefix = [...this.#byPrefix, { prefix, declaration }].sort((a, b) => b.prefix.length - a.prefix.length)
    } else {
      if (this.#byName.has(pattern)) throw new FST_ERR_WS_ROOM_DECLARED(pattern)
      this.#byName.set(pattern, declaration)
    }
  }

  for (name: string): Declaration | null {
    return this.#byName.get(name) ?? this.#byPrefix.find(entry => name.startsWith(entry.prefix))?.declaration ?? null
  }

  * [Symbol.iterator] (): Iterator<Declaration> {
    yield * this.#byName.values()
    for (const { declaration } of this.#byPrefix) yield declaration
  }
}
