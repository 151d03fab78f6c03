// The primary of the workers that need no broker: `fork('primary.mjs', [JSON of the contender])`.
import cluster from 'node:cluster'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { answerParent } from '../common.mjs'

const job = JSON.parse(process.argv[2])
cluster.setupPrimary({ exec: fileURLToPath(new URL('fastify-typed-ws.mjs', import.meta.url)), args: process.argv.slice(2) })
const { relay } = await import('../../dist/lib/rooms/node-cluster/index.js')
relay()

const workers = []
for (let index = 0; index < job.processes; index++) {
  const worker = cluster.fork()
  workers.push({ worker, ready: (await once(worker, 'message'))[0] })
}

answerParent({
  async joined ({ members }) {
    await Promise.all(workers.map(({ worker }) => {
      worker.send({ question: 'joined', members: members / workers.length })
      return once(worker, 'message')
    }))
  }
})
process.send({ versions: workers[0].ready.versions, pid: process.pid, servers: workers.flatMap(({ ready }) => ready.servers) })
