import type { AdapterHistory, HistorySettings, MessageEnvelope } from '../../types/adapter.ts'
import { FST_ERR_WS_ROOM_UNAVAILABLE } from '../errors.ts'
import { AppendQueue } from './append-queue.ts'

/** The most messages that wait for an adapter which does not take them, those of all rooms together. */
const mostWaiting = 10_000

/** Messages of this process on their way into histories: a queue for each room that is sent to. */
export class Appends {
  readonly #history: AdapterHistory
  readonly #timeout: number
  readonly #queues = new Map<string, AppendQueue>()
  #size = 0

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
    if (this.#size >= mostWaiting) return Promise.reject(new FST_ERR_WS_ROOM_UNAVAILABLE(`${mostWaiting} messages wait for the adapter already`))
    let queue = this.#queues.get(channel)
    if (queue === undefined) {
      queue = new AppendQueue(channel, settings, this.#history, this.#timeout, () => { this.#queues.delete(channel) })
      this.#queues.set(channel, queue)
    }
    this.#size++
    return queue.add(envelope).finally(() => { this.#size-- })
  }

  /** The adapter is ready again. */
  retry (): void {
    for (const queue of this.#queues.values()) queue.retry()
  }
}
