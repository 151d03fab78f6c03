import { constants, deflateRawSync } from 'node:zlib'
import type { ZlibOptions } from 'node:zlib'
import type { ResolvedDeflate } from '../options.ts'
import type { FastBuffer } from '../protocol/fast-buffer.ts'
import { bit, headerSizeOf, opcode } from '../protocol/frame.ts'
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

/** The shortest and the longest piece of memory that zlib is given for its output, where it is not kept. */
const leastChunk = 256
const mostChunk = 16 * 1024

/** The end of the empty block that a flush ends with, which is left out (RFC 7692 section 7.2.1). */
const tailLength = 4

const allSettings = new Map<string, Settings>()

/** For messages that refer back to nothing, one for all with the same settings: made for the first of them. */
const streams = new Map<Settings, ZlibStream>()

/** Where short texts are written, and short messages compressed to: made for the first one. */
let texts: FastBuffer | null = null
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
    if (isShared) return this.#compressShared(frame, payload)
    if (payload.length <= inputAtOnce) return this.#compressNow(codeOf(frame), payload) ?? frame
    return this.#remember(compressLater(client, frame, payload, this.#settings, this.#window?.bytes), frame, payload)
  }

  /** The same at once for a short message that is this client's alone, and not framed yet; null where it is to be sent as it is. */
  compressShort (message: string | Buffer): Buffer | null {
    const isText = typeof message === 'string'
    // Most of those below the threshold are known to be before they are written anywhere.
    if (mostBytes(message) < this.#threshold) return null
    const payload = isText ? textBytes(message) : message
    return payload.length < this.#threshold ? null : this.#compressNow(isText ? opcode.text : opcode.binary, payload)
  }

  /** Nobody waits for the message to `client` that is compressed later; others may, for one that is shared. */
  stop (client: object = this): void {
    deflating.giveUp(client)
  }

  /** null where that does not make it shorter. */
  #compressNow (code: Opcode, payload: Buffer): Buffer | null {
    const deflated = deflateNow(payload, this.#settings, this.#window?.bytes)
    if (deflated === null) return null
    this.#window?.push(payload)
    return encodeCompressedFrame(code, deflated)
  }

  #compressShared (frame: Buffer, payload: Buffer): Buffer | Promise<Buffer> {
    const compressed = compressShared(frame, payload, this.#settings)
    return this.#window === null ? compressed : this.#remember(compressed, frame, payload)
  }

  /** Only compressed messages are part of the window. */
  #remember (compressed: Buffer | Promise<Buffer>, frame: Buffer, payload: Buffer): Buffer | Promise<Buffer> {
    if (compressed instanceof Promise) return compressed.then(compressed => this.#remember(compressed, frame, payload))
    if (compressed !== frame) this.#window?.push(payload)
    return compressed
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
  const compressed = payload.length <= inputAtOnce
    ? framed(frame, deflateNow(payload, settings, undefined))
    : compressLater(payload, frame, payload, settings, undefined)
  variants.set(settings, compressed)
  return compressed
}

async function compressLater (owner: object, frame: Buffer, payload: Buffer, settings: Settings, dictionary: Buffer | undefined): Promise<Buffer> {
  const deflated = await deflating.inTurn(owner, () => deflate(payload, { ...settings, dictionary, chunkSize: mostChunk }))
  return framed(frame, shorter(deflated, payload))
}

/** What zlib makes of a short payload: good until the next call. null where it is no shorter. */
function deflateNow (payload: Buffer, settings: Settings, dictionary: Buffer | undefined): Buffer | null {
  if (dictionary !== undefined) {
    // A stream that is kept takes no dictionary. Half of the payload's size is mostly enough, and such a piece of memory of Node's pool.
    return shorter(deflateRawSync(payload, { ...settings, dictionary, chunkSize: Math.max(leastChunk, payload.length >>> 1) }), payload)
  }
  let stream = streams.get(settings)
  if (stream === undefined) streams.set(settings, stream = newDeflateStream(settings))
  output ??= Buffer.allocUnsafeSlow(inputAtOnce + tailLength)
  // What does not fit in is no shorter.
  return shorter(output.subarray(0, stream.run(payload, output.subarray(0, payload.length + tailLength))), payload)
}

function shorter (deflated: Buffer, payload: Buffer): Buffer | null {
  const length = deflated.length - tailLength
  return length < payload.length ? deflated.subarray(0, length) : null
}

/** The frame of what a frame's payload was compressed to. */
function framed (frame: Buffer, deflated: Buffer | null): Buffer {
  return deflated === null ? frame : encodeCompressedFrame(codeOf(frame), deflated)
}

function codeOf (frame: Buffer): Opcode {
  return (frame[0] & bit.opcode) as Opcode
}

/** What `compressShort` takes. */
export function isShort (message: string | Buffer): boolean {
  return mostBytes(message) <= inputAtOnce
}

/** In UTF-8 a UTF-16 unit has at most three bytes. */
function mostBytes (message: string | Buffer): number {
  return typeof message === 'string' ? message.length * 3 : message.length
}

/** Of a short text: good until the next call. A frame each, of memory that is not Node's pool, made an echo of 4 KiB 7 % slower. */
function textBytes (text: string): Buffer {
  texts ??= Buffer.allocUnsafeSlow(inputAtOnce) as FastBuffer
  return texts.subarray(0, texts.utf8Write(text, 0, inputAtOnce))
}
