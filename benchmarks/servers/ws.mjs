import { createServer } from 'node:http'
import { WebSocketServer } from 'ws'
import { perMessageDeflate, serve } from './connection.mjs'
import { versionOf } from '../versions.mjs'
import { backlog, maxPayload, ready } from './serve.mjs'

const server = createServer()
const wss = new WebSocketServer({ noServer: true, maxPayload, perMessageDeflate })

server.on('upgrade', (request, socket, head) => {
  socket.on('error', () => {})
  wss.handleUpgrade(request, socket, head, connection => serve(connection, request))
})

server.listen({ port: 0, host: '127.0.0.1', backlog }, () => ready(server.address().port, versionOf('ws')))
