import { isUtf8 } from 'node:buffer'
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Envelope } from '../../types/adapter.ts'
import { FST_ERR_WS_ENVELOPE, FST_ERR_WS_SEND_INVALID } from '../errors.ts'
import { checkClose } from '../connection/close-state.ts'

/*
 * An envelope on the wire, numbers in network byte order. Several may stand one behind the other.
 *
 *   1 byte    version
 *   1 byte    flags: 1 for signed
 *   4 bytes   length of the head
 *   4 bytes   length of the payload
 *  32 bytes   HMAC-SHA256 of namespace, channel and all the rest, where signed
 *   …         head: JSON, what an envelope has besides its payload
 *   …         payload
 */
const version = 1
const signed = 1
const prefixLength = 10
const macLength = 32
/** The longest head, in bytes: parsing one of some megabytes, with nothing in it but brackets, takes seconds. */
const mostHead = 128 * 1024

/** Envelopes ↔ bytes, for adapters whose carrier takes bytes. */
export class EnvelopeCodec {
  readonly #namespace: string
  /** The first one signs, each of them verifies; empty where nothing is signed. */
  readonly #secrets: ReadonlyArray<string | Buffer>

  constructor (namespace: string, secrets: ReadonlyArray<string | Buffer>) {
    this.#namespace = namespace
    this.#secrets = secrets
  }

