// The subscribers, in a process of their own. Those that read only count bytes, into one piece of memory.
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { answerParent, upgrade } from '../common.mjs'

/** What a message is on the wire: 4 KiB and the header of a frame. */
const frameBytes = 4096 + 4
const memory = Buffer.alloc(256 * 1024)

let readers = []
let slow = []

/** Counts what comes behind the 101. */
class Reader {
  bytes = 0
  #socket

  async open (port) {
    let opened
    const isOpen = new Promise(resolve => { opened = resolve })
    let head = ''
    let isUpgraded = false
    const callback = length => {
      if (isUpgraded) {
        this.bytes += length
        return true
      }
      head += memory.toString('latin1', 0, length)
      const end = head.indexOf('\r\n\r\n')
      if (end !== -1) {
        isUpgraded = true
        this.bytes = head.length - end - 4
        opened()
      }
      return true
    }
    this.#socket = connect({ port, host: '127.0.0.1', onread: { buffer: memory, callback } })
    this.#socket.on('error', () => {})
    this.#socket.write('GET /ticker?reads=yes HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n')
    await isOpen
    return this
  }

  get isGone () {
    return this.#socket.destroyed
  }

  close () {
    this.#socket.destroy()
  }
}

answerParent({
  async open ({ port, reading, notReading }) {
    readers = await Promise.all(Array.from({ length: reading }, () => new Reader().open(port)))
    slow = await Promise.all(Array.from({ length: notReading }, async () => (await upgrade(port, '/ticker?reads=no')).socket.pause()))
  },
  /** Whether all have all of it, within some seconds, and nothing more. */
  async received ({ sent }) {
    const until = performance.now() + 10_000
    const isComplete = ({ bytes }) => bytes === sent * frameBytes
    while (!readers.every(isComplete) && performance.now() < until) await delay(10)
    return { complete: readers.filter(isComplete).length, lost: readers.filter(({ isGone }) => isGone).length }
  },
  close () {
    for (const reader of readers) reader.close()
    for (const socket of slow) socket.destroy()
  }
})
process.send({})
