import { Flow } from './flow.ts'
import type { Port } from './port.ts'
import type { Items, Report } from './wire.ts'

/** A worker's node, as the primary sees it: what it has subscribed to, and what is on its way to it. */
export class Peer {
  readonly node: string
  readonly session: string
  readonly channels = new Set<string>()
  readonly #flow: Flow

  constructor (port: Port, session: string, node: string, limit: number) {
    this.node = node
    this.session = session
    // Whatever it asks for is answered in the turn in which it comes.
    this.#flow = new Flow(port, session, limit, 0)
  }

  /** Returns false where it has left too much unread. */
  tell (report: Report, weight: number): boolean {
    if (!this.#flow.hasRoom(weight)) return false
    this.#flow.put(report, weight)
    return true
  }

  /** Whether it may be told what it has asked for, which can wait. */
  hasPlenty (weight: number): boolean {
    return this.#flow.hasPlenty(weight)
  }

  /** Returns false where the session is no more what it was. */
  receive (message: Items): boolean {
    return this.#flow.receive(message) && this.#flow.onTaken(message.taken)
  }

  /** Nothing is told any more. */
  close (): void {
    this.#flow.close()
  }

  /** Says what was taken, and nothing after that. */
  dismiss (): void {
    this.#flow.flush()
    this.#flow.close()
  }
}
