/** How long after an attempt that failed the next one is made, in milliseconds: twice as long each time. */
const first = 50
const last = 1_000

/** What lies between attempts to do something that the adapter refuses. */
export class RetryPause {
  #next = first
  #wake: (() => void) | null = null

  /** Whether no attempt has failed since the last success. */
  get isFirst (): boolean {
    return this.#next === first
  }

  /** An attempt has succeeded. */
  reset (): void {
    this.#next = first
  }

  wait (): Promise<void> {
    const milliseconds = this.#next
    this.#next = Math.min(this.#next * 2, last)
    return new Promise(resolve => {
      const timer = setTimeout(resolve, milliseconds)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  /** The adapter is ready again, or nothing is to be tried any more: whoever waits goes on. */
  wake (): void {
    this.#wake?.()
  }
}
