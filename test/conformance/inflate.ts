/** An inflater (RFC 1951) that refuses what lies beyond the agreed window, as a small client would have to. */

const lengthBase = [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258]
const lengthExtra = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0]
const distanceBase = [
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577
]
const distanceExtra = [0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13]
const codeLengthOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

/** What the last four bytes of a flush are, which are not on the wire (RFC 7692 section 7.2.2). */
const flushTail = Buffer.from([0, 0, 0xff, 0xff])

/** A canonical code: how many codes there are of each length, and their symbols in order. */
interface Huffman {
  readonly counts: readonly number[]
  readonly symbols: readonly number[]
}

export class Inflater {
  readonly #window: number
  readonly #takeover: boolean
  #history = Buffer.alloc(0)

  #input = Buffer.alloc(0)
  #position = 0
  #output = Buffer.alloc(0)
  #length = 0

  /** @param takeover whether a message may refer to those before it */
  constructor (windowBits: number, takeover: boolean) {
    this.#window = 2 ** windowBits
    this.#takeover = takeover
  }

  /** One whole message. */
  inflate (compressed: Buffer): Buffer {
    this.#input = Buffer.concat([compressed, flushTail])
    this.#position = 0
    this.#output = Buffer.allocUnsafe(this.#history.length + Math.max(1024, compressed.length * 4))
    this.#history.copy(this.#output)
    this.#length = this.#history.length
    const start = this.#length
    while (this.#position < this.#input.length * 8) this.#block()
    const message = Buffer.from(this.#output.subarray(start, this.#length))
    if (this.#takeover) this.#history = Buffer.from(this.#output.subarray(Math.max(0, this.#length - this.#window), this.#length))
    return message
  }

  #bits (count: number): number {
    let value = 0
    for (let i = 0; i < count; i++) value |= this.#bit() << i
    return value
  }

  #bit (): number {
    const byte = this.#position >>> 3
    if (byte >= this.#input.length) throw new Error('the compressed data ends within a block')
    return (this.#input[byte] >>> (this.#position++ & 7)) & 1
  }

  #align (): void {
    this.#position = (this.#position + 7) & ~7
  }

  #block (): void {
    const final = this.#bit() === 1
    const type = this.#bits(2)
    if (type === 0) this.#stored()
    else if (type === 1) this.#compressed(fixedLiterals, fixedDistances)
    else if (type === 2) this.#dynamic()
    else throw new Error('the compressed data has a block of the reserved type')
    // A new stream may follow (RFC 7692 section 7.2.3.4).
    if (final) this.#align()
  }

  #stored (): void {
    this.#align()
    const length = this.#bits(16)
    if (this.#bits(16) !== (~length & 0xffff)) throw new Error('a stored block has a wrong length')
    const start = this.#position >>> 3
    if (start + length > this.#input.length) throw new Error('the compressed data ends within a stored block')
    this.#room(length)
    this.#input.copy(this.#output, this.#length, start, start + length)
    this.#length += length
    this.#position += length * 8
  }

  #dynamic (): void {
    const literals = this.#bits(5) + 257
    const distances = this.#bits(5) + 1
    const codeLengths = this.#bits(4) + 4
    const lengths = new Array<number>(19).fill(0)
    for (let i = 0; i < codeLengths; i++) lengths[codeLengthOrder[i]] = this.#bits(3)
    const code = huffman(lengths)
    const all: number[] = []
    while (all.length < literals + distances) {
      const symbol = this.#symbol(code)
      if (symbol < 16) all.push(symbol)
      else if (symbol === 16) repeat(all, all[all.length - 1], 3 + this.#bits(2))
      else repeat(all, 0, symbol === 17 ? 3 + this.#bits(3) : 11 + this.#bits(7))
    }
    this.#compressed(huffman(all.slice(0, literals)), huffman(all.slice(literals)))
  }

  #compressed (literals: Huffman, distances: Huffman): void {
    for (;;) {
      const symbol = this.#symbol(literals)
      if (symbol === 256) return
      if (symbol < 256) {
        this.#room(1)
        this.#output[this.#length++] = symbol
      } else {
        const length = lengthBase[symbol - 257] + this.#bits(lengthExtra[symbol - 257])
        const code = this.#symbol(distances)
        this.#copy(length, distanceBase[code] + this.#bits(distanceExtra[code]))
      }
    }
  }

  #copy (length: number, distance: number): void {
    if (distance > this.#window) throw new Error(`the compressed data refers ${distance} bytes back, beyond the agreed window of ${this.#window}`)
    if (distance > this.#length) throw new Error(`the compressed data refers ${distance} bytes back, to before its beginning`)
    this.#room(length)
    for (let i = 0; i < length; i++, this.#length++) this.#output[this.#length] = this.#output[this.#length - distance]
  }

  #symbol ({ counts, symbols }: Huffman): number {
    let code = 0
    let first = 0
    let index = 0
    for (let length = 1; length < counts.length; length++) {
      code |= this.#bit()
      const count = counts[length]
      if (code - first < count) return symbols[index + code - first]
      index += count
      first = (first + count) << 1
      code <<= 1
    }
    throw new Error('the compressed data has a code that stands for nothing')
  }

  #room (more: number): void {
    if (this.#length + more <= this.#output.length) return
    const grown = Buffer.allocUnsafe((this.#length + more) * 2)
    this.#output.copy(grown, 0, 0, this.#length)
    this.#output = grown
  }
}

function huffman (lengths: readonly number[]): Huffman {
  const counts = new Array<number>(16).fill(0)
  for (const length of lengths) counts[length]++
  counts[0] = 0
  const symbols = lengths.map((_length, symbol) => symbol).filter(symbol => lengths[symbol] !== 0)
  return { counts, symbols: symbols.sort((a, b) => lengths[a] - lengths[b] || a - b) }
}

function repeat (lengths: number[], length: number, times: number): void {
  for (let i = 0; i < times; i++) lengths.push(length)
}

const fixedLiterals = huffman(Array.from({ length: 288 }, (_, symbol) => symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8))
const fixedDistances = huffman(new Array<number>(30).fill(5))
