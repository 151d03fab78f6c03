import type { AdapterHistory, HistorySettings, MessageEnvelope } from '../../../types/adapter.ts'
import { FST_ERR_WS_ROOM_UNAVAILABLE } from '../../errors.ts'
import { AppendQueue } from './append-queue.ts'

/** The most messages that wait for an adapter which does not take them, those of all rooms together. */
const mostWaiting = 10_000
/** The most characters of them. */
const mostCharacters = 64 * 1024 * 1024
/** How long those that wait when the server ends may still take, in milliseconds. */
const lastWords = 1_000

/** Messages of this process on their way into histories: a queue for each room that is sent to. */
export class Appends {
  readonly #history: AdapterHistory
  readonly #timeout: number
  readonly #queues = new Map<string, AppendQueue>()
  #size = 0
  #characters = 0
  #isStopped = false
  #onEmpty: (() => void) | null = null

  /** @param timeout how long a message may wait, in milliseconds */
  constructor (history: AdapterHistory, timeout: number) {
    this.#history = history
    this.#timeout = timeout
  }

  /** How many messages are not taken yet. */
  get size (): number {
    return this.#size
  }

  /** Settles when the history has it; rejects with FST_ERR_WS_ROOM_UNAVAILABLE. */
  add (channel: string, envelope: MessageEnvelope, settings: HistorySettings): Promise<void> {
    const { length } = envelope.payload
    if (this.#isStopped) return Promise.reject(new FST_ERR_WS_ROOM_UNAVAILABLE('the server is closing'))
    if (this.#size >= mostWaiting) return Promise.reject(new FST_ERR_WS_ROOM_UNAVAILABLE(`${mostWaiting} messages wait for the adapter already`))
    // One alone may be larger: it is what the application sends.
    if (this.#size > 0 && this.#characters + length > mostCharacters) return Promise.reject(new FST_ERR_WS_ROOM_UNAVAILABLE(`${this.#characters} characters wait for the adapter already`))
    let queue = this.#queues.get(channel)
    if (queue === undefined) {
      queue = new AppendQueue(channel, settings, this.#history, this.#timeout, () => { this.#queues.delete(channel) })
      this.#queues.set(channel, queue)
    }
    this.#size++
    this.#characters += length
    return queue.add(envelope).finally(() => this.#onSettled(length))
  }

  #onSettled (length: number): void {
    this.#size--
    this.#characters -= length
    if (this.#size === 0) this.#onEmpty?.()
  }

  /**
   * Takes no more, and settles when all that wait are taken, or refused because that took too long.
   *
   * @param isHopeless whether they are refused at once
   */
  async stop (isHopeless: boolean): Promise<void> {
    this.#isStopped = true
    if (isHopeless) this.#refuse()
    if (this.#size === 0) return
    const timer = setTimeout(() => this.#refuse(), lastWords)
    await new Promise<void>(resolve => { this.#onEmpty = resolve })
    clearTimeout(timer)
  }

  #refuse (): void {
    for (const queue of this.#queues.values()) queue.stop()
  }

  /** The adapter is ready again. */
  retry (): void {
    for (const queue of this.#queues.values()) queue.retry()
  }
}
