import type { FastifyInstance } from 'fastify'
import type { WsUpgradeEvent } from '../../types/channels.ts'
import type { Connection } from '../../types/connection.ts'
import { channels } from '../channels.ts'
import { FST_ERR_WS_ABORTED } from '../errors.ts'
import type { RawRequest } from './opening.ts'

/** One upgrade, as `fastify-typed-ws:upgrade` tells it. */
export class UpgradeTrace {
  readonly #event: WsUpgradeEvent

  constructor (request: RawRequest, instance: FastifyInstance) {
    this.#event = { request, instance }
  }

  /** Begins the upgrade, in the stores that are bound to `start`. */
  run (begin: () => void): void {
    const { start, end } = channels.upgrade
    try {
      start.runStores(this.#event, begin)
    } finally {
      end.publish(this.#event)
    }
  }

  onConnection (connection: Connection, route: string, statusCode: number): void {
    this.#event.connection = connection
    this.#event.route = route
    this.onReply(statusCode)
  }

  onReply (statusCode: number): void {
    this.#event.statusCode = statusCode
    this.#over()
  }

  /** The client went before it had a reply. */
  onAborted (): void {
    this.#event.error = new FST_ERR_WS_ABORTED()
    channels.upgrade.error.publish(this.#event)
    this.#over()
  }

  #over (): void {
    channels.upgrade.asyncStart.publish(this.#event)
    channels.upgrade.asyncEnd.publish(this.#event)
  }
}
