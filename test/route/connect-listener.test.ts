import type { AddressInfo } from 'node:net'
import t from 'tap'
import { buildHttp2App } from '../helpers/http2-app.ts'
import { Http2Client } from '../helpers/http2-client.ts'
import { giveLocalhostBoth } from '../helpers/localhost.ts'

t.test('every address of localhost speaks WebSocket over HTTP/2', async t => {
  giveLocalhostBoth(t)
  const app = await buildHttp2App(t)
  await app.register(async app => { app.ws('/echo', message => message) })
  await app.listen({ host: 'localhost', port: 0 })
  const { port } = app.server.address() as AddressInfo
  t.same((app.addresses() as AddressInfo[]).map(({ address }) => address).sort(), ['127.0.0.1', '::1'])
  for (const host of ['127.0.0.1', '::1']) {
    const socket = await (await Http2Client.connect(port, { host })).open('/echo')
    socket.send(host)
    t.equal(await socket.message(), host)
  }
  t.equal(app.wsConnections.size, 2)
})
