import { parse } from 'secure-json-parse'
import { FST_ERR_WS_INVALID_JSON, FST_ERR_WS_INVALID_MESSAGE, FST_ERR_WS_OPTION, FST_ERR_WS_SEND_INVALID, FST_ERR_WS_UNSUPPORTED_DATA } from '../errors.ts'
import type { Codec, CodecName, CodecOption, Payload } from '../../types/codec.ts'
import type { MessageId, SendContract } from './send-contract.ts'

/** A codec as the connection uses it. One object for one codec of the user: rooms encode once for each. */
export interface MessageCodec {
  /** Whether a payload can be sent by rooms without parsing it again: it is the JSON of the message. */
  readonly isJson: boolean
  /** @throws InvalidMessageError */
  decode (payload: Payload): unknown
  /** @throws FST_ERR_WS_SEND_INVALID */
  encode (message: unknown, contract: SendContract): Payload
  /** As `encode`, carrying the id of the message that it answers where the codec has fields. */
  encodeReply (message: unknown, contract: SendContract, id: MessageId): Payload
  /** For the messages that this package itself sends: errors. */
  encodePlain (message: object): Payload
}

/** How JSON with `__proto__` or `constructor.prototype` keys is treated: as Fastify treats that of bodies. */
export interface PoisoningOptions {
  readonly protoAction: 'error' | 'remove' | 'ignore'
  readonly constructorAction: 'error' | 'remove' | 'ignore'
}

const brace = 0x7b

class JsonCodec implements MessageCodec {
  readonly isJson = true
  readonly #poisoning: PoisoningOptions

  constructor (poisoning: PoisoningOptions) {
    this.#poisoning = poisoning
  }

  decode (payload: Payload): unknown {
    if (typeof payload !== 'string') throw new FST_ERR_WS_UNSUPPORTED_DATA('expected a text message')
    try {
      return isHarmless(payload) ? JSON.parse(payload) : parse(payload, null, this.#poisoning)
    } catch {
      throw new FST_ERR_WS_INVALID_JSON('the message is not valid JSON')
    }
  }

  encode (message: unknown, contract: SendContract): Payload {
    return contract.serialize(message)
  }

  encodeReply (message: unknown, contract: SendContract, id: MessageId): Payload {
    return contract.serializeReply(message, id)
  }

  encodePlain (message: object): Payload {
    return JSON.stringify(message)
  }
}

/**
 * Whether `JSON.parse` alone can make nothing poisonous of this text: an object in which neither key stands, not even escaped. Most are, and
 * looking for the keys with regular expressions took a fifth of the time of parsing.
 */
function isHarmless (text: string): boolean {
  return text.charCodeAt(0) === brace && !text.includes('\\') && !text.includes('__proto__') && !text.includes('constructor')
}

class RawCodec implements MessageCodec {
  readonly isJson = false

  decode (payload: Payload): unknown {
    return payload
  }

  encode (message: unknown): Payload {
    if (typeof message === 'string' || Buffer.isBuffer(message)) return message
    if (ArrayBuffer.isView(message)) return Buffer.from(message.buffer, message.byteOffset, message.byteLength)
    throw new FST_ERR_WS_SEND_INVALID(`codec raw sends strings and Buffers, not ${message === null ? 'null' : typeof message}`)
  }

  encodeReply (message: unknown): Payload {
    return this.encode(message)
  }

  encodePlain (message: object): Payload {
    return JSON.stringify(message)
  }
}

class CustomCodec implements MessageCodec {
  readonly isJson = false
  readonly #codec: Codec

  constructor (codec: Codec) {
    this.#codec = codec
  }

  decode (payload: Payload): unknown {
    if (this.#codec.binary !== (typeof payload !== 'string')) {
      throw new FST_ERR_WS_UNSUPPORTED_DATA(`expected a ${this.#codec.binary ? 'binary' : 'text'} message`)
    }
    try {
      return this.#codec.decode(payload)
    } catch (error) {
      throw new FST_ERR_WS_INVALID_MESSAGE('the message cannot be decoded', [{ message: error instanceof Error ? error.message : '' }])
    }
  }

  encode (message: unknown, contract: SendContract): Payload {
    return this.#payload(contract.project(message))
  }

  encodeReply (message: unknown, contract: SendContract, id: MessageId): Payload {
    const projected = contract.project(message)
    return this.#payload(hasFields(projected) ? { ...projected, id } : projected)
  }

  encodePlain (message: object): Payload {
    return this.#payload(message)
  }

  #payload (message: unknown): Payload {
    let payload: unknown
    try {
      payload = this.#codec.encode(message)
    } catch (error) {
      throw new FST_ERR_WS_SEND_INVALID(error instanceof Error ? error.message : String(error))
    }
    if (!this.#codec.binary && typeof payload === 'string') return payload
    // An encoder may use its memory again for the next message, while this one waits for a slow client.
    if (this.#codec.binary && payload instanceof Uint8Array) return Buffer.from(payload)
    if (payload instanceof Promise) payload.catch(ignore)
    throw new FST_ERR_WS_SEND_INVALID(`the codec must encode to a ${this.#codec.binary ? 'Buffer' : 'string'}`)
  }
}

/** The codecs of one server: the same one for the same option, so that a room frames once for all who use it. */
export class Codecs {
  readonly json: MessageCodec
  readonly #raw: MessageCodec = new RawCodec()
  readonly #custom = new Map<Codec, MessageCodec>()

  constructor (poisoning: PoisoningOptions) {
    this.json = new JsonCodec(poisoning)
  }

  /** @throws FST_ERR_WS_OPTION */
  select (option: CodecOption): CodecChoice {
    if (typeof option === 'string' || isCodec(option)) return { fallback: this.#one(option), bySubprotocol: null }
    if (typeof option !== 'object' || option === null || Object.keys(option).length === 0) throw notACodec()
    const bySubprotocol = new Map<string, MessageCodec>()
    for (const [subprotocol, codec] of Object.entries(option)) bySubprotocol.set(subprotocol, this.#one(codec))
    return { fallback: this.json, bySubprotocol }
  }

  #one (option: CodecName | Codec): MessageCodec {
    if (option === 'json') return this.json
    if (option === 'raw') return this.#raw
    if (!isCodec(option)) throw notACodec()
    const known = this.#custom.get(option)
    if (known !== undefined) return known
    const codec = new CustomCodec(option)
    this.#custom.set(option, codec)
    return codec
  }
}

/** The codecs that a route speaks. */
export interface CodecChoice {
  /** For connections without a subprotocol, or of a route with one codec. */
  readonly fallback: MessageCodec
  readonly bySubprotocol: ReadonlyMap<string, MessageCodec> | null
}

/** The codec of one connection. */
export function codecFor (choice: CodecChoice, protocol: string): MessageCodec {
  return choice.bySubprotocol?.get(protocol) ?? choice.fallback
}

/** Not so arrays, bytes, dates and the like, which a codec encodes as what they are. */
function hasFields (value: unknown): value is object {
  return Object.prototype.toString.call(value) === '[object Object]'
}

function isCodec (option: unknown): option is Codec {
  return typeof option === 'object' && option !== null && 'decode' in option && 'encode' in option &&
    typeof option.decode === 'function' && typeof option.encode === 'function' &&
    typeof (option as Codec).binary === 'boolean' && ['undefined', 'string'].includes(typeof (option as Codec).contentType)
}

function notACodec (): Error {
  return new FST_ERR_WS_OPTION('codec', "must be 'json', 'raw', { decode, encode, binary, contentType? }, or an object of these by subprotocol")
}

function ignore (): void {}
