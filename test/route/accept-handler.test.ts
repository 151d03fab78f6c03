import t from 'tap'
import { buildApp, deferred } from '../helpers/app.ts'
import { acceptStatus } from '../helpers/http-version.ts'
import type { WsPluginOptions } from '../../types/index.ts'

const ignore = (): void => {}

/** The error of a refused upgrade. */
async function refusal (refused: Promise<unknown>): Promise<{ statusCode: number, code?: string, message: string }> {
  try {
    await refused
  } catch (error) {
    return (error as { response: { json (): { statusCode: number, code?: string, message: string } } }).response.json()
  }
  throw new Error('the upgrade was not refused')
}

t.test('what limitKey answers, now or later, is the key of the connection', async t => {
  const answers: Array<[WsPluginOptions['limitKey'], string | undefined]> = [
    [() => 'u1', 'u1'], [async () => 'u1', 'u1'], [() => '', ''], [() => undefined, undefined], [async () => undefined, undefined], [undefined, undefined]
  ]
  for (const [limitKey, expected] of answers) {
    const app = await buildApp(t, { limitKey })
    const opened = deferred<string | undefined>()
    app.ws('/', { onOpen: connection => { opened.resolve(connection.key) } }, ignore)
    await app.injectWS('/')
    t.equal(await opened.promise, expected)
  }
})

t.test('limitKey is asked once, behind every hook, be it one that a plugin adds to the route; `this` is the instance', async t => {
  const app = await buildApp(t)
  const order: string[] = []
  app.addHook('onRoute', route => {
    route.preHandler = [...[route.preHandler ?? []].flat(), async () => { order.push('of a plugin') }]
  })
  app.addHook('preHandler', async () => { order.push('of the instance') })
  app.ws('/', {
    preHandler: async () => { order.push('of the route') },
    limitKey: function (this: unknown) {
      t.equal(this, app)
      order.push('limitKey')
      return undefined
    }
  }, ignore)
  await app.injectWS('/')
  t.same(order, ['of the instance', 'of the route', 'of a plugin', 'limitKey'])
})

t.test('limitKey is not asked about an upgrade that a hook refuses', async t => {
  const app = await buildApp(t, { limitKey: () => { t.fail('asked'); return undefined } })
  app.ws('/', { preHandler: async () => { throw Object.assign(new Error('no'), { statusCode: 401 }) } }, ignore)
  t.equal((await refusal(app.injectWS('/'))).statusCode, 401)
})

t.test('a route\'s own limitKey wins over the plugin\'s', async t => {
  const app = await buildApp(t, { limitKey: () => 'plugin' })
  const keys: Array<string | undefined> = []
  app.ws('/a', { onOpen: ({ key }) => { keys.push(key) } }, ignore)
  app.ws('/b', { limitKey: () => 'route', onOpen: ({ key }) => { keys.push(key) } }, ignore)
  await app.injectWS('/a')
  await app.injectWS('/b')
  t.same(keys, ['plugin', 'route'])
})

t.test('what limitKey throws goes through the error handlers, with its status', async t => {
  const failures: Array<WsPluginOptions['limitKey']> = [
    () => { throw Object.assign(new Error('no'), { statusCode: 418 }) },
    async () => { throw Object.assign(new Error('no'), { statusCode: 418 }) }
  ]
  for (const limitKey of failures) {
    const app = await buildApp(t, { limitKey })
    app.setErrorHandler((error, _request, reply) => { void reply.code((error as { statusCode: number }).statusCode).send({ statusCode: 418, message: 'handled' }) })
    app.ws('/', ignore)
    t.same(await refusal(app.injectWS('/')), { statusCode: 418, message: 'handled' })
  }
})

t.test('an answer of limitKey that is neither a string nor undefined is a clear 500', async t => {
  for (const [answer, kind] of [[null, 'null'], [7, 'number'], [{}, 'object'], [false, 'boolean']] as const) {
    const app = await buildApp(t, { limitKey: (() => answer) as () => never })
    app.ws('/', ignore)
    t.match(await refusal(app.injectWS('/')), {
      statusCode: 500, code: 'FST_ERR_WS_OPTION', message: `option limitKey: the function must answer a string or undefined, not ${kind}`
    })
  }
})

t.test('onSend hooks see the same upgrade with a limitKey and without one', async t => {
  for (const limitKey of [undefined, () => 'u1', async () => 'u1']) {
    const app = await buildApp(t, { limitKey })
    const seen: unknown[] = []
    app.addHook('onSend', async (_request, reply, payload) => {
      seen.push([reply.statusCode, payload])
      void reply.header('x-seen', 'yes')
    })
    app.ws('/', ignore)
    const { headers } = await app.injectWS('/')
    t.equal(headers['x-seen'], 'yes')
    t.same(seen, [[acceptStatus, undefined]])
  }
})
