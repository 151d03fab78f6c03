// Clients that compress, in a process of their own. Their messages are compressed once, before.
import { setTimeout as delay } from 'node:timers/promises'
import { constants, deflateRawSync } from 'node:zlib'
import { answerParent, frame, jsonOf, upgrade } from '../common.mjs'

const message = jsonOf(4096)
const deflated = deflateRawSync(message, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4)
const plain = frame(message)
const compressed = frame(deflated, { rsv1: true })

let sockets = []

/** How many frames a stream of bytes holds; no frame is longer than 64 KiB. */
class FrameCounter {
  #rest = Buffer.alloc(0)

  count (chunk) {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    let frames = 0
    for (;;) {
      const short = bytes.length < 2 ? 0 : bytes[1] & 127
      const header = short === 126 ? 4 : 2
      if (bytes.length < header) break
      const size = header + (short === 126 ? bytes.readUInt16BE(2) : short)
      if (bytes.length < size) break
      bytes = bytes.subarray(size)
      frames++
    }
    this.#rest = bytes
    return frames
  }
}

answerParent({
  /** Connects, one message each there and back, and waits for what is next. */
  async open ({ port, count, extensions }) {
    const one = extensions === '' ? plain : compressed
    for (let i = 0; i < count; i++) {
      const { socket, head } = await upgrade(port, '/echo', extensions)
      if (extensions !== '' && !/permessage-deflate/i.test(head)) throw new Error('no compression was agreed on')
      const counter = new FrameCounter()
      await new Promise(resolve => {
        socket.on('data', chunk => { if (counter.count(chunk) > 0) resolve() })
        socket.write(one)
      })
      socket.removeAllListeners('data')
      sockets.push(socket.pause())
    }
  },
  /** Echoes with some in flight on each of the connections. */
  async echo ({ extensions, inFlight, milliseconds }) {
    const one = extensions === '' ? plain : compressed
    let replies = 0
    let isOver = false
    for (const socket of sockets) {
      const counter = new FrameCounter()
      socket.on('data', chunk => {
        const count = counter.count(chunk)
        replies += count
        if (!isOver) for (let i = 0; i < count; i++) socket.write(one)
      })
      socket.resume()
      for (let i = 0; i < inFlight; i++) socket.write(one)
    }
    await delay(milliseconds)
    isOver = true
    const counted = replies
    // The last ones are still to come.
    await delay(100)
    for (const socket of sockets) socket.removeAllListeners('data')
    return { replies: counted }
  },
  close () {
    for (const socket of sockets) socket.destroy()
    sockets = []
  }
})
process.send({})
