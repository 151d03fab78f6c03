import swagger from '@fastify/swagger'
import { Type } from '@sinclair/typebox'
import Fastify from 'fastify'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import type { Test } from 'tap'
import asyncapi from '../../lib/asyncapi/index.ts'
import typedWs from '../../lib/index.ts'
import type { AsyncApiOptions } from '../../types/asyncapi.ts'
import { at } from '../helpers/asyncapi.ts'

const openapi = { openapi: { info: { title: 'x', version: '1' } } }

/** An application whose plugins are registered in this order. */
async function build (t: Test, plugins: Array<'swagger' | 'ws' | 'asyncapi'>, mode: object, options: AsyncApiOptions = {}): Promise<FastifyInstance> {
  const app = Fastify()
  t.after(() => app.close())
  for (const name of plugins) {
    if (name === 'swagger') await app.register(swagger, mode)
    if (name === 'ws') await app.register(typedWs)
    if (name === 'asyncapi') await app.register(asyncapi, { page: false, ...options })
  }
  return app
}

async function operationOf (app: FastifyInstance, url: string): Promise<object> {
  await app.ready()
  return at(app.swagger(), 'paths', url, 'get')
}

const schema = {
  summary: 'Talk',
  querystring: Type.Object({ name: Type.String() }),
  receive: Type.Object({ type: Type.Literal('say') })
}

t.test('the upgrade links to its messages, in documents of OpenAPI 3 and 2 and whichever plugin comes first', async t => {
  for (const mode of [openapi, { swagger: {} }]) {
    for (const plugins of [['swagger', 'ws', 'asyncapi'], ['ws', 'asyncapi', 'swagger']] as const) {
      const app = await build(t, [...plugins], mode)
      app.ws('/chat', { schema }, () => {})
      const operation = await operationOf(app, '/chat')
      t.match(operation, {
        summary: 'Talk',
        externalDocs: { url: '/asyncapi/json' },
        parameters: [{ in: 'query', name: 'name', required: true }],
        responses: { 101: { description: /Switching Protocols/ }, 426: { description: /Upgrade Required/ } }
      })
      t.notOk(at(operation, 'responses', '200'))
      t.same(Object.keys(at(app.swagger(), 'paths')), ['/chat'], 'the routes of the document are none of the API')
    }
  }
})

t.test('the link leads to the operation on the page', async t => {
  const app = await build(t, ['swagger', 'ws'], openapi)
  await app.register(async scope => {
    await scope.register(asyncapi, { path: '/docs' })
    scope.ws('/chat', { schema }, () => {})
    scope.ws('/ask', { schema: { receive: schema.receive, replies: { say: schema.receive } } }, { say: () => ({ type: 'say' as const }) })
  }, { prefix: '/v1' })
  t.match(await operationOf(app, '/v1/chat'), { externalDocs: { url: '/v1/docs#operation-receive-receiveV1Chat' } })
  t.match(await operationOf(app, '/v1/ask'), { externalDocs: { url: '/v1/docs#operation-reply-receiveV1AskSay' } })
})

t.test('where nothing is served there is no link', async t => {
  const app = await build(t, ['swagger', 'ws', 'asyncapi'], openapi, { path: false })
  app.ws('/chat', { schema }, () => {})
  t.notOk(at(await operationOf(app, '/chat'), 'externalDocs'))
})

t.test('a REST route of the same URL keeps its operation, declared before or after, and has the link', async t => {
  for (const restFirst of [true, false]) {
    const app = await build(t, ['swagger', 'ws', 'asyncapi'], openapi)
    const restSchema = { summary: 'The latest messages', response: { 200: Type.Array(Type.String()) } }
    if (restFirst) app.get('/chat', { schema: restSchema }, async () => [])
    app.ws('/chat', { schema }, () => {})
    if (!restFirst) app.get('/chat', { schema: restSchema }, async () => [])
    t.match(await operationOf(app, '/chat'), { summary: 'The latest messages', externalDocs: { url: '/asyncapi/json' }, responses: { 200: {} } })
    t.notHas(restSchema, 'externalDocs', 'the schema of the application is as it was')
  }
})

t.test('without this document a REST route keeps its operation, too', async t => {
  const app = await build(t, ['ws', 'swagger'], openapi)
  app.get('/chat', { schema: { summary: 'The latest messages' } }, async () => [])
  app.ws('/chat', { schema }, () => {})
  t.match(await operationOf(app, '/chat'), { summary: 'The latest messages' })
})

t.test('an upgrade that is refused is answered as ever', async t => {
  const app = await build(t, ['swagger', 'ws', 'asyncapi'], openapi)
  app.ws('/chat', { schema }, () => {})
  const response = await app.inject('/chat?name=x')
  t.equal(response.statusCode, 426)
  t.match(response.json(), { code: 'FST_ERR_WS_UPGRADE_REQUIRED', statusCode: 426 })
})
