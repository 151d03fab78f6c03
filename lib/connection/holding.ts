import { closeCode } from '../protocol/close.ts'
import type { Closing } from './closing.ts'
import type { Inbox } from './inbox.ts'
import type { Link } from './link.ts'
import type { MemoryBudget, MemoryHolder } from './memory-budget.ts'
import type { Reader } from './reader.ts'
import type { SendQueue } from './send-queue.ts'
import type { Transport } from './transport.ts'

/** How much of what it wrote may be left to a client that is closed because the server needs the memory, in bytes. */
const heldWhileClosing = 64 * 1024

/** The memory that one connection holds: what has come and is not handled, and what was sent and not taken. */
export class Holding implements MemoryHolder {
  readonly connection: Link
  readonly #transport: Transport
  readonly #reader: Reader
  readonly #inbox: Inbox
  readonly #queue: SendQueue
  readonly #closing: Closing
  readonly #budget: Pick<MemoryBudget<Holding>, 'change'>
  #held = 0

  constructor (connection: Link, transport: Transport, reader: Reader, inbox: Inbox, queue: SendQueue, closing: Closing, budget: Pick<MemoryBudget<Holding>, 'change'>) {
    this.connection = connection
    this.#transport = transport
    this.#reader = reader
    this.#inbox = inbox
    this.#queue = queue
    this.#closing = closing
    this.#budget = budget
  }

  get held (): number {
    return this.#held
  }

  /** Sums it up, and tells the budget by how much it has changed. */
  update (): void {
    const { state, isDestroyed } = this.#closing
    const kept = this.#reader.held + this.#inbox.held
    const held = state.isClosed || isDestroyed ? kept : kept + this.#queue.held + (this.#reader.isPaused ? this.#transport.readAhead : 0)
    const by = held - this.#held
    if (by === 0) return
    this.#held = held
    this.#budget.change(this, by)
  }

  shed (): void {
    const held = this.#held
    this.#queue.discard()
    this.#closing.refuse(closeCode.tryAgainLater, 'out of memory')
    this.update()
    // What the transport has taken on can't be discarded without it. Others must not have to let go in its place.
    if (this.#held > Math.min(heldWhileClosing, held / 2)) this.#closing.destroy()
  }
}
