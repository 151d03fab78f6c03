// An echo with a memory budget, in a process of its own: `fork('server.mjs', ['fastify-typed-ws' | '@fastify/websocket', process budget])`.
import Fastify from 'fastify'
import { answerParent } from '../common.mjs'

const [name, processBudget] = process.argv.slice(2)
const maxPayload = 1024 * 1024

const servers = {
  async 'fastify-typed-ws' (app) {
    const { default: typedWs } = await import('../../dist/lib/index.js')
    await app.register(typedWs, { maxPayload, perMessageDeflate: true, budget: { process: Number(processBudget) } })
    app.ws('/echo', { codec: 'raw' }, message => message)
  },

  /** As its documentation has it. */
  async '@fastify/websocket' (app) {
    const { default: websocket } = await import('@fastify/websocket')
    await app.register(websocket, { options: { maxPayload, perMessageDeflate: true } })
    app.get('/echo', { websocket: true }, socket => {
      socket.on('error', () => {})
      socket.on('message', (payload, isBinary) => socket.send(payload, { binary: isBinary }))
    })
  }
}

const app = Fastify()
await servers[name](app)
await app.listen({ port: 0, host: '127.0.0.1', backlog: 2048 })
answerParent({
  stats: () => {
    const { user, system } = process.cpuUsage()
    return { ...app.wsStats?.(), cpuSeconds: (user + system) / 1e6 }
  }
})
process.send({ port: app.server.address().port })
