import assert from 'node:assert/strict'
import type { DeflateAgreement, DeflatePreference } from '../../lib/protocol/permessage-deflate.ts'

/** An extension and its parameters, as a second reading of RFC 6455 section 9.1 has them. */
export type Offer = readonly [name: string, parameters: ReadonlyArray<readonly [name: string, value: string | null]>]

const token = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+"
const value = `(?:${token}|"(?:[^"\\\\]|\\\\[^])*")`
const piece = new RegExp(`[ \\t]*(?:(${value})|([,;=]))[ \\t]*`, 'y')

/** `null` for what is no list of extensions. By pieces and the states between them, not by a grammar. */
export function readExtensions (header: string): Offer[] | null {
  const offers: Array<[string, Array<[string, string | null]>]> = []
  let state: 'name' | 'afterName' | 'parameter' | 'afterParameter' | 'value' | 'afterValue' = 'name'
  piece.lastIndex = 0
  if (/^[ \t]*$/.test(header)) return null
  while (piece.lastIndex < header.length) {
    const found = piece.exec(header)
    if (found === null) return null
    const [, word, separator] = found
    const parameters = offers.at(-1)?.[1]
    if (word !== undefined) {
      const text = unquote(word)
      if (!new RegExp(`^${token}$`).test(text) || (word !== text && state !== 'value')) return null
      if (state === 'name') offers.push([text, []])
      else if (state === 'parameter') parameters?.push([text, null])
      else if (state === 'value' && parameters !== undefined) parameters[parameters.length - 1][1] = text
      else return null
      state = state === 'name' ? 'afterName' : state === 'parameter' ? 'afterParameter' : 'afterValue'
    } else if (separator === ',' && state !== 'parameter' && state !== 'value') {
      state = 'name'
    } else if (separator === ';' && state.startsWith('after')) {
      state = 'parameter'
    } else if (separator === '=' && state === 'afterParameter') {
      state = 'value'
    } else {
      return null
    }
  }
  return state === 'parameter' || state === 'value' || offers.length === 0 ? null : offers
}

function unquote (word: string): string {
  return word.startsWith('"') ? word.slice(1, -1).replace(/\\([^])/g, '$1') : word
}

const flags = ['server_no_context_takeover', 'client_no_context_takeover']
const windows = ['server_max_window_bits', 'client_max_window_bits']

/** RFC 7692 section 7.1: what was accepted is an answer to the first offer that is valid, and the header says what the parameters are. */
export function checkAgreement (offers: readonly Offer[], preference: DeflatePreference, agreement: DeflateAgreement | null): void {
  const offer = offers.find(isValid)
  assert.equal(agreement !== null, offer !== undefined, 'whether an offer is accepted')
  if (agreement === null || offer === undefined) return
  const offered = new Map(offer[1])
  const reply = readExtensions(agreement.header)
  assert.equal(reply?.length, 1, agreement.header)
  const [name, list] = (reply ?? [])[0]
  const replied = new Map(list)
  assert.equal(name, 'permessage-deflate')
  assert.equal(replied.size, list.length, 'a parameter twice')

  const { serverNoContextTakeover, clientNoContextTakeover, serverMaxWindowBits, clientMaxWindowBits } = agreement.parameters
  for (const [name, value] of replied) {
    if (flags.includes(name)) assert.equal(value, null)
    else assert.ok(windows.includes(name) && /^([89]|1[0-5])$/.test(value ?? ''), `${name}=${value} in the reply`)
  }
  // Sections 7.1.1.1 and 7.1.2.1: what the client asks of the server, the server must say and do.
  if (offered.has('server_no_context_takeover')) assert.ok(replied.has('server_no_context_takeover') && serverNoContextTakeover)
  const serverAsked = offered.get('server_max_window_bits')
  if (typeof serverAsked === 'string') {
    assert.ok(Number(replied.get('server_max_window_bits')) <= Number(serverAsked))
  }
  // What it does not say, the client does not know.
  assert.equal(clientNoContextTakeover, replied.has('client_no_context_takeover'))
  if (serverNoContextTakeover !== replied.has('server_no_context_takeover')) assert.ok(serverNoContextTakeover)
  assert.ok(serverMaxWindowBits >= 8 && serverMaxWindowBits <= Number(replied.get('server_max_window_bits') ?? 15))
  assert.equal(serverMaxWindowBits <= preference.windowBits, true)
  // Section 7.1.2.2: only a client that offered it can be told its window; unless it is told, it may use the largest.
  if (!offered.has('client_max_window_bits')) assert.ok(!replied.has('client_max_window_bits'))
  assert.ok(clientMaxWindowBits >= Number(replied.get('client_max_window_bits') ?? offered.get('client_max_window_bits') ?? 15))
  assert.ok(Number(replied.get('client_max_window_bits') ?? 8) <= Number(offered.get('client_max_window_bits') ?? 15))
}

function isValid ([name, parameters]: Offer): boolean {
  return name === 'permessage-deflate' && new Set(parameters.map(([name]) => name)).size === parameters.length &&
    parameters.every(([name, value]) => flags.includes(name)
      ? value === null
      : windows.includes(name) && ((value === null && name === 'client_max_window_bits') || /^([89]|1[0-5])$/.test(value ?? '')))
}
