import { Type } from '@sinclair/typebox'
import t from 'tap'
import { at, documentOf, validDocumentOf } from '../helpers/asyncapi.ts'

t.test('a channel is called as its URL, each by a name of its own', async t => {
  const { channels } = await documentOf(t, async app => {
    app.ws('/', () => {})
    app.ws('/live-prices/:symbol', () => {})
    app.ws('/live/prices/:symbol', () => {})
    app.ws('/files/*', () => {})
    await app.register(async scope => { scope.ws('/chat', () => {}) }, { prefix: '/api/v1' })
  })
  t.same(Object.entries(channels).map(([name, { address }]) => [name, address]), [
    ['root', '/'],
    ['livePricesSymbol', '/live-prices/{symbol}'],
    ['livePricesSymbol2', '/live/prices/{symbol}'],
    ['filesAny', '/files/{wildcard}'],
    ['apiV1Chat', '/api/v1/chat']
  ])
})

t.test('routes of one URL are told apart by their constraints', async t => {
  const { channels } = await documentOf(t, app => {
    app.ws('/chat', { constraints: { version: '1.0.0' } }, () => {})
    app.ws('/chat', { constraints: { version: '2.0.0' } }, () => {})
    app.ws('/chat', { constraints: { host: 'example.com' } }, () => {})
  })
  t.same(Object.keys(channels), ['chatVersion100', 'chatVersion200', 'chatHostExampleCom'])
  t.same(Object.values(channels).map(({ title }) => title), ['/chat (version 1.0.0)', '/chat (version 2.0.0)', '/chat (host example.com)'])
  t.match(at(channels.chatVersion200, 'bindings', 'ws', 'headers'), { properties: { 'Accept-Version': { const: '2.0.0' } } })
})

t.test('a parameter says what a string can say', async t => {
  const { channels } = await validDocumentOf(t, app => {
    app.ws('/:kind/:size/:id(^\\d+$)/*', {
      schema: {
        params: Type.Object({
          kind: Type.Union([Type.Literal('a'), Type.Literal('b')], { description: 'Which.' }),
          size: Type.Integer({ default: 3, examples: [1, 2] }),
          id: Type.Integer({ description: 'A number.' })
        })
      }
    }, () => {})
  })
  t.same(Object.values(channels)[0].parameters, {
    kind: { description: 'Which.', enum: ['a', 'b'] },
    size: { default: '3', examples: ['1', '2'] },
    id: { description: 'A number. Matches `^\\d+$`.' },
    wildcard: { description: 'The rest of the path.' }
  })
})

t.test('the query and the headers are those of the upgrade request', async t => {
  const document = await documentOf(t, app => {
    app.addSchema({ $id: 'page', type: 'object', required: ['limit'], properties: { limit: { type: 'integer' } } })
    app.ws('/a', { schema: { querystring: { $ref: 'page#' }, headers: Type.Object({ 'x-token': Type.String() }) } }, () => {})
    app.ws('/b', { schema: { querystring: { anyOf: [{ $ref: 'page#' }, { type: 'object', properties: {} }] } } }, () => {})
  })
  const binding = (name: string): unknown => at(document.channels[name], 'bindings', 'ws')
  t.same(binding('a'), {
    method: 'GET',
    query: { type: 'object', required: ['limit'], properties: { limit: { type: 'integer' } } },
    headers: { type: 'object', required: ['x-token'], properties: { 'x-token': { type: 'string' } } },
    bindingVersion: '0.1.0'
  })
  t.same(at(binding('b'), 'query').properties, {}, 'the binding wants properties, whatever else there is')
})
