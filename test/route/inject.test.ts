import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { deferred } from '../helpers/app.ts'
import { text } from '../helpers/bytes.ts'
import { overBoth } from '../helpers/over-both.ts'

const ignore = (): void => {}

overBoth('it works before listen(), and readies the app', async (t, build) => {
  const app = await build()
  let ready = false
  app.addHook('onReady', async () => { ready = true })
  app.ws('/', m => m)
  const connection = await app.injectWS('/')
  t.ok(ready)
  t.notOk(app.server.listening)
  connection.send({ hello: 1 })
  t.same(await connection.receive(), { hello: 1 })
})

overBoth('with chunkSize 1, messages of every size pass through unharmed, both ways', async (t, build) => {
  const app = await build()
  app.ws('/', { codec: 'raw' }, m => m)
  const connection = await app.injectWS('/', { chunkSize: 1 })
  for (const size of [0, 1, 125, 126, 127, 4_000]) {
    const message = Buffer.alloc(size, 'ä')
    connection.send(message)
    t.same(await connection.receive(), message, `${size} bytes`)
  }
  connection.send('grüße, 👋')
  t.equal(await connection.receive(), 'grüße, 👋')
})

overBoth('an app that does not start rejects with why', async (t, build) => {
  const app = await build()
  app.addHook('onReady', async () => { throw new Error('no database') })
  await t.rejects(app.injectWS('/'), { message: 'no database' })
})

overBoth('send: strings and Buffers as they are, all else as JSON', async (t, build) => {
  const app = await build()
  app.ws('/', { codec: 'raw' }, message => typeof message === 'string' ? `text ${message}` : `binary ${String(message)}`)
  const connection = await app.injectWS('/')
  const replies = []
  for (const message of ['plain', Buffer.from('bytes'), { a: 1 }, [1], null, 5, true]) {
    connection.send(message)
    replies.push(await connection.receive())
  }
  t.same(replies, ['text plain', 'binary bytes', 'text {"a":1}', 'text [1]', 'text null', 'text 5', 'text true'])
})

overBoth('receive: JSON is parsed, other text is a string, binary a Buffer; in order', async (t, build) => {
  const app = await build()
  app.ws('/', {
    codec: 'raw',
    onOpen: connection => { for (const message of ['{"a":1}', 'not JSON', Buffer.from('bytes'), 'null']) connection.send(message) }
  }, ignore)
  const connection = await app.injectWS('/')
  t.same([await connection.receive(), await connection.receive(), await connection.receive(), await connection.receive()], [{ a: 1 }, 'not JSON', Buffer.from('bytes'), null])
})

overBoth('receives that wait are served in order', async (t, build) => {
  const app = await build()
  app.ws('/', m => m)
  const connection = await app.injectWS('/')
  const waiting = Promise.all([connection.receive(), connection.receive()])
  connection.send(1)
  connection.send(2)
  t.same(await waiting, [1, 2])
})

overBoth('messages of onOpen, which leave with the 101, are received', async (t, build) => {
  const app = await build()
  app.ws('/', { onOpen: connection => { connection.send('welcome') } }, ignore)
  for (const chunkSize of [1, 10, undefined]) t.equal(await (await app.injectWS('/', { chunkSize })).receive(), 'welcome')
})

overBoth('receive rejects once the server closes, whether it waits already or not', async (t, build) => {
  const app = await build()
  app.ws('/', (_message, connection) => { connection.send('last'); connection.close(4000) })
  const connection = await app.injectWS('/')
  const first = connection.receive()
  const waiting = t.rejects(connection.receive(), { code: 'FST_ERR_WS_CLOSED' })
  connection.send(1)
  t.equal(await first, 'last')
  await waiting
  await t.rejects(connection.receive(), { code: 'FST_ERR_WS_CLOSED' })
})

overBoth('messages that came before the close can be received after it', async (t, build) => {
  const app = await build()
  app.ws('/', { onOpen: connection => { connection.send('one'); connection.close(4000) } }, ignore)
  const connection = await app.injectWS('/')
  await connection.expectClose(4000)
  t.equal(await connection.receive(), 'one')
  await t.rejects(connection.receive(), { code: 'FST_ERR_WS_CLOSED' })
})

overBoth('expectClose waits for the close of the server and tells its reason', async (t, build) => {
  const app = await build()
  app.ws('/', (_message, connection) => { connection.close(4001, 'enough') })
  const connection = await app.injectWS('/')
  connection.send(1)
  t.same(await connection.expectClose(4001), { code: 4001, reason: 'enough' })
})

overBoth('expectClose rejects when the code is another one', async (t, build) => {
  const app = await build()
  app.ws('/', { onOpen: connection => { connection.close(4001, 'enough') } }, ignore)
  await t.rejects((await app.injectWS('/')).expectClose(1000), { code: 'FST_ERR_WS_INJECT_CLOSE', message: /1000.*4001.*enough/ })
})

overBoth('a connection that the server drops has closed with 1006', async (t, build) => {
  const app = await build()
  app.ws('/', (_message, connection) => { connection.terminate() })
  const connection = await app.injectWS('/')
  connection.send(1)
  t.match(await connection.expectClose(1006), { code: 1006 })
})

