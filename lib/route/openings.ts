import type { FastifyInstance } from 'fastify'
import { channels } from '../channels.ts'
import type { Counters } from '../connection/counters.ts'
import { FST_ERR_WS_CLOSING } from '../errors.ts'
import { Deadlines } from './deadlines.ts'
import type { Opening, OpeningOwner } from './opening.ts'
import { UpgradeTrace } from './upgrade-trace.ts'

/** The opening handshakes of one server: hands them to Fastify's router as what they are, requests. */
export class Openings implements OpeningOwner {
  readonly #instance: FastifyInstance
  readonly #counters: Counters
  readonly #deadlines: Deadlines<Opening>
  readonly #pending = new Set<Opening>()
  #isClosing = false

  /** @param timeout milliseconds that each may take */
  constructor (instance: FastifyInstance, timeout: number, counters: Counters) {
    this.#instance = instance
    this.#counters = counters
    this.#deadlines = new Deadlines(timeout)
  }

  /** How many are neither accepted nor refused yet. */
  get pending (): number {
    return this.#pending.size
  }

  /** The server ends: none that comes from here on is asked of the application. */
  refuseNew (): void {
    this.#isClosing = true
  }

  /** Ends those that are neither accepted nor refused, since the server must end. */
  refusePending (): void {
    for (const opening of this.#pending) opening.refuse(new FST_ERR_WS_CLOSING())
  }

  begin (opening: Opening): void {
    this.#add(opening, () => {
      if (this.#isClosing) opening.refuse(new FST_ERR_WS_CLOSING())
      else this.#instance.routing(opening.request as never, opening.response as never)
    })
  }

  /** One that the application is not asked about. */
  refuse (opening: Opening, reply: () => void): void {
    this.#add(opening, reply)
  }

  #add (opening: Opening, go: () => void): void {
    this.#pending.add(opening)
    this.#deadlines.add(opening)
    if (!channels.upgrade.hasSubscribers) {
      go()
      return
    }
    opening.trace = new UpgradeTrace(opening.request, this.#instance)
    opening.trace.run(go)
  }

  nextDeadline (): number {
    return this.#deadlines.next()
  }

  onOver (opening: Opening): void {
    this.#deadlines.delete(opening)
    if (!this.#pending.delete(opening) || opening.isAccepted) return
    opening.leave()
    const { sentStatus } = opening
    if (sentStatus === null) {
      this.#counters.aborted++
      opening.trace?.onAborted()
    } else {
      this.#counters.onRefused(sentStatus)
      opening.trace?.onReply(sentStatus)
    }
  }
}
