import { constants, deflateRawSync } from 'node:zlib'
import { Inflater } from './inflate.ts'

/** What both sides of a connection have agreed on (RFC 7692 section 7.1). */
export interface DeflateParameters {
  readonly serverTakeover: boolean
  readonly clientTakeover: boolean
  readonly serverBits: number
  readonly clientBits: number
}

/** The client's side of permessage-deflate, held to what was agreed on. */
export class Deflation {
  readonly agreed: DeflateParameters
  readonly #inflater: Inflater
  /** What the next message may refer to. */
  #sent = Buffer.alloc(0)

  constructor (agreed: DeflateParameters) {
    this.agreed = agreed
    this.#inflater = new Inflater(agreed.serverBits, agreed.serverTakeover)
  }

  /** The payload of a compressed message. */
  compress (payload: Buffer | string, { level = 6, memLevel = 8, strategy = constants.Z_DEFAULT_STRATEGY } = {}): Buffer {
    const bytes = Buffer.from(payload)
    // Of 8 bits zlib makes 9 and then goes back 250 bytes at most, which fits in 8.
    const windowBits = Math.max(9, this.agreed.clientBits)
    const dictionary = this.#sent.length > 0 ? this.#sent : undefined
    const compressed = deflateRawSync(bytes, { level, memLevel, strategy, windowBits, dictionary, finishFlush: constants.Z_SYNC_FLUSH })
    if (this.agreed.clientTakeover) this.#sent = Buffer.concat([this.#sent, bytes]).subarray(-32768)
    // An empty message has no block of its own to flush.
    return compressed.length > 4 ? compressed.subarray(0, -4) : Buffer.from([0])
  }

  inflate (payload: Buffer): Buffer {
    return this.#inflater.inflate(payload)
  }
}

const defaults: DeflateParameters = { serverTakeover: true, clientTakeover: true, serverBits: 15, clientBits: 15 }

/**
 * What a server agreed to, checked against what it was offered (RFC 7692 section 7.1); null when it declined.
 *
 * @throws Error where the reply fits none of the offers
 */
export function readAgreement (offers: readonly string[], header: string | undefined): DeflateParameters | null {
  if (header === undefined) return null
  const [name, ...items] = header.split(';').map(item => item.trim())
  if (name !== 'permessage-deflate') throw new Error(`the server agreed to an extension that was not offered: ${header}`)
  const reply = parametersOf(items)
  if (reply === null) throw new Error(`the server agreed to malformed parameters: ${header}`)
  const fits = offers.flatMap(offer => offer.split(',')).some(offer => {
    const [offered, ...parameters] = offer.split(';').map(item => item.trim())
    const asked = parametersOf(parameters)
    return offered === name && asked !== null && isAnswer(asked, reply)
  })
  if (!fits) throw new Error(`the server agreed to what was not offered: ${header}`)
  return {
    serverTakeover: !reply.has('server_no_context_takeover'),
    clientTakeover: !reply.has('client_no_context_takeover'),
    serverBits: Number(reply.get('server_max_window_bits') ?? defaults.serverBits),
    clientBits: Number(reply.get('client_max_window_bits') ?? defaults.clientBits)
  }
}

const flags = ['server_no_context_takeover', 'client_no_context_takeover']
const windows = ['server_max_window_bits', 'client_max_window_bits']

/** Parameters by name, each once and of a valid value; a value may be quoted (RFC 6455 section 9.1). */
function parametersOf (items: readonly string[]): Map<string, string | null> | null {
  const parameters = new Map<string, string | null>()
  for (const item of items) {
    const [, name, , quoted, bare] = /^([a-z_]+)(=(?:"([^"]*)"|(.*)))?$/.exec(item) ?? []
    if (name === undefined || parameters.has(name)) return null
    const value = quoted ?? bare ?? null
    if (flags.includes(name) ? value !== null : !windows.includes(name)) return null
    if (name === 'server_max_window_bits' && value === null) return null
    if (value !== null && !/^([89]|1[0-5])$/.test(value)) return null
    parameters.set(name, value)
  }
  return parameters
}

/** Sections 7.1.1.1 to 7.1.2.2, in order. */
function isAnswer (offer: Map<string, string | null>, reply: Map<string, string | null>): boolean {
  if (offer.has('server_no_context_takeover') && !reply.has('server_no_context_takeover')) return false
  if (offer.has('server_max_window_bits') && !reply.has('server_max_window_bits')) return false
  return windows.every(name => {
    if (!reply.has(name)) return true
    const bits = reply.get(name) ?? null
    if (bits === null) return false
    if (!offer.has(name)) return name === 'server_max_window_bits'
    return Number(bits) <= Number(offer.get(name) ?? 15)
  })
}
