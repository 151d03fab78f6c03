export type HandshakeFault = 'version' | 'key' | 'protocol' | 'extension' | 'body' | 'http'

/** A request that can't be upgraded; the route turns it into an HTTP reply. */
export class HandshakeError extends Error {
  readonly fault: HandshakeFault

  constructor (fault: HandshakeFault, message: string) {
    super(message)
    this.name = 'HandshakeError'
    this.fault = fault
  }
}

/** A token of RFC 9110 section 5.6.2. */
const tokenPattern = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/** Whether a name may stand in a header that lists names. */
export function isToken (name: string): boolean {
  return tokenPattern.test(name)
}
