// The ceiling: it reads bytes, counts messages by their length, and writes what was built before. It understands nothing.
import { createServer } from 'node:net'
import { messagesOf } from '../messages.mjs'
import { languageOf, replyBytes, requestBytes } from '../wire.mjs'
import { backlog, job, ready } from './serve.mjs'

const { payloads } = languageOf('net')
const messages = messagesOf(job)
const requestSize = requestBytes(payloads(messages[0].message), job.fragments).length
const replies = messages.map(({ reply }) => replyBytes(payloads(reply)))
const replySize = replies[0].length
/** Libuv reads no more at a time. */
const chunkSize = 64 * 1024
/** As many as a chunk may ask for are one slice, from wherever in a cycle a client is. */
const stream = Buffer.alloc((Math.ceil(chunkSize / requestSize) + 1 + replies.length) * replySize, Buffer.concat(replies))

const accepted = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
  'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n'

const members = new Set()

const server = createServer({ noDelay: true }, socket => {
  socket.on('error', () => {})
  socket.once('data', head => {
    socket.write(accepted)
    if (job.work !== 'broadcast') return answer(socket)
    if (head.latin1Slice(0, 20).startsWith('GET /publish')) return publish(socket)
    members.add(socket)
    socket.once('close', () => members.delete(socket))
  })
})

function answer (socket) {
  let position = 0
  count(socket, messages => {
    const start = position * replySize
    socket.write(stream.subarray(start, start + messages * replySize))
    position = (position + messages) % replies.length
  })
}

function publish (socket) {
  count(socket, messages => {
    for (let i = 0; i < messages; i++) for (const member of members) member.write(replies[0])
  })
}

function count (socket, onMessages) {
  let bytes = 0
  socket.on('data', chunk => {
    bytes += chunk.length
    const messages = Math.floor(bytes / requestSize)
    bytes -= messages * requestSize
    if (messages > 0) onMessages(messages)
  })
}

server.listen({ port: 0, host: '127.0.0.1', backlog }, () => ready(server.address().port, process.versions.node))
