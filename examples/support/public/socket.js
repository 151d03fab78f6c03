/** The longest wait before an attempt to come back, in milliseconds. */
const longestDelay = 15_000

/**
 * A browser's WebSocket with JSON, which comes back when it was lost: each attempt waits twice as long as the last,
 * and at random, so that a thousand pages do not return to a restarted server in the same moment.
 */
export class JsonSocket {
  #urlOf
  #events
  #firstDelay
  #socket = null
  #attempts = 0
  #timer = null
  #waiting = new Map()
  #nextId = 1

  /**
   * @param urlOf the URL of the next attempt
   * @param events `onState('connecting' | 'open' | 'lost')`, `onMessage(message)`
   * @param firstDelay how long to wait before the first attempt to come back, in milliseconds
   */
  constructor (urlOf, events, firstDelay = 400) {
    this.#urlOf = urlOf
    this.#events = events
    this.#firstDelay = firstDelay
    window.addEventListener('online', () => this.retry())
    document.addEventListener('visibilitychange', () => { if (!document.hidden) this.retry() })
  }

  get isOpen () {
    return this.#socket?.readyState === WebSocket.OPEN
  }

  connect () {
    clearTimeout(this.#timer)
    this.#timer = null
    this.#events.onState('connecting')
    const socket = this.#socket = new WebSocket(this.#urlOf())
    socket.onopen = () => {
      this.#attempts = 0
      this.#events.onState('open')
    }
    socket.onmessage = ({ data }) => this.#receive(JSON.parse(data))
    socket.onclose = () => this.#lost()
  }

  /** Does not wait any longer, where it does. */
  retry () {
    if (this.#timer !== null) this.connect()
  }

  send (message) {
    if (this.isOpen) this.#socket.send(JSON.stringify(message))
  }

  /** Sends a message with an id, and waits for the answer that carries the same. */
  request (message) {
    return new Promise((resolve, reject) => {
      const id = this.#nextId++
      this.#waiting.set(id, { resolve, reject })
      this.send({ ...message, id })
    })
  }

  #receive (message) {
    const request = this.#waiting.get(message.id)
    if (request === undefined) {
      this.#events.onMessage(message)
      return
    }
    this.#waiting.delete(message.id)
    if (message.type === 'error') request.reject(new Error(message.message))
    else request.resolve(message)
  }

  #lost () {
    const requests = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const { reject } of requests) reject(new Error('the connection was lost'))
    const delay = Math.min(longestDelay, this.#firstDelay * 2 ** this.#attempts++)
    this.#timer = setTimeout(() => this.connect(), delay * (0.5 + Math.random() / 2))
    this.#events.onState('lost')
  }
}
