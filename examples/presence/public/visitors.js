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

  get connected () {
    return this.#visitors.filter(({ state }) => state === 'open').length
  }

  get isFull () {
    return this.size >= most
  }

  /** They come in together, once all are connected. */
  bring (count, room) {
    const come = Array.from({ length: Math.min(count, most - this.size) }, () => this.#connect())
    this.#onChange(this)
    Promise.all(come.map(opened)).then(() => {
      // One that is sent away meanwhile has no answer to wait for.
      for (const visitor of come) if (visitor.state === 'open') visitor.join(room).catch(() => {})
    })
  }

  sendAway () {
    for (const visitor of [...this.#visitors]) visitor.close()
  }

  #connect () {
    const name = `${people[this.size % people.length]} ${1 + Math.floor(this.size / people.length)}`
    const visitor = connect(urlOf(somebody(name)), { reconnect: false })
    this.#visitors.push(visitor)
    visitor.onState(({ state }) => {
      if (state === 'closed') this.#visitors = this.#visitors.filter(other => other !== visitor)
      this.#onChange(this)
    })
    return visitor
  }

  #changeOne () {
    const visitor = this.#visitors[Math.floor(Math.random() * this.size)]
    if (visitor?.state === 'open') visitor.send({ type: 'status', status: statuses[Math.floor(Math.random() * statuses.length)] })
  }
}

/** Settles when it is connected, or never will be. */
function opened (visitor) {
  return new Promise(resolve => visitor.onState(({ state }) => { if (state !== 'connecting') resolve() }))
}
