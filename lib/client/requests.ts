import type { AbortSignalLike } from '../../types/client.ts'
import { WsClientError } from './error.ts'

/** Something with fields: most messages. */
export type Fields = { readonly [field: string]: unknown }

interface Asked {
  resolve (reply: Fields): void
  reject (error: unknown): void
  /** Whether it was given to a connection. */
  isSent: boolean
  /** Lets go of its timer and of its signal. */
  forget (): void
}

/** What was asked and is not yet answered. */
export class Requests {
  /** So that no `id` of the application's own, nor of a client before this one, is taken for one of these. */
  readonly #prefix = `${Math.random().toString(36).slice(2)}.`
  readonly #asked = new Map<string, Asked>()
  readonly #onGivenUp: (id: string) => void
  #count = 0

  /** @param onGivenUp told of those that time out or are aborted */
  constructor (onGivenUp: (id: string) => void) {
    this.#onGivenUp = onGivenUp
  }

  /** Answers the id to ask with. */
  add (resolve: Asked['resolve'], reject: Asked['reject'], timeout?: number, signal?: AbortSignalLike): string {
    const id = this.#prefix + this.#count++
    const giveUp = (error: unknown): void => {
      this.fail(id, error)
      this.#onGivenUp(id)
    }
    const onAbort = (): void => giveUp(signal?.reason)
    const timer = timeout === undefined ? undefined : setTimeout(() => giveUp(new WsClientError('WS_CLIENT_TIMEOUT', `no answer within ${timeout} ms`)), timeout)
    signal?.addEventListener('abort', onAbort)
    this.#asked.set(id, {
      resolve,
      reject,
      isSent: false,
      forget: () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', onAbort)
      }
    })
    return id
  }

  sent (id: string): void {
    const asked = this.#asked.get(id)
    if (asked !== undefined) asked.isSent = true
  }

  /** Whether a message answers a request of this client. What comes too late does, too: nobody waits for it any more. */
  answer (message: Fields): boolean {
    const { id } = message
    if (typeof id !== 'string' || !id.startsWith(this.#prefix)) return false
    const asked = this.#take(id)
    if (message.type === 'error') asked?.reject(WsClientError.of(message))
    else asked?.resolve(message)
    return true
  }

  fail (id: string, error: unknown): void {
    this.#take(id)?.reject(error)
  }

  /** @param isLost only those that were given to a connection */
  failAll (error: Error, isLost: boolean): void {
    for (const [id, { isSent }] of this.#asked) if (isSent || !isLost) this.fail(id, error)
  }

  #take (id: string): Asked | undefined {
    const asked = this.#asked.get(id)
    asked?.forget()
    this.#asked.delete(id)
    return asked
  }
}
