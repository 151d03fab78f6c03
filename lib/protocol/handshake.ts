import { hash } from 'node:crypto'
import { parseExtensions } from './extensions.ts'
import type { ExtensionOffer } from './extensions.ts'
import { HandshakeError, isToken } from './handshake-error.ts'

/** The version that this package speaks (RFC 6455 section 4.1). */
export const protocolVersion = '13'

/** What the handshake is computed with (section 1.3). */
const guid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/** The request headers of a handshake, as Node parses them: lower-case names, repeated ones joined by a comma. */
export interface HandshakeHeaders {
  readonly [name: string]: string | string[] | undefined
}

/** What a client's opening handshake asks for. */
export interface Handshake {
  /** The client's subprotocols, in its order of preference. */
  readonly protocols: readonly string[]
  /** The extensions that the client offers, in its order of preference. */
  readonly extensions: readonly ExtensionOffer[]
}

/** One over HTTP/1.1. */
export interface UpgradeHandshake extends Handshake {
  readonly key: string
}

/** Base64 of 16 bytes: 22 digits of which the last has four spare bits, all zero, and the padding (section 4.2.1, 5). */
const keyPattern = /^[A-Za-z0-9+/]{21}[AQgw]==$/

/** A host and perhaps a port, neither user nor path (RFC 9110 section 7.2, RFC 3986 section 3.2.2). */
const hostPattern = /^(?:\[[0-9A-Za-z:.%~_-]+\]|[A-Za-z0-9\-._~!$&'()*+,;=%]+)(?::[0-9]*)?$/

/** How many headers Node keeps where nobody says otherwise. */
const keptHeaders = 1_000

/** Whether the request asks for a WebSocket: a GET whose `Upgrade` header lists `websocket` (section 4.2.1). */
export function asksForWebSocket (method: string | undefined, headers: HandshakeHeaders): boolean {
  return method === 'GET' && listOf(headers.upgrade).some(element => element.toLowerCase() === 'websocket')
}

/**
 * Whether Node may have dropped headers: it keeps so many and says nothing of the rest, which may have told of a body, an
 * origin or another host. In `rawHeaders`, names and values take turns.
 *
 * @param maxHeadersCount the server's own limit: null for Node's, 0 for none
 */
export function mayLackHeaders (rawHeaders: readonly string[], maxHeadersCount: number | null | undefined): boolean {
  const kept = maxHeadersCount ?? keptHeaders
  return kept > 0 && rawHeaders.length >= 2 * kept
}

/**
 * Checks what Node lets pass and its headers no longer show: of two Host lines it keeps the first (RFC 9112 section 3.2),
 * and `*` is the target of OPTIONS alone (section 3.2.4).
 *
 * @throws HandshakeError
 */
export function checkRequest (target: string | undefined, rawHeaders: readonly string[]): void {
  if (target === '*') throw new HandshakeError('http', 'a WebSocket handshake is for a URL, not for *')
  let hosts = 0
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i].toLowerCase() === 'host') hosts++
  }
  if (hosts > 1) throw new HandshakeError('http', 'a WebSocket handshake has one Host header')
}

/**
 * Checks a client's opening handshake over HTTP/1.1 (RFC 6455 section 4.2.1).
 *
 * @throws HandshakeError
 */
export function readUpgrade (httpVersion: string, headers: HandshakeHeaders): UpgradeHandshake {
  if (httpVersion !== '1.1') throw new HandshakeError('http', 'a WebSocket handshake needs HTTP/1.1')
  // Node asks this of other requests only.
  const { host } = headers
  if (host === undefined) throw new HandshakeError('http', 'a WebSocket handshake needs a Host header')
  if (!isHost(host)) throw new HandshakeError('http', 'the Host header must be a host, perhaps with a port')
  checkVersion(headers)
  const key = headers['sec-websocket-key']
  if (typeof key !== 'string' || !keyPattern.test(key)) {
    throw new HandshakeError('key', 'Sec-WebSocket-Key must be the base64 of 16 bytes')
  }
  return { key, ...readOffers(headers) }
}

/**
 * Checks a client's opening handshake over HTTP/2, an extended CONNECT (RFC 8441 section 5): no key, since no proxy takes it for anything else,
 * and no `Upgrade`.
 *
 * @throws HandshakeError
 */
export function readConnect (headers: HandshakeHeaders): Handshake {
  const { ':authority': authority, ':scheme': scheme, host = authority } = headers
  if (!isHost(authority)) throw new HandshakeError('http', ':authority must be a host, perhaps with a port')
  // Whoever looks at one of them only would take it for another server's (RFC 9113 section 8.3.1).
  if (typeof host !== 'string' || host.toLowerCase() !== authority.toLowerCase()) throw new HandshakeError('http', 'the Host header must be that of :authority')
  if (scheme !== 'https' && scheme !== 'http') throw new HandshakeError('http', ':scheme must be https or http')
  // What is not as long as it says is malformed (section 8.1.1): even of 0, the first frame would end the stream.
  if (headers['content-length'] !== undefined) throw new HandshakeError('body', 'an extended CONNECT has no Content-Length')
  checkVersion(headers)
  return readOffers(headers)
}

function isHost (host: string | string[] | undefined): host is string {
  return typeof host === 'string' && hostPattern.test(host)
}

function checkVersion (headers: HandshakeHeaders): void {
  if (headers['sec-websocket-version'] !== protocolVersion) {
    throw new HandshakeError('version', `Sec-WebSocket-Version must be ${protocolVersion}`)
  }
}

function readOffers (headers: HandshakeHeaders): Handshake {
  // Bytes of a body would be taken for frames.
  if (headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0') {
    throw new HandshakeError('body', 'a WebSocket handshake has no body')
  }
  const extensions = headers['sec-websocket-extensions']
  return {
    protocols: readProtocols(headers['sec-websocket-protocol']),
    extensions: extensions === undefined ? [] : parseExtensions(String(extensions))
  }
}

function readProtocols (header: string | string[] | undefined): string[] {
  if (header === undefined) return []
  const protocols = listOf(header)
  if (protocols.length === 0 || !protocols.every(isToken)) {
    throw new HandshakeError('protocol', 'Sec-WebSocket-Protocol must be a list of tokens')
  }
  if (new Set(protocols).size !== protocols.length) {
    throw new HandshakeError('protocol', 'Sec-WebSocket-Protocol must not name a subprotocol twice')
  }
  return protocols
}

/** The elements of a comma-separated list; empty ones do not count (RFC 9110 section 5.6.1). Linear in the header's length. */
function listOf (header: string | string[] | undefined): string[] {
  if (header === undefined) return []
  const elements = []
  for (const part of String(header).split(',')) {
    const element = trimSpace(part)
    if (element !== '') elements.push(element)
  }
  return elements
}

/** Without the spaces and tabs around it, which are all that counts as white space (RFC 9110 section 5.6.3). */
function trimSpace (part: string): string {
  let start = 0
  let end = part.length
  while (start < end && isSpace(part, start)) start++
  while (end > start && isSpace(part, end - 1)) end--
  return part.slice(start, end)
}

function isSpace (text: string, at: number): boolean {
  return text[at] === ' ' || text[at] === '\t'
}

/** The value of `Sec-WebSocket-Accept` (section 4.2.2, 5.4). */
export function acceptValue (key: string): string {
  return hash('sha1', key + guid, 'base64')
}
