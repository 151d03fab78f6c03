import type { ExtensionOffer, ExtensionParameter } from './extensions.ts'

/** What both ends agreed on (RFC 7692 section 7.1). */
export interface DeflateParameters {
  readonly serverNoContextTakeover: boolean
  readonly clientNoContextTakeover: boolean
  /** The base-2 logarithm of the window that the server's messages need, 8 to 15. */
  readonly serverMaxWindowBits: number
  /** The same of the client's messages. */
  readonly clientMaxWindowBits: number
}

/** What the server would agree to. */
export interface DeflatePreference {
  readonly contextTakeover: boolean
  /** At most so many bits of window, either way. */
  readonly windowBits: number
}

export interface DeflateAgreement {
  readonly parameters: DeflateParameters
  /** The value of `Sec-WebSocket-Extensions` in the reply. */
  readonly header: string
}

const extensionName = 'permessage-deflate'
const maxWindowBits = 15

/** Digits without leading zeros (RFC 7692 section 7.1.2.1). */
const windowBitsPattern = /^(?:[89]|1[0-5])$/

/** An offer whose parameters are all known, single and valid. */
interface ValidOffer {
  readonly serverNoContextTakeover: boolean
  readonly clientNoContextTakeover: boolean
  /** null where the offer says nothing */
  readonly serverMaxWindowBits: number | null
  /** null where the client can't be asked for a smaller window */
  readonly clientMaxWindowBits: number | null
}

/** Accepts the first offer of permessage-deflate that is valid (RFC 7692 section 5.1); null for none. */
export function agreeOnDeflate (offers: readonly ExtensionOffer[], preference: DeflatePreference): DeflateAgreement | null {
  for (const { name, parameters } of offers) {
    const offer = name === extensionName ? readOffer(parameters) : null
    if (offer !== null) return accept(offer, preference)
  }
  return null
}

/** null for an offer that must be declined: a parameter that is unknown, repeated, or has an invalid value (section 7.1). */
function readOffer (parameters: readonly ExtensionParameter[]): ValidOffer | null {
  const seen = new Map<string, string | null>()
  for (const { name, value } of parameters) {
    if (seen.has(name) || !isValid(name, value)) return null
    seen.set(name, value)
  }
  const serverBits = seen.get('server_max_window_bits')
  const clientBits = seen.get('client_max_window_bits')
  return {
    serverNoContextTakeover: seen.has('server_no_context_takeover'),
    clientNoContextTakeover: seen.has('client_no_context_takeover'),
    serverMaxWindowBits: serverBits === undefined ? null : Number(serverBits),
    clientMaxWindowBits: clientBits === undefined ? null : Number(clientBits ?? maxWindowBits)
  }
}

function isValid (name: string, value: string | null): boolean {
  switch (name) {
    case 'server_no_context_takeover':
    case 'client_no_context_takeover':
      return value === null
    case 'server_max_window_bits':
      return value !== null && windowBitsPattern.test(value)
    case 'client_max_window_bits':
      return value === null || windowBitsPattern.test(value)
    default:
      return false
  }
}

function accept (offer: ValidOffer, { contextTakeover, windowBits }: DeflatePreference): DeflateAgreement {
  // A client that can't be asked for a smaller window (section 7.1.2.2) is asked to keep none between messages (section 7.1.1.2).
  const wouldKeepTooMuch = offer.clientMaxWindowBits === null && windowBits < maxWindowBits
  const parameters: DeflateParameters = {
    serverNoContextTakeover: !contextTakeover || offer.serverNoContextTakeover,
    clientNoContextTakeover: !contextTakeover || offer.clientNoContextTakeover || wouldKeepTooMuch,
    serverMaxWindowBits: Math.min(offer.serverMaxWindowBits ?? maxWindowBits, windowBits),
    clientMaxWindowBits: offer.clientMaxWindowBits === null ? maxWindowBits : Math.min(offer.clientMaxWindowBits, windowBits)
  }
  let header = extensionName
  if (parameters.serverNoContextTakeover) header += '; server_no_context_takeover'
  if (parameters.clientNoContextTakeover) header += '; client_no_context_takeover'
  // A smaller window of our own is ours alone, unless the client asked for one.
  if (offer.serverMaxWindowBits !== null) header += `; server_max_window_bits=${parameters.serverMaxWindowBits}`
  if (parameters.clientMaxWindowBits < maxWindowBits) header += `; client_max_window_bits=${parameters.clientMaxWindowBits}`
  return { parameters, header }
}
