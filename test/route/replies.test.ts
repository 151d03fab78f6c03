import { decode, encode } from '@msgpack/msgpack'
import { Type } from '@sinclair/typebox'
import t from 'tap'
import { defineContract } from '../../lib/index.ts'
import type { Codec } from '../../types/index.ts'
import { buildApp, logLines } from '../helpers/app.ts'

const Join = Type.Object({ type: Type.Literal('join'), room: Type.String() })
const Say = Type.Object({ type: Type.Literal('say'), text: Type.String() })
const Joined = Type.Object({ type: Type.Literal('joined'), members: Type.Integer() })
const Said = Type.Object({ type: Type.Literal('said'), text: Type.String() })
const contract = defineContract({ receive: Type.Union([Join, Say]), send: Said, replies: { join: Joined } })

const join = { type: 'join', room: 'tea' }
const joined = { type: 'joined' as const, members: 1 }
const secret = { ...joined, secret: 'never leaves' }
const msgpack: Codec = { decode: payload => decode(payload as Buffer), encode: value => encode(value) as Buffer, binary: true }

t.test('a declared reply leaves by its own schema, which send does not repeat', async t => {
  const app = await buildApp(t)
  app.ws('/now', { schema: contract }, { join: () => secret, say: message => ({ type: 'said', text: message.text }) })
  app.ws('/later', { schema: contract }, { join: async () => secret, say: async message => ({ type: 'said', text: message.text }) })
  for (const url of ['/now', '/later']) {
    const client = await app.injectWS(url)
    client.send(join)
    t.same(await client.receive(), joined)
    client.send({ ...join, id: 'a' })
    t.same(await client.receive(), { ...joined, id: 'a' })
    client.send({ type: 'say', text: 'hello', id: 2 })
    t.same(await client.receive(), { type: 'said', text: 'hello', id: 2 })
  }
})

t.test('so does that of a function for all messages', async t => {
  const app = await buildApp(t)
  app.ws('/', { schema: contract }, message => message.type === 'join' ? secret : { type: 'said', text: message.text })
  const client = await app.injectWS('/')
  client.send({ ...join, id: 1 })
  t.same(await client.receive(), { ...joined, id: 1 })
  client.send({ type: 'say', text: 'hello' })
  t.same(await client.receive(), { type: 'said', text: 'hello' })
})

t.test('a codec that is not JSON is given its declared fields', async t => {
  const app = await buildApp(t)
  app.ws('/', { schema: contract, codec: msgpack }, { join: () => secret, say () {} })
  const client = await app.injectWS('/')
  for (const message of [join, { ...join, id: 3 }]) {
    client.send(Buffer.from(encode(message)))
    t.same(decode(await client.receive<Buffer>()), { ...joined, ...('id' in message ? { id: 3 } : {}) })
  }
})

t.test('a reply may be one of several, and refer to shared schemas', async t => {
  const app = await buildApp(t)
  app.addSchema({ $id: 'refused', type: 'object', properties: { type: { const: 'refused' }, why: { type: 'string' } }, required: ['type', 'why'] })
  app.ws('/', {
    schema: { receive: Join, replies: { join: { anyOf: [Joined, { $ref: 'refused#' }] } } }
  }, { join: message => message.room === 'tea' ? secret : { type: 'refused', why: 'full', secret: 1 } })
  const client = await app.injectWS('/')
  client.send(join)
  t.same(await client.receive(), joined)
  client.send({ ...join, room: 'coffee', id: 1 })
  t.same(await client.receive(), { type: 'refused', why: 'full', id: 1 })
})

t.test('a shared schema may be a reply itself, while others refer to it', async t => {
  const app = await buildApp(t)
  const shared = { $id: 'joined', ...Joined }
  const said = { type: 'object', required: ['type', 'joined'], properties: { type: { const: 'said' }, joined: { $ref: 'joined#' } } }
  app.addSchema(shared)
  app.ws('/', { schema: { receive: contract.receive, send: { anyOf: [shared, { $ref: 'joined#' }, said] }, replies: { join: shared, say: said } } }, {
    join: () => secret,
    say: () => ({ type: 'said', joined: secret })
  })
  app.rooms.declare('room', { send: { $ref: 'joined#' } })
  const client = await app.injectWS('/')
  client.send(join)
  t.same(await client.receive(), joined)
  client.send({ type: 'say', text: 'hello' })
  t.same(await client.receive(), { type: 'said', joined })
})

t.test('a number names a message, too', async t => {
  const app = await buildApp(t)
  app.ws('/', { schema: { receive: Type.Object({ op: Type.Literal(1) }), send: Said, replies: { 1: Joined } } }, { 1: () => secret })
  const client = await app.injectWS('/')
  client.send({ op: 1 })
  t.same(await client.receive(), joined)
})

