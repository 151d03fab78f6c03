import { inflateRawSync } from 'node:zlib'
import type { ZlibOptions } from 'node:zlib'
import type { DeflateParameters } from '../protocol/permessage-deflate.ts'
import { violation } from '../protocol/protocol-error.ts'
import { Window } from './window.ts'
import { inflateLater } from './zlib-jobs.ts'
import type { Inflated } from './zlib-jobs.ts'

/**
 * What is put behind a payload: the end of the empty block that the sender left out (RFC 7692 section 7.2.2), and an empty final
 * block of our own. zlib then says whether the stream ends where the message does, and not within a block.
 */
const tail = Buffer.from([0x00, 0x00, 0xff, 0xff, 0x03, 0x00])

/** Up to so many bytes, going to another thread and back takes longer than inflating. */
const inputAtOnce = 16 * 1024
const outputAtOnce = 64 * 1024

/** Each starts zlib anew: a message of nothing else would cost far more than its size. */
const mostFinalBlocks = 256

/** The shortest and the longest piece of memory that zlib is given for its output. */
const leastChunk = 256
const mostChunk = 16 * 1024

const inflateNow = inflateRawSync as never as (input: Buffer, options: ZlibOptions) => Inflated

/**
 * Inflates the messages of one client, one after the other (RFC 7692 section 7.2.2). No stream of zlib is kept between them: where the client's
 * context is taken over, the window is, as the next one's dictionary.
 */
export class Inflater {
  readonly #windowBits: number
  readonly #maxPayload: number
  /** null where each message stands alone */
  readonly #window: Window | null

  constructor (parameters: DeflateParameters, maxPayload: number) {
    // zlib inflates a window of 8 bits, and of any, with more.
    this.#windowBits = parameters.clientMaxWindowBits
    this.#maxPayload = maxPayload
    this.#window = parameters.clientNoContextTakeover ? null : new Window(parameters.clientMaxWindowBits)
  }

  /** Bytes that are kept between messages. */
  get held (): number {
    return this.#window === null ? 0 : this.#window.held
  }

  /**
   * Small ones at once, others later; not to be called again before.
   *
   * @throws ProtocolError, or rejects with it: not deflate, or more than `maxPayload`
   */
  inflate (payload: Buffer): Buffer | Promise<Buffer> {
    // Some encoders flush an empty message to nothing.
    if (payload.length === 0) return payload
    const input = Buffer.concat([payload, tail])
    const message = input.length <= inputAtOnce ? this.#tryNow(input) : null
    if (message === null) return this.#later(input)
    this.#window?.push(message)
    return message
  }

  /** null where it is too big for that, or has final blocks before its end. */
  #tryNow (input: Buffer): Buffer | null {
    const most = Math.min(this.#maxPayload, outputAtOnce)
    try {
      const { buffer, engine } = inflateNow(input, { ...this.#options(input, this.#window?.bytes, most), info: true })
      if (engine.bytesWritten < input.length) return null
      return buffer
    } catch (error) {
      if (isTooLarge(error) && most < this.#maxPayload) return null
      throw violationOf(error)
    }
  }

  async #later (input: Buffer): Promise<Buffer> {
    const parts: Buffer[] = []
    let length = 0
    let rest = input
    // A final block ends zlib's stream, not the message: what it held stays in the window (section 7.2.3.4).
    for (let finals = 0; rest.length > 0; finals++) {
      if (finals === mostFinalBlocks) throw violation.tooManyFinalBlocks()
      const part = await this.#inflateRest(rest, parts, this.#maxPayload - length)
      length += part.buffer.length
      if (length > this.#maxPayload) throw violation.messageTooBig()
      parts.push(part.buffer)
      rest = rest.subarray(part.engine.bytesWritten)
    }
    const message = parts.length === 1 ? parts[0] : Buffer.concat(parts, length)
    this.#window?.push(message)
    return message
  }

  async #inflateRest (rest: Buffer, parts: readonly Buffer[], most: number): Promise<Inflated> {
    try {
      return await inflateLater(rest, this.#options(rest, this.#dictionary(parts), most))
    } catch (error) {
      throw violationOf(error)
    }
  }

  /** What the rest of a message may refer back to. */
  #dictionary (parts: readonly Buffer[]): Buffer | undefined {
    if (parts.length === 0) return this.#window?.bytes
    const window = new Window(this.#windowBits)
    if (this.#window?.bytes !== undefined) window.push(this.#window.bytes)
    for (const part of parts) window.push(part)
    return window.bytes
  }

  #options (input: Buffer, dictionary: Buffer | undefined, maxOutput: number): ZlibOptions {
    return {
      windowBits: this.#windowBits,
      dictionary,
      maxOutputLength: Math.max(1, maxOutput),
      chunkSize: Math.min(mostChunk, Math.max(leastChunk, input.length * 4))
    }
  }
}

function isTooLarge (error: unknown): boolean {
  return (error as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE'
}

function violationOf (error: unknown): Error {
  return isTooLarge(error) ? violation.messageTooBig() : violation.corruptDeflate()
}
