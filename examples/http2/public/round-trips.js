import { element } from './element.js'

/** Sockets that echo, and a bar for each: how long its latest message took to come back. */
export class RoundTrips {
  #sockets = new Map()
  #list
  onChange = () => {}

  constructor (list) {
    this.#list = list
  }

  get size () {
    return this.#sockets.size
  }

  get median () {
    const sorted = this.#sorted
    return sorted[Math.floor(sorted.length / 2)]
  }

  get longest () {
    return this.#sorted.at(-1)
  }

  add (socket) {
    const trip = { bar: element('li'), milliseconds: undefined }
    this.#sockets.set(socket, trip)
    this.#list.append(trip.bar)
    socket.onmessage = ({ data }) => {
      trip.milliseconds = performance.now() - Number(data)
      this.#show()
    }
    socket.send(String(performance.now()))
  }

  delete (socket) {
    this.#sockets.get(socket)?.bar.remove()
    this.#sockets.delete(socket)
    this.#show()
  }

  send () {
    for (const socket of this.#sockets.keys()) if (socket.readyState === WebSocket.OPEN) socket.send(String(performance.now()))
  }

  close () {
    for (const socket of this.#sockets.keys()) socket.close()
  }

  get #sorted () {
    return [...this.#sockets.values()].flatMap(({ milliseconds }) => milliseconds ?? []).sort((a, b) => a - b)
  }

  #show () {
    const most = Math.max(5, this.longest ?? 0)
    for (const { bar, milliseconds } of this.#sockets.values()) {
      if (milliseconds !== undefined) bar.style.setProperty('--part', String(milliseconds / most))
    }
    this.onChange()
  }
}
