import type { FastifyInstance } from 'fastify'
import type { CloseInfo, Connection, InjectedConnection, InjectOptions, WsCommonOptions, WsSchema } from '../../types/index.ts'
import { deferred } from './app.ts'

/** Both ends of one WebSocket. */
export interface Pair {
  readonly client: InjectedConnection
  readonly connection: Connection
  /** How it ended, as the route's `onClose` heard it. */
  readonly closed: Promise<CloseInfo>
}

export interface PairedRouteOptions extends Pick<WsCommonOptions, 'codec' | 'closeTimeout'> {
  schema?: Pick<WsSchema, 'send'>
}

/** Declares a route that handles no messages; returns what opens a connection to it. */
export function pairedRoute (app: FastifyInstance, url = '/', options: PairedRouteOptions = {}): (inject?: InjectOptions) => Promise<Pair> {
  const servers = new Map<string, { connection: Connection, closed: Promise<CloseInfo>, onClose: (info: CloseInfo) => void }>()
  let count = 0
  app.ws(url, {
    ...options,
    onOpen (connection, request) {
      const { promise, resolve } = deferred<CloseInfo>()
      const { pair } = request.query as { pair: string }
      servers.set(pair, { connection, closed: promise, onClose: resolve })
      return pair
    },
    onClose (connection, info) { servers.get(connection.data)?.onClose(info) }
  }, () => {})
  return async (inject = {}) => {
    const pair = String(count++)
    const client = await app.injectWS(url, { ...inject, query: { pair } })
    const server = servers.get(pair)
    if (server === undefined) throw new Error('the route was not opened')
    return { client, connection: server.connection, closed: server.closed }
  }
}

/** What a client was sent before this call and has not received. A fence is sent after it, which a route's schema may have to allow. */
export async function received ({ client, connection }: Pair, fence: unknown = 'fence'): Promise<unknown[]> {
  connection.send(fence)
  const before = []
  for (;;) {
    const message = await client.receive()
    if (JSON.stringify(message) === JSON.stringify(fence)) return before
    before.push(message)
  }
}
