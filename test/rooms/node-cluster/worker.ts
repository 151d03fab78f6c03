// A server of a cluster: its clients say what they want to have done.
import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import typedWs from '../../../lib/index.ts'
import { clusterAdapter } from '../../../lib/rooms/node-cluster/index.ts'

/** What a client asks for, and is answered with its `id`. */
export type Wish = { readonly id: number } & (
  { readonly do: 'who' } |
  { readonly do: 'join', readonly room: string, readonly since?: string } |
  { readonly do: 'send', readonly room: string, readonly message: object } |
  { readonly do: 'block', readonly milliseconds: number }
)

/** What a worker tells the primary. */
export interface Listening {
  readonly listening: number
  readonly pid: number
}

const app = Fastify()
await app.register(typedWs, { adapter: clusterAdapter(), adapterTimeout: 60_000 })
app.rooms.declare('log:*', { history: { size: 1_000, ttl: 60_000 } })

app.ws('/', { concurrency: 16 }, async (message, connection) => {
  const wish = message as Wish
  switch (wish.do) {
    case 'who':
      return { pid: process.pid, state: app.rooms.status.state }
    case 'join':
      return await connection.join(wish.room, { since: wish.since })
    case 'send':
      await app.room(wish.room).send(wish.message)
      return { sent: true }
    case 'block': {
      const end = performance.now() + wish.milliseconds
      while (performance.now() < end) ;
      return { done: true }
    }
  }
})

try {
  await app.listen({ port: 0, host: '127.0.0.1' })
} catch (error) {
  console.error(String(error))
  process.exit(1)
}
const listening: Listening = { listening: (app.server.address() as AddressInfo).port, pid: process.pid }
process.send?.(listening)

const endWithPrimary = (): never => process.exit()
process.once('disconnect', endWithPrimary)
process.on('message', command => {
  if (command !== 'close') return
  process.off('disconnect', endWithPrimary)
  app.close().then(() => process.disconnect(), console.error)
})
