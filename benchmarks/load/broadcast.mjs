import { Client, openAll } from './client.mjs'
import { converse } from './conversation.mjs'
import { Drain } from './drain.mjs'
import { Samples } from './samples.mjs'

/** More than are ever under way. */
const places = 64

/** A publisher that sends the next message when one has reached all members; some more may be there that never read. */
export class Broadcast {
  samples = new Samples()
  #job
  #requests
  #members = []
  #slow = []
  #publisher
  #isRunning = false
  #drain = new Drain()
  #deliveries = 0
  #published = 0
  /** Of each message under way, by its number: whom it has reached, and when it was sent. */
  #reached = new Uint32Array(places)
  #sentAt = new Float64Array(places)

  constructor (job) {
    this.#job = job
  }

  /** Deliveries, or of them what each member has got. */
  get count () {
    return this.#job.countsOncePerMember ? this.#deliveries / this.#members.length : this.#deliveries
  }

  async open () {
    const { requests, reader } = await converse(this.#job, this.#job.inFlight)
    this.#requests = requests
    this.#members = await openAll(this.#job.connections, () => Client.open(this.#job))
    for (const client of this.#members) this.#listen(client, reader())
    this.#publisher = await Client.open(this.#job, 'publish')
    this.#publisher.onBytes = () => { throw new Error('the publisher was answered') }
  }

  #listen (client, replies) {
    let next = 0
    client.onBytes = length => {
      const count = replies.take(length)
      this.#deliveries += count
      for (let i = 0; i < count; i++) this.#onDelivery(next++ % places)
    }
  }

  #onDelivery (place) {
    if (++this.#reached[place] < this.#members.length) return
    this.samples.add(performance.now() - this.#sentAt[place])
    if (this.#isRunning) this.#publish(1)
    else this.#drain.less(1)
  }

  #publish (count) {
    const now = performance.now()
    for (let i = 0; i < count; i++) {
      const place = this.#published++ % places
      this.#reached[place] = 0
      this.#sentAt[place] = now
    }
    this.#publisher.write(this.#requests.next(this.#publisher, count))
  }

  /** `isCalm`: without those that never read. */
  async start ({ isCalm }) {
    this.#slow = await openAll(isCalm ? 0 : this.#job.slow ?? 0, () => Client.open(this.#job))
    for (const client of this.#slow) client.stopReading()
    this.#isRunning = true
    this.#drain.more(this.#job.inFlight)
    this.#publish(this.#job.inFlight)
  }

  async stop () {
    this.#isRunning = false
    await this.#drain.wait()
    await Promise.all(this.#slow.map(client => client.close()))
  }
}
