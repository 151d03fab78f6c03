import { once } from 'node:events'
import t from 'tap'
import { buildApp, listen } from '../helpers/app.ts'
import { Http2Client } from '../helpers/http2-client.ts'
import { selfSigned } from '../helpers/tls.ts'
import { blockOf } from './code.ts'

/* What docs/http2.md shows of the wire is what is on it. */

const page = 'docs/http2.md'

function headersOf (block: string): Record<string, string> {
  return Object.fromEntries([...block.matchAll(/^(:?[^:\n]+): (.+)$/gm)].map(([, name, value]) => [name, value]))
}

t.test('the handshake that the page shows', async t => {
  const app = await buildApp(t, {}, { http2: true, https: { ...selfSigned(), allowHTTP1: true } } as object)
  app.ws('/echo', { subprotocols: ['chat.v1'], perMessageDeflate: true }, message => message)
  const client = await Http2Client.connect(await listen(app), { secure: true })
  t.after(() => client.session.destroy())
  t.equal(blockOf(page, 'http', 0), 'SETTINGS_ENABLE_CONNECT_PROTOCOL: 1\n')
  t.equal(client.session.remoteSettings.enableConnectProtocol, true)

  const stream = client.request('/echo', headersOf(blockOf(page, 'http', 1)))
  t.same(stream.sentHeaders, headersOf(blockOf(page, 'http', 1)))
  const [{ ':status': status, date, ...received }] = await once(stream, 'response')
  const { ':status': shown, date: then, ...others } = headersOf(blockOf(page, 'http', 2))
  t.equal(String(status), shown)
  t.same(Object.fromEntries(Object.entries(received)), others)
  t.equal(Number.isNaN(Date.parse(date)) || Number.isNaN(Date.parse(then)), false)
})

t.test('what is refused otherwise than over HTTP/1.1', async t => {
  const app = await buildApp(t, {}, { http2: true } as object)
  app.get('/rest', () => ({ hello: 'world' }))
  app.ws('/echo', message => message)
  const client = await Http2Client.connect(await listen(app))
  t.after(() => client.session.destroy())
  const refused = (headers: Record<string, string | null>): Promise<unknown> => client.reply(client.request('/echo', headers))
  t.match(await client.reply(client.session.request({ ':path': '/echo' })), { statusCode: 405, headers: { allow: 'CONNECT' } })
  t.match(await refused({ 'sec-websocket-version': '8' }), { statusCode: 400, headers: { 'sec-websocket-version': '13' } })
  t.match(await refused({ ':protocol': 'connect-udp' }), { statusCode: 501 })
  t.match(await refused({ ':protocol': null, ':scheme': null, ':path': null }), { statusCode: 405 })
  t.match(await refused({ ':path': '/rest' }), { statusCode: 405, headers: { allow: 'GET' }, body: '{"hello":"world"}' })
})

t.test('a session on which nothing is said for http2SessionTimeout tells its WebSockets 1001', async t => {
  const app = await buildApp(t, { heartbeat: false }, { http2: true, http2SessionTimeout: 100 } as object)
  app.ws('/echo', message => message)
  const client = await Http2Client.connect(await listen(app))
  t.after(() => client.session.destroy())
  const socket = await client.open('/echo')
  t.same(await socket.closeFrame(), { code: 1001, reason: 'session is closing' })
})

t.test('where maxConcurrentStreams are open, the next one waits', async t => {
  const app = await buildApp(t, {}, { http2: true, http: { settings: { maxConcurrentStreams: 2 } } } as object)
  app.ws('/echo', message => message)
  const client = await Http2Client.connect(await listen(app))
  t.after(() => client.session.destroy())
  const first = await client.open('/echo')
  await client.open('/echo')
  const third = client.open('/echo')
  first.send(['still here'])
  t.same(await first.message(), ['still here'])
  t.equal(app.wsConnections.size, 2)
  first.socket.destroy()
  await third
  t.equal(app.wsConnections.size, 2)
})
