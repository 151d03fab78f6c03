// One server of a cluster whose rooms have presence, as a process of its own. It does what clients ask, and opens members by itself, so that there may be many.
import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import typedWs from '../../../lib/index.ts'
import type { Connection, InjectedConnection } from '../../../types/index.ts'
import { openAdapter } from './carriers.ts'
import type { PresenceAsk, PresenceSettings } from './presence-messages.ts'
import type { Listening } from '../../rooms/node-cluster/worker.ts'

const { carrier, nodes, notify } = JSON.parse(process.argv[2]) as PresenceSettings
const { adapter } = await openAdapter(carrier)
const app = Fastify()
await app.register(typedWs, { adapter, nodes, limitKey: request => String(request.headers.key ?? '') })
app.rooms.declare('room:*', { presence: { data: connection => ({ name: `name of ${connection.id}` }), notify } })
app.rooms.declare('quiet:*', { presence: false })

const members: InjectedConnection[] = []

/** Opens members, or ends them, until there are so many; they come and go as clients do that nobody sees. */
async function crowd (room: string, count: number): Promise<void> {
  while (members.length > count) members.pop()?.terminate()
  while (members.length < count) {
    const more = Math.min(100, count - members.length)
    members.push(...await Promise.all(Array.from({ length: more }, () => app.injectWS('/', { query: { room } }))))
  }
}

app.ws('/', {
  onOpen (connection, request) {
    const { room } = request.query as { room?: string }
    if (room !== undefined) void connection.join(room)
  }
}, async (message: unknown, connection: Connection) => {
  const { ask, room: name, key = '', count = 0 } = message as PresenceAsk
  const room = app.room(name)
  switch (ask) {
    case 'join':
      await connection.join(name)
      return { type: 'done' }
    case 'crowd':
      await crowd(name, count)
      return { type: 'done' }
    case 'members':
      return { type: 'members', count: await room.count(), members: (await room.members()).map(({ id, data }) => ({ id, data })) }
    case 'local':
      return { type: 'local', ids: [...room].map(({ id }) => id) }
    case 'nodes':
      return { type: 'nodes', nodes: app.rooms.status.nodes }
    case 'join key':
      return { type: 'moved', count: await room.join(key) }
    case 'leave key':
      return { type: 'moved', count: await room.leave(key) }
    case 'close':
      await room.close(4000, 'closed by another process')
      return { type: 'done' }
  }
})

process.on('disconnect', () => process.exit())
process.once('SIGTERM', () => {
  void app.close().then(() => process.exit(0))
})

await app.listen({ port: 0, host: '127.0.0.1' })
process.send?.({ listening: (app.server.address() as AddressInfo).port, pid: process.pid } satisfies Listening)