overBoth('close does the closing handshake, and settles when the server has closed', async (t, build) => {
  const app = await build()
  const info = deferred<unknown>()
  app.ws('/', { onClose: (_connection, closeInfo) => { info.resolve(closeInfo) } }, ignore)
  await (await app.injectWS('/')).close(4002, 'bye')
  t.match(await info.promise, { code: 4002, reason: 'bye', wasClean: true })
})

overBoth('close without a code is 1000', async (t, build) => {
  const app = await build()
  const info = deferred<unknown>()
  app.ws('/', { onClose: (_connection, closeInfo) => { info.resolve(closeInfo) } }, ignore)
  await (await app.injectWS('/')).close()
  t.match(await info.promise, { code: 1000, wasClean: true })
})

overBoth('terminate drops the connection without the closing handshake', async (t, build) => {
  const app = await build()
  const info = deferred<unknown>()
  app.ws('/', { onClose: (_connection, closeInfo) => { info.resolve(closeInfo) } }, ignore)
  const connection = await app.injectWS('/')
  connection.terminate()
  t.match(await info.promise, { code: 1006, wasClean: false })
})

overBoth('ping settles with the payload of the pong', async (t, build) => {
  const app = await build()
  app.ws('/', ignore)
  const connection = await app.injectWS('/')
  t.same(await connection.ping(), Buffer.alloc(0))
  t.same(await connection.ping('payload'), Buffer.from('payload'))
})

overBoth('a ping that is not answered rejects when the connection closes', async (t, build) => {
  const app = await build()
  app.ws('/', (_message, connection) => { connection.terminate() })
  const connection = await app.injectWS('/')
  connection.send(1)
  await t.rejects(connection.ping(), { code: 'FST_ERR_WS_CLOSED' }, 'one that waits')
  await t.rejects(connection.ping(), { code: 'FST_ERR_WS_CLOSED' }, 'one that is too late')
})

overBoth('pings of the server are answered', async (t, build) => {
  const app = await build()
  const rtt = deferred<number>()
  app.ws('/', { onOpen: connection => { void connection.ping().then(rtt.resolve) } }, ignore)
  await app.injectWS('/')
  t.type(await rtt.promise, 'number')
})

overBoth('write sends any bytes', async (t, build) => {
  const app = await build()
  app.ws('/', m => m)
  const connection = await app.injectWS('/')
  connection.write(text('"by hand"'))
  t.equal(await connection.receive(), 'by hand')
  connection.write(Buffer.from([0xff, 0xff]))
  await connection.expectClose(1002)
})

overBoth('send after the close does nothing', async (t, build) => {
  const app = await build()
  app.ws('/', { onOpen: connection => { connection.close() } }, () => t.fail('no message'))
  const connection = await app.injectWS('/')
  await connection.expectClose(1000)
  connection.send(1)
})

overBoth('app.close() closes it with 1001', async (t, build) => {
  const app = await build()
  const info = deferred<unknown>()
  app.ws('/', { onClose: (_connection, closeInfo) => { info.resolve(closeInfo) } }, ignore)
  const connection = await app.injectWS('/')
  await app.close()
  t.same(await connection.expectClose(1001), { code: 1001, reason: 'server is closing' })
  t.match(await info.promise, { code: 1001, wasClean: true })
})

overBoth('after app.close(), it rejects', async (t, build) => {
  const app = await build()
  app.ws('/', ignore)
  await app.ready()
  await app.close()
  await t.rejects(app.injectWS('/'))
})

overBoth('a large message in both directions', async (t, build) => {
  const app = await build({ maxPayload: 10_000_000 })
  app.ws('/', m => m)
  const connection = await app.injectWS('/')
  const message = 'x'.repeat(5_000_000)
  connection.send({ message })
  t.same(await connection.receive(), { message })
})

overBoth('many at once are kept apart', async (t, build) => {
  const app = await build()
  app.ws('/:n', { onOpen: (_connection, request) => (request.params as { n: string }).n }, (_message, connection) => connection.data)
  const connections = await Promise.all(Array.from({ length: 50 }, (_, n) => app.injectWS(`/${n}`)))
  const replies = await Promise.all(connections.map(connection => { connection.send(1); return connection.receive() }))
  t.same(replies, Array.from({ length: 50 }, (_, n) => String(n)))
})

overBoth('a chunkSize that is no size is refused', async (t, build) => {
  const app = await build()
  app.ws('/', ignore)
  for (const chunkSize of [0, -1, NaN, 1.5]) await t.rejects(app.injectWS('/', { chunkSize }), { code: 'FST_ERR_WS_OPTION' }, String(chunkSize))
})

overBoth('a connection that is left open keeps no process alive', async (t, _build, isHttp2) => {
  const script = `
    import Fastify from 'fastify'
    import typedWs from ${JSON.stringify(new URL('../../lib/index.js', import.meta.url).href)}
    const app = Fastify({ http2: ${isHttp2} })
    await app.register(typedWs)
    app.ws('/', message => message)
    const connection = await app.injectWS('/')
    connection.send(1)
    process.stdout.write(String(await connection.receive()))
    await app.injectWS('/nowhere').catch(({ response }) => process.stdout.write(String(response.statusCode)))`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => child.kill())
  let printed = ''
  child.stdout.on('data', (chunk: Buffer) => { printed += String(chunk) })
  t.same(await once(child, 'close'), [0, null])
  t.equal(printed, '1404')
})
