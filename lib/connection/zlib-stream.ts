import { constants, createDeflateRaw, createInflateRaw, deflateRawSync, inflateRawSync } from 'node:zlib'
import type { DeflateRaw, InflateRaw, ZlibOptions } from 'node:zlib'
import type { Inflated } from './zlib-jobs.ts'

/** What raw deflate is made of, or made to, one message after the other: none has anything to do with the one before. */
export interface ZlibStream {
  /**
   * Returns how many bytes it put out: all of `output` where that is too small. The rest is then lost.
   *
   * @throws where the input is not deflate, or is cut short
   */
  run (input: Buffer, output: Buffer): number
  /** How many bytes of the input the last run left: those behind a final block. */
  readonly left: number
}

interface Handle {
  onerror: (message: string) => void
  writeSync (flush: number, input: Buffer, from: number, length: number, output: Buffer, at: number, room: number): void
}

/** What lies below Node's streams: `_handle` is zlib itself, and `_writeState` how much room and input its last write left. */
interface Below {
  readonly _handle: Handle
  readonly _writeState: Uint32Array
  reset (): void
  _processChunk (input: Buffer, flush: number): Buffer
}

/**
 * One stream of zlib that is begun anew for each message, and writes where it is told to.
 *
 * Node's public calls make a stream for each, and memory for what comes out. Making them and collecting them as garbage took half of the time of
 * an echo of 4 KiB, 29 of 58 µs. There is no public way to use one at once and again, so this one takes what lies below. That is looked at and tried
 * before it is relied on.
 */
class KeptStream implements ZlibStream {
  /** Kept with its handle, which looks for it. */
  readonly #stream: Below
  readonly #flush: number
  #error: string | null = null

  constructor (stream: DeflateRaw | InflateRaw, flush: number) {
    this.#stream = stream as never as Below
    this.#flush = flush
    this.#stream._handle.onerror = message => { this.#error = message }
  }

  get left (): number {
    return this.#stream._writeState[1]
  }

  run (input: Buffer, output: Buffer): number {
    this.#error = null
    this.#stream.reset()
    this.#stream._handle.writeSync(this.#flush, input, 0, input.length, output, 0, output.length)
    if (this.#error !== null) throw new Error(this.#error)
    return output.length - this.#stream._writeState[0]
  }
}

/** The same by public calls. */
class FreshStreams implements ZlibStream {
  readonly #call: (input: Buffer, options: ZlibOptions) => Inflated
  readonly #options: ZlibOptions
  left = 0

  constructor (call: typeof deflateRawSync, options: ZlibOptions) {
    this.#call = call as never as (input: Buffer, options: ZlibOptions) => Inflated
    this.#options = options
  }

  run (input: Buffer, output: Buffer): number {
    try {
      const { buffer, engine } = this.#call(input, { ...this.#options, info: true, maxOutputLength: Math.max(1, output.length) })
      this.left = input.length - engine.bytesWritten
      return buffer.copy(output)
    } catch (error) {
      if ((error as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE') return output.length
      throw error
    }
  }
}

/** The least that a stream of Node takes for output, which a kept one has no use for. */
const leastChunk = constants.Z_MIN_CHUNK

/** Whether what lies below Node's streams is what a kept one needs; null until one is asked for. */
let isKnown: boolean | null = null

/** Makes bytes of messages, each of which ends with an empty block. */
export function newDeflateStream (options: ZlibOptions, isKept = isKnown ??= keepsWork()): ZlibStream {
  return isKept
    ? new KeptStream(createDeflateRaw({ ...options, chunkSize: leastChunk }), constants.Z_SYNC_FLUSH)
    : new FreshStreams(deflateRawSync, { ...options, finishFlush: constants.Z_SYNC_FLUSH })
}

/** Makes messages of bytes, which must end with a final block. */
export function newInflateStream (isKept = isKnown ??= keepsWork()): ZlibStream {
  return isKept ? new KeptStream(createInflateRaw({ chunkSize: leastChunk }), constants.Z_FINISH) : new FreshStreams(inflateRawSync, {})
}

/** Tried once, when the first message comes or goes. */
function keepsWork (): boolean {
  try {
    return isWrittenTo(createDeflateRaw()) && areAsNew(newDeflateStream({}, true), newInflateStream(true))
  } catch {
    return false
  }
}

/** There and back, and again after an error and after too little room. */
function areAsNew (deflating: ZlibStream, inflating: ZlibStream): boolean {
  const message = Buffer.from('as it was, as it was')
  const deflated = deflateRawSync(message)
  const corrupt = Buffer.from([0x06])
  const output = Buffer.alloc(64)
  const little = output.subarray(0, 4)
  const flushed = (): Buffer => output.subarray(0, deflating.run(message, output))
  const inflated = (): Buffer => output.subarray(0, inflating.run(Buffer.concat([deflated, corrupt]), output))
  const isAsNew = (): boolean =>
    inflateRawSync(flushed(), { finishFlush: constants.Z_SYNC_FLUSH }).equals(message) && deflating.run(message, little) === little.length &&
    inflated().equals(message) && inflating.left === corrupt.length && inflating.run(deflated, little) === little.length && fails(inflating, corrupt, output)
  return isAsNew() && isAsNew()
}

/** Whether Node itself writes to a handle as a kept stream does: one that is called otherwise may end the process. */
function isWrittenTo (stream: DeflateRaw): boolean {
  const below = stream as never as Below
  const handle = below._handle
  const { writeSync } = handle
  let types = ''
  handle.writeSync = (...values) => {
    types = values.map(value => typeof value).join(' ')
    writeSync.apply(handle, values)
  }
  below._processChunk(Buffer.from('a'), constants.Z_SYNC_FLUSH)
  return types === 'number object number number object number number'
}

function fails (stream: ZlibStream, input: Buffer, output: Buffer): boolean {
  try {
    stream.run(input, output)
    return false
  } catch {
    return true
  }
}
