import { connect } from '/client/index.js'
import { people, somebody, urlOf } from './people.js'

const most = 150
/** How often one of them does something else, in milliseconds. */
const changeEvery = 700
const statuses = ['active', 'typing', 'idle', 'away']

/** Simulated, over connections of their own: they go with the page. */
export class Visitors {
  #onChange
  #visitors = []

  constructor (onChange) {
    this.#onChange = onChange
    setInterval(() => this.#changeOne(), changeEvery)
  }

  get size () {
    return this.#visitors.length
  }

  get isFull () {
    return this.size >= most
  }

  bring (count, room) {
    for (let i = Math.min(count, most - this.size); i > 0; i--) {
      const name = `${people[this.size % people.length]} ${1 + Math.floor(this.size / people.length)}`
      const visitor = connect(urlOf(somebody(name)), { reconnect: false })
      this.#visitors.push(visitor)
      visitor.onState(({ state }) => { if (state === 'closed') this.#remove(visitor) })
      // One that is sent away before it was in has no answer to wait for.
      visitor.join(room).catch(() => {})
    }
    this.#onChange(this)
  }

  sendAway () {
    for (const visitor of [...this.#visitors]) visitor.close()
  }

  #remove (visitor) {
    this.#visitors = this.#visitors.filter(other => other !== visitor)
    this.#onChange(this)
  }

  #changeOne () {
    const visitor = this.#visitors[Math.floor(Math.random() * this.size)]
    if (visitor?.state === 'open') visitor.send({ type: 'status', status: statuses[Math.floor(Math.random() * statuses.length)] })
  }
}
