import { Readable } from 'node:stream'
import Fastify from 'fastify'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import t from 'tap'
import type { Test } from 'tap'
import typedWs from '../../lib/index.ts'
import { buildApp, deferred, listen } from '../helpers/app.ts'
import { carriersOf } from '../helpers/carriers.ts'
import { acceptStatus, http1Test, lastReply, versionOptions } from '../helpers/http-version.ts'
import { RawClient } from '../helpers/raw-client.ts'
import type { HttpReply } from '../helpers/raw-client.ts'
import { ServerSockets } from '../helpers/server-sockets.ts'

const ignore = (): void => {}

const kinds = ['onRequest', 'preParsing', 'preValidation', 'preHandler'] as const
type Kind = typeof kinds[number]

/** Hooks have different arguments before the last one; it is `done` for those that take as many as Fastify passes. */
type Hook = (...args: never[]) => unknown

interface Way {
  /** A hook of the kind that refuses every request. */
  readonly hook: (kind: Kind) => Hook
  readonly expected: Partial<HttpReply>
}

const teapot = (): Error => Object.assign(new Error('no'), { statusCode: 418 })

/** A hook with a callback, of the arity that Fastify asks for. */
function withDone (body: (reply: FastifyReply, done: (error?: Error) => void) => void): Way['hook'] {
  return kind => kind === 'preParsing'
    ? (_request: FastifyRequest, reply: FastifyReply, _payload: unknown, done: () => void) => { body(reply, done) }
    : (_request: FastifyRequest, reply: FastifyReply, done: () => void) => { body(reply, done) }
}

const asyncHook = (body: (reply: FastifyReply) => Promise<unknown>): Way['hook'] =>
  () => async (_request: FastifyRequest, reply: FastifyReply) => await body(reply)

const ways: Record<string, Way> = {
  'calls back with an error': {
    hook: withDone((_reply, done) => { done(teapot()) }),
    expected: { statusCode: 418, body: '{"statusCode":418,"error":"I\'m a Teapot","message":"no"}' }
  },
  'calls back with an error later': {
    hook: withDone((_reply, done) => { setImmediate(done, teapot()) }),
    expected: { statusCode: 418 }
  },
  'throws, being async': {
    hook: asyncHook(async () => { throw teapot() }),
    expected: { statusCode: 418, headers: { 'content-type': 'application/json; charset=utf-8' } }
  },
  'replies, and never calls back': {
    hook: withDone(reply => { void reply.code(401).header('www-authenticate', 'Basic').send('who are you?') }),
    expected: { statusCode: 401, headers: { 'www-authenticate': 'Basic' }, body: 'who are you?' }
  },
  'replies, being async': {
    hook: asyncHook(async reply => await reply.code(403).header('set-cookie', 'a=1').send({ error: 'no' })),
    expected: { statusCode: 403, headers: { 'set-cookie': 'a=1' }, body: '{"error":"no"}' }
  },
  'replies with a stream': {
    hook: asyncHook(async reply => await reply.code(403).header('content-length', 6).send(Readable.from(['abc', 'def']))),
    expected: { statusCode: 403, body: 'abcdef' }
  },
  redirects: {
    hook: asyncHook(async reply => await reply.redirect('/login', 303)),
    expected: { statusCode: 303, headers: { location: '/login' } }
  }
}

const places: Record<string, (kind: Kind, hook: Hook) => Promise<FastifyInstance>> = {
  'an instance hook registered before the plugin': async (kind, hook) => {
    const app = Fastify(versionOptions)
    app.addHook(kind as 'onRequest', hook as never)
    await app.register(typedWs)
    return app.ws('/', ignore)
  },
  'an instance hook registered after the plugin': async (kind, hook) => {
    const app = Fastify(versionOptions)
    await app.register(typedWs)
    app.addHook(kind as 'onRequest', hook as never)
    return app.ws('/', ignore)
  },
  'a hook of another plugin registered after the plugin': async (kind, hook) => {
    const app = Fastify(versionOptions)
    await app.register(typedWs)
    await app.register(async scope => {
      scope.addHook(kind as 'onRequest', hook as never)
      scope.ws('/', ignore)
    })
    return app
  },
  'a hook of the route': async (kind, hook) => {
    const app = Fastify(versionOptions)
    await app.register(typedWs)
    return app.ws('/', { [kind]: hook }, ignore)
  },
  'the last of several hooks of the route': async (kind, hook) => {
    const app = Fastify(versionOptions)
    await app.register(typedWs)
    return app.ws('/', { [kind]: [async () => {}, async () => {}, hook] }, ignore)
  }
}

/** The client has the whole reply, is told that it was the last, and nothing is left of the connection. */
async function refusedWith (t: Test, app: FastifyInstance, expected: Partial<HttpReply>): Promise<void> {
  const sockets = new ServerSockets(app)
  const client = await RawClient.connect(await listen(app))
  client.request('/')
  const reply = await client.reply()
  t.match(reply, expected)
  t.equal(reply.headers.connection, lastReply)
  await client.ended()
  client.socket.end()
  await sockets.open(0)
}

