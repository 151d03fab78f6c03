// The plugin of any checkout, with the fastify that this checkout has.
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { contracts } from '../messages.mjs'
import { backlog, job, maxPayload, quietMs, ready } from './serve.mjs'

const checkout = createRequire(join(job.plugin, 'package.json'))
const { default: Fastify } = await import(pathToFileURL(checkout.resolve('fastify')))
const { default: typedWs } = await import(pathToFileURL(join(job.plugin, 'dist/lib/index.js')))

const works = {
  echo: app => app.ws('/member', { codec: 'raw' }, message => message),
  text: app => app.ws('/member', { codec: 'raw' }, message => message),
  hooked (app) {
    app.addHook('onRequest', async () => {})
    app.ws('/member', { codec: 'raw' }, message => message)
  },
  typed: answering,
  union: answering,
  broadcast (app) {
    const { receive, send } = contracts.broadcast
    app.rooms.declare('ticker', { send })
    app.ws('/member', { schema: { receive, send }, onOpen: connection => connection.join('ticker') }, () => {})
    app.ws('/publish', { schema: { receive, send } }, message => { app.room('ticker').send(message) })
  }
}

function answering (app) {
  const { receive, send, handlers } = contracts[job.work]
  app.ws('/member', { schema: { receive, send } }, handlers)
}

const app = Fastify()
await app.register(typedWs, {
  maxPayload,
  heartbeat: { interval: quietMs, timeout: quietMs },
  perMessageDeflate: { undefined: false, alone: true, takeover: { contextTakeover: true } }[job.deflate]
})
await app.register(async app => works[job.work](app))
await app.listen({ port: 0, host: '127.0.0.1', backlog })
ready(app.server.address().port, checkout('./package.json').version)
