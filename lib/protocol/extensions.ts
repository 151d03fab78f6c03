import { HandshakeError, isToken } from './handshake-error.ts'

/** One element of `Sec-WebSocket-Extensions`: an extension that the client would use, with its parameters in order. */
export interface ExtensionOffer {
  readonly name: string
  readonly parameters: readonly ExtensionParameter[]
}

export interface ExtensionParameter {
  readonly name: string
  /** null for a parameter without a value */
  readonly value: string | null
}

/** What ends an unquoted run of characters. */
const separators = ',;="'

/** The longest header that is remembered: those of browsers have some fifty characters. */
const maxRemembered = 256

/** What was read last: clients of one kind all offer the same. Reading it again takes 0.4 µs in a loop and 1.6 in a server. */
let last: { readonly header: string, readonly offers: readonly ExtensionOffer[] } | null = null

/**
 * Reads `Sec-WebSocket-Extensions` (RFC 6455 section 9.1). Empty elements of the list do not count.
 *
 * @throws HandshakeError
 */
export function parseExtensions (header: string): readonly ExtensionOffer[] {
  if (last !== null && header === last.header) return last.offers
  const offers = readOffers(header)
  if (header.length <= maxRemembered) last = { header, offers }
  return offers
}

/** One pass over the header. */
function readOffers (header: string): ExtensionOffer[] {
  const scanner = new Scanner(header)
  const offers: ExtensionOffer[] = []
  do {
    if (scanner.skipEmptyElement()) continue
    const name = scanner.token()
    const parameters: ExtensionParameter[] = []
    while (scanner.take(';')) parameters.push({ name: scanner.token(), value: scanner.take('=') ? scanner.value() : null })
    offers.push({ name, parameters })
  } while (scanner.take(','))
  if (!scanner.isAtEnd || offers.length === 0) throw malformed()
  return offers
}

class Scanner {
  readonly #text: string
  #at = 0

  constructor (text: string) {
    this.#text = text
    this.#skipSpace()
  }

  get isAtEnd (): boolean {
    return this.#at === this.#text.length
  }

  /** Whether there is nothing between here and the next comma, or the end. */
  skipEmptyElement (): boolean {
    return this.isAtEnd || this.#text[this.#at] === ','
  }

  /** Takes a separator and the white space behind it. */
  take (separator: string): boolean {
    if (this.#text[this.#at] !== separator) return false
    this.#at++
    this.#skipSpace()
    return true
  }

  token (): string {
    const start = this.#at
    while (!this.isAtEnd && !separators.includes(this.#text[this.#at]) && !this.#isSpace()) this.#at++
    return this.#checked(this.#text.slice(start, this.#at))
  }

  /** A token, or a quoted string that is one once it is unescaped. */
  value (): string {
    if (this.#text[this.#at] !== '"') return this.token()
    let value = ''
    for (this.#at++; this.#text[this.#at] !== '"'; this.#at++) {
      if (this.#text[this.#at] === '\\') this.#at++
      if (this.#at >= this.#text.length) throw malformed()
      value += this.#text[this.#at]
    }
    this.#at++
    return this.#checked(value)
  }

  #checked (token: string): string {
    if (!isToken(token)) throw malformed()
    this.#skipSpace()
    return token
  }

  #skipSpace (): void {
    while (!this.isAtEnd && this.#isSpace()) this.#at++
  }

  #isSpace (): boolean {
    const character = this.#text[this.#at]
    return character === ' ' || character === '\t'
  }
}

function malformed (): HandshakeError {
  return new HandshakeError('extension', 'Sec-WebSocket-Extensions must be a list of extensions with parameters')
}
