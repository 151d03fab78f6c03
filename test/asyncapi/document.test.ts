import { Type } from '@sinclair/typebox'
import t from 'tap'
import { at, buildDocumented, documentOf, faultsOf, namesOf, validDocumentOf } from '../helpers/asyncapi.ts'

const Join = Type.Object({ type: Type.Literal('join'), room: Type.String() }, { title: 'Join', description: 'Comes into a room.', examples: [{ type: 'join', room: 'a' }] })
const Say = Type.Object({ type: Type.Literal('say'), text: Type.String() })
const Said = Type.Object({ type: Type.Literal('said'), text: Type.String() })
const Joined = Type.Object({ type: Type.Literal('joined'), members: Type.Integer() })

const Chat = { receive: Type.Union([Join, Say]), send: Said, replies: { join: Joined } }

const handlers = {
  join: () => ({ type: 'joined' as const, members: 1 }),
  say () {}
}

t.test('a document of no routes has none', async t => {
  const document = await documentOf(t, () => {})
  t.equal(document.asyncapi, '3.0.0')
  t.same(document.info, { title: 'WebSocket API', version: '0.0.0' })
  t.same([document.channels, document.operations], [{}, {}])
})

t.test('a document says what the options say', async t => {
  const document = await validDocumentOf(t, app => { app.ws('/chat', { schema: { ...Chat, tags: ['chat', 'other'] } }, handlers) }, {
    id: 'urn:example:chat',
    info: { title: 'Chat', version: '1.2.3', description: 'Talk.', license: { name: 'MIT' } },
    servers: { production: { host: 'example.com', description: 'The real one' }, local: { host: 'localhost:3000', protocol: 'ws' } },
    tags: [{ name: 'chat', description: 'Rooms and what is said in them' }],
    externalDocs: { url: 'https://example.com/docs' }
  })
  t.equal(document.id, 'urn:example:chat')
  t.match(document.info, { title: 'Chat', version: '1.2.3', description: 'Talk.', license: { name: 'MIT' }, externalDocs: { url: 'https://example.com/docs' } })
  t.match(document.servers, { production: { protocol: 'wss', host: 'example.com' }, local: { protocol: 'ws' } })
  const { servers, tags } = document.channels.chat
  t.same(namesOf(servers), ['production', 'local'])
  t.same(tags, [{ name: 'chat', description: 'Rooms and what is said in them' }, { name: 'other' }])
  t.same(document.operations.sendChat.tags, tags)
})

t.test('what a route receives, answers and sends are operations of the application', async t => {
  const { operations } = await documentOf(t, app => { app.ws('/chat', { schema: { ...Chat, summary: 'Talk' } }, handlers) })
  t.same(Object.keys(operations), ['receiveChat', 'receiveChatJoin', 'sendChat'])
  const { receiveChat, receiveChatJoin, sendChat } = operations
  t.match(receiveChat, { action: 'receive', summary: 'Talk', channel: { $ref: '#/channels/chat' }, reply: undefined })
  t.same(namesOf(receiveChat.messages), ['say'])
  t.match(receiveChatJoin, { action: 'receive', summary: 'Join' })
  t.same(namesOf(receiveChatJoin.messages), ['join'])
  t.same(namesOf(at(receiveChatJoin, 'reply').messages), ['joined', 'error'])
  t.equal(sendChat.action, 'send')
  t.same(namesOf(sendChat.messages), ['said', 'error', 'expiring'])
})

t.test('each member of a union is a message with what its schema says', async t => {
  const document = await documentOf(t, app => { app.ws('/chat', { schema: Chat }, handlers) })
  const { join, say } = at(document.channels.chat, 'messages')
  t.same(join, {
    name: 'join',
    title: 'Join',
    description: 'Comes into a room.',
    contentType: 'application/json',
    correlationId: { $ref: '#/components/correlationIds/id' },
    payload: { title: 'Join', type: 'object', required: ['type', 'room'], properties: { type: { const: 'join', type: 'string' }, room: { type: 'string' } } },
    examples: [{ payload: { type: 'join', room: 'a' } }]
  })
  t.equal(at(say, 'correlationId'), undefined, 'what has no reply is not correlated')
  t.equal(at(document, 'components', 'correlationIds', 'id').location, '$message.payload#/id')
})

