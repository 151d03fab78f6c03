/** How long nothing has come. By the clock: timers sleep when the machine does. */
export class Silence {
  readonly #onTooLong: () => void
  #since = 0
  #limit = Infinity
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor (onTooLong: () => void) {
    this.#onTooLong = onTooLong
  }

  /** Something came. */
  end (): void {
    this.#since = Date.now()
  }

  /** @param limit milliseconds; Infinity for none */
  watch (limit: number): void {
    this.#limit = limit
    this.#look()
  }

  stop (): void {
    this.watch(Infinity)
  }

  get isTooLong (): boolean {
    return this.#left <= 0
  }

  get #left (): number {
    const now = Date.now()
    // A clock that was put back.
    if (this.#since > now) this.#since = now
    return this.#since + this.#limit - now
  }

  /** @param isSure what had come while nothing could run has had its chance */
  #look (isSure = false): void {
    clearTimeout(this.#timer)
    const left = this.#left
    if (left <= 0 && isSure) this.#onTooLong()
    else if (left < Infinity) this.#timer = setTimeout(() => this.#look(left <= 0), Math.max(left, 10))
  }
}
