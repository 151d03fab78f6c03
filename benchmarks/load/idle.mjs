import { Client, openAll } from './client.mjs'
import { converse } from './conversation.mjs'

/** Connections that say one thing, hear one answer, and stay. */
export class Idle {
  #job
  #conversation = null

  constructor (job) {
    this.#job = job
  }

  async open ({ count }) {
    this.#conversation ??= await converse(this.#job, 1)
    const { requests, reader } = this.#conversation
    await openAll(count, async () => {
      const client = await Client.open(this.#job)
      const replies = reader()
      const answered = new Promise(resolve => {
        client.onBytes = length => { if (replies.take(length) > 0) resolve() }
      })
      client.write(requests.next(client, 1))
      await answered
    })
  }
}
