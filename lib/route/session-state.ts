import type { ServerConnection } from '../connection/connection.ts'

/**
 * How many opening handshakes of one session the application may be busy with. Node knows no such bound: until 10 MB of its own memory are used, one TCP
 * connection could make the hooks of 16,000 run at once.
 */
const mostAsked = 1_000

/** One session of HTTP/2: the connections that it carries, and what it asks of the application. */
export class SessionState {
  readonly connections = new Set<ServerConnection>()
  #pending = 0
  /** Of handshakes that the client has cancelled, whose hooks may go on: until when, by the clock of `performance.now()`. */
  #cancelled: number[] = []

  /** Whether the application should be asked nothing more. */
  get isFull (): boolean {
    if (this.#pending + this.#cancelled.length < mostAsked) return false
    const now = performance.now()
    this.#cancelled = this.#cancelled.filter(deadline => deadline > now)
    return this.#pending + this.#cancelled.length >= mostAsked
  }

  /** A handshake is asked of the application. */
  onAsked (): void {
    this.#pending++
  }

  /** It is accepted or replied to. */
  onAnswered (): void {
    this.#pending--
  }

  /**
   * Its client has cancelled it, and can ask for the next at once.
   *
   * @param deadline of the handshake
   */
  onCancelled (deadline: number): void {
    this.#pending--
    this.#cancelled.push(deadline)
  }
}
