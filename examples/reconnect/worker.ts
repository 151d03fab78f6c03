import cluster from 'node:cluster'
import Fastify from 'fastify'
import type { FastifyInstance } from 'fastify'
import typedWs from 'fastify-typed-ws'
import { clusterAdapter } from 'fastify-typed-ws/cluster'
import { isBalance } from './messages.ts'
import { buildSite, declareFeed } from './site.ts'

/* One of the two workers, as supervisor.ts starts them. */

/** How often something is paid, in milliseconds. */
const payEvery = 200

const { ROLE: role, HOST: host, PORT: port, LOG_LEVEL: level = 'warn' } = process.env
const options = { logger: { level }, forceCloseConnections: true }

/** How it stands, as the supervisor keeps it. */
let balance = { number: 0, total: 0 }
const isKnown = new Promise<void>(resolve => {
  process.on('message', (message: unknown) => {
    if (!isBalance(message)) return
    balance = message
    resolve()
  })
})

// Ctrl-C is for the supervisor, which ends its workers.
process.on('SIGINT', () => {})
process.send?.('balance?')
await isKnown
const app = role === 'source' ? await startSource() : await startSite()
process.once('SIGTERM', () => { void end() })

/** Writes the feed, and is never killed: what happens in the world goes on while a server is away. */
async function startSource (): Promise<FastifyInstance> {
  const app = Fastify(options)
  await app.register(typedWs, { adapter: clusterAdapter() })
  const room = declareFeed(app)
  let { number, total } = balance
  const timer = setInterval(() => {
    const amount = 1 + Math.floor(Math.random() * 99)
    total += amount
    number++
    process.send?.({ number, total })
    room.send({ type: 'payment', number, amount, total }).catch(error => app.log.error(error))
  }, payEvery)
  app.addHook('preClose', async () => clearInterval(timer))
  await app.ready()
  return app
}

async function startSite (): Promise<FastifyInstance> {
  const app = await buildSite({
    adapter: clusterAdapter(),
    balance: () => balance,
    kill: how => { process.send?.(how) }
  }, options)
  await app.listen({ host, port: Number(port) })
  return app
}

async function end (): Promise<void> {
  await app.close()
  cluster.worker?.disconnect()
}
