import { Client, openAll } from './client.mjs'
import { converse } from './conversation.mjs'
import { Drain } from './drain.mjs'
import { Samples } from './samples.mjs'

/** How many a client is sent at once where the load itself is late. */
const most = 256

/**
 * Messages at a fixed rate, whether the server answers or not. A latency counts from when its message should have been sent, so that
 * a server that stops does not stop the clock (“coordinated omission”).
 */
export class Latency {
  count = 0
  samples = new Samples()
  #job
  #requests
  #clients = []
  #isRunning = false
  #drain = new Drain()
  #started = 0
  #sent = 0
  /** Of each client, the number of the message that is answered next. */
  #next

  constructor (job) {
    this.#job = job
  }

  async open () {
    const { requests, reader } = await converse(this.#job, most)
    this.#requests = requests
    this.#clients = await openAll(this.#job.connections, () => Client.open(this.#job))
    this.#next = new Float64Array(this.#clients.length)
    for (const [index, client] of this.#clients.entries()) this.#listen(client, index, reader())
  }

  /** Message n is that of client n modulo their number, so its time follows from how many were answered. */
  #listen (client, index, replies) {
    client.onBytes = length => {
      const count = replies.take(length)
      const now = performance.now()
      for (let i = 0; i < count; i++) {
        this.samples.add(now - this.#started - this.#next[index] / this.#job.rate * 1000)
        this.#next[index] += this.#clients.length
      }
      this.count += count
      this.#drain.less(count)
    }
  }

  start () {
    this.#isRunning = true
    this.#sent = 0
    this.#started = performance.now()
    for (let index = 0; index < this.#next.length; index++) this.#next[index] = index
    this.#sendDue()
  }

  /** Turn after turn rather than by a timer, which would be late by a millisecond. */
  #sendDue = () => {
    if (!this.#isRunning) return
    const due = Math.floor((performance.now() - this.#started) / 1000 * this.#job.rate)
    const clients = this.#clients.length
    const each = Math.min(most, Math.floor((due - this.#sent) / clients))
    if (each > 1) for (const client of this.#clients) this.#send(client, each)
    const before = this.#sent
    while (this.#sent < due && this.#sent - before < clients) this.#send(this.#clients[this.#sent % clients], 1)
    setImmediate(this.#sendDue)
  }

  #send (client, count) {
    this.#sent += count
    this.#drain.more(count)
    client.write(this.#requests.next(client, count))
  }

  stop () {
    this.#isRunning = false
    return this.#drain.wait()
  }
}
