import { FST_ERR_WS_SEND_INVALID } from '../../errors.ts'
import type { Carrier } from './carrier.ts'

/** What a message has around its payload, at most, so that the server takes it: headers of JetStream. */
const room = 1_024

/** Refuses what the server would: it ends a connection that sends too much. */
export function checkSize (carrier: Carrier, bytes: Buffer): void {
  const most = mostBytes(carrier)
  if (bytes.length > most) throw new FST_ERR_WS_SEND_INVALID(`the message has ${bytes.length} bytes with what goes with it, and max_payload of the NATS server allows ${most}`)
}

/** The most that the server takes, of which there is enough room for headers. */
export function mostBytes ({ connection }: Carrier): number {
  return (connection.info?.max_payload ?? 1024 * 1024) - room
}

/** Envelopes on their way out: those of one tick leave in one write, and those for one channel in one message, as long as the server takes that. */
export class Outgoing {
  readonly #carrier: Carrier
  /** By subject. */
  readonly #waiting = new Map<string, Buffer[]>()

  constructor (carrier: Carrier) {
    this.#carrier = carrier
  }

  /** Settles when the server has it. */
  async publish (subject: string, bytes: Buffer): Promise<void> {
    if (this.#carrier.error !== null) throw this.#carrier.error
    checkSize(this.#carrier, bytes)
    const waiting = this.#waiting.get(subject)
    if (waiting !== undefined) waiting.push(bytes)
    else this.#waiting.set(subject, [bytes])
    await this.#carrier.flush(this.#depart)
    const refusal = this.#carrier.refusalOf(subject)
    if (refusal !== null) throw refusal
  }

  readonly #depart = (error: Error | null): void => {
    const all = [...this.#waiting]
    this.#waiting.clear()
    // Whoever waits has been told.
    if (error !== null) return
    for (const [subject, parts] of all) {
      for (const message of packed(parts, mostBytes(this.#carrier))) this.#carrier.connection.publish(subject, message)
    }
  }
}

/** Puts parts together, in order, into as few pieces of at most so many bytes as they take. */
function packed (parts: readonly Buffer[], most: number): Buffer[] {
  const pieces: Buffer[] = []
  let piece: Buffer[] = []
  let length = 0
  for (const part of parts) {
    if (length + part.length > most && piece.length > 0) {
      pieces.push(Buffer.concat(piece))
      piece = []
      length = 0
    }
    piece.push(part)
    length += part.length
  }
  pieces.push(piece.length === 1 ? piece[0] : Buffer.concat(piece))
  return pieces
}