for (const [place, build] of Object.entries(places)) {
  for (const kind of kinds) {
    for (const [way, { hook, expected }] of Object.entries(ways)) {
      t.test(`${kind}, ${place}, ${way}: the client has the full reply and the descriptor is freed`, async t => {
        const app = await build(kind, hook(kind))
        t.after(() => { RawClient.dropAll(); return app.close() })
        await refusedWith(t, app, expected)
      })
    }
  }
}

t.test('a hook that replies through the raw response refuses as well', async t => {
  const app = await buildApp(t)
  app.ws('/', {
    onRequest: async (_request, reply) => {
      reply.hijack()
      reply.raw.writeHead(402, { 'content-length': 3 }).end('pay')
    }
  }, ignore)
  await refusedWith(t, app, { statusCode: 402, body: 'pay' })
})

t.test('a large stream reaches a client that reads slowly, whole', async t => {
  const app = await buildApp(t)
  const size = 32 * 1024 * 1024
  app.ws('/', {
    onRequest: async (_request, reply) => {
      await reply.code(403).header('content-length', size).send(Readable.from(function * () {
        for (let sent = 0; sent < size; sent += 65_536) yield Buffer.alloc(65_536, 'x')
      }()))
    }
  }, ignore)
  const carriers = carriersOf(app)
  const client = await RawClient.connect(await listen(app))
  client.request('/')
  client.socket.pause()
  while (carriers[0] === undefined || carriers[0].writableLength === 0) await new Promise(resolve => setImmediate(resolve))
  client.socket.resume()
  const { statusCode, body } = await client.reply()
  t.equal(statusCode, 403)
  t.equal(body.length, size)
  await client.ended()
})

http1Test('a refused client that keeps its side open is dropped', async t => {
  const app = await buildApp(t)
  app.ws('/', { onRequest: async (_request, reply) => await reply.code(401).send('no') }, ignore)
  const sockets = new ServerSockets(app)
  const client = await RawClient.connect(await listen(app))
  client.request('/')
  await client.ended()
  t.equal(client.socket.writable, true, 'the client has not ended')
  await sockets.open(0)
})

t.test('a refused client that goes on sending still has its reply', async t => {
  const app = await buildApp(t)
  app.ws('/', { onRequest: async (_request, reply) => await reply.code(401).send('no') }, ignore)
  const client = await RawClient.connect(await listen(app))
  client.request('/', { head: Buffer.alloc(1024 * 1024) })
  t.match(await client.reply(), { statusCode: 401, body: 'no' })
})

t.test('hooks run in the order of REST, ours being the first of the route', async t => {
  const app = await buildApp(t)
  const ran: string[] = []
  const note = (name: string) => async () => { ran.push(name) }
  for (const kind of kinds) app.addHook(kind, note(`instance ${kind}`))
  const done = deferred()
  app.addHook('onResponse', async () => { ran.push('onResponse'); done.resolve() })
  app.ws('/', {
    ...Object.fromEntries(kinds.map(kind => [kind, note(`route ${kind}`)])),
    onOpen: () => { ran.push('onOpen') }
  }, ignore)
  await RawClient.open(await listen(app), '/')
  await done.promise
  t.same(ran.filter(name => name !== 'onResponse'), [...kinds.flatMap(kind => [`instance ${kind}`, `route ${kind}`]), 'onOpen'])
  t.ok(ran.includes('onResponse'))
})

t.test('onSend hooks may change the reply to a refused upgrade', async t => {
  const app = await buildApp(t)
  app.addHook('onSend', async (_request, reply, payload) => {
    void reply.header('x-sent', 'yes')
    return String(payload).toUpperCase()
  })
  app.ws('/', { onRequest: async (_request, reply) => await reply.code(401).send('no') }, ignore)
  await refusedWith(t, app, { statusCode: 401, headers: { 'x-sent': 'yes' }, body: 'NO' })
})

t.test('onSend hooks run before the 101 and may add headers', async t => {
  const app = await buildApp(t)
  app.addHook('onSend', async (_request, reply, payload) => {
    void reply.header('x-sent', 'yes')
    return payload
  })
  app.ws('/', ignore)
  const client = await RawClient.connect(await listen(app))
  client.request('/')
  t.match(await client.reply(), { statusCode: acceptStatus, headers: { 'x-sent': 'yes' } })
})

t.test('an onSend hook that fails refuses the upgrade', async t => {
  const app = await buildApp(t)
  app.addHook('onSend', async (_request, reply) => { if (reply.statusCode === acceptStatus) throw new Error('no') })
  app.ws('/', { onOpen: () => t.fail('not to be opened') }, ignore)
  await refusedWith(t, app, { statusCode: 500 })
})

