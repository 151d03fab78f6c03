import dns from 'node:dns'
import { once } from 'node:events'
import { connect } from 'node:http2'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { buildApp } from '../helpers/app.ts'

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

  const app = await buildApp(t, {}, { http2: true } as object)
  await app.register(async app => { app.ws('/echo', message => message) })
  await app.listen({ host: 'localhost', port: 0 })
  const { port } = app.server.address() as AddressInfo
  t.same((app.addresses() as AddressInfo[]).map(({ address }) => address).sort(), ['127.0.0.1', '::1'])
  for (const host of ['127.0.0.1', '[::1]']) {
    const session = connect(`http://${host}:${port}`)
    t.after(() => session.destroy())
    await once(session, 'remoteSettings')
    const stream = session.request({
      ':method': 'CONNECT', ':protocol': 'websocket', ':scheme': 'http', ':authority': `${host}:${port}`, ':path': '/echo', 'sec-websocket-version': '13'
    })
    const [{ ':status': status }] = await once(stream, 'response')
    t.equal(status, 200, host)
  }
  t.equal(app.wsConnections.size, 2)
})
