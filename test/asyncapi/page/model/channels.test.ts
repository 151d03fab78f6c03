import t from 'tap'
import { messageOf, readChannels } from '../../../../lib/asyncapi/page/model/channels.ts'
import asyncapi from '../../../../lib/asyncapi/index.ts'
import { buildApp } from '../../../helpers/app.ts'
import { declareDocumentedRoutes } from '../../../helpers/documented-routes.ts'

const payload = (type: string) => ({ type: 'object', required: ['type'], properties: { type: { const: type } } })

t.test('the channels of a real document have what a client sends, and what it is sent', async t => {
  const app = await buildApp(t)
  await app.register(asyncapi)
  declareDocumentedRoutes(app)
  await app.ready()
  const document = { ...app.asyncapi() }
  const [chat, echo] = readChannels(document)

  t.match(chat, { key: 'floorsFloorChat', address: '/floors/{floor}/chat', title: '/floors/{floor}/chat', description: 'Rooms to talk in\nJoin a room, and talk.' })
  t.same(chat.parameters.map(({ name, schema }) => [name, schema.enum]), [['floor', ['ground', 'first']]])
  t.same(Object.keys(Object(chat.query?.properties)), ['name'])
  t.same(chat.outgoing.map(({ title }) => title), ['Join', 'Say', 'Grow', 'Quit'])
  t.ok(['Said', 'Joined', 'Grown', 'Error'].every(title => chat.incoming.some(message => message.title === title)))
  t.same(chat.outgoing.map(({ replies }) => replies), [['joined'], [], ['grown'], []], 'errors answer everything')
  t.match(echo.outgoing, [{ contentType: 'application/octet-stream' }])

  t.equal(messageOf({ type: 'said', text: 'Hello' }, chat.incoming, document)?.title, 'Said')
  t.equal(messageOf({ type: 'error' }, chat.incoming, document)?.title, 'Error')
  t.equal(messageOf({ type: 'unheard' }, chat.incoming, document), undefined)
})

t.test('a key in the query, subprotocols and examples are offered', async t => {
  const [channel] = readChannels({
    channels: {
      c: { address: '/c', title: 'See', messages: { a: { payload: { schemaFormat: 'application/schema+json', schema: payload('a') }, examples: [{ payload: { type: 'a' } }] } }, 'x-subprotocols': { json: 'application/json', msgpack: 'application/msgpack' } },
      nowhere: { address: null }
    },
    operations: { r: { action: 'receive', channel: { $ref: '#/channels/c' }, security: [{ $ref: '#/components/securitySchemes/key' }, { type: 'http', scheme: 'bearer' }] } },
    components: { securitySchemes: { key: { type: 'httpApiKey', in: 'query', name: 'token' } } }
  })
  t.match(channel, { title: 'See (/c)', keys: ['token'], subprotocols: ['json', 'msgpack'], query: null, outgoing: [{ title: 'a', payload: payload('a'), example: { type: 'a' } }] })
})

t.test('the only message without constants is what nothing else is', async t => {
  const [channel] = readChannels({
    channels: { c: { address: '/c', messages: { any: { payload: {} }, one: { payload: payload('one') } } } },
    operations: { s: { action: 'send', channel: { $ref: '#/channels/c' }, messages: [{ $ref: '#/channels/c/messages/any' }, { $ref: '#/channels/c/messages/one' }] } }
  })
  t.equal(messageOf({ type: 'one' }, channel.incoming, {})?.key, 'one')
  t.equal(messageOf('text', channel.incoming, {})?.key, 'any')
})

t.test('a document without channels has none', async t => {
  t.same(readChannels({}), [])
})
