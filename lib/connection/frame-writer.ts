import type { Transport } from './transport.ts'

/** Whose frames are written here. */
export interface FrameWriterOwner {
  /** The transport has more than enough, and what was written stays in this process for now. */
  onStuck (): void
}

/** Frames up to this many bytes in all are copied into one buffer: cheaper than a vector of small writes. */
const gatherUpTo = 64 * 1024

/** From so many bytes on a tick's frames leave before its end: whether the peer takes them is then known before there are more. */
const flushFrom = 256 * 1024

/** Writers with frames that wait for the end of this tick. */
let waiting: FrameWriter[] = []

/**
 * The only caller of `transport.write`: what is written in one tick, handlers' promises included, leaves in one
 * system call.
 */
export class FrameWriter {
  readonly #owner: FrameWriterOwner
  readonly #transport: Transport
  #frames: Buffer[] = []
  #bytes = 0
  #isStuck = false

  constructor (owner: FrameWriterOwner, transport: Transport) {
    this.#owner = owner
    this.#transport = transport
  }

  /** Bytes that the operating system has not taken. */
  get bufferedAmount (): number {
    return this.#bytes + this.#transport.bufferedAmount
  }

  /** Whether the transport has more than enough: what can wait should, until `onDrain`. */
  get isStuck (): boolean {
    return this.#isStuck
  }

  onDrain (): void {
    this.#isStuck = false
  }

  /** @param frame may be shared by connections: it is never changed */
  write (frame: Buffer): void {
    if (this.#frames.push(frame) === 1) {
      if (waiting.push(this) === 1) queueMicrotask(afterMicrotasks)
    }
    this.#bytes += frame.length
    if (this.#bytes >= flushFrom) this.flush()
  }

  /** Hands everything to the transport now. */
  flush (): void {
    const frames = this.#frames
    const bytes = this.#bytes
    if (bytes === 0) return
    this.#frames = []
    this.#bytes = 0
    if (frames.length === 1) {
      this.#transport.write(frames[0])
    } else if (bytes <= gatherUpTo) {
      this.#transport.write(Buffer.concat(frames, bytes))
    } else {
      this.#transport.cork()
      for (const frame of frames) this.#transport.write(frame)
      this.#transport.uncork()
    }
    this.#isStuck = this.#transport.isStuck
    if (this.#isStuck) this.#owner.onStuck()
  }
}

/**
 * A tick runs once all microtasks have: replies of `async` handlers that had nothing to wait for are in it,
 * however many promises they are chained through.
 */
function afterMicrotasks (): void {
  process.nextTick(flushWaiting)
}

function flushWaiting (): void {
  const writers = waiting
  waiting = []
  for (const writer of writers) writer.flush()
}
