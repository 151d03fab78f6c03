// What is made of the bytes that come back: each tells how many whole messages a read completed.
import { memory } from './client.mjs'

/** Compares every byte with what must come: the same messages, of one size, over and over. */
export class ExpectedReplies {
  #stream
  #size
  #cycle

  constructor (replies) {
    this.#size = replies[0].length
    if (replies.some(({ length }) => length !== this.#size)) throw new Error('replies of a scenario must be of one size')
    this.#cycle = replies.length * this.#size
    const cycle = Buffer.concat(replies)
    // From anywhere in a cycle, a whole read on.
    this.#stream = Buffer.alloc(this.#cycle + memory.length, cycle)
  }

  reader () {
    return new ExpectedReader(this.#stream, this.#size, this.#cycle)
  }
}

class ExpectedReader {
  #stream
  #size
  #cycle
  #at = 0
  /** Bytes of the message that is not complete yet. */
  #partial = 0

  constructor (stream, size, cycle) {
    this.#stream = stream
    this.#size = size
    this.#cycle = cycle
  }

  take (length) {
    if (memory.compare(this.#stream, this.#at, this.#at + length, 0, length) !== 0) this.#complain(length)
    this.#at = (this.#at + length) % this.#cycle
    const bytes = this.#partial + length
    const count = Math.floor(bytes / this.#size)
    this.#partial = bytes - count * this.#size
    return count
  }

  #complain (length) {
    let wrong = 0
    while (memory[wrong] === this.#stream[this.#at + wrong]) wrong++
    const around = bytes => bytes.subarray(0, 80).toString('latin1')
    throw new Error(`a wrong byte came back, ${wrong} into a read of ${length}: ${JSON.stringify(around(memory.subarray(wrong, length)))} ` +
      `instead of ${JSON.stringify(around(this.#stream.subarray(this.#at + wrong)))}`)
  }
}

/** Counts frames by their headers, for replies whose bytes are the server's own choice. */
export class FrameReader {
  /** Bytes of the header that are there. */
  #header = Buffer.alloc(10)
  #has = 0
  /** Bytes of the payload that are still to come. */
  #missing = 0

  take (length) {
    let count = 0
    let at = 0
    while (at < length) {
      if (this.#missing === 0) {
        this.#header[this.#has++] = memory[at++]
        const needed = this.#headerSize()
        if (this.#has < needed) continue
        this.#missing = this.#payloadSize(needed)
      }
      const some = Math.min(this.#missing, length - at)
      at += some
      this.#missing -= some
      if (this.#missing === 0) {
        if ((this.#header[0] & 0x08) !== 0) throw new Error(`a control frame came: ${this.#header[0]}`)
        this.#has = 0
        count++
      }
    }
    return count
  }

  #headerSize () {
    if (this.#has < 2) return 2
    const short = this.#header[1]
    return short < 126 ? 2 : short === 126 ? 4 : 10
  }

  #payloadSize (header) {
    return header === 2 ? this.#header[1] : header === 4 ? this.#header.readUInt16BE(2) : Number(this.#header.readBigUInt64BE(2))
  }
}
