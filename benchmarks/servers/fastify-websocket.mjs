import websocket from '@fastify/websocket'
import Fastify from 'fastify'
import { perMessageDeflate, serve } from './connection.mjs'
import { versionOf } from '../versions.mjs'
import { backlog, job, maxPayload, ready } from './serve.mjs'

const app = Fastify()
await app.register(websocket, { options: { maxPayload, perMessageDeflate } })
if (job.work === 'hooked') app.addHook('onRequest', async () => {})

await app.register(async app => {
  app.get('/member', { websocket: true }, (connection, request) => serve(connection, request))
  app.get('/publish', { websocket: true }, (connection, request) => serve(connection, request))
})

await app.listen({ port: 0, host: '127.0.0.1', backlog })
ready(app.server.address().port, versionOf('@fastify/websocket'))
