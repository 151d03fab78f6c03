import { errorOf } from './redis-port.ts'
import type { Argument, NewConnection, RedisConnection } from './redis-port.ts'

/** A connection that is lost when it does not answer in time, whether or not anything is asked of it. */
export class Wire {
  readonly #connection: RedisConnection
  /** In milliseconds. */
  readonly #timeout: number
  readonly #onLost: (error: Error) => void
  readonly #running = new Set<Promise<unknown>>()
  #isLost = false
  /** Whether it has answered anything since `check` was called. */
  #hasAnswered = false

  constructor (newConnection: NewConnection, timeout: number, onMessage: (key: string, bytes: Buffer) => void, onLost: (error: Error) => void) {
    this.#timeout = timeout
    this.#onLost = onLost
    this.#connection = newConnection({
      onMessage: (key, bytes) => { if (!this.#isLost) onMessage(key, bytes) },
      onLost: error => this.#lose(error)
    })
  }

  connect (): Promise<void> {
    return this.#connection.connect()
  }

  send (commands: ReadonlyArray<readonly Argument[]>): Promise<Array<PromiseSettledResult<unknown>>> {
    return this.#run(this.#connection.send(commands))
  }

  /** @throws what Redis answered, as a rejection */
  async command (command: readonly Argument[]): Promise<unknown> {
    const [result] = await this.send([command])
    if (result.status === 'rejected') throw errorOf(result.reason)
    return result.value
  }

  async subscribe (keys: readonly string[], sharded: boolean): Promise<void> {
    await this.#run(sharded ? Promise.all(keys.map(key => this.#connection.subscribeSharded([key]))) : this.#connection.subscribe(keys))
  }

  async unsubscribe (keys: readonly string[], sharded: boolean): Promise<void> {
    await this.#run(sharded ? Promise.all(keys.map(key => this.#connection.unsubscribeSharded([key]))) : this.#connection.unsubscribe(keys))
  }

  /** To be called from time to time: asks for a sign of life where there was none since. */
  check (): void {
    if (!this.#hasAnswered && this.#running.size === 0) this.#run(this.#connection.ping()).catch(error => this.#lose(errorOf(error)))
    this.#hasAnswered = false
  }

  /** Ends it when all that was asked of it is answered, which takes no longer than the timeout. */
  async end (): Promise<void> {
    await Promise.allSettled(this.#running)
    this.drop()
  }

  /** Ends it at once. */
  drop (): void {
    this.#isLost = true
    this.#connection.end()
  }

  #run<Result> (promise: Promise<Result>): Promise<Result> {
    let timer: NodeJS.Timeout | undefined
    const timely = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        const error = new Error(`Redis did not answer within ${this.#timeout} ms`)
        reject(error)
        this.#lose(error)
      }, this.#timeout)
    })
    const running = Promise.race([promise, timely]).then(result => {
      this.#hasAnswered = true
      return result
    }).finally(() => {
      clearTimeout(timer)
      this.#running.delete(running)
    })
    this.#running.add(running)
    return running
  }

  #lose (error: Error): void {
    if (this.#isLost) return
    this.drop()
    this.#onLost(error)
  }
}
