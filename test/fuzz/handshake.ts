import assert from 'node:assert/strict'
import { asksForWebSocket, readUpgrade } from '../../lib/protocol/handshake.ts'
import type { HandshakeHeaders } from '../../lib/protocol/handshake.ts'
import { HandshakeError } from '../../lib/protocol/handshake-error.ts'
import { agreeOnDeflate } from '../../lib/protocol/permessage-deflate.ts'
import { checkAgreement, readExtensions } from './extensions-oracle.ts'
import { headerLines } from './requests.ts'
import type { Target } from './target.ts'

/** Far more than a linear reading of 64 KiB takes, far less than a quadratic one. */
const hang = 1000

/** The rules of the opening handshake by themselves, beside a second reading of the RFC. */
export const handshake: Target = {
  name: 'handshake',

  generate: random => headerLines(random, random.oneIn(200) ? 64 * 1024 : 512),

  check (pieces, random) {
    const headers = asNodeParses(pieces)
    const method = random.weighted([[8, 'GET'], [1, 'POST'], [1, 'get']])
    const httpVersion = random.weighted([[12, '1.1'], [1, '1.0'], [1, '1.10']])
    const started = performance.now()
    const asks = asksForWebSocket(method, headers)
    const result = read(httpVersion, headers)
    assert.ok(performance.now() - started < hang, 'reading takes more than linear time')

    assert.equal(asks, method === 'GET' && elements(headers.upgrade).some(element => /^websocket$/i.test(element)), 'asks for a WebSocket')
    const faults = faultsOf(httpVersion, headers)
    if (result instanceof HandshakeError) {
      assert.ok(faults.includes(result.fault), `refused for ${result.fault}, which is none of ${faults.join(', ') || 'no faults'}`)
      return
    }
    assert.deepEqual(faults, [], 'accepted')
    assert.equal(result.key, headers['sec-websocket-key'])
    assert.deepEqual(result.protocols, elements(headers['sec-websocket-protocol']))
    const preference = { contextTakeover: random.oneIn(2), windowBits: random.between(8, 15) }
    checkAgreement(readExtensions(headers['sec-websocket-extensions'] ?? '') ?? [], preference, agreeOnDeflate(result.extensions, preference))
  }
}

/** Throws what is no HandshakeError. */
function read (httpVersion: string, headers: HandshakeHeaders): ReturnType<typeof readUpgrade> | HandshakeError {
  try {
    return readUpgrade(httpVersion, headers)
  } catch (error) {
    if (error instanceof HandshakeError) return error
    throw error
  }
}

/** Headers that Node takes the first of. */
const first = new Set(['host', 'content-length', 'user-agent', 'origin'])

/** Lower-case names, repeated ones joined. */
function asNodeParses (lines: readonly Buffer[]): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const line of lines) {
    const text = line.toString('latin1')
    const colon = text.indexOf(':')
    if (colon < 1) continue
    const name = text.slice(0, colon).toLowerCase()
    const value = text.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, '')
    if (!Object.hasOwn(headers, name)) Object.defineProperty(headers, name, { value, writable: true, enumerable: true })
    else if (!first.has(name)) headers[name] += `, ${value}`
  }
  return headers
}

/** All that is wrong, found in another way than the library's. */
function faultsOf (httpVersion: string, headers: Record<string, string | undefined>): string[] {
  const faults = []
  if (httpVersion !== '1.1' || !isHost(headers.host ?? '')) faults.push('http')
  if (headers['sec-websocket-version'] !== '13') faults.push('version')
  const key = headers['sec-websocket-key'] ?? ''
  const bytes = Buffer.from(key, 'base64')
  if (bytes.length !== 16 || bytes.toString('base64') !== key) faults.push('key')
  if (headers['transfer-encoding'] !== undefined || !['0', undefined].includes(headers['content-length'])) faults.push('body')
  const extensions = headers['sec-websocket-extensions']
  if (extensions !== undefined && readExtensions(extensions) === null) faults.push('extension')
  if (headers['sec-websocket-protocol'] !== undefined) {
    const protocols = elements(headers['sec-websocket-protocol'])
    if (protocols.length === 0 || protocols.some(name => /[^!-~]|["(),/:;<=>?@[\\\]{}]/.test(name)) || new Set(protocols).size < protocols.length) {
      faults.push('protocol')
    }
  }
  return faults
}

/** A name or an address in brackets, perhaps with a port (RFC 9110 section 7.2). */
function isHost (host: string): boolean {
  const name = host.replace(/:\d*$/, '')
  const inner = name.startsWith('[') && name.endsWith(']') ? name.slice(1, -1).replaceAll(':', '.') : name
  return inner !== '' && !/[^!$%&'()*+,\-.;=_~\w]/.test(inner) && (inner === name || !/[!$&'()*+,;=]/.test(inner))
}

function elements (header: string | undefined): string[] {
  return (header ?? '').split(',').map(element => element.replace(/^[ \t]+|[ \t]+$/g, '')).filter(element => element !== '')
}
