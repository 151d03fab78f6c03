// The primary of the workers that need no broker: `fork('primary.mjs', [JSON of the contender])`.
import cluster from 'node:cluster'
import { fileURLToPath } from 'node:url'
import { carryRooms } from '../../dist/lib/rooms/node-cluster/index.js'
import { answerParent } from '../common.mjs'

const { processes } = JSON.parse(process.argv[2])
cluster.setupPrimary({ exec: fileURLToPath(new URL('fastify-typed-ws.mjs', import.meta.url)), args: process.argv.slice(2) })
carryRooms()

/** The next message with such a field: the adapter has messages of its own. */
function heard (worker, field) {
  return new Promise(resolve => {
    const listen = message => {
      if (!Object.hasOwn(message, field)) return
      worker.off('message', listen)
      resolve(message)
    }
    worker.on('message', listen)
  })
}

const workers = []
for (let index = 0; index < processes; index++) {
  const worker = cluster.fork()
  workers.push({ worker, ready: await heard(worker, 'servers') })
}

answerParent({
  async joined ({ members }) {
    for (const { worker } of workers) {
      worker.send({ question: 'joined', members: members / processes })
      await heard(worker, 'joined')
    }
  }
})
process.send({ versions: workers[0].ready.versions, pid: process.pid, servers: workers.flatMap(({ ready }) => ready.servers) })
