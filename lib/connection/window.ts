/** The end of what was sent, or received, in compressed messages: what the next one may refer back to (RFC 7692 section 7.2.3.2). */
export class Window {
  readonly #size: number
  /** Twice the window at most, so that small messages are appended and seldom moved. */
  #memory: Buffer = Buffer.alloc(0)
  #end = 0

  constructor (bits: number) {
    this.#size = 2 ** bits
  }

  /** Bytes of memory that it takes. */
  get held (): number {
    return this.#memory.length
  }

  /** Not to be kept beyond the next `push`; undefined while there is none. */
  get bytes (): Buffer | undefined {
    return this.#end === 0 ? undefined : this.#memory.subarray(Math.max(0, this.#end - this.#size), this.#end)
  }

  push (message: Buffer): void {
    const tail = message.subarray(Math.max(0, message.length - this.#size))
    if (this.#end + tail.length > this.#memory.length) this.#makeRoom(tail.length)
    tail.copy(this.#memory, this.#end)
    this.#end += tail.length
  }

  #makeRoom (length: number): void {
    const kept = Math.min(this.#end, this.#size)
    const from = this.#end - kept
    const needed = kept + length
    if (needed > this.#memory.length) {
      const grown = Buffer.allocUnsafeSlow(Math.min(this.#size * 2, needed * 2))
      this.#memory.copy(grown, 0, from, this.#end)
      this.#memory = grown
    } else {
      this.#memory.copyWithin(0, from, this.#end)
    }
    this.#end = kept
  }
}
