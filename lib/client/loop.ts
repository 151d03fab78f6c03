import { WsClientError } from './error.ts'

type Result = IteratorResult<unknown, undefined>

/** One `for await` over the messages: keeps what comes while its body runs. */
export class Loop implements AsyncIterator<unknown, undefined> {
  readonly #size: number
  readonly #loops: Set<Loop>
  readonly #kept: unknown[] = []
  readonly #asking: Array<(result: Result | Promise<Result>) => void> = []
  /** What follows the last message; null where more may come. */
  #end: (() => Result | Promise<Result>) | null = null

  /** @param loops those that run: it is among them until it ends */
  constructor (size: number, loops: Set<Loop>) {
    this.#size = size
    this.#loops = loops.add(this)
  }

  push (value: unknown): void {
    const first = this.#asking.shift()
    if (first !== undefined) first({ done: false, value })
    else if (this.#kept.length < this.#size) this.#kept.push(value)
    else this.end(new WsClientError('WS_CLIENT_OVERFLOW', `more than ${this.#size} messages wait`))
  }

  /** What is kept comes first. An error is thrown once, as a generator does. */
  end (error: Error | null): void {
    this.#loops.delete(this)
    this.#end = () => {
      if (error === null) return { done: true, value: undefined }
      const thrown = Promise.reject(error)
      error = null
      return thrown
    }
    for (const resolve of this.#asking.splice(0)) resolve(this.#end())
  }

  next (): Promise<Result> {
    return new Promise(resolve => {
      if (this.#kept.length > 0) resolve({ done: false, value: this.#kept.shift() })
      else if (this.#end !== null) resolve(this.#end())
      else this.#asking.push(resolve)
    })
  }

  return (): Promise<Result> {
    this.#kept.length = 0
    this.end(null)
    return this.next()
  }
}
