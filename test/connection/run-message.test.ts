import { decode, encode } from '@msgpack/msgpack'
import { Ajv } from 'ajv'
import type { FastifyInstance } from 'fastify'
import { Type } from '@sinclair/typebox'
import type { Static } from '@sinclair/typebox'
import { TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox'
import t from 'tap'
import type { Test } from 'tap'
import type { Codec, Connection, InvalidMessageError, Payload } from '../../types/index.ts'
import { buildApp, deferred, logLines } from '../helpers/app.ts'

const Join = Type.Object({ type: Type.Literal('join'), room: Type.String({ maxLength: 5 }) })
const Add = Type.Object({ type: Type.Literal('add'), a: Type.Integer(), b: Type.Integer() })
const Received = Type.Union([Join, Add])
const msgpack: Codec = { decode: payload => decode(payload as Buffer), encode: value => encode(value) as Buffer, binary: true }

const immediate = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

/** What the process says of promises that nobody looked after, until the test ends. */
function unhandledRejections (t: Test): unknown[] {
  const unhandled: unknown[] = []
  const listener = (reason: unknown): void => { unhandled.push(reason) }
  process.on('unhandledRejection', listener)
  t.teardown(() => process.off('unhandledRejection', listener))
  return unhandled
}

/** What a route that checks for `Received` answers to `message`, and whether its handler was called. */
async function ask (app: FastifyInstance, url: string, message: unknown): Promise<Record<string, unknown>> {
  const client = await app.injectWS(url)
  client.send(message)
  const answer = await client.receive<Record<string, unknown>>()
  await client.close()
  return answer
}

/* What is not valid. */

t.test('what is not JSON is answered with an error message, and the connection stays', async t => {
  const app = await buildApp(t)
  app.ws('/', { schema: { receive: Received } }, () => 'handled')
  const client = await app.injectWS('/')
  client.send('{not json')
  t.same(await client.receive(), { type: 'error', code: 'FST_ERR_WS_INVALID_JSON', message: 'the message is not valid JSON', errors: [] })
  client.send({ type: 'add', a: 1, b: 2 })
  t.equal(await client.receive(), 'handled')
})

t.test('what is not valid is answered with an error message that says why, and the connection stays', async t => {
  const app = await buildApp(t)
  app.ws('/', { schema: { receive: Received } }, () => 'handled')
  const client = await app.injectWS('/')
  client.send({ type: 'add', a: 'x', b: 2 })
  t.same(await client.receive(), {
    type: 'error',
    code: 'FST_ERR_WS_INVALID_MESSAGE',
    message: 'message/a must be integer',
    errors: [{ instancePath: '/a', keyword: 'type', params: { type: 'integer' }, message: 'must be integer' }]
  })
  client.send({ type: 'add', a: 1, b: 2 })
  t.equal(await client.receive(), 'handled')
})

t.test('an error message carries the id of the message that it answers', async t => {
  const app = await buildApp(t)
  app.ws('/', { schema: { receive: Received } }, () => {})
  t.match(await ask(app, '/', { type: 'add', id: 'a1' }), { type: 'error', id: 'a1' })
  t.match(await ask(app, '/', { type: 'nonsense', id: 7 }), { type: 'error', id: 7, code: 'FST_ERR_WS_UNKNOWN_TYPE' })
  t.notOk('id' in await ask(app, '/', { type: 'add', id: 'x'.repeat(65) }))
})

t.test('the handler is never called with an invalid message', async t => {
  const app = await buildApp(t)
  let calls = 0
  app.ws('/', { schema: { receive: Received } }, { join: () => { calls++ }, add: () => { calls++ } })
  const client = await app.injectWS('/')
  const invalid = ['', 'null', '1', '[]', '{', '{}', '{"type":"join"}', '{"type":"join","room":5}', '{"type":"join","room":"too long"}', '{"type":["join"],"room":"a"}', '{"type":"add","a":1.5,"b":1}', '{"__proto__":{"type":"join"},"room":"a"}']
  for (const message of invalid) {
    client.send(message)
    t.match(await client.receive(), { type: 'error' }, message)
  }
  client.send(Buffer.from('{"type":"join","room":"a"}'))
  t.match(await client.receive(), { code: 'FST_ERR_WS_UNSUPPORTED_DATA' })
  t.equal(calls, 0)
})

t.test('nothing is coerced and nothing is stripped on the way to the handler', async t => {
  const app = await buildApp(t)
  app.ws('/', { schema: { receive: Type.Object({ n: Type.Number(), extra: Type.Optional(Type.Unknown()) }) } }, message => message)
  t.match(await ask(app, '/', { n: '5', extra: 1 }), { code: 'FST_ERR_WS_INVALID_MESSAGE' })
  t.same(await ask(app, '/', { n: 5, extra: 1, more: 2 }), { n: 5, extra: 1, more: 2 })
})

t.test('poison is refused, unless the Fastify instance lets it pass', async t => {
  const poison = '{"a":1,"__proto__":{"admin":true}}'
  for (const [onProtoPoisoning, expected] of [['remove', ['a']], ['ignore', ['a', '__proto__']]] as const) {
    const app = await buildApp(t, {}, { onProtoPoisoning })
    app.ws('/', message => Object.keys(message as object))
    t.same(await ask(app, '/', poison), expected, onProtoPoisoning)
  }
  const app = await buildApp(t)
  app.ws('/', message => Object.keys(message as object))
  t.match(await ask(app, '/', poison), { code: 'FST_ERR_WS_INVALID_JSON' })
  t.match(await ask(app, '/', '{"constructor":{"prototype":{}}}'), { code: 'FST_ERR_WS_INVALID_JSON' })
})

t.test('onConstructorPoisoning of the Fastify instance holds too', async t => {
  const app = await buildApp(t, {}, { onConstructorPoisoning: 'remove' })
  app.ws('/', message => Object.keys(message as object))
  t.same(await ask(app, '/', '{"a":1,"constructor":{"prototype":{}}}'), ['a'])
})

t.test('onInvalid: close closes with 1007, 1008 or 1003, and says why', async t => {
  const app = await buildApp(t)
  app.ws('/', { schema: { receive: Received }, onInvalid: 'close' }, () => {})
  const cases: Array<[string | Buffer, number, string]> = [
    ['{', 1007, 'the message is not valid JSON'],
    ['{"__proto__":1}', 1007, 'the message is not valid JSON'],
    ['{"type":"add","a":1}', 1008, "message must have required property 'b'"],
    ['{"type":"nonsense"}', 1008, 'message/type is "nonsense", expected one of "join", "add"'],
    [Buffer.from('{}'), 1003, 'expected a text message']
  ]
  for (const [message, code, reason] of cases) {
    const client = await app.injectWS('/')
    client.send(message)
    t.same(await client.expectClose(code), { code, reason })
  }
})

t.test('onInvalid: close keeps a long reason within a close frame', async t => {
  const app = await buildApp(t)
  const types = Array.from({ length: 40 }, (_, index) => Type.Object({ type: Type.Literal(`ü${index}`) }))
  app.ws('/', { schema: { receive: Type.Union(types) }, onInvalid: 'close' }, () => {})
  const client = await app.injectWS('/')
  client.send({ type: 'x' })
  const { reason } = await client.expectClose(1008)
  t.match(reason, /^message\/type is "x", expected one of "ü0"/)
  t.ok(Buffer.byteLength(reason) <= 123)
  t.notMatch(reason, /\ufffd/)
})

t.test('nothing behind a message that closed the connection is handled (RFC 6455 section 7.1.7)', async t => {
  const app = await buildApp(t)
  const gate = deferred()
  const handled: unknown[] = []
  app.ws('/', { schema: { receive: Add }, onInvalid: 'close' }, async ({ a }) => { handled.push(a); await gate.promise })
  const client = await app.injectWS('/')
  for (const a of [1, 'invalid', 3]) client.send({ type: 'add', a, b: 1 })
  await client.ping()
  gate.resolve()
  await client.expectClose(1008)
  t.same(handled, [1])
})

t.test('an onInvalid function decides what becomes of the message', async t => {
  const app = await buildApp(t)
  app.ws('/', {
    schema: { receive: Received },
    onInvalid (error: InvalidMessageError, connection: Connection, payload: Payload) {
      connection.send([error.code, error.closeCode, error.errors.length, payload])
      if (payload === '{') connection.close(4400, 'not JSON')
    }
  }, () => {})
  const client = await app.injectWS('/')
  client.send('{"type":"add"}')
  t.same(await client.receive(), ['FST_ERR_WS_INVALID_MESSAGE', 1008, 1, '{"type":"add"}'])
  client.send('{')
  await client.expectClose(4400)
})

t.test('an onInvalid that throws or rejects is logged, and the connection stays', async t => {
  const unhandled = unhandledRejections(t)
  const { lines, stream } = logLines()
  const app = await buildApp(t, {}, { logger: { stream } })
  app.ws('/sync', { onInvalid () { throw new Error('broken') } }, () => 'handled')
  app.ws('/async', { async onInvalid () { await immediate(); throw new Error('broken') } }, () => 'handled')
  for (const url of ['/sync', '/async']) {
    const client = await app.injectWS(url)
    client.send('{')
    client.send({})
    t.equal(await client.receive(), 'handled')
    await immediate()
  }
  t.match(lines.filter(line => line.msg === 'onInvalid failed'), [{ err: { message: 'broken' } }, { err: { message: 'broken' } }])
  t.same(unhandled, [])
})

t.test('onInvalid of the plugin holds for routes that say nothing', async t => {
  const app = await buildApp(t, { onInvalid: 'close' })
  app.ws('/close', () => {})
  app.ws('/reply', { onInvalid: 'reply' }, () => {})
  t.match(await ask(app, '/reply', '{'), { type: 'error' })
  const client = await app.injectWS('/close')
  client.send('{')
  await client.expectClose(1007)
})

/* Replies. */

t.test('what a handler returns, or its promise settles with, is sent back', async t => {
  const app = await buildApp(t)
  app.ws('/sync', () => ({ ok: true }))
  app.ws('/async', async () => { await immediate(); return { ok: true } })
  app.ws('/thenable', () => ({ then: (resolve: (value: unknown) => void) => resolve({ ok: true }) }))
  for (const url of ['/sync', '/async', '/thenable']) t.same(await ask(app, url, {}), { ok: true }, url)
})

t.test('undefined is not sent, null and other values are', async t => {
  const app = await buildApp(t)
  const replies = [undefined, null, 0, '', false]
  app.ws('/sync', message => replies[Number(message)])
  app.ws('/async', async message => replies[Number(message)])
  for (const url of ['/sync', '/async']) {
    const client = await app.injectWS(url)
    for (const index of replies.keys()) client.send(String(index))
    for (const reply of replies.slice(1)) t.equal(await client.receive(), reply)
  }
})

t.test('a reply carries the id of its message: a string of at most 64 characters or a safe integer', async t => {
  const app = await buildApp(t)
  app.ws('/', async () => ({ ok: true }))
  for (const id of ['', 'a', 'x'.repeat(64), 0, -7, Number.MAX_SAFE_INTEGER]) t.same(await ask(app, '/', { id }), { ok: true, id })
  for (const id of ['x'.repeat(65), 1.5, 2 ** 53, null, true, {}, ['a']]) t.same(await ask(app, '/', { id }), { ok: true }, JSON.stringify(id))
})

t.test('a reply carries the id whether or not the send schema declares one', async t => {
  const app = await buildApp(t)
  const Sum = { type: Type.Literal('sum'), sum: Type.Integer() }
  const schemas = {
    '/none': Type.Object(Sum),
    '/declared': Type.Object({ ...Sum, id: Type.Optional(Type.Union([Type.String(), Type.Integer()])) }),
    '/composed': Type.Intersect([Type.Object(Sum), Type.Object({ note: Type.Optional(Type.String()) })])
  }
  for (const [url, send] of Object.entries(schemas)) {
    app.ws(url, { schema: { receive: Add, send } }, { add: ({ a, b }) => ({ type: 'sum' as const, sum: a + b, secret: 1 }) })
  }
  for (const url of Object.keys(schemas)) t.same(await ask(app, url, { type: 'add', a: 1, b: 2, id: 'x' }), { type: 'sum', sum: 3, id: 'x' }, url)
})

t.test('a reply that can not be sent is the handler\'s error', async t => {
  const app = await buildApp(t)
  app.ws('/sync', { schema: { send: Add } }, () => ({ type: 'other' }) as never)
  app.ws('/async', { schema: { send: Add } }, async () => ({ type: 'other' }) as never)
  app.ws('/raw', { codec: 'raw' }, () => ({}))
  for (const url of ['/sync', '/async', '/raw']) t.match(await ask(app, url, 'null'), { type: 'error', message: 'Internal Server Error' }, url)
})

t.test('fields that the send schema does not declare leave by no codec', async t => {
  const app = await buildApp(t, { codec: { json: 'json', msgpack } })
  const User = Type.Object({ name: Type.String() })
  app.ws('/', { schema: { send: Type.Object({ users: Type.Array(User) }) } }, () => ({ users: [{ name: 'Ann', password: 'secret' }], secret: 1 }))
  for (const protocol of ['json', 'msgpack']) {
    const client = await app.injectWS('/', { protocols: [protocol] })
    client.send(protocol === 'json' ? '{}' : Buffer.from(encode({})))
    const reply = await client.receive()
    t.same(Buffer.isBuffer(reply) ? decode(reply) : reply, { users: [{ name: 'Ann' }] }, protocol)
  }
})

t.test('this in a handler is the encapsulating instance', async t => {
  const app = await buildApp(t)
  await app.register(async scope => {
    scope.decorate('who', 'the scope')
    scope.ws('/', function () { return [this === scope, (this as typeof scope & { who: string }).who] })
  }, { prefix: '/scope' })
  t.same(await ask(app, '/scope/', {}), [true, 'the scope'])
})

/* Codecs. */

t.test('the raw codec gives strings and Buffers, and sends them as text and binary', async t => {
  const app = await buildApp(t)
  app.ws('/', { codec: 'raw' }, message => message)
  const client = await app.injectWS('/')
  client.send('not json')
  t.equal(await client.receive(), 'not json')
  client.send(Buffer.from([0, 255]))
  t.same(await client.receive(), Buffer.from([0, 255]))
})

t.test('the negotiated subprotocol chooses the codec', async t => {
  const app = await buildApp(t, { codec: { json: 'json', 'msgpack.v1': msgpack } })
  app.ws('/', message => ({ got: message }))
  const client = await app.injectWS('/', { protocols: ['unknown', 'msgpack.v1'] })
  t.equal(client.protocol, 'msgpack.v1')
  client.send(Buffer.from(encode({ a: 1, id: 7 })))
  t.same(decode(await client.receive<Buffer>()), { got: { a: 1, id: 7 }, id: 7 })
  t.same(await ask(app, '/', { a: 1 }), { got: { a: 1 } }, 'json without a subprotocol')
})

t.test('a codec\'s values are checked like JSON, and its refusals are sent through it', async t => {
  const app = await buildApp(t, { codec: msgpack })
  app.ws('/', { schema: { receive: Received } }, () => 'handled')
  const client = await app.injectWS('/')
  for (const [bytes, code] of [[encode({ type: 'add' }), 'FST_ERR_WS_INVALID_MESSAGE'], [Buffer.from([0xc1]), 'FST_ERR_WS_INVALID_MESSAGE'], ['{}', 'FST_ERR_WS_UNSUPPORTED_DATA']] as const) {
    client.send(typeof bytes === 'string' ? bytes : Buffer.from(bytes))
    t.match(decode(await client.receive<Buffer>()), { type: 'error', code })
  }
  client.send(Buffer.from(encode({ type: 'add', a: 1, b: 2 })))
  t.equal(decode(await client.receive<Buffer>()), 'handled')
})

t.test('a codec that fails to encode costs the message, not the process', async t => {
  const unhandled = unhandledRejections(t)
  const { lines, stream } = logLines()
  const app = await buildApp(t, {}, { logger: { stream } })
  const codec: Codec = { binary: false, decode: payload => payload, encode: value => { if (value !== 'good') throw new Error('can not'); return 'good' } }
  app.ws('/', { codec }, message => message)
  const client = await app.injectWS('/')
  client.send('bad')
  client.send('good')
  t.equal(await client.receive(), 'good')
  t.ok(lines.some(line => line.msg === 'message of fastify-typed-ws could not be encoded'))
  t.same(unhandled, [])
})

/* Compilers. */

/** A compiler that counts what it compiles and how often that is used. */
function counting (): { compiler: () => (value: unknown) => boolean, compiled: () => number, checked: () => number } {
  let compiled = 0
  let checked = 0
  return {
    compiler () { compiled++; return () => { checked++; return true } },
    compiled: () => compiled,
    checked: () => checked
  }
}

t.test('one validator is compiled a member at start-up, and none for a message', async t => {
  const app = await buildApp(t)
  const { compiler, compiled, checked } = counting()
  app.ws('/', { schema: { receive: Received }, validatorCompiler: compiler }, () => 'ok')
  await app.ready()
  t.equal(compiled(), 2)
  const client = await app.injectWS('/')
  for (let i = 0; i < 10; i++) {
    client.send({ type: 'add' })
    await client.receive()
  }
  t.equal(compiled(), 2)
  t.equal(checked(), 10)
})

t.test('one serializer is compiled a member at start-up, and none for a message', async t => {
  const app = await buildApp(t)
  let compiled = 0
  app.ws('/', { schema: { send: Received }, serializerCompiler: () => { compiled++; return JSON.stringify } }, () => ({ type: 'join', room: 'a' }) as const)
  for (let i = 0; i < 10; i++) await ask(app, '/', {})
  t.equal(compiled, 2)
})

t.test('the validator compiler of the route counts before that of its scope, and that before the instance\'s', async t => {
  const app = await buildApp(t)
  const compilerNamed = (name: string) => () => () => ({ error: new Error(name) })
  const schema = { receive: Type.Object({}) }
  app.setValidatorCompiler(compilerNamed('instance'))
  app.ws('/', { schema }, () => {})
  await app.register(async scope => {
    scope.ws('/before', { schema }, () => {})
    scope.setValidatorCompiler(compilerNamed('scope'))
    scope.ws('/', { schema }, () => {})
    scope.ws('/route', { schema, validatorCompiler: compilerNamed('route') }, () => {})
  }, { prefix: '/scope' })
  const names = { '/': 'instance', '/scope/': 'scope', '/scope/before': 'scope', '/scope/route': 'route' }
  for (const [url, name] of Object.entries(names)) t.match(await ask(app, url, {}), { message: `message ${name}` }, url)
})

t.test('the serializer compiler of the route counts before that of its scope, and that before the instance\'s', async t => {
  const app = await buildApp(t)
  const compilerNamed = (name: string) => () => () => JSON.stringify(name)
  const schema = { send: Type.Any() }
  app.setSerializerCompiler(compilerNamed('instance'))
  app.ws('/', { schema }, () => ({}))
  await app.register(async scope => {
    scope.setSerializerCompiler(compilerNamed('scope'))
    scope.ws('/', { schema }, () => ({}))
    scope.ws('/route', { schema, serializerCompiler: compilerNamed('route') }, () => ({}))
  }, { prefix: '/scope' })
  for (const [url, name] of Object.entries({ '/': 'instance', '/scope/': 'scope', '/scope/route': 'route' })) t.equal(await ask(app, url, {}), name)
})

t.test('an Ajv of one\'s own is used as it is, coercion and all', async t => {
  const app = await buildApp(t)
  const ajv = new Ajv({ coerceTypes: true, removeAdditional: true })
  app.setValidatorCompiler(({ schema }) => ajv.compile(schema))
  app.ws('/', { schema: { receive: Type.Object({ n: Type.Number() }, { additionalProperties: false }) } }, message => message)
  t.same(await ask(app, '/', { n: '5', extra: 1 }), { n: 5 })
  t.match(await ask(app, '/', { n: 'x' }), { code: 'FST_ERR_WS_INVALID_MESSAGE', message: 'message/n must be number', errors: [{ instancePath: '/n' }] })
})

t.test('TypeBox\'s compiler checks, and coerces nothing', async t => {
  const app = await buildApp(t)
  app.setValidatorCompiler(TypeBoxValidatorCompiler)
  app.ws('/', { schema: { receive: Received } }, { join: () => 'joined', add: ({ a, b }) => a + b })
  t.equal(await ask(app, '/', { type: 'add', a: 1, b: 2 }), 3)
  t.match(await ask(app, '/', { type: 'add', a: '1', b: 2 }), { message: 'message/a Expected integer', errors: [{ instancePath: '/a' }] })
})

t.test('a compiler set for requests does not change that messages are neither coerced nor stripped', async t => {
  const app = await buildApp(t, {}, { ajv: { customOptions: { coerceTypes: true, removeAdditional: 'all' } } })
  app.post('/', { schema: { body: Type.Object({ n: Type.Number() }) } }, async request => request.body)
  app.ws('/', { schema: { receive: Type.Object({ n: Type.Number() }), querystring: Type.Object({ q: Type.Optional(Type.Number()) }) } }, message => message)
  t.same((await app.inject({ method: 'POST', url: '/', payload: { n: '5', extra: 1 } })).json(), { n: 5 })
  t.same(await ask(app, '/?q=1', { n: 5, extra: 1 }), { n: 5, extra: 1 })
  t.match(await ask(app, '/', { n: '5' }), { code: 'FST_ERR_WS_INVALID_MESSAGE' })
})

t.test('option ajv adds formats and keywords, and can not turn on coercion', async t => {
  const app = await buildApp(t, {
    ajv: { customOptions: { formats: { shout: /^[A-Z]+$/ }, keywords: ['x-note'], coerceTypes: true, removeAdditional: true } }
  })
  app.ws('/', { schema: { receive: Type.Object({ text: Type.String({ format: 'shout', 'x-note': 'loud' }) }, { additionalProperties: false }) } }, message => message)
  t.same(await ask(app, '/', { text: 'HEY' }), { text: 'HEY' })
  t.match(await ask(app, '/', { text: 'hey' }), { message: 'message/text must match format "shout"' })
  t.match(await ask(app, '/', { text: 'HEY', extra: 1 }), { code: 'FST_ERR_WS_INVALID_MESSAGE' })
})

t.test('option ajv takes plugins', async t => {
  const plugin = (ajv: Ajv, options?: { name: string }): Ajv => ajv.addFormat(options?.name ?? '', /^x+$/)
  const app = await buildApp(t, { ajv: { plugins: [[plugin, { name: 'exes' }]] } })
  app.ws('/', { schema: { receive: Type.String({ format: 'exes' }) } }, message => message)
  t.equal(await ask(app, '/', '"xx"'), 'xx')
  t.match(await ask(app, '/', '"y"'), { type: 'error' })
})

t.test('a validator that answers a promise is refused loudly', async t => {
  const unhandled = unhandledRejections(t)
  const { lines, stream } = logLines()
  const app = await buildApp(t, {}, { logger: { stream } })
  let calls = 0
  const ajv = new Ajv()
  app.ws('/', { schema: { receive: { $async: true, type: 'object', required: ['a'] } }, validatorCompiler: ({ schema }) => ajv.compile(schema) }, () => { calls++ })
  for (const message of [{ a: 1 }, {}]) t.match(await ask(app, '/', message), { type: 'error', message: 'Internal Server Error' })
  t.equal(calls, 0)
  t.equal(lines.filter(line => (line.err as { code?: string } | undefined)?.code === 'FST_ERR_WS_VALIDATOR_RESULT').length, 2)
  t.same(unhandled, [])
})

t.test('schemas of addSchema are known to messages, in the scope that they were added to', async t => {
  const app = await buildApp(t)
  app.addSchema({ $id: 'room', type: 'string', maxLength: 5 })
  await app.register(async scope => {
    scope.addSchema({ $id: 'join', type: 'object', required: ['type'], properties: { type: { const: 'join' }, room: { $ref: 'room#' } } })
    const receive = Type.Unsafe<Static<typeof Received>>({ anyOf: [{ $ref: 'join#' }, Add] })
    const send = Type.Unsafe<object>({ type: 'object', properties: { room: { $ref: 'room#' } } })
    scope.ws('/', { schema: { receive, send } }, { join: ({ room }) => ({ room, secret: 1 }), add: () => {} })
  }, { prefix: '/scope' })
  t.same(await ask(app, '/scope/', { type: 'join', room: 'abc' }), { room: 'abc' })
  t.match(await ask(app, '/scope/', { type: 'join', room: 'too long' }), { message: 'message/room must NOT have more than 5 characters' })
})

t.test('handlers that do not fit the schema, and schemas that do not compile, fail at start-up', async t => {
  const cases: Array<[object, unknown, { code: string, message: string | RegExp }]> = [
    [{ receive: Received }, { join () {} }, { code: 'FST_ERR_WS_HANDLER', message: 'handler of WebSocket route /x: no handler for type add' }],
    [{ receive: Received }, { join () {}, add () {}, sub () {} }, { code: 'FST_ERR_WS_HANDLER', message: 'handler of WebSocket route /x: no message of type sub' }],
    [{}, { join () {} }, { code: 'FST_ERR_WS_HANDLER', message: /an object of handlers needs a schema\.receive/ }],
    [{ receive: { type: 'nonsense' } }, () => {}, { code: 'FST_ERR_WS_SCHEMA', message: /^schema\.receive of WebSocket route \/x: / }],
    [{ receive: { $ref: 'nobody#' } }, () => {}, { code: 'FST_ERR_WS_SCHEMA', message: /nobody/ }],
    [{ send: { $ref: 'nobody#' } }, () => {}, { code: 'FST_ERR_WS_SCHEMA', message: /^schema\.send of WebSocket route \/x: .*nobody/ }]
  ]
  for (const [schema, handlers, expected] of cases) {
    const app = await buildApp(t)
    app.ws('/x', { schema }, handlers as () => void)
    await t.rejects(async () => { await app.ready() }, expected)
  }
})

t.test('members of a TypeBox module compile, and are dispatched', async t => {
  const app = await buildApp(t)
  const module = Type.Module({
    Name: Type.String(),
    Join: Type.Object({ type: Type.Literal('join'), name: Type.Ref('Name') }),
    Say: Type.Object({ type: Type.Literal('say') })
  })
  app.ws('/', { schema: { receive: Type.Union([module.Import('Join'), module.Import('Say')]) } }, {
    join: ({ name }) => name,
    say: () => 'said'
  })
  const client = await app.injectWS('/')
  client.send({ type: 'join', name: 'Ann' })
  t.equal(await client.receive(), 'Ann')
  client.send({ type: 'join', name: 5 })
  t.match(await client.receive(), { code: 'FST_ERR_WS_INVALID_MESSAGE' })
})

t.test('with a map of handlers, a schema that does not compile is the schema\'s fault', async t => {
  const app = await buildApp(t)
  const receive = { type: 'object', required: ['type'], properties: { type: { const: 'a' }, n: { type: 'nonsense' } } }
  app.ws('/', { schema: { receive } }, { a () {} } as never)
  await t.rejects(async () => { await app.ready() }, { code: 'FST_ERR_WS_SCHEMA' })
})
