import type { Adapter } from '../../types/index.ts'

type Doing = { [Method in 'publish' | 'subscribe' | 'unsubscribe']?: (room: string) => Promise<void> }

/** An adapter that reaches nobody and keeps what it is asked for rooms; what it answers can be given. What processes say to each other is lost in silence. */
export class RecordingAdapter implements Adapter {
  readonly calls: string[] = []
  /** Rooms that are subscribed to. */
  readonly rooms = new Set<string>()
  /** Rooms that it was asked for again before the last call for them had settled. */
  readonly overlaps: string[] = []
  readonly #doing: Doing
  readonly #busy = new Set<string>()

  constructor (doing: Doing = {}) {
    this.#doing = doing
  }

  async start (): Promise<void> {}

  async stop (): Promise<void> {
    this.calls.push('stop')
  }

  async publish (room: string): Promise<void> {
    if (!isOfRoom(room)) return
    this.calls.push(`publish ${room}`)
    await this.#doing.publish?.(room)
  }

  async subscribe (room: string): Promise<void> {
    await this.#alone('subscribe', room)
    if (isOfRoom(room)) this.rooms.add(room)
  }

  async unsubscribe (room: string): Promise<void> {
    await this.#alone('unsubscribe', room)
    this.rooms.delete(room)
  }

  async #alone (method: 'subscribe' | 'unsubscribe', room: string): Promise<void> {
    if (!isOfRoom(room)) return
    this.calls.push(`${method} ${room}`)
    if (this.#busy.has(room)) this.overlaps.push(room)
    this.#busy.add(room)
    try {
      await this.#doing[method]?.(room)
    } finally {
      this.#busy.delete(room)
    }
  }
}

function isOfRoom (channel: string): boolean {
  return !channel.startsWith('@')
}
