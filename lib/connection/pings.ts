import { FST_ERR_WS_CLOSED } from '../errors.ts'

interface PendingPing {
  readonly number: number
  readonly sentAt: number
  readonly resolve: (roundTrip: number) => void
  readonly reject: (error: Error) => void
}

/** Bytes of the number that a ping carries and its pong brings back. */
const payloadSize = 4

/** The pings of one connection that wait for their pongs. */
export class Pings {
  readonly #pending: PendingPing[] = []
  #next = 1

  /** A new ping: what it carries, and when it is answered, in milliseconds. */
  start (): { payload: Buffer, answered: Promise<number> } {
    const number = this.#next++ >>> 0
    const payload = Buffer.alloc(payloadSize)
    payload.writeUInt32BE(number)
    const answered = new Promise<number>((resolve, reject) => {
      this.#pending.push({ number, sentAt: performance.now(), resolve, reject })
    })
    return { payload, answered }
  }

  /**
   * A pong answers its ping and those before it: a peer may answer the latest only (RFC 6455 section 5.5.3). Returns the round trip of the latest in
   * milliseconds; null where it answers none.
   */
  onPong (payload: Buffer): number | null {
    if (payload.length !== payloadSize) return null
    const number = payload.readUInt32BE()
    const index = this.#pending.findIndex(ping => ping.number === number)
    const now = performance.now()
    let roundTrip: number | null = null
    for (const ping of this.#pending.splice(0, index + 1)) {
      roundTrip = now - ping.sentAt
      ping.resolve(roundTrip)
    }
    return roundTrip
  }

  onClose (): void {
    for (const ping of this.#pending.splice(0)) ping.reject(new FST_ERR_WS_CLOSED())
  }
}
