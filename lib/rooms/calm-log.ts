import type { FastifyBaseLogger } from 'fastify'

/** How many lines of one kind are written in a second, at most. */
const mostLines = 10
const second = 1_000

interface Window {
  /** When it began, in milliseconds. */
  begun: number
  written: number
  omitted: number
}

/**
 * A log of what goes wrong for each message, join or room. An adapter that fails fails for all of them: whoever sends a thousand a second must not fill the disk. What was left out
 * is told, as `omitted`, by the next line of its kind, and counted in the stats.
 */
export class CalmLog {
  readonly #log: FastifyBaseLogger
  /** By what the line says: there are a few kinds. */
  readonly #windows = new Map<string, Window>()

  constructor (log: FastifyBaseLogger) {
    this.#log = log
  }

  warn (fields: object, line: string): void {
    const omitted = this.#take(line)
    if (omitted !== null) this.#log.warn({ ...fields, ...omitted }, line)
  }

  error (fields: object, line: string): void {
    const omitted = this.#take(line)
    if (omitted !== null) this.#log.error({ ...fields, ...omitted }, line)
  }

  /** What the line tells of those before it; null where it is to be left out. */
  #take (line: string): { omitted?: number } | null {
    const now = performance.now()
    let window = this.#windows.get(line)
    if (window === undefined) this.#windows.set(line, window = { begun: now, written: 0, omitted: 0 })
    if (now - window.begun >= second) {
      window.begun = now
      window.written = 0
    }
    if (window.written >= mostLines) {
      window.omitted++
      return null
    }
    window.written++
    const { omitted } = window
    window.omitted = 0
    return omitted === 0 ? {} : { omitted }
  }
}
