import type { FastifyInstance } from 'fastify'
import type { Room } from 'fastify-typed-ws'
import { documents } from './messages.ts'
import type { CountsMessage } from './messages.ts'

/** What happens in so many milliseconds is told at once. */
const interval = 250

/** Tells everybody how many have each document open. */
export class Totals {
  readonly #app: FastifyInstance
  readonly #lobby: Room<CountsMessage>
  #timer: NodeJS.Timeout | null = null

  constructor (app: FastifyInstance, lobby: Room<CountsMessage>) {
    this.#app = app
    this.#lobby = lobby
    app.addHook('preClose', async () => { if (this.#timer !== null) clearTimeout(this.#timer) })
  }

  /** Soon: a hundred who come in a moment are one message. */
  tell (): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null
      this.#count().then(counts => this.#lobby.send({ type: 'counts', counts }), error => this.#app.log.warn(error))
    }, interval)
  }

  async #count (): Promise<Record<string, number>> {
    return Object.fromEntries(await Promise.all(documents.map(async name => [name, await this.#app.room(`document:${name}`).count()] as const)))
  }
}
