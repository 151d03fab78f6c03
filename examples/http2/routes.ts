import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import type { WsUpgradeEvent } from 'fastify-typed-ws'
import { servePages } from '../support/pages.ts'
import { TcpConnectionList } from './messages.ts'
import type { TcpConnections } from './tcp-connections.ts'

/** Where this package tells that a request to open a WebSocket was replied to. */
const upgradeReplied = 'tracing:fastify-typed-ws:upgrade:asyncStart'
/** Changes of so many milliseconds are told together. */
const tellEvery = 50

/** The page that shows what carries the WebSockets, those of the chat included. */
export async function connectionRoutes (instance: FastifyInstance, { tcpConnections }: { tcpConnections: TcpConnections }): Promise<void> {
  const app = instance.withTypeProvider<TypeBoxTypeProvider>()
  await servePages(app, 'http2')
  const watching = app.rooms.declare('tcp-connections', { send: TcpConnectionList }).room('tcp-connections')

  let timer: NodeJS.Timeout | undefined
  tcpConnections.onChange = () => {
    timer ??= setTimeout(() => {
      timer = undefined
      void watching.send(tcpConnections.list)
    }, tellEvery).unref()
  }

  // The routes of the chat do not know that they are watched.
  const onUpgrade = (event: unknown): void => {
    const upgrade = event as WsUpgradeEvent
    if (upgrade.instance.server === app.server) tcpConnections.onUpgrade(upgrade)
  }
  subscribe(upgradeReplied, onUpgrade)
  app.addHook('onClose', async () => { unsubscribe(upgradeReplied, onUpgrade) })

  app.get('/list', { schema: { response: { 200: TcpConnectionList } } }, async () => tcpConnections.list)

  app.ws('/list', {
    schema: { send: TcpConnectionList },
    async onOpen (connection) {
      await connection.join('tcp-connections')
      connection.send(tcpConnections.list)
    }
  }, () => {})

  app.ws('/echo', { codec: 'raw' }, message => message)
}