t.test('an onSend hook that fails refuses the upgrade, also where the error handler sets no status', async t => {
  const app = await buildApp(t)
  app.setErrorHandler(async error => ({ told: (error as Error).message }))
  app.addHook('onSend', async (_request, reply) => { if (reply.statusCode === acceptStatus) throw new Error('no') })
  app.ws('/', { onOpen: () => t.fail('not to be opened') }, ignore)
  await refusedWith(t, app, { statusCode: 500, body: '{"told":"no"}' })
})

t.test('an onSend hook that changes the status refuses the upgrade', async t => {
  const app = await buildApp(t)
  app.addHook('onSend', async (_request, reply) => { void reply.code(429); return 'slow down' })
  app.ws('/', { onOpen: () => t.fail('not to be opened') }, ignore)
  await refusedWith(t, app, { statusCode: 429, body: 'slow down' })
})

t.test('the onSend and onError hooks of a route run, too', async t => {
  const app = await buildApp(t)
  const ran: string[] = []
  app.ws('/', {
    onSend: async (_request, reply) => { ran.push(`onSend ${reply.statusCode}`) },
    onError: async (_request, _reply, error) => { ran.push(`onError ${error.message}`) },
    preHandler: async request => { if (request.url === '/?no') throw teapot() }
  }, ignore)
  const port = await listen(app)
  await RawClient.open(port, '/')
  const client = await RawClient.connect(port)
  client.request('/?no')
  await client.reply()
  t.same(ran, [`onSend ${acceptStatus}`, 'onError no', 'onSend 418'])
})

t.test('onError hooks see what refused an upgrade', async t => {
  const app = await buildApp(t)
  const seen = deferred<Error>()
  app.addHook('onError', async (_request, _reply, error) => { seen.resolve(error) })
  app.ws('/', { preHandler: async () => { throw teapot() } }, ignore)
  await refusedWith(t, app, { statusCode: 418 })
  t.match(await seen.promise, { message: 'no' })
})

t.test('onResponse runs for a refused upgrade', async t => {
  const app = await buildApp(t)
  const seen = deferred<number>()
  app.addHook('onResponse', async (_request, reply) => { seen.resolve(reply.statusCode) })
  app.ws('/', { preHandler: async () => { throw teapot() } }, ignore)
  await refusedWith(t, app, { statusCode: 418 })
  t.equal(await seen.promise, 418)
})

t.test('onResponse runs for an accepted upgrade, with status 101', async t => {
  const app = await buildApp(t)
  const seen = deferred<number>()
  app.addHook('onResponse', async (_request, reply) => { seen.resolve(reply.statusCode) })
  app.ws('/', ignore)
  await RawClient.open(await listen(app), '/')
  t.equal(await seen.promise, acceptStatus)
})

t.test('onRequestAbort runs when the client vanishes during a hook', async t => {
  const app = await buildApp(t)
  const entered = deferred()
  const aborted = deferred<string>()
  const release = deferred()
  app.addHook('onRequestAbort', async request => { aborted.resolve(request.url) })
  app.ws('/', { preHandler: async () => { entered.resolve(); await release.promise }, onOpen: () => t.fail('not to be opened') }, ignore)
  const client = await RawClient.connect(await listen(app))
  client.request('/')
  await entered.promise
  client.socket.destroy()
  t.equal(await aborted.promise, '/')
  release.resolve()
})

t.test('onRequestAbort does not run when a connection ends that was accepted, nor after a whole reply', async t => {
  const app = await buildApp(t)
  app.addHook('onRequestAbort', async _request => { t.fail('nothing was aborted') })
  app.ws('/', ignore)
  app.ws('/no', { onRequest: async (_request, reply) => await reply.code(401).send('no') }, ignore)
  const sockets = new ServerSockets(app)
  const port = await listen(app)
  const client = await RawClient.open(port, '/')
  client.reset()
  const refused = await RawClient.connect(port)
  refused.request('/no')
  await refused.reply()
  await refused.ended()
  refused.socket.end()
  await sockets.open(0)
})

t.test('request.signal is aborted when the client vanishes during a hook', async t => {
  const app = await buildApp(t)
  const aborted = deferred()
  const entered = deferred()
  app.ws('/', {
    preHandler: async request => {
      request.signal.addEventListener('abort', () => { aborted.resolve() })
      entered.resolve()
      await aborted.promise
    }
  }, ignore)
  const client = await RawClient.connect(await listen(app))
  client.request('/')
  await entered.promise
  client.socket.destroy()
  await aborted.promise
})

t.test("Fastify's handlerTimeout refuses a slow upgrade, and leaves an accepted one alone", async t => {
  const app = await buildApp(t)
  app.ws('/slow', { handlerTimeout: 20, preHandler: (_request, _reply, _done) => {} }, ignore)
  app.ws('/quick', { handlerTimeout: 20 }, async () => await new Promise(resolve => setTimeout(resolve, 60, 'handled')))
  const port = await listen(app)
  const slow = await RawClient.connect(port)
  slow.request('/slow')
  t.equal((await slow.reply()).statusCode, 503)
  const quick = await RawClient.open(port, '/quick')
  quick.send(1)
  t.equal(await quick.message(), 'handled')
})
