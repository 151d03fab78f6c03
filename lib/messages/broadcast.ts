import type { MessageEnvelope } from '../../types/adapter.ts'
import { encodeMessage } from '../protocol/frame-encoder.ts'
import { ownMemory } from '../protocol/own-memory.ts'
import type { MessageCodec } from './codec.ts'
import { SendContract } from './send-contract.ts'

/** One message for many connections: encoded and framed once for each codec among them, whatever their number. */
export class Broadcast {
  /** undefined when another process sent it and its JSON was not parsed yet */
  #message: unknown
  readonly #contract: SendContract
  /** The JSON of the message, made once: what JSON connections get and what other processes are sent. */
  readonly #json: string | null
  /** Whether it is this package that says it: no policy's `key` knows it. */
  readonly isOwn: boolean

  #lastCodec: MessageCodec | null = null
  #lastFrame: Buffer | null = null
  #frames: Map<MessageCodec, Buffer> | null = null

  private constructor (message: unknown, contract: SendContract, json: string | null, isOwn = false) {
    this.#message = message
    this.#contract = contract
    this.#json = json
    this.isOwn = isOwn
  }

  /** @throws FST_ERR_WS_SEND_INVALID */
  static of (message: unknown, contract: SendContract): Broadcast {
    if (typeof message === 'string' && contract === SendContract.undeclared) return new Broadcast(message, contract, null)
    if (!ArrayBuffer.isView(message)) return new Broadcast(message, contract, contract.serialize(message))
    // Bytes have no JSON: all that a contract can do is refuse them.
    contract.project(message)
    const bytes = Buffer.isBuffer(message) ? message : Buffer.from(message.buffer, message.byteOffset, message.byteLength)
    return new Broadcast(bytes, contract, null)
  }

  /** As published by another process, which has applied the contract. */
  static from ({ kind, payload }: Pick<MessageEnvelope, 'kind' | 'payload'>): Broadcast {
    return kind === 'json'
      ? new Broadcast(undefined, SendContract.undeclared, String(payload))
      : new Broadcast(payload, SendContract.undeclared, null)
  }

  /** What this package itself says to the members of a room. */
  static own (message: object): Broadcast {
    return new Broadcast(message, SendContract.undeclared, JSON.stringify(message), true)
  }

  /**
   * As it stands in the history of a room. Its `eventId` comes last: of two fields with one name the later one counts.
   *
   * @param json that of an object
   */
  static ofEvent (json: string, eventId: string): Broadcast {
    const fields = json.slice(0, -1).trimEnd()
    return new Broadcast(undefined, SendContract.undeclared, `${fields}${fields === '{' ? '' : ','}"eventId":"${eventId}"}`)
  }

  /** What is sent, before the contract is applied. */
  get message (): unknown {
    if (this.#message === undefined && this.#json !== null) this.#message = JSON.parse(this.#json)
    return this.#message
  }

  frameFor (codec: MessageCodec): Buffer {
    if (codec === this.#lastCodec && this.#lastFrame !== null) return this.#lastFrame
    this.#frames ??= new Map()
    // Its own memory: where it waits for slow members, it must not keep a piece of the pool with it.
    const frame = this.#frames.get(codec) ?? ownMemory(encodeMessage(this.#encode(codec)))
    this.#frames.set(codec, frame)
    this.#lastCodec = codec
    this.#lastFrame = frame
    return frame
  }

  #encode (codec: MessageCodec): string | Buffer {
    if (this.#json === null) return codec.encode(this.#message, this.#contract)
    if (codec.isJson) return this.#json
    if (this.isOwn) return codec.encodePlain(this.message as object)
    // JSON connections need no value, and most rooms have no other.
    return codec.encode(this.message, this.#contract)
  }

  /** As other processes get it. */
  get content (): Pick<MessageEnvelope, 'kind' | 'payload'> {
    if (this.#json !== null) return { kind: 'json', payload: this.#json }
    if (typeof this.#message === 'string') return { kind: 'text', payload: this.#message }
    return { kind: 'binary', payload: this.#message as Buffer }
  }
}
