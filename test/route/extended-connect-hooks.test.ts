import { once } from 'node:events'
import { constants } from 'node:http2'
import type { ClientHttp2Stream } from 'node:http2'
import { setImmediate as immediate } from 'node:timers/promises'
import { until } from '../fuzz/until.ts'
import { deferred } from '../helpers/app.ts'
import { onHttp2, refusal } from '../helpers/http2-app.ts'

const ignore = (): void => {}
const kinds = ['onRequest', 'preParsing', 'preValidation', 'preHandler'] as const
const teapot = (): Error => Object.assign(new Error('no'), { statusCode: 418 })

onHttp2('every hook runs in the order of REST, and onResponse once, at the 200', async (t, server) => {
  const app = await server.build()
  const ran: string[] = []
  const note = (name: string) => async () => { ran.push(name) }
  for (const kind of kinds) app.addHook(kind, note(`instance ${kind}`))
  app.addHook('onSend', async (_request, reply) => { ran.push(`onSend ${reply.statusCode}`) })
  const responded = deferred()
  app.addHook('onResponse', async (_request, reply) => {
    ran.push(`onResponse ${reply.statusCode}`)
    responded.resolve()
  })
  app.ws('/', {
    ...Object.fromEntries(kinds.map(kind => [kind, note(`route ${kind}`)])),
    onSend: async () => { ran.push('route onSend') },
    onOpen: () => { ran.push('onOpen') },
    onClose: () => { ran.push('onClose') }
  }, message => message)
  const client = await server.connect(app)
  const socket = await client.open('/')
  await responded.promise
  const opening = [...kinds.flatMap(kind => [`instance ${kind}`, `route ${kind}`]), 'onSend 200', 'route onSend', 'onOpen', 'onResponse 200']
  t.same(ran, opening)
  socket.send(1)
  await socket.message()
  await socket.close(1000)
  await socket.closed()
  client.session.close()
  await once(client.session, 'close')
  await until('nothing is left', () => app.wsStats().connections.open === 0)
  t.same(ran, [...opening, 'onClose'])
})

onHttp2('onRequestAbort does not run when a connection ends, however it does, nor after a whole reply', async (t, server) => {
  const app = await server.build()
  app.addHook('onRequestAbort', async _request => { t.fail('nothing was aborted') })
  app.addHook('onRequest', async request => { request.raw.on('aborted', () => t.fail('nothing was aborted')) })
  app.ws('/', (_message, connection) => connection.terminate())
  app.ws('/no', { onRequest: async (_request, reply) => await reply.code(401).send('no') }, ignore)
  const client = await server.connect(app)
  const ends: Array<(stream: ClientHttp2Stream) => void> = [
    stream => { stream.close(constants.NGHTTP2_CANCEL) },
    stream => { stream.end() },
    stream => { stream.write(Buffer.from('818100000000' + '31', 'hex')) },
    () => { client.session.destroy() }
  ]
  t.equal((await refusal(client, '/no')).statusCode, 401)
  for (const end of ends) {
    const { socket } = await client.open('/')
    end(socket as never)
    await once(socket, 'close')
    await until('it has ended', () => app.wsConnections.size === 0)
  }
})

onHttp2('onRequestAbort runs, and request.signal is aborted, when the client cancels while hooks run', async (t, server) => {
  const app = await server.build()
  const ran: string[] = []
  app.addHook('onRequestAbort', async request => { ran.push(`aborted ${request.url}`) })
  app.addHook('onSend', async () => { ran.push('onSend') })
  app.addHook('onResponse', async () => { ran.push('onResponse') })
  const entered = deferred()
  const aborted = deferred()
  app.ws('/', {
    preHandler: async request => {
      request.signal.addEventListener('abort', () => aborted.resolve())
      entered.resolve()
      await aborted.promise
      await immediate()
    },
    onOpen: () => { t.fail('not to be opened') }
  }, ignore)
  const client = await server.connect(app)
  const stream = client.request('/')
  await entered.promise
  t.equal(app.wsStats().upgrades.pending, 1)
  stream.close(constants.NGHTTP2_CANCEL)
  await aborted.promise
  await until('it is over', () => app.wsStats().upgrades.pending === 0)
  await immediate()
  t.equal(ran.filter(name => name === 'aborted /').length, 1)
  t.same(app.wsStats().upgrades, { pending: 0, refused: {}, aborted: 1 })
  t.equal(app.wsStats().connections.opened, 0)
})