  /** @throws FST_ERR_WS_SEND_INVALID where it leaves out too many */
  encode (channel: string, envelope: Envelope): Buffer {
    const head = Buffer.from(JSON.stringify(headOf(envelope)))
    if (head.length > mostHead) throw new FST_ERR_WS_SEND_INVALID(`the ids of the connections that it leaves out have more than ${mostHead} bytes`)
    const payload = payloadOf(envelope)
    const isSigned = this.#secrets.length > 0
    const prefix = Buffer.allocUnsafe(prefixLength)
    prefix[0] = version
    prefix[1] = isSigned ? signed : 0
    prefix.writeUInt32BE(head.length, 2)
    prefix.writeUInt32BE(payload.length, 6)
    if (!isSigned) return Buffer.concat([prefix, head, payload])
    return Buffer.concat([prefix, this.#mac(this.#secrets[0], channel, prefix, head, payload), head, payload])
  }

  /**
   * All envelopes in the bytes, at least one.
   *
   * @throws FST_ERR_WS_ENVELOPE when they are anything else
   */
  decode (channel: string, bytes: Buffer): Envelope[] {
    const envelopes: Envelope[] = []
    let at = 0
    do {
      const { envelope, end } = this.#decodeOne(channel, bytes, at)
      envelopes.push(envelope)
      at = end
    } while (at < bytes.length)
    return envelopes
  }

  #decodeOne (channel: string, bytes: Buffer, start: number): { envelope: Envelope, end: number } {
    if (bytes.length - start < prefixLength) throw new FST_ERR_WS_ENVELOPE('cut short')
    if (bytes[start] !== version) throw new FST_ERR_WS_ENVELOPE(`version ${bytes[start]}, and this process knows ${version}`)
    const flags = bytes[start + 1]
    if (flags !== 0 && flags !== signed) throw new FST_ERR_WS_ENVELOPE(`unknown flags ${flags}`)
    if ((flags === signed) !== (this.#secrets.length > 0)) throw new FST_ERR_WS_ENVELOPE(flags === signed ? 'signed, and this process has no secret' : 'not signed')

    const headStart = start + prefixLength + (flags === signed ? macLength : 0)
    const payloadStart = headStart + bytes.readUInt32BE(start + 2)
    const end = payloadStart + bytes.readUInt32BE(start + 6)
    if (end > bytes.length) throw new FST_ERR_WS_ENVELOPE('cut short')
    const head = bytes.subarray(headStart, payloadStart)
    const payload = bytes.subarray(payloadStart, end)
    if (flags === signed) {
      const prefix = bytes.subarray(start, start + prefixLength)
      const mac = bytes.subarray(start + prefixLength, headStart)
      if (!this.#secrets.some(secret => timingSafeEqual(mac, this.#mac(secret, channel, prefix, head, payload)))) throw new FST_ERR_WS_ENVELOPE('wrong signature')
    }
    return { envelope: envelopeOf(parseHead(head), payload), end }
  }

  #mac (secret: string | Buffer, channel: string, prefix: Buffer, head: Buffer, payload: Buffer): Buffer {
    // Two lengths before the two names: no other pair of names makes the same bytes.
    const names = `${this.#namespace.length}:${channel.length}:${this.#namespace}${channel}`
    return createHmac('sha256', secret).update(names).update(prefix).update(head).update(payload).digest()
  }
}

/** Short names: it stands before every message. */
export interface Head {
  readonly kind?: unknown
  readonly node?: unknown
  readonly seq?: unknown
  readonly except?: unknown
  readonly code?: unknown
  readonly reason?: unknown
}

const nobody: readonly string[] = Object.freeze([])
const nothing = Buffer.alloc(0)

function headOf (envelope: Envelope): Head {
  const { kind, node, seq } = envelope
  if (kind === 'close') return { kind, node, seq, code: envelope.code, reason: envelope.reason }
  if (kind === 'control' || envelope.except.length === 0) return { kind, node, seq }
  return { kind, node, seq, except: envelope.except }
}

function payloadOf (envelope: Envelope): Buffer {
  if (envelope.kind === 'close') return nothing
  return typeof envelope.payload === 'string' ? Buffer.from(envelope.payload) : envelope.payload
}

function parseHead (bytes: Buffer): Head {
  if (bytes.length > mostHead) throw new FST_ERR_WS_ENVELOPE('its head is too long')
  let head: unknown
  try {
    head = JSON.parse(textOf(bytes))
  } catch {
    throw new FST_ERR_WS_ENVELOPE('its head is not JSON')
  }
  if (typeof head !== 'object' || head === null) throw new FST_ERR_WS_ENVELOPE('its head is no object')
  return head
}

const nodePattern = /^[\w-]{1,64}$/

/**
 * An envelope of what somebody else says it is.
 *
 * @param payload bytes where it is binary
 *
 * @throws FST_ERR_WS_ENVELOPE
 */
export function envelopeOf ({ kind, node, seq, except = nobody, code, reason }: Head, payload: Buffer | string): Envelope {
  if (typeof node !== 'string' || !nodePattern.test(node)) throw new FST_ERR_WS_ENVELOPE('node is no id')
  if (typeof seq !== 'number' || !Number.isSafeInteger(seq) || seq < 1) throw new FST_ERR_WS_ENVELOPE('seq is no count')
  switch (kind) {
    case 'json':
    case 'text':
    case 'binary':
      if (!isListOfIds(except)) throw new FST_ERR_WS_ENVELOPE('except is no list of ids')
      // Its own memory: what waits for slow members must not keep all that came with it.
      return { kind, node, seq, payload: kind === 'binary' && typeof payload !== 'string' ? Buffer.from(payload) : textOf(payload), except }
    case 'control':
      return { kind, node, seq, payload: textOf(payload) }
    case 'close':
      return { kind, node, seq, ...closeOf(code, reason) }
    default:
      throw new FST_ERR_WS_ENVELOPE('unknown kind')
  }
}

/** Other bytes would be other characters in silence. */
function textOf (payload: Buffer | string): string {
  if (typeof payload === 'string') return payload
  if (!isUtf8(payload)) throw new FST_ERR_WS_ENVELOPE('text that is not UTF-8')
  return payload.toString()
}

function isListOfIds (except: unknown): except is readonly string[] {
  return Array.isArray(except) && except.every(id => typeof id === 'string')
}

function closeOf (code: unknown, reason: unknown): { code: number, reason: string } {
  try {
    checkClose(code as number, reason as string)
  } catch {
    throw new FST_ERR_WS_ENVELOPE('code and reason are none that can be sent')
  }
  return { code: code as number, reason: reason as string }
}
