// A server in a process of its own: `fork('server.mjs', [JSON of { heartbeat } or of {}])`.
import Fastify from 'fastify'
import typedWs from '../../dist/lib/index.js'
import { answerParent, cpuSeconds } from '../common.mjs'

const app = Fastify()
await app.register(typedWs, JSON.parse(process.argv[2]))
app.ws('/member', () => {})
await app.listen({ port: 0, host: '127.0.0.1', backlog: 4096 })

answerParent({
  mark: () => ({ at: performance.now() / 1000, cpu: cpuSeconds() }),
  collect: () => globalThis.gc(),
  connections: () => app.wsStats().connections
})
process.send({ port: app.server.address().port })
