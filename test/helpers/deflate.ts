/** Both ends of RFC 7692 as the tests have them: zlib's streams, which are kept between messages, and a reader of RFC 1951 that shares nothing with zlib. */
import { once } from 'node:events'
import { constants, createDeflateRaw, createInflateRaw, deflateRawSync } from 'node:zlib'
import type { DeflateRaw, InflateRaw, ZlibOptions } from 'node:zlib'

/** A stream that goes on although nobody reads: what comes out is read at once. */
const unbounded: ZlibOptions & { readableHighWaterMark: number } = { readableHighWaterMark: 2 ** 24 }

const tail = Buffer.from([0x00, 0x00, 0xff, 0xff])

/** A compressed message's payload, which refers back to nothing (RFC 7692 section 7.2.1). */
export function deflated (message: string | Buffer, options: ZlibOptions = {}): Buffer {
  return deflateRawSync(message, { ...options, finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -tail.length)
}

/** The same of a message that ends with a final block (section 7.2.3.4). */
export function deflatedFinally (message: string | Buffer): Buffer {
  return Buffer.concat([deflateRawSync(message), Buffer.alloc(1)])
}

/** Deflates one message after the other, with one context. */
export class DeflatingPeer {
  readonly #stream: DeflateRaw

  constructor (options: ZlibOptions = {}) {
    this.#stream = createDeflateRaw({ ...options, ...unbounded })
  }

  async deflate (message: string | Buffer): Promise<Buffer> {
    this.#stream.write(message)
    await new Promise<void>(resolve => this.#stream.flush(constants.Z_SYNC_FLUSH, resolve))
    const bytes = (this.#stream.read() ?? Buffer.alloc(0)) as Buffer
    return bytes.subarray(0, -tail.length)
  }
}

/** Inflates one message after the other, with one context and no more of it than the window: zlib puts out few bytes at a time here. */
export class InflatingPeer {
  readonly #stream: InflateRaw
  readonly #failed: Promise<never>

  constructor (windowBits = 15) {
    this.#stream = createInflateRaw({ windowBits, chunkSize: 64, ...unbounded })
    this.#failed = once(this.#stream, 'error').then(([error]) => { throw error })
    // Between two messages nobody waits for it.
    this.#failed.catch(() => {})
  }

  async inflate (payload: Buffer): Promise<Buffer> {
    this.#stream.write(Buffer.concat([payload, tail]))
    await Promise.race([this.#failed, new Promise<void>(resolve => this.#stream.flush(constants.Z_SYNC_FLUSH, resolve))])
    return (this.#stream.read() ?? Buffer.alloc(0)) as Buffer
  }
}

export interface ReadDeflate {
  readonly message: Buffer
  /** The largest distance that it refers back. */
  readonly farthest: number
}

/**
 * Reads a message's payload to the letter of RFC 7692 section 7.2.2: with the end of an empty block behind it, it is a whole number of blocks.
 *
 * @param window what it may refer back to
 * @throws Error
 */
export function readDeflate (payload: Buffer, window: Buffer = Buffer.alloc(0)): ReadDeflate {
  const reader = new BlockReader(Buffer.concat([payload, tail]), window)
  while (!reader.isAtEnd) reader.readBlock()
  return { message: Buffer.from(reader.output.slice(window.length)), farthest: reader.farthest }
}

const lengthBase = [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258]
const lengthExtra = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0]
const lengthOfLengthOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]
const fixedLengths = Array.from({ length: 288 }, (_, symbol) => symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8)
const endOfBlock = 256

/** Deflate, block by block (RFC 1951 section 3.2). */
class BlockReader {
  readonly output: number[]
  farthest = 0
  readonly #bytes: Buffer
  #bit = 0

  constructor (bytes: Buffer, window: Buffer) {
    this.#bytes = bytes
    this.output = [...window]
  }

  get isAtEnd (): boolean {
    return this.#bit === this.#bytes.length * 8
  }

  readBlock (): void {
    const isFinal = this.#bits(1) === 1
    const type = this.#bits(2)
    if (type === 3) throw new Error('a block of no type')
    if (type === 0) this.#copyStored()
    else if (type === 1) this.#readSymbols(new HuffmanCode(fixedLengths), new HuffmanCode(Array(30).fill(5), true))
    else this.#readDynamic()
    if (isFinal) this.#align()
  }

  #copyStored (): void {
    this.#align()
    const length = this.#bits(16)
    if (this.#bits(16) !== (length ^ 0xffff)) throw new Error('a length that is not its complement')
    for (let i = 0; i < length; i++) this.output.push(this.#bits(8))
  }

  #readDynamic (): void {
    const literals = this.#bits(5) + 257
    const distances = this.#bits(5) + 1
    if (literals > 286 || distances > 30) throw new Error('too many symbols')
    const ofLengths: number[] = Array(19).fill(0)
    const given = this.#bits(4) + 4
    for (const symbol of lengthOfLengthOrder.slice(0, given)) ofLengths[symbol] = this.#bits(3)
    const code = new HuffmanCode(ofLengths)
    if (!code.isComplete) throw new Error('an incomplete code of lengths')
    const lengths: number[] = []
    while (lengths.length < literals + distances) {
      const symbol = this.#symbol(code)
      if (symbol < 16) lengths.push(symbol)
      else if (symbol === 16 && lengths.length === 0) throw new Error('no length to repeat')
      else if (symbol === 16) lengths.push(...Array(this.#bits(2) + 3).fill(lengths[lengths.length - 1]))
      else lengths.push(...Array(symbol === 17 ? this.#bits(3) + 3 : this.#bits(7) + 11).fill(0))
    }
    if (lengths.length > literals + distances) throw new Error('a wrong number of lengths')
    if (lengths[endOfBlock] === 0) throw new Error('a block that can not end')
    const literal = new HuffmanCode(lengths.slice(0, literals))
    const distance = new HuffmanCode(lengths.slice(literals))
    if (!literal.isUsable || !distance.isUsable) throw new Error('an incomplete code')
    this.#readSymbols(literal, distance)
  }

  #readSymbols (literal: HuffmanCode, distance: HuffmanCode): void {
    for (;;) {
      const symbol = this.#symbol(literal)
      if (symbol === endOfBlock) return
      if (symbol < endOfBlock) this.output.push(symbol)
      else this.#copy(symbol - 257, distance)
    }
  }

  #copy (code: number, distances: HuffmanCode): void {
    if (code >= lengthBase.length) throw new Error('no such length')
    const length = lengthBase[code] + this.#bits(lengthExtra[code])
    const symbol = this.#symbol(distances)
    const extra = symbol < 4 ? 0 : (symbol >> 1) - 1
    const distance = symbol < 4 ? symbol + 1 : (2 + (symbol & 1)) * 2 ** extra + 1 + this.#bits(extra)
    if (distance > this.output.length) throw new Error('a distance beyond the beginning')
    this.farthest = Math.max(this.farthest, distance)
    for (let i = 0; i < length; i++) this.output.push(this.output[this.output.length - distance])
  }

  #symbol (code: HuffmanCode): number {
    let value = 0
    for (let length = 1; length <= 15; length++) {
      value = value * 2 + this.#bits(1)
      const symbol = code.symbol(length, value)
      if (symbol !== undefined) return symbol
    }
    throw new Error('no such symbol')
  }

  #bits (count: number): number {
    let value = 0
    for (let i = 0; i < count; i++, this.#bit++) {
      const at = this.#bit >> 3
      if (at >= this.#bytes.length) throw new Error('the stream ends within a block')
      value |= ((this.#bytes[at] >> (this.#bit & 7)) & 1) << i
    }
    return value
  }

  #align (): void {
    this.#bit = (this.#bit + 7) & ~7
  }
}

/** A canonical Huffman code (RFC 1951 section 3.2.2). */
class HuffmanCode {
  readonly #symbols = new Map<number, number>()
  readonly #longest: number
  /** How much of the space of codes is left. */
  readonly #left: number

  constructor (lengths: readonly number[], isFixed = false) {
    this.#longest = Math.max(...lengths)
    let code = 0
    let left = 1
    for (let length = 1; length <= this.#longest; length++) {
      code *= 2
      left *= 2
      lengths.forEach((own, symbol) => {
        if (own !== length) return
        this.#symbols.set(length << 16 | code++, symbol)
        left--
      })
      if (left < 0) throw new Error('more codes than there is room for')
    }
    this.#left = isFixed ? 0 : left
  }

  get isComplete (): boolean {
    return this.#left === 0
  }

  /** One code of one bit, or none at all, is enough for what uses no other. */
  get isUsable (): boolean {
    return this.isComplete || this.#longest <= 1
  }

  symbol (length: number, code: number): number | undefined {
    return this.#symbols.get(length << 16 | code)
  }
}
