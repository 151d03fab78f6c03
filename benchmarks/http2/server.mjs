// Echoes, over the version of HTTP that it is told.
import { writeHeapSnapshot } from 'node:v8'
import Fastify from 'fastify'
import typedWs from '../../dist/lib/index.js'
import { answerParent, cpuSeconds } from '../common.mjs'

/** Longer than any round, so that nothing but replies comes. */
const quietMs = 600_000

const { perSession, tls } = JSON.parse(process.argv[2])
const app = Fastify({ ...(perSession > 0 ? { http2: true, http2SessionTimeout: quietMs } : {}), ...(tls === null ? {} : { https: tls }) })
await app.register(typedWs, { heartbeat: { interval: quietMs, timeout: quietMs } })
app.ws('/echo', { codec: 'raw' }, message => message)
await app.listen({ port: 0, host: '127.0.0.1', backlog: 4096 })

answerParent({
  mark: () => ({ cpu: cpuSeconds() }),
  collect: () => globalThis.gc(),
  heap () {
    const { heapUsed, external } = process.memoryUsage()
    return { heap: heapUsed, outside: external }
  },
  snapshot: ({ file }) => ({ file: writeHeapSnapshot(file) })
})
process.send({ port: app.server.address().port })
