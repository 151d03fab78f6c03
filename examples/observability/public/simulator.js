const seatsATable = 8

/** How long a client that was closed waits before it comes back, in milliseconds, at random between the two. */
const [soonest, latest] = [500, 2_500]

/** Of one that asks and does not read: for how many seconds, and how often. */
const [deafFor, asksASecond] = [20, 15]

/** Somebody at a table of the demo: says something now and then, and comes back when the connection ends. */
class Client {
  #url
  #every
  #onChange
  #socket = null
  #timer = null

  constructor (table, rate, onChange) {
    this.#url = urlOf(table)
    this.#every = 1000 / rate
    this.#onChange = onChange
    this.#open()
  }

  get isOpen () {
    return this.#socket.readyState === WebSocket.OPEN
  }

  send (text) {
    if (this.isOpen) this.#socket.send(text)
  }

  stop () {
    clearTimeout(this.#timer)
    this.#socket.onclose = this.#onChange
    this.#socket.close(1000)
  }

  #open () {
    this.#socket = new WebSocket(this.#url)
    this.#socket.onopen = () => {
      this.#onChange()
      this.#timer = setTimeout(() => this.#speak(), Math.random() * this.#every)
    }
    this.#socket.onclose = () => {
      clearTimeout(this.#timer)
      this.#onChange()
      this.#timer = setTimeout(() => this.#open(), soonest + Math.random() * (latest - soonest))
    }
  }

  #speak () {
    this.send(JSON.stringify({ type: 'say', text: 'One more coffee, please.' }))
    this.#timer = setTimeout(() => this.#speak(), this.#every)
  }
}

/** What one of them can do that an operator should see. */
const acts = {
  invalid: client => client.send('{"type":"sing"}'),
  fail: client => client.send('{"type":"fail"}'),
  flood: client => {
    client.send('{"type":"order"}')
    for (let i = 0; i < 300; i++) client.send(JSON.stringify({ type: 'say', text: 'Now! '.repeat(40) }))
  },
  large: client => client.send(JSON.stringify({ type: 'say', text: 'x'.repeat(8 * 1024) })),
  // Its connection may end before it is done.
  deaf: () => { askAndNotRead().catch(() => {}) },
  // A table that there is not; a script does not learn why it was refused.
  refused: () => new WebSocket(urlOf(1000))
}

export class Simulator {
  #clients = []
  #acts = 0
  #onChange

  constructor (onChange) {
    this.#onChange = onChange
  }

  get isRunning () {
    return this.#clients.length > 0
  }

  get size () {
    return this.#clients.length
  }

  get open () {
    return this.#clients.filter(({ isOpen }) => isOpen).length
  }

  start (clients, rate) {
    this.#clients = Array.from({ length: clients }, (_, index) => new Client(Math.floor(index / seatsATable), rate, this.#onChange))
    this.#onChange()
  }

  stop () {
    for (const client of this.#clients.splice(0)) client.stop()
    this.#onChange()
  }

  /** Whether there is one that can misbehave so; some acts need a connection of their own. */
  can (name) {
    return this.open > 0 || name === 'deaf' || name === 'refused'
  }

  /** Lets one misbehave, each time another. */
  act (name) {
    const connected = this.#clients.filter(({ isOpen }) => isOpen)
    acts[name](connected[this.#acts++ % connected.length])
  }
}

/** At a table of its own; a WebSocket of the usual kind can't help reading. */
async function askAndNotRead () {
  const stream = new window.WebSocketStream(urlOf(99))
  stream.closed.catch(() => {})
  const { writable } = await stream.opened
  const writer = writable.getWriter()
  for (let i = 0; i < deafFor * asksASecond; i++) {
    await writer.write('{"type":"menu"}')
    await new Promise(resolve => setTimeout(resolve, 1000 / asksASecond))
  }
  stream.close()
}

function urlOf (table) {
  return `${location.origin.replace('http', 'ws')}/demo?table=${table}`
}
