import { opcode } from '../protocol/frame.ts'
import { encodeFrameInto, encodeHeaderInto, maxFrameSize, maxHeaderSize } from '../protocol/frame-encoder.ts'

/** How much is allocated at a time, in bytes: what a write that the peer does not take keeps with it at most. */
const size = 32 * 1024

/**
 * The memory that small messages are framed in, one behind the other: those that one writer has put in since it took what was before are
 * its run, and leave as one Buffer. A Buffer a frame, gathered later, took a sixth of our own time
 * for an echo of 64 bytes.
 */
class FrameSlab {
  #memory = Buffer.allocUnsafeSlow(size)
  #start = 0
  #end = 0
  /** Whose run is at the end. */
  #owner: RunOwner | null = null

  /** Frames a message at the end of the owner's run. Returns the bytes that it took. */
  put (payload: string | Buffer, owner: RunOwner): number {
    const start = this.#room(maxFrameSize(payload), owner)
    this.#end = encodeFrameInto(this.#memory, start, typeof payload === 'string' ? opcode.text : opcode.binary, payload)
    return this.#end - start
  }

  /** As `put`, only the header: the owner adds the payload behind it. */
  putHeader (payload: Buffer, owner: RunOwner): number {
    const start = this.#room(maxHeaderSize, owner)
    this.#end = encodeHeaderInto(this.#memory, start, opcode.binary, payload.length)
    return this.#end - start
  }

  /** Ends the run of this owner, and hands it over; null where it has none. */
  take (owner: RunOwner): Buffer | null {
    if (this.#owner !== owner) return null
    this.#owner = null
    return this.#memory.subarray(this.#start, this.#end)
  }

  /** Takes back a run that has left: so the same few kilobytes serve all as long as clients take what they are sent. Only the last one is: an open run lies behind it. */
  giveBack (run: Buffer): void {
    if (run.buffer !== this.#memory.buffer || run.byteOffset + run.length !== this.#end) return
    this.#end = run.byteOffset
  }

  /** Where the next bytes of this owner go. */
  #room (bytes: number, owner: RunOwner): number {
    if (this.#owner !== owner) this.#begin(owner)
    if (this.#end + bytes > size) this.#renew(owner)
    return this.#end
  }

  /** The run of another is handed over before this one begins. */
  #begin (owner: RunOwner): void {
    this.#owner?.onRun(this.#memory.subarray(this.#start, this.#end))
    this.#owner = owner
    this.#start = this.#end
  }

  #renew (owner: RunOwner): void {
    if (this.#start < this.#end) owner.onRun(this.#memory.subarray(this.#start, this.#end))
    this.#memory = Buffer.allocUnsafeSlow(size)
    this.#start = 0
    this.#end = 0
  }
}

/** Whose frames are put in. */
export interface RunOwner {
  /** A run had to end: it leaves before what is put in from here on. */
  onRun (run: Buffer): void
}

/** Of this process. */
export const frameSlab = new FrameSlab()
