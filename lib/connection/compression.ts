import type { DeflateParameters } from '../protocol/permessage-deflate.ts'
import { Deflater } from './deflater.ts'
import type { DeflateOptions } from './deflater.ts'
import { Inflater } from './inflater.ts'

/**
 * What connections of one route have agreed on. One object for all with the same parameters, which is all that a connection holds until there is a
 * message to inflate or to compress.
 */
export class Compression {
  readonly #parameters: DeflateParameters
  readonly #options: DeflateOptions
  readonly #maxPayload: number

  constructor (parameters: DeflateParameters, options: DeflateOptions, maxPayload: number) {
    this.#parameters = parameters
    this.#options = options
    this.#maxPayload = maxPayload
  }

  /** For the messages of one client. */
  newInflater (): Inflater {
    return new Inflater(this.#parameters, this.#maxPayload)
  }

  /** For the messages to one client. */
  newDeflater (): Deflater {
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