t.test('the keys of replies pick the property, where several tell the messages apart', async t => {
  const app = await buildApp(t)
  const receive = Type.Union([
    Type.Object({ type: Type.Literal('a'), code: Type.Literal('x') }),
    Type.Object({ type: Type.Literal('b'), code: Type.Literal('y') })
  ])
  app.ws('/', { schema: { receive, send: Said, replies: { y: Joined } } }, message => message.code === 'y' ? secret : { type: 'said', text: 'a' })
  const client = await app.injectWS('/')
  client.send({ type: 'b', code: 'y' })
  t.same(await client.receive(), joined)
})

t.test('a reply of another kind is an error of the handler', async t => {
  const { lines, stream } = logLines()
  const app = await buildApp(t, {}, { logger: { stream } })
  app.ws('/', { schema: contract }, { join: () => ({ type: 'said', text: 'hello' }) as never, say () {} })
  const client = await app.injectWS('/')
  client.send({ ...join, id: 1 })
  t.same(await client.receive(), { type: 'error', id: 1, code: 'FST_ERR_WS_INTERNAL', message: 'Internal Server Error' })
  t.match(lines.find(({ msg }) => msg === 'WebSocket handler failed' || String(msg).startsWith('cannot send')), {
    err: { code: 'FST_ERR_WS_SEND_INVALID', message: 'cannot send: schema.replies.join has no message whose type is said, only joined' }
  })
})

t.test('a handler that does not answer what it has to is an error: its client would wait in vain', async t => {
  for (const answer of [() => {}, async () => {}]) {
    const { lines, stream } = logLines()
    const app = await buildApp(t, {}, { logger: { stream } })
    app.ws('/', { schema: contract }, { join: answer as never, say () {} })
    const client = await app.injectWS('/')
    client.send({ ...join, id: 1 })
    t.same(await client.receive(), { type: 'error', id: 1, code: 'FST_ERR_WS_INTERNAL', message: 'Internal Server Error' })
    client.send(join)
    t.same(await client.receive(), { type: 'error', code: 'FST_ERR_WS_INTERNAL', message: 'Internal Server Error' })
    t.equal(app.wsStats().messages.failed, 2)
    t.match(lines.filter(({ err }) => err !== undefined).map(({ err }) => err), [
      { code: 'FST_ERR_WS_SEND_INVALID', message: 'cannot send: the handler answered nothing, and schema.replies.join says what it has to' },
      { code: 'FST_ERR_WS_SEND_INVALID' }
    ])
  }
})

t.test('a handler that closes the connection need not answer any more', async t => {
  const { lines, stream } = logLines()
  const app = await buildApp(t, {}, { logger: { stream } })
  app.ws('/', { schema: contract }, { join: ((_message: unknown, connection: { close (code: number): void }) => connection.close(4000)) as never, say () {} })
  const client = await app.injectWS('/')
  client.send({ ...join, id: 1 })
  await client.expectClose(4000)
  t.same(lines.filter(({ err }) => err !== undefined), [])
})

t.test('what is sent otherwise has the schema of send alone', async t => {
  const app = await buildApp(t)
  app.ws('/', { schema: contract }, {
    join (_message, connection) {
      t.throws(() => connection.send(joined as never), { code: 'FST_ERR_WS_SEND_INVALID', message: /schema\.send has no message whose type is joined, only said/ })
      return joined
    },
    say () {}
  })
  const client = await app.injectWS('/')
  client.send(join)
  t.same(await client.receive(), joined)
})

const wrong: Record<string, { schema: object, message: RegExp }> = {
  'a reply to a message that is not received': {
    schema: { receive: contract.receive, replies: { join: Joined, leave: Joined, toString: Joined } },
    message: /^schema\.replies of WebSocket route \/scope\/a: no message of type leave, toString in schema\.receive, only join, say$/
  },
  'a reply where nothing tells messages apart': {
    schema: { receive: { type: 'object' }, replies: { join: Joined } },
    message: /^schema\.replies of WebSocket route \/scope\/a: needs a schema\.receive whose members share a property with a distinct const$/
  },
  'a reply where nothing is received': {
    schema: { replies: { join: Joined } },
    message: /^schema\.replies of WebSocket route \/scope\/a: needs a schema\.receive/
  },
  'a reply whose schema does not compile': {
    schema: { receive: contract.receive, replies: { say: { $ref: 'nowhere#' } } },
    message: /^schema\.replies\.say of WebSocket route \/scope\/a: .*nowhere/
  },
  'a reply without a schema': {
    schema: { receive: contract.receive, replies: { say: undefined } },
    message: /^schema\.replies\.say of WebSocket route \/scope\/a: /
  },
  'replies that are no object of schemas': {
    schema: { receive: contract.receive, replies: [Joined] },
    message: /^schema\.replies of WebSocket route \/scope\/a: must be an object of schemas, by the literals of the messages$/
  }
}

for (const [title, { schema, message }] of Object.entries(wrong)) {
  t.test(`${title} fails ready()`, async t => {
    const app = await buildApp(t)
    await app.register(async scope => { scope.ws('/a', { schema } as never, () => {}) }, { prefix: '/scope' })
    await t.rejects(async () => { await app.ready() }, { code: 'FST_ERR_WS_SCHEMA', message })
  })
}
