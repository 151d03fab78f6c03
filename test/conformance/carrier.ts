import type { Duplex } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { cut, cutAt } from '../helpers/bytes.ts'
import type { RequestSpec, SessionSpec } from './case.ts'

/** Where the server under test listens. */
export interface Target {
  readonly host: string
  readonly port: number
  readonly path: string
  /** By TLS, whatever the certificate. */
  readonly secure?: boolean
}

export interface Reply {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string | undefined>>
}

/** A version of HTTP, on the client's side. */
export interface Http {
  /** What a case opens its WebSockets over: one that it shares with others or, where it says what it must be like, one of its own. */
  session (spec?: SessionSpec): Promise<Session>
  destroy (): void
}

export interface Session {
  /** Asks for a WebSocket. */
  open (request: RequestSpec, offers: readonly string[], owner: CarrierOwner): Promise<Carrier>
  /** The case is over. */
  release (): void
}

/** Whoever sits on a carrier. */
export interface CarrierOwner {
  onReply (reply: Reply): void
  /** What follows the reply. */
  onData (chunk: Buffer): void
  /** The server has ended its side. */
  onEnd (): void
  onFault (error: Error): void
  /** Nothing more will come. */
  onClose (): void
}

/** What carries one WebSocket: a connection of TCP, or a stream of HTTP/2. */
export abstract class Carrier {
  /** The status that says that the server has accepted. */
  abstract readonly acceptStatus: number
  readonly #stream: Duplex

  constructor (stream: Duplex) {
    this.#stream = stream
  }

  /** Each piece in a write of its own, and other work in between, so that it most likely arrives on its own. */
  async write (bytes: Buffer, pieces?: number | readonly number[]): Promise<void> {
    const all = pieces === undefined ? [bytes] : typeof pieces === 'number' ? cut(bytes, pieces) : cutAt(bytes, pieces)
    for (const piece of all) {
      if (!this.#stream.writable) return
      const taken = this.#stream.write(piece)
      if (all.length > 1) await (taken ? turn() : this.#drained())
    }
  }

  /** @throws Error in words, where the reply is not what this version of HTTP accepts with */
  abstract checkAcceptance (reply: Reply): void

  /** Ends the client's side. */
  abstract end (): void

  abstract reset (): void

  /** Frees whatever is left of it. */
  abstract destroy (): void

  async #drained (): Promise<void> {
    const stream = this.#stream
    await new Promise<void>(resolve => {
      const settle = (): void => {
        stream.off('drain', settle)
        stream.off('close', settle)
        resolve()
      }
      stream.on('drain', settle)
      stream.on('close', settle)
    })
  }
}

/** The defaults with what a case has in their place, as pairs. */
export function fieldsOf (defaults: Record<string, string | readonly string[]>, { headers = {} }: RequestSpec): Array<[name: string, value: string]> {
  const all: NonNullable<RequestSpec['headers']> = { ...defaults, ...headers }
  return Object.entries(all).flatMap(([name, values]) => {
    return values === null ? [] : ([] as string[]).concat(values).map((value): [string, string] => [name, value])
  })
}
