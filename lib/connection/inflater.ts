import { constants } from 'node:buffer'
import { randomBytes } from 'node:crypto'
import { constants as zlibConstants, deflateRawSync } from 'node:zlib'
import type { DeflateParameters } from '../protocol/permessage-deflate.ts'
import { ownMemory } from '../protocol/own-memory.ts'
import { violation } from '../protocol/protocol-error.ts'
import { Window } from './window.ts'
import { inflate, inflating } from './zlib-jobs.ts'
import type { Inflated } from './zlib-jobs.ts'
import { newInflateStream } from './zlib-stream.ts'
import type { ZlibStream } from './zlib-stream.ts'

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

/** The shortest and the longest piece of memory that zlib is given for its output on another thread. */
const leastChunk = 256
const mostChunk = 64 * 1024

/** A block that is stored: its header, then its bytes as they are (RFC 1951 section 3.2.4). */
const storedHeader = 5
const largestWindow = 32 * 1024

/** One for all that is inflated at once: made for the first message. */
let now: Now | null = null

/** zlib, and the memory that it reads and writes, where the window is before the message on both sides. */
interface Now {
  readonly stream: ZlibStream
  readonly input: Buffer
  readonly output: Buffer
}

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
   * Small ones at once, others later; not to be called again for the same client before. What is there at once lies in memory that the next call
   * of any client's uses again.
   *
   * @param client whose message it is, where several share this
   * @throws ProtocolError, or rejects with it: not deflate, or more than `maxPayload`
   */
  inflate (payload: Buffer, client: object = this): Buffer | Promise<Buffer> {
    // Some encoders flush an empty message to nothing.
    if (payload.length === 0) return payload
    const inflated = payload.length <= inputAtOnce ? this.#tryNow(payload) : null
    if (inflated === null) return this.#later(Buffer.concat([payload, tail]), client)
    const message = withoutProof(inflated)
    this.#window?.push(message)
    return message
  }

  /** null where it is too big for that, or has final blocks before its end. */
  #tryNow (payload: Buffer): Buffer | null {
    const { stream, input, output } = now ??= newNow()
    const most = Math.min(this.#maxOutput, outputAtOnce + proof.length)
    const window = this.#window?.bytes
    const begins = window === undefined ? 0 : putStored(input, window)
    const from = window === undefined ? 0 : window.length
    input.set(payload, begins)
    input.set(tail, begins + payload.length)
    // Of one byte more than may come out only the first matters: that it came.
    const room = from + most + 1
    const length = this.#run(stream, input.subarray(0, begins + payload.length + tail.length), output.subarray(0, room))
    if (length < room) return stream.left > 0 ? null : output.subarray(from, length)
    if (most < this.#maxOutput) return null
    throw violation.messageTooBig()
  }

  #run (stream: ZlibStream, input: Buffer, output: Buffer): number {
    try {
      return stream.run(input, output)
    } catch {
      throw violation.corruptDeflate()
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

  async #inflatePart (input: Buffer, dictionary: Buffer | undefined, maxOutput: number): Promise<Inflated> {
    // Each piece is a way to the other thread and back: a bomb of a few bytes would fill hundreds of small ones.
    const chunkSize = Math.min(mostChunk, Math.max(leastChunk, input.length * 64))
    try {
      return await inflate(input, { windowBits: this.#windowBits, dictionary, maxOutputLength: Math.max(1, maxOutput), chunkSize })
    } catch (error) {
      throw violationOf(error)
    }
  }
}

function newNow (): Now {
  return {
    stream: newInflateStream(),
    input: Buffer.allocUnsafeSlow(storedHeader + largestWindow + inputAtOnce + tail.length),
    output: Buffer.allocUnsafeSlow(largestWindow + outputAtOnce + proof.length + 1)
  }
}

/**
 * A window as what was sent before: a kept stream takes no dictionary, and copying is all that zlib does with a block that is stored. Returns where it ends.
 */
function putStored (input: Buffer, window: Buffer): number {
  input[0] = 0
  input.writeUInt16LE(window.length, 1)
  input.writeUInt16LE(window.length ^ 0xffff, 3)
  input.set(window, storedHeader)
  return storedHeader + window.length
}

function withoutProof (inflated: Buffer): Buffer {
  const end = inflated.length - proof.length
  if (end < 0 || !inflated.subarray(end).equals(proof)) throw violation.corruptDeflate()
  return inflated.subarray(0, end)
}

function violationOf (error: unknown): Error {
  return (error as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE' ? violation.messageTooBig() : violation.corruptDeflate()
}
