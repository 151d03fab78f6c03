import type { AbortSignalLike, ClientCodec, QueueOptions } from '../../types/client.ts'
import type { ErrorMessage } from '../../types/notices.ts'
import { WsClientError } from './error.ts'

/** Something with fields: most messages. */
export type Fields = { readonly [field: string]: unknown }

export type Payload = ReturnType<ClientCodec['encode']>

/** What became of something that was asked: `error` is null where it was answered. */
export type Settle = (error: unknown, reply: Fields) => void

interface OutgoingOptions {
  readonly codec: ClientCodec
  readonly size: number
  readonly policy?: QueueOptions['policy']
}

/** What is sent: what of it waits for a connection, and what for an answer. */
export class Outgoing {
  readonly #options: OutgoingOptions
  readonly #write: (payload: Payload) => boolean
  /** So that no `id` of the application's own, nor of a client before this one, is taken for one of these. */
  readonly #prefix = `${Math.random()}.`
  #count = 0
  /** In order, by the id of a request; a message that nobody waits for has an object for a key. */
  readonly #waiting = new Map<unknown, Payload>()
  readonly #asked = new Map<string, Settle>()

  /** @param write gives a payload to the connection, and answers whether there is one */
  constructor (options: OutgoingOptions, write: (payload: Payload) => boolean) {
    this.#options = options
    this.#write = write
  }

  get length (): number {
    return this.#waiting.size
  }

  /** @throws WsClientError WS_CLIENT_QUEUE_FULL, and what the codec throws */
  send (message: unknown, key: unknown = {}): void {
    const { codec, size, policy = 'throw' } = this.#options
    const payload = codec.encode(message)
    if (this.#write(payload)) return
    this.#waiting.set(key, payload)
    if (this.#waiting.size <= size) return
    const dropped = policy === 'drop-oldest' ? [...this.#waiting.keys()][0] : key
    const error = new WsClientError('WS_CLIENT_QUEUE_FULL', `more than ${size} messages wait`)
    this.#settle(dropped, error)
    if (policy === 'throw') throw error
  }

  ask (message: unknown, settle: Settle, timeout = Infinity, signal?: AbortSignalLike): void {
    const id = this.#prefix + this.#count++
    const onAbort = (): void => this.#settle(id, signal?.reason)
    const onLate = (): void => this.#settle(id, new WsClientError('WS_CLIENT_TIMEOUT', `no answer within ${timeout} ms`))
    const timer = timeout < 2 ** 31 ? setTimeout(onLate, timeout) : undefined
    signal?.addEventListener('abort', onAbort)
    this.#asked.set(id, (error, reply) => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      settle(error, reply)
    })
    try {
      this.send({ ...message as Fields, id }, id)
    } catch (error) {
      this.#settle(id, error)
    }
  }

  /** Whether a message answers a request of this client. What comes too late does, too: nobody waits for it any more. */
  answer (message: Fields): boolean {
    const { type, id, code, message: text, errors } = message as Fields & ErrorMessage
    const isOurs = typeof id === 'string' && id.startsWith(this.#prefix)
    if (isOurs) this.#settle(id, type === 'error' ? new WsClientError(code, text, errors) : null, message)
    return isOurs
  }

  /** There is a connection. */
  flush (): void {
    for (const [key, payload] of this.#waiting) {
      try {
        if (!this.#write(payload)) return
        this.#waiting.delete(key)
      } catch (error) {
        // One that can't be sent must not keep others from it.
        this.#settle(key, error)
      }
    }
  }

  /** It was lost, and with it what it had not answered. */
  lose (error: Error): void {
    for (const id of this.#asked.keys()) if (!this.#waiting.has(id)) this.#settle(id, error)
  }

  clear (error: Error): void {
    this.#waiting.clear()
    this.lose(error)
  }

  #settle (id: unknown, error: unknown, reply: Fields = {}): void {
    const settle = this.#asked.get(id as string)
    this.#asked.delete(id as string)
    this.#waiting.delete(id)
    settle?.(error, reply)
  }
}
