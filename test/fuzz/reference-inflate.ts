/** What a compressed message comes to; until its end, or its fault, `finals` final blocks were seen and `made` bytes came out. */
export type Inflated =
  | { readonly message: Buffer, readonly finals: number }
  /** The stream breaks DEFLATE or does not end with the message; or more bytes came out than may. */
  | { readonly fault: 'corrupt' | 'too big', readonly finals: number, readonly made: number }

class Corrupt extends Error {}
class TooBig extends Error {}

/** Code lengths of a fixed block (RFC 1951 section 3.2.6). */
const fixedLengths = [...Array<number>(144).fill(8), ...Array<number>(112).fill(9), ...Array<number>(24).fill(7), ...Array<number>(8).fill(8)]
const fixedDistances = Array<number>(30).fill(5)

/** The order in which the lengths of code length codes come (section 3.2.7). */
const lengthOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

/**
 * A second inflater, a bit at a time, slow and plain: RFC 1951 as RFC 7692 section 7.2.2 uses it. It does not stop at a final block, and the stream must
 * end where a block does.
 *
 * @param history what came out of earlier messages, as far as it can be referred back to
 * @param window how far back a distance may reach
 */
export function referenceInflate (payload: Buffer, history: Buffer, window: number, most: number): Inflated {
  if (payload.length === 0) return { message: payload, finals: 0 }
  const bits = new Bits(Buffer.concat([payload, Buffer.from([0x00, 0x00, 0xff, 0xff])]))
  const output = new Output(history, window, most)
  let finals = 0
  try {
    while (!bits.isAtEnd) {
      const isFinal = bits.take(1) === 1
      block(bits, output)
      if (!isFinal) continue
      finals++
      bits.align()
    }
  } catch (error) {
    if (error instanceof Corrupt) return { fault: 'corrupt', finals, made: output.length }
    if (error instanceof TooBig) return { fault: 'too big', finals, made: output.length }
    throw error
  }
  return { message: output.message, finals }
}

function block (bits: Bits, output: Output): void {
  const type = bits.take(2)
  if (type === 0) {
    stored(bits, output)
  } else if (type === 1) {
    // Two codes of eight bits and two of five are there, and stand for nothing.
    codes(bits, output, new Code(fixedLengths, true), new Code([...fixedDistances, 5, 5], true))
  } else if (type === 2) {
    dynamic(bits, output)
  } else {
    throw new Corrupt()
  }
}

function stored (bits: Bits, output: Output): void {
  bits.align()
  const length = bits.take(16)
  if (bits.take(16) !== (length ^ 0xffff)) throw new Corrupt()
  for (let i = 0; i < length; i++) output.literal(bits.take(8))
}

function dynamic (bits: Bits, output: Output): void {
  const lengthCount = bits.take(5) + 257
  const distanceCount = bits.take(5) + 1
  const orderCount = bits.take(4) + 4
  if (lengthCount > 286 || distanceCount > 30) throw new Corrupt()
  const orderLengths = Array<number>(19).fill(0)
  for (let i = 0; i < orderCount; i++) orderLengths[lengthOrder[i]] = bits.take(3)
  const order = new Code(orderLengths, false)
  const lengths: number[] = []
  while (lengths.length < lengthCount + distanceCount) {
    const symbol = order.read(bits)
    if (symbol < 16) {
      lengths.push(symbol)
    } else {
      if (symbol === 16 && lengths.length === 0) throw new Corrupt()
      const value = symbol === 16 ? lengths[lengths.length - 1] : 0
      const times = symbol === 16 ? 3 + bits.take(2) : symbol === 17 ? 3 + bits.take(3) : 11 + bits.take(7)
      for (let i = 0; i < times; i++) lengths.push(value)
    }
  }
  if (lengths.length > lengthCount + distanceCount || lengths[256] === 0) throw new Corrupt()
  codes(bits, output, new Code(lengths.slice(0, lengthCount), true), new Code(lengths.slice(lengthCount), true))
}

