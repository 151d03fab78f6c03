import type { ResolvedRate } from '../limit-options.ts'

/**
 * How much of something may still come: as many tokens as it holds, and in every second some more. It goes into debt, so that what is larger than the
 * whole bucket comes through once and is paid for later. Times are those of `performance.now()`.
 */
export class TokenBucket {
  readonly #perMillisecond: number
  readonly #burst: number
  #tokens: number
  #at: number

  constructor ({ perSecond, burst }: ResolvedRate, now: number) {
    this.#perMillisecond = perSecond / 1000
    this.#burst = burst
    this.#tokens = burst
    this.#at = now
  }

  /** Whether there is a token: what comes now is not over the rate, whatever it costs. */
  has (now: number): boolean {
    this.#refill(now)
    return this.#tokens >= 1
  }

  /** Pays for what has come; beyond what there is it becomes debt. */
  take (cost: number, now: number): void {
    this.#refill(now)
    this.#tokens -= cost
  }

  /**
   * Pays for what has come and was refused. That may leave a debt of this cost and a burst, and deepens none beyond it: however much is refused, there
   * are tokens again soon after its end.
   */
  fine (cost: number, now: number): void {
    this.#refill(now)
    this.#tokens = Math.min(this.#tokens, Math.max(this.#tokens - cost, -(cost + this.#burst)))
  }

  /** How long it is in debt, in milliseconds; 0 for not at all. */
  debt (now: number): number {
    this.#refill(now)
    return this.#tokens >= 0 ? 0 : -this.#tokens / this.#perMillisecond
  }

  /** In how many milliseconds it is as full as a new one; 0 where it is. */
  untilFull (now: number): number {
    this.#refill(now)
    return (this.#burst - this.#tokens) / this.#perMillisecond
  }

  #refill (now: number): void {
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#at) * this.#perMillisecond)
    this.#at = now
  }
}
