import type { Test } from 'tap'
import type { CloseInfo, Connection } from '../../../types/index.ts'
import { buildApp, deferred, listen } from '../../helpers/app.ts'
import { ServerSockets } from '../../helpers/server-sockets.ts'
import { Proxy } from './proxies.ts'
import type { ProxyKind } from './proxies.ts'

export const everybody = 'everybody'

/** What the 401 of `/private` says: more than fits into a buffer of a proxy's. */
export const refusal = JSON.stringify({ error: 'who are you?', padding: 'x'.repeat(200_000) })

/** An application behind a proxy, and what it sees of its clients. */
export interface Proxied {
  readonly proxy: Proxy
  readonly sockets: ServerSockets
  /** The latest connection's. */
  readonly connection: () => Connection
  /** What each `onClose` was told. */
  readonly ends: CloseInfo[]
  /** Settles when nobody is connected any more. */
  readonly emptied: () => Promise<void>
  /** To all that are connected. */
  readonly broadcast: (message: string) => void
}

export async function behind (t: Test, kind: ProxyKind, program: string, { trustProxy = true, perMessageDeflate = false, closeTimeout = 5_000 } = {}): Promise<Proxied> {
  const app = await buildApp(t, { codec: 'raw', subprotocols: ['chat', 'superchat'], closeTimeout, perMessageDeflate }, { trustProxy })
  const sockets = new ServerSockets(app)
  const connections: Connection[] = []
  const ends: CloseInfo[] = []
  let wake = deferred()
  const life = {
    onOpen: (connection: Connection) => {
      connections.push(connection)
      void connection.join(everybody)
    },
    onClose: (_connection: Connection, info: CloseInfo) => {
      ends.push(info)
      wake.resolve()
    }
  }
  app.ws('/echo', life, message => message)
  app.ws('/impatient', life, message => message)
  app.ws('/private', {
    onRequest: async (_request, reply) => await reply.code(401).type('application/json').send(refusal)
  }, () => {})
  const proxy = await Proxy.start(t, kind, program, await listen(app))
  return {
    proxy,
    sockets,
    connection: () => connections[connections.length - 1],
    ends,
    async emptied () {
      while (ends.length < connections.length) {
        wake = deferred()
        await wake.promise
      }
      await sockets.open(0)
      t.equal(app.wsConnections.size, 0)
      t.equal(app.rooms.size, 0)
    },
    broadcast: message => { void app.room(everybody).send(message) }
  }
}
