import { encodeMessage } from '../protocol/frame-encoder.ts'
import { ownMemory } from '../protocol/own-memory.ts'
import { frameSlab } from './frame-slab.ts'
import type { RunOwner } from './frame-slab.ts'
import type { Transport } from './transport.ts'

/** Whose frames are written here. */
export interface FrameWriterOwner {
  /** The transport has more than enough, and what was written stays in this process for now. */
  onStuck (): void
}

/** Frames up to this many bytes in all are copied into one buffer: cheaper than a vector of small writes. */
const gatherUpTo = 64 * 1024

/**
 * Bytes from this size on are not copied behind their header, nor gathered with others: an echo of 64 KiB takes two thirds of the time, and the
 * garbage collector has half as much memory to find.
 */
const largeFrom = 16 * 1024

/** From so many bytes on a tick's frames leave before its end: whether the peer takes them is then known before there are more. */
const flushFrom = 256 * 1024

/** Messages up to this size, in UTF-16 units or bytes, are framed where the others of their tick are. */
const slabUpTo = 1024

/** Writers with frames that wait for the end of this tick. */
let waiting: FrameWriter[] = []

/** The writer that says itself when it is flushed: the replies to a chunk leave when all of it has been read. */
let held: FrameWriter | null = null

/** What was gathered last, and of which frames: the members of a room are often sent the same ones. */
const noFrames: readonly Buffer[] = []
let gathered: Buffer | null = null
let gatheredFrames = noFrames

/**
 * The only caller of `transport.write`: what is written in one tick, handlers' promises included, leaves in one
 * system call. Large Buffers leave at once, with what is before them.
 */
export class FrameWriter implements RunOwner {
  readonly #owner: FrameWriterOwner
  readonly #transport: Transport
  /** What leaves before this writer's run in the slab; null for nothing. */
  #frames: Buffer[] | null = null
  #bytes = 0
  #written = 0
  #isStuck = false

  constructor (owner: FrameWriterOwner, transport: Transport) {
    this.#owner = owner
    this.#transport = transport
  }

  /** Bytes that the operating system has not taken. */
  get bufferedAmount (): number {
    return this.#bytes + this.#transport.bufferedAmount
  }

  /** Bytes of all frames so far. */
  get written (): number {
    return this.#written
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
    this.#push(frame)
    this.#add(frame.length)
  }

  /** A message that is not framed yet. */
  writeMessage (payload: string | Buffer): void {
    if (payload.length <= slabUpTo) {
      this.#add(frameSlab.put(payload, this))
    } else if (typeof payload === 'string' || payload.length < largeFrom) {
      this.write(encodeMessage(payload))
    } else {
      this.#writeLarge(payload)
    }
  }

  /**
   * Header and payload are added as one: whoever hears of a flush may write a frame, which must not get in between. They leave at once, since
   * the payload is the application's memory, which it may fill anew, or transfer to another thread, in this very tick.
   */
  #writeLarge (payload: Buffer): void {
    const header = frameSlab.putHeader(payload, this)
    this.#push(payload)
    this.#add(header + payload.length)
    this.flush()
  }

  onRun (run: Buffer): void {
    if (this.#frames === null) this.#frames = [run]
    else this.#frames.push(run)
  }

  /** Behind what this writer has in the slab. */
  #push (frame: Buffer): void {
    const run = frameSlab.take(this)
    if (run !== null) this.onRun(run)
    this.onRun(frame)
  }

  #add (bytes: number): void {
    if (this.#bytes === 0 && held !== this) this.#schedule()
    this.#bytes += bytes
    this.#written += bytes
    if (this.#bytes >= flushFrom) this.flush()
  }

  #schedule (): void {
    if (waiting.push(this) === 1) queueMicrotask(afterMicrotasks)
  }

  /** What is written from here on leaves when `release` says so. */
  hold (): void {
    held = this
  }

  /** @param isDone whether nothing that belongs to it is still to come in this tick */
  release (isDone: boolean): void {
    held = null
    if (this.#bytes === 0) return
    if (isDone) {
      this.flush()
      forgetGathered()
    } else {
      this.#schedule()
    }
  }

  /** Hands everything to the transport now. */
  flush (): void {
    const bytes = this.#bytes
    if (bytes === 0) return
    this.#bytes = 0
    const run = frameSlab.take(this)
    const frames = this.#frames
    this.#frames = null
    if (frames !== null) this.#writeAll(run === null ? frames : [...frames, run], bytes)
    else if (run !== null) this.#writeRun(run)
    this.#isStuck = this.#transport.isStuck
    if (this.#isStuck) this.#owner.onStuck()
  }

  #writeRun (run: Buffer): void {
    const written = this.#toWrite(run)
    this.#transport.write(written)
    if (written !== run || this.#transport.hasTakenAll) frameSlab.giveBack(run)
  }

  #writeAll (frames: readonly Buffer[], bytes: number): void {
    if (frames.length === 1) {
      this.#transport.write(this.#toWrite(frames[0]))
    } else if (bytes <= gatherUpTo && frames.every(frame => frame.length < largeFrom)) {
      this.#transport.write(this.#toWrite(gather(frames, bytes)))
    } else {
      this.#transport.cork()
      for (const frame of frames) this.#transport.write(frame)
      this.#transport.uncork()
      if (this.#transport.hasTakenAll) for (const frame of frames.toReversed()) frameSlab.giveBack(frame)
    }
  }

  /**
   * What has to wait behind other bytes keeps no memory but its own: a client that does not read could have a few bytes of each of
   * hundreds of slabs, megabytes that nothing counts.
   */
  #toWrite (frame: Buffer): Buffer {
    return this.#transport.bufferedAmount > 0 ? ownMemory(frame) : frame
  }
}

/** One Buffer for all connections that are sent the same frames in this tick: a copy each took a tenth of a broadcast's time. */
function gather (frames: readonly Buffer[], bytes: number): Buffer {
  if (gathered !== null && isSame(frames, gatheredFrames)) return gathered
  gatheredFrames = frames
  gathered = Buffer.concat(frames, bytes)
  return gathered
}

function isSame (frames: readonly Buffer[], others: readonly Buffer[]): boolean {
  return frames.length === others.length && frames.every((frame, index) => frame === others[index])
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
  forgetGathered()
}

function forgetGathered (): void {
  gathered = null
  gatheredFrames = noFrames
}
