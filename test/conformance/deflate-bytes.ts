/** DEFLATE streams written bit by bit (RFC 1951), for those that no compressor would make. */

export interface Match {
  length: number
  distance: number
}

const lengthBase = [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258]
const lengthExtra = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0]

export class DeflateWriter {
  readonly #bytes: number[] = []
  #bit = 0

  /** The least significant bit first (section 3.1.1). */
  bits (value: number, count: number): this {
    for (let i = 0; i < count; i++) this.#push((value >>> i) & 1)
    return this
  }

  /** A block with the fixed codes (section 3.2.6) of literals and matches. */
  fixed (content: Buffer | string | ReadonlyArray<number | Match>, { final = false, ended = true } = {}): this {
    this.bits(final ? 1 : 0, 1).bits(1, 2)
    for (const item of typeof content === 'string' ? Buffer.from(content) : content) {
      if (typeof item === 'number') this.symbol(item)
      else this.#match(item)
    }
    if (ended) this.symbol(256)
    return this
  }

  /** A block that is not compressed (section 3.2.4). */
  stored (content: Buffer | string, { final = false } = {}): this {
    const bytes = Buffer.from(content)
    this.bits(final ? 1 : 0, 1).bits(0, 2).align()
    return this.bits(bytes.length, 16).bits(~bytes.length & 0xffff, 16).raw(bytes)
  }

  /** What a flush leaves of its empty block when the last four bytes are taken away (RFC 7692 section 7.2.1). */
  flushed (): Buffer {
    return this.bits(0, 3).bytes()
  }

  raw (bytes: Buffer): this {
    for (const byte of bytes) this.bits(byte, 8)
    return this
  }

  align (): this {
    while (this.#bit !== 0) this.#push(0)
    return this
  }

  bytes (): Buffer {
    return Buffer.from(this.#bytes)
  }

  #push (bit: number): void {
    if (this.#bit === 0) this.#bytes.push(0)
    this.#bytes[this.#bytes.length - 1] |= bit << this.#bit
    this.#bit = (this.#bit + 1) & 7
  }

  /** Codes go out with their most significant bit first. */
  #code (code: number, count: number): void {
    for (let i = count - 1; i >= 0; i--) this.#push((code >>> i) & 1)
  }

  /** The fixed code of a literal, of the end of a block (256) or of a length. */
  symbol (symbol: number): this {
    if (symbol < 144) this.#code(0x30 + symbol, 8)
    else if (symbol < 256) this.#code(0x190 + symbol - 144, 9)
    else if (symbol < 280) this.#code(symbol - 256, 7)
    else this.#code(0xc0 + symbol - 280, 8)
    return this
  }

  #match ({ length, distance }: Match): void {
    const lengthCode = lengthBase.findLastIndex(base => base <= length)
    this.symbol(257 + lengthCode)
    this.bits(length - lengthBase[lengthCode], lengthExtra[lengthCode])
    this.distance(distance)
  }

  /** Two codes for every number of extra bits (section 3.2.5). */
  distance (distance: number): this {
    let code = distance - 1
    let extra = 0
    if (distance > 4) {
      extra = 30 - Math.clz32(distance - 1)
      code = 2 * extra + ((distance - 1) >>> extra)
    }
    this.#code(code, 5)
    return this.bits((distance - 1) & ((1 << extra) - 1), extra)
  }
}
