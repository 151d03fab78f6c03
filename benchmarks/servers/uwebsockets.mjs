import uWS from 'uWebSockets.js'
import { versionOf } from '../versions.mjs'
import { job, maxPayload, ready } from './serve.mjs'
import { textHandlerOf } from './typed.mjs'

const compression = {
  undefined: uWS.DISABLED,
  alone: uWS.SHARED_COMPRESSOR,
  takeover: uWS.DEDICATED_COMPRESSOR_4KB | uWS.DEDICATED_DECOMPRESSOR_32KB
}[job.deflate]
const isCompressed = job.deflate !== undefined

const settings = {
  compression,
  maxPayloadLength: maxPayload,
  // Where some never read it is what the plugin allows each of them; else nothing may be left out.
  maxBackpressure: job.slow > 0 ? 1024 * 1024 : 64 * 1024 * 1024,
  // The longest that it takes.
  idleTimeout: 960
}

const answer = job.work === 'typed' || job.work === 'union' ? textHandlerOf(job.work) : null

const works = {
  echo: { message: (socket, message, isBinary) => { socket.send(message, isBinary, isCompressed) } },
  typed: { message: answering },
  union: { message: answering },
  broadcast: { open: socket => { socket.subscribe('ticker') } }
}
works.text = works.echo
works.hooked = works.echo

function answering (socket, message) {
  const reply = answer(Buffer.from(message).toString())
  if (reply !== undefined) socket.send(reply)
}

const app = uWS.App()
app.ws('/member', { ...settings, ...works[job.work] })
app.ws('/publish', { ...settings, message: (socket, message, isBinary) => { app.publish('ticker', message, isBinary) } })
app.listen('127.0.0.1', 0, token => ready(uWS.us_socket_local_port(token), versionOf('uWebSockets.js')))
