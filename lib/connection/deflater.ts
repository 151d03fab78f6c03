import { constants, deflateRawSync } from 'node:zlib'
import type { ZlibOptions } from 'node:zlib'
import type { ResolvedDeflate } from '../options.ts'
import { bit, headerSizeOf } from '../protocol/frame.ts'
import type { Opcode } from '../protocol/frame.ts'
import { encodeCompressedFrame } from '../protocol/frame-encoder.ts'
import type { DeflateParameters } from '../protocol/permessage-deflate.ts'
import { Window } from './window.ts'
import { deflate, deflating } from './zlib-jobs.ts'
import { newDeflateStream } from './zlib-stream.ts'
import type { ZlibStream } from './zlib-stream.ts'

/** How a route compresses. */
export type DeflateOptions = ResolvedDeflate

/** What zlib is told. One object for the same values, so that those who share it share what a broadcast was compressed to. */
type Settings = Readonly<Required<Pick<ZlibOptions, 'windowBits' | 'memLevel' | 'level' | 'finishFlush'>>>

/** Up to so many bytes, going to another thread and back takes longer than deflating. */
const inputAtOnce = 16 * 1024

/** The shortest piece of memory that zlib is given for its output, and the longest: twice the least, where it is given several. */
const leastChunk = 256
const mostChunk = 16 * 1024

/** The end of the empty block that a flush ends with, which is left out (RFC 7692 section 7.2.1). */
const tailLength = 4

const allSettings = new Map<string, Settings>()

/** For messages that refer back to nothing, one for all with the same settings: made for the first of them. */
const streams = new Map<Settings, ZlibStream>()

/** Where they are compressed to. */
let output: Buffer | null = null

/** What broadcasts were compressed to: of one frame, one for each of the settings among its receivers. */
const shared = new WeakMap<Buffer, Map<Settings, Buffer | Promise<Buffer>>>()

/**
 * Compresses the messages to one client, one after the other (RFC 7692 section 7.2.1). No stream of zlib is kept between them: where the server's
 * context is taken over, the window is, as the next one's dictionary. Where it is not, many clients may share one.
 */
export class Deflater {
  readonly #settings: Settings
  readonly #threshold: number
  /** null where each message stands alone */
  readonly #window: Window | null

  constructor (parameters: DeflateParameters, { threshold, memLevel, level }: DeflateOptions) {
    this.#settings = settingsFor(parameters.serverMaxWindowBits, memLevel, level)
    this.#threshold = threshold
    this.#window = parameters.serverNoContextTakeover ? null : new Window(parameters.serverMaxWindowBits)
  }

  /** Bytes that are kept between messages. */
  get held (): number {
    return this.#window === null ? 0 : this.#window.held
  }

  /**
   * The frame to send for a whole message's: compressed, unless that does not make it shorter. Small ones at once, others later; not to be called
   * again for the same client before.
   *
   * @param isShared whether others are sent the same frame: it is then compressed once, and refers back to nothing
   * @param client whom it is for, where several share this
   */
  compress (frame: Buffer, isShared: boolean, client: object = this): Buffer | Promise<Buffer> {
    const payload = frame.subarray(headerSizeOf(frame))
    if (payload.length < this.#threshold) return frame
    const compressed = isShared ? compressShared(frame, payload, this.#settings) : compress(client, frame, payload, this.#settings, this.#window?.bytes)
    if (this.#window === null) return compressed
    return compressed instanceof Promise ? this.#rememberLater(compressed, frame, payload) : this.#remember(compressed, frame, payload)
  }

  /** Nobody waits for the message to `client` that is compressed later; others may, for one that is shared. */
  stop (client: object = this): void {
    deflating.giveUp(client)
  }

  /** Only compressed messages are part of the window. */
  #remember (compressed: Buffer, frame: Buffer, payload: Buffer): Buffer {
    if (compressed !== frame) this.#window?.push(payload)
    return compressed
  }

  async #rememberLater (compressed: Promise<Buffer>, frame: Buffer, payload: Buffer): Promise<Buffer> {
    return this.#remember(await compressed, frame, payload)
  }
}

/**
 * zlib has no window of 8 bits for raw deflate. With 9 it looks back at most 512 - 262 bytes, which is within one of 8:
 * MIN_LOOKAHEAD, in its deflate.h.
 */
function settingsFor (windowBits: number, memLevel: number, level: number): Settings {
  const name = `${windowBits} ${memLevel} ${level}`
  let settings = allSettings.get(name)
  if (settings === undefined) {
    settings = Object.freeze({ windowBits: Math.max(9, windowBits), memLevel, level, finishFlush: constants.Z_SYNC_FLUSH })
    allSettings.set(name, settings)
  }
  return settings
}

function compressShared (frame: Buffer, payload: Buffer, settings: Settings): Buffer | Promise<Buffer> {
  let variants = shared.get(frame)
  if (variants === undefined) shared.set(frame, variants = new Map())
  const known = variants.get(settings)
  if (known !== undefined) return known
  const compressed = compress(payload, frame, payload, settings, undefined)
  variants.set(settings, compressed)
  return compressed
}

function compress (owner: object, frame: Buffer, payload: Buffer, settings: Settings, dictionary: Buffer | undefined): Buffer | Promise<Buffer> {
  if (payload.length <= inputAtOnce && dictionary === undefined) return compressAlone(frame, payload, settings)
  const options = { ...settings, dictionary, chunkSize: Math.min(mostChunk, Math.max(leastChunk, payload.length >>> 1)) }
  if (payload.length <= inputAtOnce) return shorter(frame, deflateRawSync(payload, options))
  return deflating.inTurn(owner, () => deflate(payload, options)).then(deflated => shorter(frame, deflated))
}

function compressAlone (frame: Buffer, payload: Buffer, settings: Settings): Buffer {
  let stream = streams.get(settings)
  if (stream === undefined) streams.set(settings, stream = newDeflateStream(settings))
  output ??= Buffer.allocUnsafeSlow(inputAtOnce + tailLength)
  // What does not fit in is not sent.
  const length = stream.run(payload, output.subarray(0, payload.length + tailLength))
  return shorter(frame, output.subarray(0, length))
}

/** The frame of what zlib made of a payload, or the one before where that is no longer. */
function shorter (frame: Buffer, deflated: Buffer): Buffer {
  const compressed = encodeCompressedFrame((frame[0] & bit.opcode) as Opcode, deflated.subarray(0, -tailLength))
  return compressed.length < frame.length ? compressed : frame
}
