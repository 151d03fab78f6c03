import { createServer } from 'node:http'
import { Server } from 'socket.io'
import { perMessageDeflate } from './connection.mjs'
import { versionOf } from '../versions.mjs'
import { backlog, job, maxPayload, quietMs, ready } from './serve.mjs'
import { handlerOf } from './typed.mjs'

const server = createServer()
const io = new Server(server, {
  transports: ['websocket'],
  pingInterval: quietMs,
  pingTimeout: quietMs,
  maxHttpBufferSize: maxPayload,
  perMessageDeflate,
  serveClient: false
})

const works = {
  echo: socket => socket.on('m', message => socket.emit('m', message)),
  typed: answering,
  union: answering,
  broadcast (socket) {
    if (socket.handshake.query.role === 'publish') socket.on('m', message => io.to('ticker').emit('m', message))
    else socket.join('ticker')
  }
}
works.text = works.echo
works.hooked = works.echo

const answer = job.work === 'typed' || job.work === 'union' ? handlerOf(job.work) : null

function answering (socket) {
  socket.on('m', message => {
    const reply = answer(message)
    if (reply !== undefined) socket.emit('m', reply)
  })
}

io.on('connection', works[job.work])
server.listen({ port: 0, host: '127.0.0.1', backlog }, () => ready(server.address().port, versionOf('socket.io')))
