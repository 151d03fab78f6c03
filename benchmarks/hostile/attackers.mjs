// The hostile clients, in a process of their own. All bytes are made before: an attack must cost its server more than its sender.
import { setTimeout as delay } from 'node:timers/promises'
import { constants, deflateRawSync } from 'node:zlib'
import { answerParent, frame, upgrade } from '../common.mjs'

const MiB = 1024 * 1024
const extension = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover'

/** A compressed message of zeros: about a thousandth of `length`. */
function bomb (length) {
  const deflated = deflateRawSync(Buffer.alloc(length), { finishFlush: constants.Z_SYNC_FLUSH, level: 9 })
  return frame(deflated.subarray(0, -4), { opcode: 2, rsv1: true })
}

const repeat = (bytes, count) => Buffer.concat(Array(count).fill(bytes))
const fragment = frame('x', { opcode: 0, fin: false })
const fragments = repeat(fragment, 8 * 1024)

/** What each does once it is connected; those that read do so, the others never. */
const attacks = {
  /** Sixteen times more than is accepted. */
  'bombs of 16 MiB': { reads: true, bytes: [bomb(16 * MiB)] },
  /** Legal, but as large as may be; the echo is read. */
  'bombs of 1 MiB': { reads: true, bytes: [bomb(MiB)] },
  /** A message that grows to `maxPayload`, one byte a frame, and is never finished. */
  '1-byte fragments': { reads: true, bytes: [frame('x', { opcode: 2, fin: false }), ...Array(127).fill(fragments), repeat(fragment, 8 * 1024 - 2)], isOnce: true },
  'ping floods': { reads: false, bytes: [repeat(frame('p'.repeat(125), { opcode: 9 }), 500)] },
  'half frames': { reads: true, bytes: [frame('h'.repeat(MiB / 2), { opcode: 2, length: MiB })], isOnce: true },
  'requests, replies unread': { reads: false, bytes: [frame('r'.repeat(16 * 1024), { opcode: 2 })] }
}

const end = new AbortController()
let messages = 0
let returns = 0
const sockets = new Set()
const running = []

/** Attacks, and when it is thrown out comes back, until it is over. */
async function attack (port, title, pace) {
  const { reads, bytes, isOnce = false } = attacks[title]
  while (!end.signal.aborted) {
    try {
      const { socket } = await upgrade(port, '/echo', extension)
      sockets.add(socket)
      const closed = new Promise(resolve => socket.once('close', resolve))
      if (reads) socket.resume()
      socket.on('end', () => socket.destroy())
      await send(socket, bytes, isOnce, pace)
      await closed
      sockets.delete(socket)
      returns++
    } catch {
      // Refused or reset: it tries again.
    }
    await delay(100 + Math.random() * 400)
  }
}

async function send (socket, bytes, isOnce, pace) {
  const rounds = isOnce ? 1 : Infinity
  for (let round = 0; round < rounds; round++) {
    for (const part of bytes) {
      if (socket.destroyed) return
      messages++
      await new Promise(resolve => socket.write(part, resolve))
      if (pace > 0) await delay(pace)
    }
  }
}

answerParent({
  /** @param only the title of one attack; all of them, in equal parts, without it */
  async attack ({ port, count, pace, only }) {
    const titles = only === undefined ? Object.keys(attacks) : [only]
    for (let i = 0; i < count; i++) {
      running.push(attack(port, titles[i % titles.length], pace))
      // About a second for all: a flood of handshakes is another attack.
      if (i % 10 === 9) await delay(10)
    }
  },
  state: () => ({ connected: sockets.size, messages, returns }),
  stop () {
    end.abort()
    for (const socket of sockets) socket.destroy()
  }
})
process.send({})
