import type { Client, StateChange } from '../../../types/client.ts'
import { connect } from '../../client/index.ts'
import { isObject } from './model/pointer.ts'

export type Payload = string | Uint8Array<ArrayBuffer>

/** What came, read as far as it can be. */
export interface Arrived {
  readonly payload: string | ArrayBuffer
  /** undefined where it is not JSON. */
  readonly value: unknown
  /** What it answers, where it says so by its `id`. */
  readonly answers: Sent | null
}

/** What was sent, for whoever comes to answer it. */
export interface Sent {
  readonly title: string
  readonly at: number
}

interface Listener {
  onState (change: StateChange): void
  onArrived (arrived: Arrived): void
}

/** So many requests may be without an answer and still be known. */
const mostUnanswered = 500

/** A connection to a route, whose every payload is seen as it goes and comes. It is not made anew: who tries a route wants to see it end. */
export class Session {
  readonly #client: Client
  readonly #listener: Listener
  readonly #unanswered = new Map<string | number, Sent>()

  /** @throws WsClientError where the URL or a subprotocol is none */
  constructor (url: URL, protocols: readonly string[], listener: Listener) {
    this.#listener = listener
    this.#client = connect(url, {
      protocols,
      reconnect: false,
      queue: { size: 0 },
      codec: { encode: message => message as Payload, decode: payload => this.#onPayload(payload) }
    })
    this.#client.onState(change => listener.onState(change))
  }

  get protocol (): string {
    return this.#client.protocol
  }

  /** @param id by which its answer will be known */
  send (payload: Payload, title: string, id: unknown): void {
    if (typeof id === 'string' || typeof id === 'number') {
      this.#unanswered.set(id, { title, at: performance.now() })
      const [oldest] = this.#unanswered.keys()
      if (this.#unanswered.size > mostUnanswered && oldest !== undefined) this.#unanswered.delete(oldest)
    }
    this.#client.send(payload)
  }

  close (): void {
    this.#client.close(1000)
  }

  #onPayload (payload: string | ArrayBuffer): unknown {
    const value = typeof payload === 'string' ? parse(payload) : undefined
    const id = isObject(value) && (typeof value.id === 'string' || typeof value.id === 'number') ? value.id : undefined
    const answers = id === undefined ? null : this.#unanswered.get(id) ?? null
    if (id !== undefined) this.#unanswered.delete(id)
    this.#listener.onArrived({ payload, value, answers })
    return value
  }
}

function parse (text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
