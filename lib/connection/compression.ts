import type { DeflateParameters } from '../protocol/permessage-deflate.ts'
import { Deflater } from './deflater.ts'
import type { DeflateOptions } from './deflater.ts'
import { Inflater } from './inflater.ts'

/**
 * What connections of one route have agreed on: one object for all with the same parameters. It is all that a connection holds which is idle, where
 * each message stands alone: inflater and deflater are then shared as well.
 */
export class Compression {
  readonly #parameters: DeflateParameters
  readonly #options: DeflateOptions
  readonly #maxPayload: number
  /** null where each client has its own */
  readonly #sharedInflater: Inflater | null
  readonly #sharedDeflater: Deflater | null

  constructor (parameters: DeflateParameters, options: DeflateOptions, maxPayload: number) {
    this.#parameters = parameters
    this.#options = options
    this.#maxPayload = maxPayload
    this.#sharedInflater = parameters.clientNoContextTakeover ? this.#newInflater() : null
    this.#sharedDeflater = parameters.serverNoContextTakeover ? this.#newDeflater() : null
  }

  /** For the messages of one client. */
  inflater (): Inflater {
    return this.#sharedInflater ?? this.#newInflater()
  }

  /** For the messages to one client. */
  deflater (): Deflater {
    return this.#sharedDeflater ?? this.#newDeflater()
  }

  #newInflater (): Inflater {
    return new Inflater(this.#parameters, this.#maxPayload)
  }

  #newDeflater (): Deflater {
    return new Deflater(this.#parameters, this.#options)
  }
}

/** What the connections of one route have agreed on: there are as many as there are parameters, a few hundred at most. */
export class Compressions {
  readonly #options: DeflateOptions
  readonly #maxPayload: number
  readonly #all = new Map<string, Compression>()

  constructor (options: DeflateOptions, maxPayload: number) {
    this.#options = options
    this.#maxPayload = maxPayload
  }

  of (parameters: DeflateParameters): Compression {
    const { serverNoContextTakeover, clientNoContextTakeover, serverMaxWindowBits, clientMaxWindowBits } = parameters
    const name = `${serverNoContextTakeover} ${clientNoContextTakeover} ${serverMaxWindowBits} ${clientMaxWindowBits}`
    let compression = this.#all.get(name)
    if (compression === undefined) this.#all.set(name, compression = new Compression(parameters, this.#options, this.#maxPayload))
    return compression
  }
}