onHttp2('a session that is dropped while hooks run aborts all that it asked for', async (t, server) => {
  const app = await server.build()
  let asked = 0
  let aborted = 0
  const release = deferred()
  app.addHook('onRequestAbort', async _request => { aborted++ })
  app.ws('/', { onRequest: async () => { asked++; await release.promise }, onOpen: () => { t.fail('not to be opened') } }, ignore)
  const client = await server.connect(app)
  for (let i = 0; i < 3; i++) client.request('/')
  await until('all are asked', () => asked === 3)
  client.session.destroy()
  await until('all are aborted', () => aborted === 3)
  release.resolve()
  await until('all are over', () => app.wsStats().upgrades.pending === 0)
  t.equal(app.wsStats().upgrades.aborted, 3)
})

onHttp2('an onSend hook that fails, or changes the status, refuses', async (t, server) => {
  const app = await server.build()
  app.ws('/fails', { onSend: async (_request, reply) => { if (reply.statusCode === 200) throw new Error('no') }, onOpen: () => { t.fail('not to be opened') } }, ignore)
  app.ws('/busy', { onSend: async (_request, reply) => { void reply.code(429); return 'slow down' }, onOpen: () => { t.fail('not to be opened') } }, ignore)
  const client = await server.connect(app)
  t.match(await refusal(client, '/fails'), { statusCode: 500, body: /"message":"no"/ })
  t.match(await refusal(client, '/busy'), { statusCode: 429, body: 'slow down' })
})

onHttp2('onError, onSend and onResponse hooks see what was refused', async (t, server) => {
  const app = await server.build()
  const ran: string[] = []
  const responded = deferred()
  app.addHook('onError', async (_request, _reply, error) => { ran.push(`onError ${error.message}`) })
  app.addHook('onSend', async (_request, reply, payload) => {
    ran.push(`onSend ${reply.statusCode}`)
    return String(payload).toUpperCase()
  })
  app.addHook('onResponse', async (_request, reply) => {
    ran.push(`onResponse ${reply.statusCode}`)
    responded.resolve()
  })
  app.ws('/', { preHandler: async () => { throw teapot() } }, ignore)
  t.match(await refusal(await server.connect(app), '/'), { statusCode: 418, body: '{"STATUSCODE":418,"ERROR":"I\'M A TEAPOT","MESSAGE":"NO"}' })
  await responded.promise
  t.same(ran, ['onError no', 'onSend 418', 'onResponse 418'])
})

onHttp2('headers of every kind of hook are on the 200: cookies, lists, what middleware sets on the raw response', async (t, server) => {
  const app = await server.build()
  app.addHook('onRequest', async (_request, reply) => { void reply.header('x-hook', 'ran').header('content-type', 'text/plain').header('x-number', 5) })
  app.addHook('onRequest', async (_request, reply) => { reply.raw.setHeader('x-raw', 'set') })
  app.addHook('onRequest', async (_request, { raw }) => {
    const { writeHead } = raw
    Object.assign(raw, {
      writeHead: (...head: unknown[]) => {
        raw.setHeader('x-late', 'with the head')
        return Reflect.apply(writeHead, raw, head)
      }
    })
  })
  app.addHook('onSend', async (_request, reply) => { void reply.header('set-cookie', ['a=1', 'b=2']).header('sec-websocket-protocol', 'forged').header('content-length', '7') })
  app.ws('/', message => message)
  const client = await server.connect(app)
  const stream = client.request('/')
  const [headers] = await once(stream, 'response')
  t.match(headers, { ':status': 200, 'x-hook': 'ran', 'x-number': '5', 'x-raw': 'set', 'x-late': 'with the head', 'set-cookie': ['a=1', 'b=2'], date: /GMT$/ })
  for (const name of ['content-type', 'content-length', 'sec-websocket-protocol', 'sec-websocket-accept', 'connection', 'upgrade']) t.notOk(name in headers, name)
})

onHttp2("Fastify's handlerTimeout refuses who waits, and leaves a connection alone", async (t, server) => {
  const app = await server.build()
  app.ws('/slow', { handlerTimeout: 20, preHandler: (_request, _reply, _done) => {} }, ignore)
  app.ws('/quick', { handlerTimeout: 20 }, async () => await new Promise(resolve => setTimeout(resolve, 60, 'handled')))
  const client = await server.connect(app)
  t.equal((await refusal(client, '/slow')).statusCode, 503)
  const socket = await client.open('/quick')
  socket.send(1)
  t.equal(await socket.message(), 'handled')
})

onHttp2('the timeout that the application gave a request is not that of the connection', async (t, server) => {
  const app = await server.build()
  const told: string[] = []
  app.addHook('onRequest', async request => { request.raw.setTimeout(20, () => told.push(request.url)) })
  app.ws('/slow', { preHandler: async () => await until('it is told', () => told.length > 0) }, ignore)
  app.ws('/quiet', async () => await new Promise(resolve => setTimeout(resolve, 60, 'still here')))
  const client = await server.connect(app)
  await client.open('/slow')
  const socket = await client.open('/quiet')
  socket.send(1)
  t.equal(await socket.message(), 'still here')
  t.same(told, ['/slow'])
})
