import { charactersOf, fromHex, inText } from './bytes.js'

const closeCodes = {
  1000: 'normal closure',
  1001: 'going away',
  1002: 'protocol error',
  1003: 'unsupported data',
  1005: 'no code',
  1007: 'invalid payload',
  1008: 'policy violation',
  1009: 'message too big',
  1011: 'internal error',
  1013: 'try again later'
}

/** A frame as the server saw it, with what the page draws of it. */
export class Frame {
  /** @param seen an observation of type `frame` */
  constructor (seen) {
    Object.assign(this, seen)
    this.header = fromHex(seen.header)
    this.wire = fromHex(seen.wire)
    this.plain = fromHex(seen.plain)
    const key = this.field('key')
    this.key = key === undefined ? null : fromHex(key.value)
    this.inflated = seen.inflated === null ? null : { text: inText(fromHex(seen.inflated.bytes)), length: seen.inflated.length }
    this.characters = this.isText && !this.isCompressed ? charactersOf(this.plain) : []
  }

  field (name) {
    return this.fields.find(field => field.name === name)
  }

  /** Whether its bytes may be text: of a continuation, only the message's first frame knows. */
  get isText () {
    return this.opcode === 'text' || this.opcode === 'continuation'
  }

  /** Whether its payload begins a compressed message. */
  get isCompressed () {
    return this.field('rsv1').value === '1' && this.problem === null
  }

  get isFinal () {
    return this.field('fin').value === '1'
  }

  /** All bytes that are shown, as they went over the wire. */
  get bytes () {
    return Uint8Array.of(...this.header, ...this.wire)
  }

  /** How many bytes of the payload are not shown. */
  get hidden () {
    return Math.max(0, Number(this.length) - this.wire.length)
  }

  /** What a close frame says; null for others, and for one without a code. */
  get close () {
    if (this.opcode !== 'close' || this.plain.length < 2) return null
    const code = this.plain[0] << 8 | this.plain[1]
    return { code, name: closeCodes[code] ?? (code >= 4000 ? 'of the application' : 'registered or reserved'), reason: inText(this.plain.subarray(2)) }
  }

  /** Its payload in a few words. */
  get summary () {
    if (this.close !== null) return `${this.close.code} ${this.close.reason}`
    if (this.plain.length === 0) return ''
    if (this.inflated !== null && this.opcode === 'text') return printable(this.inflated.text.slice(0, 64))
    if ((this.isText && !this.isCompressed) || this.opcode === 'ping' || this.opcode === 'pong') return printable(inText(this.plain.subarray(0, 64)))
    return [...this.plain.subarray(0, 12)].map(byte => byte.toString(16).padStart(2, '0')).join(' ')
  }
}

function printable (text) {
  return text.replace(/\p{Cc}|\ufffd/gu, '·')
}
