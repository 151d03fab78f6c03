/** The server's clock, as far as messages tell: how old one is must not hang on the clock of this process. */
export class ServerClock {
  /** How far the server is behind, in milliseconds. */
  #behind = 0

  /** A message that was put there just now. */
  set (time: number): void {
    this.#behind = Date.now() - time
  }

  /** How old a message is, in milliseconds. */
  ageOf (time: number): number {
    const age = Date.now() - time
    // Nothing is younger than it is old.
    if (age < this.#behind) this.#behind = age
    return age - this.#behind
  }
}
