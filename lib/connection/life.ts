import type { Agenda, Scheduled } from './agenda.ts'

/** How long connections of a route may live. Durations in milliseconds; null for no bound. */
export interface LifeLimits {
  readonly idleTimeout: number | null
  readonly maxLifetime: number | null
  readonly expiryWarning: number | null
}

/** Whose life it is. */
export interface LifeOwner {
  /** How many messages came so far. */
  readonly receivedMessages: number
  /** Whether more may have come than was read, or something is being handled: it is not its client that keeps silent. */
  readonly isBusy: boolean
  /** Whether the application knows it by now: whom it is to warn. */
  readonly isOpened: boolean
  onIdle (): void
  onMaxLifetime (): void
  onExpiring (expiresAt: Date): void
  onExpired (): void
}

/** How often it is looked whether messages came, in an idle timeout: so that none costs a look at the clock. */
const looksATimeout = 4

/** By which part of it lifetimes differ: those that began together do not end together. */
const jitter = 0.1

/** The bounds of one connection's life: made where it has any. */
export class Life implements Scheduled {
  slot = -1
  due = 0
  readonly #owner: LifeOwner
  readonly #agenda: Agenda
  readonly #limits: LifeLimits
  /** When the lifetime ends, by the clock of `performance.now()`. */
  readonly #endsAt: number
  /** When it was last seen that messages had come, and how many. */
  #activeAt: number
  #seen = 0
  /** Milliseconds since 1970; null for never. */
  #expiresAt: number | null = null
  #isWarned = false

  constructor (owner: LifeOwner, agenda: Agenda, limits: LifeLimits) {
    const now = performance.now()
    this.#owner = owner
    this.#agenda = agenda
    this.#limits = limits
    this.#endsAt = limits.maxLifetime === null ? Infinity : now + limits.maxLifetime * (1 - jitter * Math.random())
    this.#activeAt = now
    this.#schedule(now)
  }

  get expiresAt (): Date | null {
    return this.#expiresAt === null ? null : new Date(this.#expiresAt)
  }

  /** @param expiresAt milliseconds since 1970; null for never */
  renew (expiresAt: number | null): void {
    this.#expiresAt = expiresAt
    this.#isWarned = false
    this.#schedule(performance.now())
  }

  /** A warning that was due before is due now. */
  onOpened (): void {
    this.#schedule(performance.now())
  }

  stop (): void {
    this.#agenda.delete(this)
  }

  onDue (now: number): void {
    const { idleTimeout } = this.#limits
    if (this.#expiresAt !== null && Date.now() >= this.#expiresAt) {
      this.#owner.onExpired()
    } else if (now >= this.#endsAt) {
      this.#owner.onMaxLifetime()
    } else if (idleTimeout !== null && this.#idleSince(now) >= idleTimeout) {
      this.#owner.onIdle()
    } else {
      this.#warn()
      this.#schedule(now)
    }
  }

  #warn (): void {
    const warning = this.#warning
    if (warning === 0 || this.#expiresAt === null || Date.now() < this.#expiresAt - warning) return
    this.#isWarned = true
    this.#owner.onExpiring(new Date(this.#expiresAt))
  }

  /** How long before it expires something is due: 0 where there is nobody to warn. */
  get #warning (): number {
    return this.#isWarned || !this.#owner.isOpened ? 0 : this.#limits.expiryWarning ?? 0
  }

  #idleSince (now: number): number {
    if (this.#owner.receivedMessages !== this.#seen || this.#owner.isBusy) {
      this.#seen = this.#owner.receivedMessages
      this.#activeAt = now
    }
    return now - this.#activeAt
  }

  #schedule (now: number): void {
    const { idleTimeout } = this.#limits
    let due = this.#endsAt
    if (idleTimeout !== null) due = Math.min(due, this.#activeAt + idleTimeout, now + idleTimeout / looksATimeout)
    if (this.#expiresAt !== null) due = Math.min(due, now + Math.max(0, this.#expiresAt - this.#warning - Date.now()))
    if (due === Infinity) this.#agenda.delete(this)
    else this.#agenda.set(this, due)
  }
}