t.test('a message that goes both ways is one; two of one name are told apart', async t => {
  const Ask = Type.Object({ type: Type.Literal('ask'), n: Type.Integer() })
  const AskBack = Type.Object({ type: Type.Literal('ask'), text: Type.String() })
  const document = await documentOf(t, app => {
    app.ws('/echo', { schema: { receive: Said, send: Said } }, said => said)
    app.ws('/ask', { schema: { receive: Ask, send: AskBack, replies: { ask: Joined } } }, { ask: () => ({ type: 'joined' as const, members: 1 }) })
  })
  t.same(Object.keys(at(document.channels.echo, 'messages')), ['said', 'error', 'expiring'])
  t.same(Object.keys(at(document.channels.ask, 'messages')), ['ask', 'askSent', 'joined', 'error', 'expiring'])
})

t.test('messages that nothing tells apart have the names of their schemas', async t => {
  const document = await validDocumentOf(t, app => {
    app.addSchema({ $id: 'point', type: 'object', properties: { x: { type: 'number' } } })
    app.ws('/any', () => {})
    app.ws('/points', { schema: { receive: { anyOf: [{ $ref: 'point#' }, { title: 'A line', type: 'array' }, { type: 'string' }, { type: 'null' }] } } }, () => {})
  })
  t.same(Object.keys(at(document.channels.points, 'messages')).slice(0, 4), ['point', 'A_line', 'message', 'messageReceived'])
  t.equal(at(document.channels.any, 'messages', 'message').payload, undefined, 'without a schema, anything is')
  t.same(namesOf(document.operations.sendAny.messages), ['message', 'error', 'expiring'])
})

t.test('what this package says by itself is there where it can happen', async t => {
  const document = await documentOf(t, app => {
    app.rooms.declare('chat:*', { history: true, presence: { notify: true } })
    app.ws('/all', { heartbeat: { notify: true } }, () => {})
    app.ws('/less', { expiryWarning: false }, () => {})
    app.ws('/own', { onExpiring () {} }, () => {})
  })
  const sent = (operation: string): string[] => namesOf(document.operations[operation].messages).filter(name => name !== 'message')
  t.same(sent('sendAll'), ['error', 'expiring', 'heartbeat', 'gap', 'presence'])
  t.same(sent('sendLess'), ['error', 'gap', 'presence'])
  t.same(sent('sendOwn'), ['error', 'gap', 'presence'])
  t.same(Object.keys(at(document, 'components', 'messages')), ['error', 'expiring', 'heartbeat', 'gap', 'presence'], 'each is there once')
})

t.test('a content type is that of the codec, and subprotocols have theirs', async t => {
  const msgpack = { decode: (): unknown => null, encode: (): Buffer => Buffer.alloc(0), binary: true, contentType: 'application/msgpack' }
  const document = await validDocumentOf(t, app => {
    app.ws('/packed', { codec: msgpack, schema: { receive: Say } }, () => {})
    app.ws('/raw', { codec: 'raw' }, () => {})
    app.ws('/both', { codec: { json: 'json', msgpack }, schema: { receive: Say } }, () => {})
  })
  const typeOf = (channel: string, message: string): unknown => at(document.channels[channel], 'messages', message).contentType
  t.equal(typeOf('packed', 'say'), 'application/msgpack')
  t.equal(typeOf('raw', 'message'), 'application/octet-stream')
  t.equal(at(document.channels.raw, 'messages', 'error').$ref, '#/components/messages/errorJson', 'errors are JSON all the same')
  t.same(at(document.channels.both, 'x-subprotocols'), { json: 'application/json', msgpack: 'application/msgpack' })
  t.ok(at(document.channels.both, 'bindings', 'ws', 'headers', 'properties', 'Sec-WebSocket-Protocol'))
})

