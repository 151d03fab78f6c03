import { once } from 'node:events'
import { connect } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { connect as connectByTls } from 'node:tls'
import t from 'tap'
import type { Test } from 'tap'
import { until } from '../fuzz/until.ts'
import { buildApp, deferred, listen } from '../helpers/app.ts'
import { upgradeBytes } from '../helpers/hostile.ts'
import { giveLocalhostBoth } from '../helpers/localhost.ts'
import { selfSigned } from '../helpers/tls.ts'

/** So long may a client take for the rest of a request, in milliseconds. */
const closeTimeout = 200

const certificate = selfSigned()

interface ServerKind {
  readonly options: object
  /** What clients may agree on in the TLS handshake; null in cleartext. */
  readonly protocols: readonly string[] | null
}

const servers: Record<string, ServerKind> = {
  'HTTP/1.1': { protocols: null, options: {} },
  'HTTP/1.1 by TLS': { protocols: ['http/1.1'], options: { https: certificate } },
  'HTTP/2 in cleartext': { protocols: null, options: { http2: true } },
  'HTTP/2 by TLS': { protocols: ['h2'], options: { http2: true, https: certificate } },
  'HTTP/2 beside HTTP/1.1': { protocols: ['h2', 'http/1.1'], options: { http2: true, https: { ...certificate, allowHTTP1: true } } }
}

/** Keeps its side open whatever the server does. */
function openSocket (t: Test, port: number): Socket {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  return endedWith(t, socket)
}

function openSecureSocket (t: Test, port: number, ...protocols: string[]): Socket {
  const options = { port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: protocols, allowHalfOpen: true }
  return endedWith(t, connectByTls(options))
}

function endedWith (t: Test, socket: Socket): Socket {
  t.after(() => socket.destroy())
  socket.on('error', () => {})
  socket.resume()
  return socket
}

for (const [name, { protocols, options }] of Object.entries(servers)) {
  /** Each with the event by which the server knows of it. */
  const silent: Record<string, { event: string, open: (t: Test, port: number) => Socket }> = {
    'has connected': { event: name === 'HTTP/2 in cleartext' ? 'session' : 'connection', open: openSocket }
  }
  if (protocols !== null) silent['has agreed on no protocol'] = { event: 'secureConnection', open: openSecureSocket }
  for (const protocol of protocols ?? []) {
    silent[`has agreed on ${protocol}`] = { event: protocol === 'h2' ? 'session' : 'secureConnection', open: (t, port) => openSecureSocket(t, port, protocol) }
  }

  for (const [has, { event, open }] of Object.entries(silent)) {
    t.test(`app.close() does not wait for a client that ${has} and says nothing: ${name}`, async t => {
      // A session of HTTP/2 is told of its end, and has this time.
      const timeout = event === 'session' ? closeTimeout : 600_000
      const app = await buildApp(t, { closeTimeout: timeout, drain: { timeout } }, options)
      const known = once(app.server, event)
      open(t, await listen(app))
      await known
      await app.close()
    })

    t.test(`app.close() waits no longer than closeTimeout for a client that comes as it begins, ${has} and says nothing: ${name}`, async t => {
      const app = await buildApp(t, { closeTimeout }, options)
      const accepted = once(app.server, 'connection')
      open(t, await listen(app))
      await accepted
      await app.close()
    })
  }
}

const beginnings: Record<string, string> = {
  'has sent half of a request': 'GET / HT',
  'has sent half of a second request': 'GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HT',
  'has sent half of an upgrade request': upgradeBytes().toString('latin1', 0, 60)
}

for (const [has, bytes] of Object.entries(beginnings)) {
  for (const name of ['HTTP/1.1', 'HTTP/1.1 by TLS', 'HTTP/2 beside HTTP/1.1']) {
    t.test(`app.close() waits no longer than closeTimeout for a client that ${has}: ${name}`, async t => {
      const { protocols, options } = servers[name]
      const app = await buildApp(t, { closeTimeout }, options)
      app.get('/', async () => 'a page')
      const port = await listen(app)
      const served = deferred()
      app.server.on(protocols === null ? 'connection' : 'secureConnection', (socket: Socket) => { void until('all is read', () => socket.bytesRead >= bytes.length).then(served.resolve) })
      const client = protocols === null ? openSocket(t, port) : openSecureSocket(t, port, 'http/1.1')
      client.write(bytes)
      await served.promise
      await app.close()
    })
  }
}

t.test('a reply that is not ready yet is waited for, however long', async t => {
  const app = await buildApp(t, { closeTimeout })
  const entered = deferred()
  const release = deferred()
  app.get('/slow', async () => { entered.resolve(); await release.promise; return 'worth it' })
  const port = await listen(app)
  const reply = fetch(`http://127.0.0.1:${port}/slow`)
  await entered.promise
  const half = openSocket(t, port)
  half.write('GET / HT')
  await once(app.server, 'connection')
  const closed = app.close()
  // A whole closeTimeout has gone by.
  await once(half, 'end')
  release.resolve()
  t.equal(await (await reply).text(), 'worth it')
  await closed
})

t.test('every address of localhost is ended', async t => {
  giveLocalhostBoth(t)
  const app = await buildApp(t, { closeTimeout })
  await app.listen({ host: 'localhost', port: 0 })
  const addresses = app.addresses() as AddressInfo[]
  t.same(addresses.map(({ address }) => address).sort(), ['127.0.0.1', '::1'])
  for (const { port, address: host } of addresses) await once(endedWith(t, connect({ port, host, allowHalfOpen: true })), 'connect')
  await app.close()
})
