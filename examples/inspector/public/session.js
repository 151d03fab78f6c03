import { connect } from '/client/index.js'

/** What browsers let a page choose (RFC 6455 section 7.4.2). */
export function mayClose (code) {
  return code === 1000 || (code >= 3000 && code <= 4999)
}

/**
 * The connection that is inspected, a plain WebSocket; and the one that tells of it.
 */
export class Session {
  #page = Array.from(crypto.getRandomValues(new Uint8Array(16)), byte => byte.toString(16).padStart(2, '0')).join('')
  #observer
  #onState
  #inspected = null
  /** Whether the next connection is asked for from the route that compresses. */
  isCompressed = false

  /** @param events `onState('connecting' | 'open' | 'closed', info)` of the inspected connection, `onSeen(observation)`, `onNotice(text)` */
  constructor ({ onState, onSeen, onNotice }) {
    this.#onState = onState
    this.#observer = connect(`${location.origin.replace('http', 'ws')}/observer?page=${this.#page}`)
    for (const type of ['request', 'response', 'frame', 'end', 'skipped']) this.#observer.on(type, onSeen)
    this.#observer.on('error', ({ message }) => onNotice(message))
    this.#observer.onState(({ state }) => {
      // The server must know who watches before there is something to see: a connection from before is not watched any more.
      if (state === 'open') this.open()
      if (state === 'waiting' || state === 'closed') onNotice('The server is away. The page tries to come back.')
      if (state === 'open') onNotice('')
    })
  }

  get isOpen () {
    return this.#inspected?.readyState === WebSocket.OPEN
  }

  /** Opens the inspected connection, in place of the one before. */
  open () {
    this.#inspected?.close()
    this.#onState('connecting')
    const socket = this.#inspected = new WebSocket(`${location.origin.replace('http', 'ws')}/inspected${this.isCompressed ? '/compressed' : ''}?page=${this.#page}&client=browser`)
    socket.binaryType = 'arraybuffer'
    socket.onopen = () => this.#onState('open')
    socket.onclose = ({ code, reason, wasClean }) => {
      if (socket === this.#inspected) this.#onState('closed', { code, reason, wasClean })
    }
  }

  send (data) {
    if (this.isOpen) this.#inspected.send(data)
  }

  close (code, reason) {
    this.#inspected.close(code, reason)
  }

  /** Asks the server to do something: what the observer's route receives. */
  ask (message) {
    this.#observer.send(message)
  }
}
