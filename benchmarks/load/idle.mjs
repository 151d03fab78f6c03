import { Client, openAll } from './client.mjs'
import { converse } from './conversation.mjs'

/** Connections that stay and say nothing; where the scenario wants them used, they said one thing and heard one answer. */
export class Idle {
  #job
  #conversation = null

  constructor (job) {
    this.#job = job
  }

  async open ({ count }) {
    if (this.#job.isUsed) this.#conversation ??= await converse(this.#job, 1)
    await openAll(count, () => this.#openOne())
  }

  async #openOne () {
    const client = await Client.open(this.#job)
    if (this.#conversation === null) return
    const { requests, reader } = this.#conversation
    const replies = reader()
    const answered = new Promise(resolve => {
      client.onBytes = length => { if (replies.take(length) > 0) resolve() }
    })
    client.write(requests.next(client, 1))
    await answered
  }
}
