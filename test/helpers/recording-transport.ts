import type { Transport, TransportOwner } from '../../lib/connection/transport.ts'

/** A transport that keeps the Buffers that it is given, as one that has not sent them yet, and how they came together. */
export class RecordingTransport implements Transport {
  /** What each of its system calls would carry. */
  readonly calls: Buffer[][] = []
  readonly readAhead = 0
  bufferedAmount = 0
  isStuck = false
  hasTakenAll = false
  /** What each write had in it when it was written. */
  readonly #copies: Buffer[] = []
  #corked: Buffer[] | null = null

  /** All that it was given, as it is now. */
  get bytes (): Buffer {
    return Buffer.concat(this.calls.flat())
  }

  /** Whether what it was given has changed since. */
  get isTorn (): boolean {
    return !this.bytes.equals(Buffer.concat(this.#copies))
  }

  /** Forgets what it was given: it has left. */
  forget (): void {
    this.calls.length = 0
    this.#copies.length = 0
  }

  write (bytes: Buffer): void {
    this.#copies.push(Buffer.from(bytes))
    if (this.#corked !== null) this.#corked.push(bytes)
    else this.calls.push([bytes])
  }

  cork (): void { this.#corked = [] }

  uncork (): void {
    if (this.#corked !== null && this.#corked.length > 0) this.calls.push(this.#corked)
    this.#corked = null
  }

  attach (_owner: TransportOwner): void {}
  afterWrites (callback: () => void): void { setImmediate(callback) }
  pause (): void {}
  resume (): void {}
  end (): void {}
  destroy (): void {}
}
