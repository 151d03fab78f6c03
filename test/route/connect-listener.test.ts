import dns from 'node:dns'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { buildHttp2App } from '../helpers/http2-app.ts'
import { Http2Client } from '../helpers/http2-client.ts'

t.test('every address of localhost speaks WebSocket over HTTP/2', async t => {
  // As systems with IPv6 have it; this one may not.
  const { lookup } = dns
  const both = [{ address: '127.0.0.1', family: 4 }, { address: '::1', family: 6 }]
  Object.assign(dns, {
    lookup (host: string, options: dns.LookupAllOptions, callback: (error: null, found: dns.LookupAddress[]) => void) {
      if (host === 'localhost' && options.all) callback(null, both)
      else Reflect.apply(lookup, dns, [host, options, callback])
    }
  })
  t.after(() => Object.assign(dns, { lookup }))

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
