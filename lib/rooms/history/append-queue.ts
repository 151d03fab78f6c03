import type { AdapterHistory, HistorySettings, MessageEnvelope } from '../../../types/adapter.ts'
import { FST_ERR_WS_ROOM_UNAVAILABLE, FST_ERR_WS_SEND_INVALID } from '../../errors.ts'
import { outside } from '../../outside.ts'
import { RetryPause } from './retry-pause.ts'

/** The most messages that one `append` carries. */
const maxBatch = 256

/** A message on its way into a history. */
interface Item {
  readonly envelope: MessageEnvelope
  readonly resolve: () => void
  readonly reject: (error: Error) => void
  readonly timer: NodeJS.Timeout
  isSettled: boolean
}

/**
 * The messages that this process sends to one room with history. Those of one tick, and those that come while others are on their way, leave together; one
 * `append` at a time, so that they stay in order. What failed is tried again until it has waited too long.
 */
export class AppendQueue {
  readonly #channel: string
  readonly #settings: HistorySettings
  readonly #history: AdapterHistory
  readonly #timeout: number
  readonly #onIdle: () => void
  /** In order. */
  readonly #waiting = new Set<Item>()
  #inFlight: Item[] = []
  /** How many of those in flight, from the first on, are tried by themselves. */
  #suspects = 0
  #isRunning = false
  #lastError: unknown = null
  readonly #pause = new RetryPause()
  #isStopped = false

  /** @param timeout in milliseconds */
  constructor (channel: string, settings: HistorySettings, history: AdapterHistory, timeout: number, onIdle: () => void) {
    this.#channel = channel
    this.#settings = settings
    this.#history = history
    this.#timeout = timeout
    this.#onIdle = onIdle
  }

  /** How many messages are not taken yet. */
  get size (): number {
    return this.#waiting.size + this.#inFlight.length
  }

  /** Settles when the history has it. Rejects with FST_ERR_WS_ROOM_UNAVAILABLE when that took too long: it may still get there, but not behind later ones. */
  add (envelope: MessageEnvelope): Promise<void> {
    return new Promise((resolve, reject) => {
      const item: Item = { envelope, resolve, reject, isSettled: false, timer: setTimeout(() => this.#expire(item), this.#timeout) }
      this.#waiting.add(item)
      if (!this.#isRunning) void outside(() => this.#run())
    })
  }

  /** The adapter is ready again: nothing is waited for. */
  retry (): void {
    this.#pause.wake()
  }

  /** The server ends: nothing is tried again. */
  stop (): void {
    this.#isStopped = true
    const error = new FST_ERR_WS_ROOM_UNAVAILABLE('the server is closing')
    for (const item of [...this.#inFlight, ...this.#waiting]) this.#settle(item, error)
    this.#waiting.clear()
    this.#pause.wake()
  }

  async #run (): Promise<void> {
    this.#isRunning = true
    // The rest of the tick has its say.
    await null
    while (this.size > 0) {
      this.#fill()
      const batch = this.#suspects > 0 ? this.#inFlight.slice(0, 1) : this.#inFlight
      try {
        await this.#history.append(this.#channel, batch.map(item => item.envelope), this.#settings)
        this.#onDone(batch, null)
        this.#pause.reset()
      } catch (error) {
        if (error instanceof FST_ERR_WS_SEND_INVALID) {
          // One of them can never be appended: each is tried by itself, so that it keeps nobody else from it.
          if (batch.length === 1) this.#onDone(batch, error)
          else this.#suspects = batch.length
          continue
        }
        this.#lastError = error
        this.#forgetSettled()
        if (this.size === 0 || this.#isStopped) break
        await this.#pause.wait()
        this.#forgetSettled()
      }
    }
    this.#isRunning = false
    this.#onIdle()
  }

  #onDone (batch: readonly Item[], error: Error | null): void {
    this.#inFlight = this.#inFlight.slice(batch.length)
    this.#suspects = Math.max(0, this.#suspects - batch.length)
    for (const item of batch) this.#settle(item, error)
  }

  #forgetSettled (): void {
    this.#inFlight = this.#inFlight.filter(item => !item.isSettled)
    this.#suspects = Math.min(this.#suspects, this.#inFlight.length)
  }

  #fill (): void {
    for (const item of this.#waiting) {
      if (this.#inFlight.length === maxBatch) return
      this.#waiting.delete(item)
      this.#inFlight.push(item)
    }
  }

  #expire (item: Item): void {
    const why = this.#lastError instanceof Error ? `: ${this.#lastError.message}` : ''
    this.#settle(item, new FST_ERR_WS_ROOM_UNAVAILABLE(`the adapter did not take the message within ${this.#timeout} ms${why}`))
    this.#waiting.delete(item)
  }

  #settle (item: Item, error: Error | null): void {
    if (item.isSettled) return
    item.isSettled = true
    clearTimeout(item.timer)
    if (error === null) item.resolve()
    else item.reject(error)
  }
}
