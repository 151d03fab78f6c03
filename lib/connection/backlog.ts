import { ownMemory } from '../protocol/own-memory.ts'

/** What the objects around a frame that waits take, in bytes: many small ones must not cost more than they count. */
const overhead = 448

/** A frame that waits until its peer takes those before it. */
export interface Waiting {
  readonly frame: Buffer
  /** Whether others are sent the same frame. */
  readonly isShared: boolean
  /** Whether it may be dropped to make room. */
  readonly isDroppable: boolean
  /** A later frame with the same key takes its place; null for none. */
  readonly key: string | null
}

interface Node {
  readonly waiting: Waiting
  readonly size: number
  before: Node | null
  after: Node | null
}

/** The frames that wait for a peer that takes none, in order: a linked list, since those in its middle are dropped. */
export class Backlog {
  #first: Node | null = null
  #last: Node | null = null
  /** No frame before this one may be dropped. */
  #oldestDroppable: Node | null = null
  readonly #byKey = new Map<string, Node>()
  #bytes = 0
  #count = 0
  #unshared = 0

  /** What it holds, its own objects included. */
  get bytes (): number {
    return this.#bytes
  }

  /** Whether frames wait that nobody else is sent: replies, for the most part. */
  get hasUnshared (): boolean {
    return this.#unshared > 0
  }

  get isEmpty (): boolean {
    return this.#first === null
  }

  /** Of these, the bytes of the frames themselves. */
  get frameBytes (): number {
    return this.#bytes - this.#count * overhead
  }

  /** What a frame will count for. */
  static sizeOf (frame: Buffer): number {
    return frame.length + overhead
  }

  push (waiting: Waiting): void {
    const frame = ownMemory(waiting.frame)
    const node: Node = { waiting: frame === waiting.frame ? waiting : { ...waiting, frame }, size: Backlog.sizeOf(frame), before: this.#last, after: null }
    if (this.#last === null) this.#first = node
    else this.#last.after = node
    this.#last = node
    if (waiting.isDroppable) this.#oldestDroppable ??= node
    if (waiting.key !== null) this.#byKey.set(waiting.key, node)
    this.#bytes += node.size
    this.#count++
    if (!waiting.isShared) this.#unshared++
  }

  shift (): Waiting | null {
    const node = this.#first
    if (node === null) return null
    this.#remove(node)
    return node.waiting
  }

  /** What the frame with this key counts for. */
  sizeOfKey (key: string | null): number {
    const node = key === null ? undefined : this.#byKey.get(key)
    return node === undefined ? 0 : node.size
  }

  /** Drops the frame with this key; returns whether there was one. */
  dropKey (key: string | null): boolean {
    const node = key === null ? undefined : this.#byKey.get(key)
    if (node === undefined) return false
    this.#remove(node)
    return true
  }

  /** Drops the oldest frame that may be; returns whether there was one. */
  dropOldest (): boolean {
    const node = this.#oldestDroppable
    if (node === null) return false
    this.#remove(node)
    return true
  }

  clear (): void {
    this.#first = this.#last = this.#oldestDroppable = null
    this.#byKey.clear()
    this.#bytes = 0
    this.#count = 0
    this.#unshared = 0
  }

  #remove (node: Node): void {
    const { before, after, waiting: { key, isShared } } = node
    if (before === null) this.#first = after
    else before.after = after
    if (after === null) this.#last = before
    else after.before = before
    if (node === this.#oldestDroppable) this.#oldestDroppable = droppableFrom(after)
    if (key !== null && this.#byKey.get(key) === node) this.#byKey.delete(key)
    this.#bytes -= node.size
    this.#count--
    if (!isShared) this.#unshared--
  }
}

function droppableFrom (node: Node | null): Node | null {
  while (node !== null && !node.waiting.isDroppable) node = node.after
  return node
}
