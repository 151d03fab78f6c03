import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import t from 'tap'
import type { Test } from 'tap'
import { buildApp, logLines } from '../helpers/app.ts'

type ErrorHandler = (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => unknown

const immediate = (): Promise<void> => new Promise(resolve => setImmediate(resolve))
const internal = { type: 'error', code: 'FST_ERR_WS_INTERNAL', message: 'Internal Server Error' }

/** An error that is meant for the client. */
function notFound (): Error {
  return Object.assign(new Error('no such room'), { statusCode: 404, code: 'NO_ROOM' })
}

/** What a client is told when the handler of `url` fails. The connection is shown to stay. */
async function told (app: FastifyInstance, url = '/', message: object = {}): Promise<Record<string, unknown>> {
  const client = await app.injectWS(url)
  client.send(message)
  const answer = await client.receive<Record<string, unknown>>()
  await client.ping()
  await client.close()
  return answer
}

/** An application with one route, whose handler throws `error` and whose error handler is `errorHandler`. */
async function failing (t: Test, errorHandler: ErrorHandler | undefined, error: unknown = new Error('secret')): Promise<{ app: FastifyInstance, lines: Array<Record<string, unknown>> }> {
  const { lines, stream } = logLines()
  const app = await buildApp(t, {}, { logger: { stream } })
  app.ws('/', errorHandler === undefined ? {} : { errorHandler }, () => { throw error })
  return { app, lines }
}

t.test('a handler that throws or rejects costs an error message without internals, and the connection stays', async t => {
  const unhandled: unknown[] = []
  const listener = (reason: unknown): void => { unhandled.push(reason) }
  process.on('unhandledRejection', listener)
  t.teardown(() => process.off('unhandledRejection', listener))
  const app = await buildApp(t)
  app.ws('/sync', () => { throw new Error('secret') })
  app.ws('/async', async () => { await immediate(); throw new Error('secret') })
  app.ws('/rejection', () => Promise.reject(new Error('secret')))
  app.ws('/nothing', () => Promise.reject()) // eslint-disable-line prefer-promise-reject-errors
  app.ws('/string', () => { throw 'secret' }) // eslint-disable-line no-throw-literal
  app.ws('/object', () => { throw { message: 'secret', password: 'secret' } }) // eslint-disable-line no-throw-literal
  for (const url of ['/sync', '/async', '/rejection', '/nothing', '/string', '/object']) t.same(await told(app, url), internal, url)
  t.same(unhandled, [])
})

t.test('after a handler\'s error the next message is handled', async t => {
  const app = await buildApp(t)
  app.ws('/', message => { if (message === 1) throw new Error('once'); return message })
  const client = await app.injectWS('/')
  for (const message of ['1', '2', '3']) client.send(message)
  t.match(await client.receive(), { type: 'error' })
  t.equal(await client.receive(), 2)
  t.equal(await client.receive(), 3)
})

t.test('the error message carries the id of the message that failed', async t => {
  const { app } = await failing(t, undefined)
  t.same(await told(app, '/', { id: 'a1' }), { ...internal, id: 'a1' })
})

t.test('an error below 500 keeps its code and its text', async t => {
  const { app } = await failing(t, undefined, notFound())
  t.same(await told(app), { type: 'error', code: 'NO_ROOM', message: 'no such room' })
})

t.test('a handler\'s error is logged once, with the logger of the upgrade request', async t => {
  const { app, lines } = await failing(t, undefined)
  await told(app)
  t.match(lines.filter(line => line.err !== undefined), [{ level: 50, reqId: /^req-/, err: { message: 'secret', stack: /handler-error\.test/ } }])
  t.equal(lines.filter(line => line.err !== undefined).length, 1)
})

t.test('an error below 500 is logged once, as information, as Fastify does', async t => {
  const { app, lines } = await failing(t, undefined, notFound())
  await told(app)
  t.same(lines.filter(line => line.err !== undefined).map(line => line.level), [30])
})

t.test('an error handler that logs is the only one that does', async t => {
  const { app, lines } = await failing(t, (error, request, reply) => { request.log.warn({ err: error }, 'mine'); return reply.send({ message: 'sorry' }) })
  await told(app)
  t.same(lines.filter(line => line.err !== undefined).map(line => line.msg), ['mine'])
})

t.test('an error that its error handler does not log is logged all the same', async t => {
  const { app, lines } = await failing(t, () => ({ message: 'sorry' }))
  await told(app)
  t.match(lines.filter(line => line.err !== undefined), [{ level: 50, err: { message: 'secret' } }])
})

t.test('the error handler of the route counts before that of its scope, and that before the instance\'s', async t => {
  const app = await buildApp(t)
  const fail = (): never => { throw new Error('secret') }
  app.setErrorHandler(() => ({ message: 'instance' }))
  app.ws('/', fail)
  await app.register(async scope => {
    scope.ws('/', fail)
    scope.ws('/route', { errorHandler: () => ({ message: 'route' }) }, fail)
    scope.setErrorHandler(() => ({ message: 'scope' }))
  }, { prefix: '/scope' })
  await app.register(async scope => { scope.ws('/', fail) }, { prefix: '/plain' })
  const handlers = { '/': 'instance', '/scope/': 'scope', '/scope/route': 'route', '/plain/': 'instance' }
  for (const [url, name] of Object.entries(handlers)) t.match(await told(app, url), { type: 'error', message: name }, url)
})

t.test('an error handler is called with the error, the instance as this, and what is known of the request', async t => {
  const app = await buildApp(t)
  let seen: unknown[] = []
  const thrown = new Error('secret')
  await app.register(async scope => {
    scope.ws('/room', {
      config: { name: 'of the route' } as object,
      errorHandler (error, request, reply) {
        seen = [error === thrown, this === scope, request.url, request.method, request.routeOptions.config, reply.request === request, typeof request.log.info, request.server === scope]
        return reply.send({ message: 'sorry' })
      }
    }, () => { throw thrown })
  }, { prefix: '/chat' })
  await told(app, '/chat/room')
  t.same(seen, [true, true, '/chat/room', 'GET', { name: 'of the route' }, true, 'function', true])
})

t.test('what an error handler sends, or returns, is what the client is told', async t => {
  const cases: Array<[ErrorHandler, object]> = [
    [(_error, _request, reply) => reply.code(503).send({ code: 'BUSY', message: 'later', retryAfter: 5 }), { type: 'error', code: 'BUSY', message: 'later', retryAfter: 5 }],
    [(_error, _request, reply) => { void reply.status(503).send({ message: 'later' }) }, { ...internal, message: 'later' }],
    [(_error, _request, reply) => reply.send('later'), { ...internal, message: 'later' }],
    [(_error, _request, reply) => reply.header('a', 'b').headers({}).type('text/plain').send('later'), { ...internal, message: 'later' }],
    [() => ({ message: 'later' }), { ...internal, message: 'later' }],
    [() => 'later', { ...internal, message: 'later' }],
    [async () => { await immediate(); return { message: 'later' } }, { ...internal, message: 'later' }],
    [async (_error, _request, reply) => { await immediate(); await reply.send('later') }, { ...internal, message: 'later' }],
    [(_error, _request, reply) => reply.send(notFound()), { type: 'error', code: 'NO_ROOM', message: 'no such room' }],
    [(_error, _request, reply) => reply.send(new Error('secret')), internal],
    [() => undefined, internal],
    [(_error, _request, reply) => reply.send(), internal]
  ]
  for (const [errorHandler, expected] of cases) {
    const { app } = await failing(t, errorHandler)
    t.same(await told(app), expected, String(errorHandler))
  }
})

t.test('an error handler can not take the type or the id from an error message', async t => {
  const { app } = await failing(t, () => ({ type: 'joined', id: 'made up', message: 'sorry' }))
  t.match(await told(app, '/', { id: 7 }), { type: 'error', id: 7, message: 'sorry' })
  t.match(await told(app), { type: 'error' })
})

t.test('the first send counts', async t => {
  const { app } = await failing(t, (_error, _request, reply) => { void reply.send('first'); void reply.send('second'); return 'third' })
  t.match(await told(app), { message: 'first' })
})

t.test('an error handler that hijacks answers nothing', async t => {
  const app = await buildApp(t)
  app.ws('/', { errorHandler (_error, _request, reply) { reply.hijack() } }, message => { if (message === 1) throw new Error('secret'); return message })
  const client = await app.injectWS('/')
  client.send('1')
  client.send('2')
  t.equal(await client.receive(), 2)
})

t.test('an error handler that throws or rejects hands on what it throws, and both errors are logged', async t => {
  const handlers: ErrorHandler[] = [
    () => { throw new Error('broken handler') },
    async () => { await immediate(); throw new Error('broken handler') }
  ]
  for (const errorHandler of handlers) {
    const { app, lines } = await failing(t, errorHandler, notFound())
    t.same(await told(app), internal)
    t.match(lines.filter(line => line.err !== undefined), [{ err: { message: 'no such room' } }, { err: { message: 'broken handler' } }])
  }
})

t.test('an error handler that throws, or sends an Error, hands on to the one of the scope around it', async t => {
  const innermost: ErrorHandler[] = [error => { throw error }, (error, _request, reply) => reply.send(error), async error => { await immediate(); throw error }]
  for (const errorHandler of innermost) {
    const app = await buildApp(t)
    const order: string[] = []
    app.setErrorHandler((error, _request, reply) => { order.push('instance'); return reply.send({ code: 'INSTANCE', message: (error as Error).message }) })
    await app.register(async scope => {
      scope.setErrorHandler(error => { order.push('scope'); throw error })
      scope.ws('/', { errorHandler (...args) { order.push('route'); return errorHandler(...args) as undefined } }, () => { throw new Error('orig') })
    })
    t.same(await told(app), { type: 'error', code: 'INSTANCE', message: 'orig' })
    t.same(order, ['route', 'scope', 'instance'])
  }
})

t.test('what an error handler sent before it failed counts, and its failure is logged', async t => {
  const { app, lines } = await failing(t, (_error, _request, reply) => { void reply.send('sorry'); throw new Error('broken handler') })
  t.same(await told(app), { ...internal, message: 'sorry' })
  t.match(lines.filter(line => line.err !== undefined), [{ err: { message: 'broken handler' } }])
})

t.test('a status below 500 that an error handler sets makes the error it sends the client\'s', async t => {
  const { app } = await failing(t, (error, _request, reply) => reply.code(404).send(error), new Error('no such lot'))
  t.same(await told(app), { type: 'error', code: 'FST_ERR_WS_REFUSED', message: 'no such lot' })
  const { app: other } = await failing(t, (error, _request, reply) => reply.code(500).send(error), notFound())
  t.same(await told(other), internal)
})

t.test('an error handler that sends what has no JSON harms nobody', async t => {
  const { app, lines } = await failing(t, () => ({ n: 1n }))
  const client = await app.injectWS('/')
  client.send({})
  await client.ping()
  while (!lines.some(line => line.msg === 'message of fastify-typed-ws could not be encoded')) await immediate()
  await client.close()
})

t.test('the next message waits for an async error handler', async t => {
  const app = await buildApp(t)
  const order: string[] = []
  app.ws('/', {
    async errorHandler () { await immediate(); order.push('error handler'); return 'sorry' }
  }, message => { order.push(String(message)); if (message === 1) throw new Error('secret'); return message })
  const client = await app.injectWS('/')
  client.send('1')
  client.send('2')
  t.match(await client.receive(), { message: 'sorry' })
  t.equal(await client.receive(), 2)
  t.same(order, ['1', 'error handler', '2'])
})

t.test('an error after the connection has closed is logged', async t => {
  const { lines, stream } = logLines()
  const app = await buildApp(t, {}, { logger: { stream } })
  let fail = (): void => {}
  let begun = (): void => {}
  const running = new Promise<void>(resolve => { begun = resolve })
  app.ws('/', () => new Promise((_resolve, reject) => { fail = () => reject(new Error('too late')); begun() }))
  const client = await app.injectWS('/')
  client.send({})
  await running
  client.terminate()
  while ([...app.wsConnections].some(connection => connection.readyState !== 3)) await immediate()
  fail()
  while (app.wsConnections.size > 0) await immediate()
  t.match(lines.filter(line => line.err !== undefined), [{ err: { message: 'too late' } }])
})

t.test('what is thrown may itself throw when it is looked at', async t => {
  const app = await buildApp(t)
  app.ws('/', message => {
    if (message === 1) throw { get statusCode () { throw new Error('a getter') } } // eslint-disable-line no-throw-literal
    return message
  })
  const client = await app.injectWS('/')
  client.send('1')
  client.send('2')
  t.same(await client.receive(), internal)
  t.equal(await client.receive(), 2)
})
