// What is published: about a hundred bytes of JSON, numbered, with the time at which it was due.

const digits = { type: 'string', maxLength: 16 }

export const contract = {
  type: 'object',
  required: ['type', 'n', 'at', 'text'],
  properties: { type: { const: 'tick' }, n: digits, at: digits, text: { type: 'string', maxLength: 100 } }
}

const text = 'hello there, how are you today?'

/** @param at milliseconds of `performance.now()` */
export function message (number, at) {
  return { type: 'tick', n: String(number).padStart(9, '0'), at: (at * 1000).toFixed(0).padStart(13, '0'), text }
}

const marks = /"n":"(\d{9})","at":"(\d{13})"/g

/** Finds the messages in what one member reads, and what became of their order. */
export class Messages {
  #rest = ''
  #next = 0
  #onMessage

  /** @param onMessage called with the milliseconds at which each was due */
  constructor (onMessage) {
    this.#onMessage = onMessage
  }

  /** @throws where one comes twice, or behind a later one. What is missing is counted by whoever knows how many there should be */
  push (bytes) {
    const text = this.#rest + bytes
    let end = 0
    for (const { 0: { length }, 1: number, 2: at, index } of text.matchAll(marks)) {
      if (Number(number) < this.#next) throw new Error(`message ${Number(number)} came in the place of ${this.#next}`)
      this.#next = Number(number) + 1
      this.#onMessage(Number(at) / 1000)
      end = index + length
    }
    // No longer than what may yet become a match.
    this.#rest = text.slice(Math.max(end, text.length - 64))
  }
}
