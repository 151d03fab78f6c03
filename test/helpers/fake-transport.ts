import type { Transport, TransportOwner } from '../../lib/connection/transport.ts'
import { readFrame } from './bytes.ts'
import type { ReadFrame } from './bytes.ts'

/** A transport whose peer reads or not, as a test says. */
export class FakeTransport implements Transport {
  bufferedAmount = 0
  readonly readAhead = 0
  readonly hasTakenAll = false
  /** What else was done to it. */
  readonly calls: string[] = []
  #written: Buffer = Buffer.alloc(0)
  #takes = true
  #owner: Pick<TransportOwner, 'onDrain'> | null = null
  #afterWrites: Array<() => void> = []

  /** Whether it was given anything since its peer stopped reading. */
  get isStuck (): boolean {
    return this.bufferedAmount > 0
  }

  /** All frames that were written and not looked at. */
  get frames (): ReadFrame[] {
    const frames = []
    for (let next = readFrame(this.#written); next !== null; next = readFrame(this.#written)) {
      frames.push(next.frame)
      this.#written = this.#written.subarray(next.size)
    }
    return frames
  }

  /** The same as text. */
  get texts (): string[] {
    return this.frames.map(({ payload }) => String(payload))
  }

  /** What was written before is of no matter. */
  forget (): void {
    this.#written = Buffer.alloc(0)
  }

  attach (owner: Pick<TransportOwner, 'onDrain'>): void {
    this.#owner = owner
  }

  /** The peer reads no more. */
  stick (): void {
    this.#takes = false
  }

  /** The peer reads all that was written, and what follows. */
  unstick (): void {
    this.#takes = true
    this.drain()
  }

  /** The peer reads all that was written. */
  drain (): void {
    this.bufferedAmount = 0
    this.#owner?.onDrain()
    for (const callback of this.#afterWrites.splice(0)) callback()
  }

  write (bytes: Buffer): void {
    this.#written = Buffer.concat([this.#written, bytes])
    if (!this.#takes) this.bufferedAmount += bytes.length
  }

  afterWrites (callback: () => void): void {
    if (this.isStuck) this.#afterWrites.push(callback)
    else setImmediate(callback)
  }

  cork (): void {}
  uncork (): void {}
  pause (): void { this.calls.push('pause') }
  resume (): void { this.calls.push('resume') }
  end (): void { this.calls.push('end') }
  destroy (): void { this.calls.push('destroy') }
}
