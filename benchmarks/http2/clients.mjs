// Sockets over HTTP/1.1, or as streams of sessions of HTTP/2.
import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { answerParent, frame, median } from '../common.mjs'

const payload = Buffer.alloc(64, 'x')
const request = frame(payload)
const replySize = frame(payload, { isMasked: false }).length
/** Handshakes at a time. */
const atOnce = 50

const sockets = []

async function open ({ port, perSession, secure, count }) {
  const tasks = Array.from({ length: count / (perSession || 1) }, () => () => perSession > 0 ? openSession(port, secure, perSession) : openHttp1(port, secure))
  await Promise.all(Array.from({ length: atOnce }, async () => {
    for (let task = tasks.pop(); task !== undefined; task = tasks.pop()) await task()
  }))
}

async function openHttp1 (port, secure) {
  const socket = secure ? connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false }) : connect({ port, host: '127.0.0.1' })
  socket.setNoDelay(true)
  socket.write('GET /echo HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n')
  const [reply] = await once(socket, 'data')
  if (!reply.toString('latin1').startsWith('HTTP/1.1 101')) throw new Error(String(reply))
  sockets.push(socket)
}

async function openSession (port, secure, count) {
  const session = connectHttp2(`${secure ? 'https' : 'http'}://127.0.0.1:${port}`, { rejectUnauthorized: false })
  await once(session, 'remoteSettings')
  await Promise.all(Array.from({ length: count }, async () => {
    const stream = session.request({ ':method': 'CONNECT', ':protocol': 'websocket', ':path': '/echo', ':scheme': 'https', ':authority': 'localhost', 'sec-websocket-version': '13' })
    const [{ ':status': status }] = await once(stream, 'response')
    if (status !== 200) throw new Error(`status ${status}`)
    sockets.push(stream)
  }))
}

/** Each sends the next message when the reply to an earlier one is there. */
async function echo ({ inFlight, milliseconds }) {
  const latencies = []
  let count = 0
  const end = performance.now() + milliseconds
  await Promise.all(sockets.map(socket => new Promise(resolve => {
    const sentAt = []
    let missing = replySize
    function send () {
      sentAt.push(performance.now())
      socket.write(request)
    }
    socket.on('data', function onData ({ length }) {
      for (; length >= missing; missing = replySize) {
        length -= missing
        const now = performance.now()
        latencies.push(now - sentAt.shift())
        count++
        if (now < end) send()
      }
      missing -= length
      if (sentAt.length > 0) return
      socket.off('data', onData)
      resolve()
    })
    for (let i = 0; i < inFlight; i++) send()
  })))
  return { count, latency: median(latencies) }
}

answerParent({ open, echo })
process.send({})
