import { Type } from '@sinclair/typebox'
import type { Static } from '@sinclair/typebox'

/** What somebody says; by the key a page knows its own when it comes back. */
export const Words = Type.Object({
  key: Type.String({ maxLength: 32 }),
  text: Type.String({ pattern: '\\S', maxLength: 500 })
})
export const Said = Type.Object({ number: Type.Integer(), key: Type.String(), text: Type.String() })
/** `last` is what the next request names as `since`. */
export const News = Type.Object({ last: Type.Integer(), messages: Type.Array(Said) })

export type WordsMessage = Static<typeof Words>
export type SaidMessage = Static<typeof Said>
export type NewsMessage = Static<typeof News>

const kept = 200

/** The messages of one chat, numbered, and who waits for the next. */
export class Log {
  #messages: SaidMessage[] = []
  #last = 0
  #waiting = new Set<() => void>()
  #isClosed = false

  say ({ key, text }: WordsMessage): SaidMessage {
    const said = { number: ++this.#last, key, text }
    this.#messages = [...this.#messages, said].slice(-kept)
    this.#answerAll()
    return said
  }

  /** What was said after message number `number`: polling asks it again and again. */
  since (number: number): NewsMessage {
    return { last: this.#last, messages: this.#messages.filter(message => message.number > number) }
  }

  /** As `since`, but waits for something to be said, at most `timeout` milliseconds: long-polling. */
  async next (number: number, timeout: number): Promise<NewsMessage> {
    if (this.#last === number && !this.#isClosed) await this.#change(timeout)
    return this.since(number)
  }

  /** Nobody waits any more. */
  close (): void {
    this.#isClosed = true
    this.#answerAll()
  }

  #answerAll (): void {
    const waiting = this.#waiting
    this.#waiting = new Set()
    for (const answer of waiting) answer()
  }

  #change (timeout: number): Promise<void> {
    return new Promise(resolve => {
      const answer = (): void => {
        clearTimeout(timer)
        this.#waiting.delete(answer)
        resolve()
      }
      const timer = setTimeout(answer, timeout)
      this.#waiting.add(answer)
    })
  }
}
