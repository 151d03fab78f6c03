// An echo with or without compression, in a process of its own:
// `fork('server.mjs', ['fastify-typed-ws' | '@fastify/websocket', JSON of perMessageDeflate])`.
import Fastify from 'fastify'
import { answerParent } from '../common.mjs'

const [name, option] = process.argv.slice(2)
const perMessageDeflate = JSON.parse(option)

const servers = {
  async 'fastify-typed-ws' (app) {
    const { default: typedWs } = await import('../../dist/lib/index.js')
    await app.register(typedWs, { perMessageDeflate })
    app.ws('/echo', { codec: 'raw' }, message => message)
  },

  async '@fastify/websocket' (app) {
    const { default: websocket } = await import('@fastify/websocket')
    await app.register(websocket, { options: { perMessageDeflate } })
    app.get('/echo', { websocket: true }, socket => {
      socket.on('message', (payload, isBinary) => socket.send(payload, { binary: isBinary }))
    })
  }
}

const app = Fastify()
await servers[name](app)
await app.listen({ port: 0, host: '127.0.0.1', backlog: 2048 })
answerParent({
  cpu () {
    const { user, system } = process.cpuUsage()
    return { seconds: (user + system) / 1e6 }
  },
  collect: () => globalThis.gc()
})
process.send({ port: app.server.address().port })
