import { WsClientError } from './error.ts'

/** One `for await` over the messages: keeps what comes while its body runs. */
export class Loop implements AsyncIterator<unknown, undefined> {
  readonly #size: number
  readonly #onGone: (loop: Loop) => void
  readonly #kept: unknown[] = []
  readonly #asking: Array<{ resolve (result: IteratorResult<unknown, undefined>): void, reject (error: Error): void }> = []
  #isOver = false
  #error: Error | null = null

  constructor (size: number, onGone: (loop: Loop) => void) {
    this.#size = size
    this.#onGone = onGone
  }

  push (message: unknown): void {
    const first = this.#asking.shift()
    if (first !== undefined) first.resolve({ done: false, value: message })
    else if (this.#kept.length < this.#size) this.#kept.push(message)
    else this.end(new WsClientError('WS_CLIENT_OVERFLOW', `a loop is ${this.#size} messages behind`))
  }

  /** What is kept comes first. */
  end (error: Error | null): void {
    this.#isOver = true
    this.#error = error
    this.#onGone(this)
    for (const { resolve, reject } of this.#asking.splice(0)) this.#settle(resolve, reject)
  }

  next (): Promise<IteratorResult<unknown, undefined>> {
    return new Promise((resolve, reject) => {
      if (this.#kept.length > 0) resolve({ done: false, value: this.#kept.shift() })
      else if (this.#isOver) this.#settle(resolve, reject)
      else this.#asking.push({ resolve, reject })
    })
  }

  return (): Promise<IteratorResult<unknown, undefined>> {
    this.#kept.length = 0
    this.end(null)
    return this.next()
  }

  /** The error is thrown once, as that of a generator. */
  #settle (resolve: (result: IteratorResult<unknown, undefined>) => void, reject: (error: Error) => void): void {
    const error = this.#error
    this.#error = null
    if (error === null) resolve({ done: true, value: undefined })
    else reject(error)
  }
}