function codes (bits: Bits, output: Output, lengthCode: Code, distanceCode: Code): void {
  for (;;) {
    const symbol = lengthCode.read(bits)
    if (symbol === 256) return
    if (symbol < 256) {
      output.literal(symbol)
      continue
    }
    if (symbol > 285) throw new Corrupt()
    const length = lengthOf(symbol, bits)
    const distanceSymbol = distanceCode.read(bits)
    if (distanceSymbol > 29) throw new Corrupt()
    output.copy(length, distanceOf(distanceSymbol, bits))
  }
}

/** Section 3.2.5: four symbols for each number of extra bits. */
function lengthOf (symbol: number, bits: Bits): number {
  if (symbol === 285) return 258
  const index = symbol - 257
  if (index < 8) return index + 3
  const extra = (index >> 2) - 1
  return ((4 + (index & 3)) << extra) + 3 + bits.take(extra)
}

/** Two symbols for each. */
function distanceOf (symbol: number, bits: Bits): number {
  if (symbol < 4) return symbol + 1
  const extra = (symbol >> 1) - 1
  return ((2 + (symbol & 1)) << extra) + 1 + bits.take(extra)
}

/** A canonical Huffman code (section 3.2.2). */
class Code {
  readonly #counts = Array<number>(16).fill(0)
  readonly #symbols: number[] = []

  /** @param mayBeSmall whether no code at all, or a single one of one bit, will do: zlib takes that of lengths and distances */
  constructor (lengths: readonly number[], mayBeSmall: boolean) {
    for (const length of lengths) this.#counts[length]++
    this.#counts[0] = 0
    for (let length = 1; length < 16; length++) {
      lengths.forEach((other, symbol) => { if (other === length) this.#symbols.push(symbol) })
    }
    let left = 1
    for (let length = 1; length < 16; length++) {
      left = left * 2 - this.#counts[length]
      if (left < 0) throw new Corrupt()
    }
    const isSmall = this.#symbols.length === 0 || (this.#symbols.length === 1 && this.#counts[1] === 1)
    if (left > 0 && !(mayBeSmall && isSmall) && this.#symbols.length > 0) throw new Corrupt()
  }

  read (bits: Bits): number {
    let code = 0
    let first = 0
    let index = 0
    for (let length = 1; length < 16; length++) {
      code |= bits.take(1)
      const count = this.#counts[length]
      if (code - count < first) return this.#symbols[index + code - first]
      index += count
      first = (first + count) << 1
      code <<= 1
    }
    throw new Corrupt()
  }
}

class Bits {
  readonly #bytes: Buffer
  #at = 0

  constructor (bytes: Buffer) {
    this.#bytes = bytes
  }

  get isAtEnd (): boolean {
    return this.#at === this.#bytes.length * 8
  }

  take (count: number): number {
    if (this.#at + count > this.#bytes.length * 8) throw new Corrupt()
    let value = 0
    for (let i = 0; i < count; i++, this.#at++) value |= ((this.#bytes[this.#at >> 3] >> (this.#at & 7)) & 1) << i
    return value
  }

  align (): void {
    this.#at = (this.#at + 7) & ~7
  }
}

class Output {
  readonly #bytes: number[]
  readonly #start: number
  readonly #window: number
  readonly #most: number

  constructor (history: Buffer, window: number, most: number) {
    this.#bytes = [...history.subarray(Math.max(0, history.length - window))]
    this.#start = this.#bytes.length
    this.#window = window
    this.#most = most
  }

  get length (): number {
    return this.#bytes.length - this.#start
  }

  get message (): Buffer {
    return Buffer.from(this.#bytes.slice(this.#start))
  }

  literal (byte: number): void {
    if (this.length === this.#most) throw new TooBig()
    this.#bytes.push(byte)
  }

  copy (length: number, distance: number): void {
    if (distance > this.#bytes.length || distance > this.#window) throw new Corrupt()
    for (let i = 0; i < length; i++) this.literal(this.#bytes[this.#bytes.length - distance])
  }
}
