import { Client, openAll } from './client.mjs'
import { converse } from './conversation.mjs'
import { Drain } from './drain.mjs'

/** Keeps so many messages under way on each connection: whatever is answered is sent anew. */
export class Exchange {
  count = 0
  #job
  #requests
  #clients = []
  #isRunning = false
  #drain = new Drain()

  constructor (job) {
    this.#job = job
  }

  async open () {
    const { requests, reader, replyBytes } = await converse(this.#job, this.#job.inFlight)
    this.#requests = requests
    this.#clients = await openAll(this.#job.connections, () => Client.open(this.#job))
    for (const client of this.#clients) this.#listen(client, reader())
    return { replyBytes }
  }

  #listen (client, replies) {
    client.onBytes = length => {
      const count = replies.take(length)
      if (count === 0) return
      this.count += count
      if (this.#isRunning) client.write(this.#requests.next(client, count))
      else this.#drain.less(count)
    }
  }

  start () {
    this.#isRunning = true
    this.#drain.more(this.#clients.length * this.#job.inFlight)
    for (const client of this.#clients) client.write(this.#requests.next(client, this.#job.inFlight))
  }

  /** Waits for the replies that are under way. */
  stop () {
    this.#isRunning = false
    return this.#drain.wait()
  }

  close () {
    return Promise.all(this.#clients.map(client => client.close()))
  }
}
