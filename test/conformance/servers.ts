import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import { WebSocketServer } from 'ws'
import type { WsPluginOptions } from '../../types/index.ts'
import { buildApp, listen } from '../helpers/app.ts'
import type { Target } from './carrier.ts'
import { maxPayload } from './cases/9-limits.ts'

const host = '127.0.0.1'

/** An echo of this package's, ended with the test: over HTTP/1.1, or over HTTP/2 in cleartext. */
export async function startOurs (t: Test, options: WsPluginOptions = {}, http2 = false): Promise<Target> {
  const app = await buildApp(t, { maxPayload, ...options }, http2 ? { http2 } as object : {})
  app.ws('/echo', { codec: 'raw' }, message => message)
  return { host, port: await listen(app), path: '/echo' }
}

/** The control: an echo of the library that most servers on Node use, ended with the test. */
export async function startControl (t: Test): Promise<Target> {
  const server = new WebSocketServer({ host, port: 0, maxPayload, perMessageDeflate: true })
  t.after(async () => {
    for (const client of server.clients) client.terminate()
    server.close()
    await once(server, 'close')
  })
  server.on('connection', socket => {
    socket.on('error', () => {})
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
  })
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { host, port, path: '/' }
}
