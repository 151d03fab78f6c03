import { constants } from 'node:buffer'
import { randomBytes } from 'node:crypto'
import { constants as zlibConstants, deflateRawSync, inflateRawSync } from 'node:zlib'
import type { ZlibOptions } from 'node:zlib'
import type { DeflateParameters } from '../protocol/permessage-deflate.ts'
import { ownMemory } from '../protocol/own-memory.ts'
import { violation } from '../protocol/protocol-error.ts'
import { Window } from './window.ts'
import { inflate, inflating } from './zlib-jobs.ts'
import type { Inflated } from './zlib-jobs.ts'

/** These come out of what is put behind a payload only where the stream is between two blocks. */
const proof = randomBytes(8)

/**
 * What is put behind a payload: the end of the empty block that the sender left out (RFC 7692 section 7.2.2), and a final block of our own with the
 * proof. A block that goes on beyond the message's end would take them for its own, and make something else of them: a stored one, too,
 * since the proof is Huffman-coded.
 */
const tail = Buffer.concat([Buffer.from([0x00, 0x00, 0xff, 0xff]), deflateRawSync(proof, { strategy: zlibConstants.Z_FIXED })])

/** Up to so many bytes, going to another thread and back takes longer than inflating. */
const inputAtOnce = 16 * 1024
const outputAtOnce = 64 * 1024

/** Each final block starts zlib anew: a message of nothing else would cost far more than its size. */
const finalBlocks = 16
const bytesAFinalBlock = 1024

/** The shortest and the longest piece of memory that zlib is given for its output. */
const leastChunk = 256
const mostChunk = 16 * 1024

/** The longest, on another thread. */
const mostChunkLater = 64 * 1024

const inflateNow = inflateRawSync as never as (input: Buffer, options: ZlibOptions) => Inflated

/**
 * Inflates the messages of one client, one after the other (RFC 7692 section 7.2.2). No stream of zlib is kept between them: where the client's
 * context is taken over, the window is, as the next one's dictionary. Where it is not, many clients may share one.
 */
export class Inflater {
  readonly #windowBits: number
  /** The most that may come out, the proof included. */
  readonly #maxOutput: number
  /** null where each message stands alone */
  readonly #window: Window | null

  constructor (parameters: DeflateParameters, maxPayload: number) {
    // zlib inflates a window of 8 bits, and of any, with more.
    this.#windowBits = parameters.clientMaxWindowBits
    // zlib takes no limit that no Buffer could reach.
    this.#maxOutput = Math.min(maxPayload + proof.length, constants.MAX_LENGTH)
    this.#window = parameters.clientNoContextTakeover ? null : new Window(parameters.clientMaxWindowBits)
  }

  /** Bytes that are kept between messages. */
  get held (): number {
    return this.#window === null ? 0 : this.#window.held
  }

  /** Nobody waits for the message of `client` that is inflated later. */
  stop (client: object = this): void {
    inflating.giveUp(client)
  }

  /**
   * Small ones at once, others later; not to be called again for the same client before.
   *
   * @param client whose message it is, where several share this
   * @throws ProtocolError, or rejects with it: not deflate, or more than `maxPayload`
   */
  inflate (payload: Buffer, client: object = this): Buffer | Promise<Buffer> {
    // Some encoders flush an empty message to nothing.
    if (payload.length === 0) return payload
    const input = Buffer.concat([payload, tail])
    const inflated = input.length <= inputAtOnce ? this.#tryNow(input) : null
    if (inflated === null) return this.#later(input, client)
    const message = withoutProof(inflated)
    this.#window?.push(message)
    return message
  }

  /** null where it is too big for that, or has final blocks before its end. */
  #tryNow (input: Buffer): Buffer | null {
    const most = Math.min(this.#maxOutput, outputAtOnce + proof.length)
    try {
      const chunkSize = Math.min(mostChunk, Math.max(leastChunk, input.length * 4))
      const { buffer, engine } = inflateNow(input, { ...this.#options(this.#window?.bytes, most, chunkSize), info: true })
      return engine.bytesWritten < input.length ? null : buffer
    } catch (error) {
      if (isTooLarge(error) && most < this.#maxOutput) return null
      throw violationOf(error)
    }
  }

  async #later (input: Buffer, client: object): Promise<Buffer> {
    const message = withoutProof(await inflating.inTurn(client, () => this.#inflateParts(input)))
    this.#window?.push(message)
    return message
  }

  /** A final block ends zlib's stream, not the message: what it held stays in the window (section 7.2.3.4). */
  async #inflateParts (input: Buffer): Promise<Buffer> {
    const first = await this.#inflatePart(input, this.#window?.bytes, this.#maxOutput)
    let rest = input.subarray(first.engine.bytesWritten)
    if (rest.length === 0) return first.buffer
    const parts = [ownMemory(first.buffer)]
    let length = first.buffer.length
    const window = new Window(this.#windowBits)
    if (this.#window?.bytes !== undefined) window.push(this.#window.bytes)
    const most = finalBlocks + Math.floor((input.length - tail.length) / bytesAFinalBlock)
    for (let finals = 1; rest.length > 0; finals++) {
      if (finals > most) throw violation.tooManyFinalBlocks()
      window.push(parts[parts.length - 1])
      const part = await this.#inflatePart(rest, window.bytes, this.#maxOutput - length)
      length += part.buffer.length
      if (length > this.#maxOutput) throw violation.messageTooBig()
      parts.push(ownMemory(part.buffer))
      rest = rest.subarray(part.engine.bytesWritten)
    }
    return Buffer.concat(parts, length)
  }

  async #inflatePart (input: Buffer, dictionary: Buffer | undefined, most: number): Promise<Inflated> {
    // Each piece is a way to the other thread and back: a bomb of a few bytes would fill hundreds of small ones.
    const chunkSize = Math.min(mostChunkLater, Math.max(leastChunk, input.length * 64))
    try {
      return await inflate(input, this.#options(dictionary, most, chunkSize))
    } catch (error) {
      throw violationOf(error)
    }
  }

  #options (dictionary: Buffer | undefined, maxOutput: number, chunkSize: number): ZlibOptions {
    return {
      windowBits: this.#windowBits,
      dictionary,
      maxOutputLength: Math.max(1, maxOutput),
      chunkSize
    }
  }
}

function withoutProof (inflated: Buffer): Buffer {
  const end = inflated.length - proof.length
  if (end < 0 || !inflated.subarray(end).equals(proof)) throw violation.corruptDeflate()
  return inflated.subarray(0, end)
}

function isTooLarge (error: unknown): boolean {
  return (error as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE'
}

function violationOf (error: unknown): Error {
  return isTooLarge(error) ? violation.messageTooBig() : violation.corruptDeflate()
}
