import { deserialize, serialize } from 'node:v8'
import type { IpcProcess } from '../../../types/cluster.ts'
import { ClusterAdapter } from '../../../lib/rooms/node-cluster/adapter.ts'
import { sessionBounds } from '../../../lib/rooms/node-cluster/sessions.ts'
import type { SessionBounds } from '../../../lib/rooms/node-cluster/sessions.ts'
import { Carrier } from '../../../lib/rooms/node-cluster/carrier.ts'
import type { Port } from '../../../lib/rooms/node-cluster/port.ts'

export type Serialization = 'json' | 'advanced'

/** What an IPC channel makes of a message. */
function copy (message: object, serialization: Serialization): unknown {
  return serialization === 'json' ? JSON.parse(JSON.stringify(message)) : deserialize(serialize(message))
}

/** One end of a channel in memory, which brings what the other one sends by and by. */
export class End implements Port {
  other: End = this
  /** Whether what comes is left unread, as by a process that was stopped. */
  isFrozen = false
  readonly #serialization: Serialization
  readonly #unread: Array<() => void> = []
  #onMessage: ((message: unknown) => void) | null = null
  #onGone: (() => void) | null = null
  /** What was sent from here. */
  readonly sent: object[] = []

  private constructor (serialization: Serialization) {
    this.#serialization = serialization
  }

  /** The primary's end and the worker's. */
  static pair (serialization: Serialization = 'json'): [child: End, parent: End] {
    const [one, two] = [new End(serialization), new End(serialization)]
    one.other = two
    two.other = one
    return [one, two]
  }

  send (message: object, onWritten: () => void): void {
    this.sent.push(message)
    this.other.receive(copy(message, this.#serialization), onWritten)
  }

  receive (message: unknown, onRead: () => void = () => {}): void {
    this.#unread.push(() => {
      onRead()
      this.#onMessage?.(message)
    })
    setImmediate(() => this.#read())
  }

  thaw (): void {
    this.isFrozen = false
    this.#read()
  }

  open (onMessage: (message: unknown) => void, onGone: () => void): void {
    this.#onMessage = onMessage
    this.#onGone = onGone
  }

  close (): void {
    this.#onMessage = this.#onGone = null
  }

  get isOpen (): boolean {
    return this.#onMessage !== null
  }

  /** As when the process at the other end has gone. */
  disconnect (): void {
    this.#onGone?.()
  }

  #read (): void {
    while (!this.isFrozen) {
      const read = this.#unread.shift()
      if (read === undefined) return
      read()
    }
  }
}

/** A primary, whose workers are in this process. */
export class Primary {
  readonly carrier: Carrier
  readonly #serialization: Serialization

  constructor ({ serialization = 'json', limit }: { serialization?: Serialization, limit?: number } = {}) {
    this.#serialization = serialization
    this.carrier = new Carrier(undefined, limit)
  }

  /** A worker's adapter, and both ends of its channel. */
  worker (bounds: Partial<SessionBounds> = {}): { adapter: ClusterAdapter, child: End, parent: End } {
    const [child, parent] = End.pair(this.#serialization)
    this.carrier.addPort(keyOf(child), child)
    return { adapter: new ClusterAdapter(parent, 'test', { ...sessionBounds, ...bounds }), child, parent }
  }
}

/** What tells the port's process from others. */
function keyOf (end: End): IpcProcess {
  return { send: () => false, on: () => end, off: () => end }
}
