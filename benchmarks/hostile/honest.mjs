// A client that does nothing wrong, in a process of its own: one small message at a fixed pace, and how long its echo takes.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { answerParent, frame, percentile, upgrade } from '../common.mjs'

/** Milliseconds. */
const every = 10
const payload = 64
/** Header and payload of the echo. */
const replyBytes = 2 + payload
const message = frame('x'.repeat(payload))

let socket

answerParent({
  async open ({ port }) {
    socket = (await upgrade(port, '/echo')).socket
  },
  async echo ({ milliseconds }) {
    const sentAt = []
    const latencies = []
    let bytes = 0
    socket.on('data', chunk => {
      for (bytes += chunk.length; bytes >= replyBytes; bytes -= replyBytes) latencies.push(performance.now() - sentAt.shift())
    })
    const own = monitorEventLoopDelay({ resolution: 5 })
    own.enable()
    const timer = setInterval(() => {
      sentAt.push(performance.now())
      socket.write(message)
    }, every)
    await new Promise(resolve => setTimeout(resolve, milliseconds))
    clearInterval(timer)
    // What is still under way counts with the time that it has waited.
    const now = performance.now()
    latencies.push(...sentAt.map(at => now - at))
    const isOpen = !socket.destroyed && !socket.readableEnded
    socket.removeAllListeners('data')
    return {
      isOpen,
      p50: percentile(latencies, 0.5),
      p99: percentile(latencies, 0.99),
      max: Math.max(...latencies),
      ownP99: Math.max(0, own.percentile(99) / 1e6 - 5)
    }
  }
})
process.send({})