t.test('a subprotocol may be called what every object has', async t => {
  const document = await validDocumentOf(t, app => { app.ws('/x', { subprotocols: ['constructor', 'toString', 'v1'] }, () => {}) })
  t.same(at(document.channels.x, 'x-subprotocols'), { constructor: 'application/json', toString: 'application/json', v1: 'application/json' })
})

t.test('the document stays what it is: what is served later is what was answered before', async t => {
  const document = await documentOf(t, app => { app.ws('/x', () => {}) })
  t.throws(() => Object.assign(document.info, { title: 'another' }), TypeError)
  t.throws(() => Object.assign(document.channels, { other: {} }), TypeError)
})

t.test('a hidden route is left out, a deprecated one is marked', async t => {
  const document = await documentOf(t, app => {
    app.ws('/hidden', { schema: { hide: true } }, () => {})
    app.ws('/old', { schema: { deprecated: true } }, () => {})
  })
  t.same(Object.keys(document.channels), ['old'])
  t.same([document.channels.old['x-deprecated'], document.operations.receiveOld['x-deprecated']], [true, true])
})

t.test('an operationId names the channel and its operations', async t => {
  const { channels, operations } = await documentOf(t, app => { app.ws('/v1/chat', { schema: { operationId: 'talk' } }, () => {}) })
  t.same([Object.keys(channels), Object.keys(operations)], [['talk'], ['receiveTalk', 'sendTalk']])
})

t.test('any of several security schemes will do', async t => {
  const flows = { clientCredentials: { tokenUrl: 'https://example.com/token', availableScopes: { read: 'Reads' } } }
  const { operations } = await validDocumentOf(t, app => {
    app.ws('/a', { schema: { security: [{ bearer: [] }, { oauth: ['read'] }] } }, () => {})
    app.ws('/b', { schema: { security: [{ bearer: [], cookie: [] }] } }, () => {})
  }, {
    securitySchemes: {
      bearer: { type: 'http', scheme: 'bearer' },
      cookie: { type: 'httpApiKey', in: 'cookie', name: 'session' },
      oauth: { type: 'oauth2', flows }
    }
  })
  t.same(operations.receiveA.security, [{ $ref: '#/components/securitySchemes/bearer' }, { type: 'oauth2', flows, scopes: ['read'] }])
  t.equal(operations.receiveA['x-security'], undefined)
  t.same(operations.sendB['x-security'], [{ bearer: [], cookie: [] }], 'that both are needed AsyncAPI can\'t say')
})

t.test('a security scheme that is unknown is an error of start-up', async t => {
  const app = await buildDocumented(t)
  app.ws('/chat', { schema: { security: [{ bearer: [] }] } }, () => {})
  await t.rejects(async () => { await app.ready() }, { code: 'FST_ERR_WS_ASYNCAPI', message: /\/chat names bearer/ })
})

t.test('the schemas of the application stay as they are, and the document is plain JSON', async t => {
  const before = JSON.stringify(Chat)
  const document = await documentOf(t, app => { app.ws('/chat', { schema: Chat }, handlers) })
  t.equal(JSON.stringify(Chat), before)
  t.strictSame(document, JSON.parse(JSON.stringify(document)))
  t.same(Object.getOwnPropertySymbols(at(document.channels.chat, 'messages', 'say', 'payload')), [])
})

t.test('a faulty document is found so', async t => {
  const document = await documentOf(t, app => { app.ws('/chat', () => {}) })
  t.match(await faultsOf(JSON.stringify({ ...document, operations: { wrong: { action: 'shout' } } })), [/asyncapi/])
})
