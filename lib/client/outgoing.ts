import type { QueueOptions } from '../../types/client.ts'
import { WsClientError } from './error.ts'

export type Payload = string | ArrayBuffer | Uint8Array<ArrayBuffer>

interface Waiting {
  readonly payload: Payload
  /** Of the request that it is; undefined for a message that nobody waits for. */
  readonly id: string | undefined
}

/** What waits for a connection. */
export class Outgoing {
  readonly #size: number
  readonly #policy: QueueOptions['policy']
  readonly #onDropped: (id: string, error: Error) => void
  #waiting: Waiting[] = []

  constructor (size: number, policy: QueueOptions['policy'], onDropped: (id: string, error: Error) => void) {
    this.#size = size
    this.#policy = policy
    this.#onDropped = onDropped
  }

  get length (): number {
    return this.#waiting.length
  }

  /** @throws WsClientError WS_CLIENT_QUEUE_FULL */
  put (payload: Payload, id: string | undefined): void {
    this.#waiting.push({ payload, id })
    if (this.#waiting.length <= this.#size) return
    const dropped = this.#policy === 'drop-oldest' ? this.#waiting.shift() : this.#waiting.pop()
    const error = new WsClientError('WS_CLIENT_QUEUE_FULL', `${this.#size} messages wait for a connection`)
    if (this.#policy === 'throw') throw error
    if (dropped?.id !== undefined) this.#onDropped(dropped.id, error)
  }

  remove (id: string): void {
    this.#waiting = this.#waiting.filter(waiting => waiting.id !== id)
  }

  /** Everything, in order; it waits no more. */
  take (): Waiting[] {
    return this.#waiting.splice(0)
  }
}
