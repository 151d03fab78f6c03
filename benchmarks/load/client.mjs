import { once } from 'node:events'
import { connect } from 'node:net'

/** What was read last, by whichever client: each read is looked at before the next one. */
export const memory = Buffer.allocUnsafeSlow(256 * 1024)

const accepted = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='

export function upgradeRequest (path, extensions) {
  return `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
    'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n' +
    (extensions === null ? '\r\n' : `Sec-WebSocket-Extensions: ${extensions}\r\n\r\n`)
}

/** @throws where the text does not start with the 101 to our key */
export function checkAccepted (text) {
  if (!text.startsWith('HTTP/1.1 101') || !text.includes(accepted)) throw new Error(`the upgrade was not accepted: ${text}`)
}

/** A bare socket behind its 101. Once it is open it tells `onBytes` how much of `memory` was just filled. */
export class Client {
  /** Which of the messages is next. */
  position = 0
  /** What the server said in its 101. */
  head = ''
  onBytes = null
  /** Whether it reads nothing but what `readOnce` asks for. */
  isPolled = false
  #socket
  #language
  #opened
  #isOpen = false

  static async open ({ port, language, extensions }, role = 'member') {
    const client = new Client()
    client.#language = language
    const opened = new Promise(resolve => { client.#opened = resolve })
    client.#socket = connect({ port, host: '127.0.0.1', onread: { buffer: memory, callback: length => client.#onRead(length) } }).setNoDelay(true)
    client.#socket.on('error', client.#onLost)
    client.#socket.on('close', client.#onLost)
    client.#socket.write(upgradeRequest(language.path(role), extensions))
    await opened
    return client
  }

  write (bytes) {
    this.#socket.write(bytes)
  }

  /** From now on it reads nothing, and may be closed for that. */
  stopReading () {
    this.#expectEnd()
    this.#socket.pause()
  }

  /** What is there, as far as `memory` takes it. */
  readOnce () {
    this.#socket.resume()
  }

  async close () {
    this.#expectEnd()
    if (this.#socket.destroyed) return
    const closed = once(this.#socket, 'close')
    this.#socket.resetAndDestroy()
    await closed
  }

  #expectEnd () {
    this.#socket.off('error', this.#onLost).off('close', this.#onLost)
    this.#socket.on('error', () => {})
  }

  #onRead (length) {
    if (this.#isOpen) this.onBytes(length)
    else this.#onHead(length)
    return !this.isPolled
  }

  #onHead (length) {
    const isGreeted = this.head.includes('\r\n\r\n')
    this.head += memory.toString('latin1', 0, length)
    if (!this.head.includes('\r\n\r\n')) return
    checkAccepted(this.head)
    if (!isGreeted && this.#language.greeting !== null) this.write(this.#language.greeting)
    if (!this.#language.isOpen(this.head)) return
    this.#isOpen = true
    this.#opened()
  }

  #onLost = error => {
    throw new Error('the server has closed a connection', { cause: error })
  }
}

/** `atOnce` are under way at a time, so that no backlog of a server runs over. */
export async function openAll (count, open, atOnce = 128) {
  const clients = []
  while (clients.length < count) {
    const some = Math.min(atOnce, count - clients.length)
    clients.push(...await Promise.all(Array.from({ length: some }, open)))
  }
  return clients
}
