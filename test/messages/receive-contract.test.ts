import { Type } from '@sinclair/typebox'
import t from 'tap'
import { ReceiveContract } from '../../lib/messages/receive-contract.ts'
import type { Validate } from '../../lib/messages/receive-contract.ts'
import { receiveContract } from '../helpers/contracts.ts'

const Join = Type.Object({ type: Type.Literal('join'), room: Type.String() })
const Say = Type.Object({ type: Type.Literal('say'), text: Type.String({ maxLength: 5 }) })
const both = { join: 'join handler', say: 'say handler' }

/** Finds the kind of a message and checks it, as a connection does. */
function take<Handler> (contract: ReceiveContract<Handler>, message: unknown): { handler: Handler, message: unknown } {
  const kind = contract.kindOf(message)
  return { handler: kind.handler, message: contract.check(kind, message) }
}

/** A contract whose every validator answers `result`. */
function answering (result: unknown): ReceiveContract<string> {
  const validate: Validate = () => result
  return ReceiveContract.compile<string>(Type.Union([Join, Say]), both, () => validate, {})
}

t.test('a message is handled by the handler of its type', async t => {
  const contract = receiveContract<string>(Type.Union([Join, Say]), both)
  t.equal(take(contract, { type: 'join', room: 'a' }).handler, 'join handler')
  t.equal(take(contract, { type: 'say', text: 'hi' }).handler, 'say handler')
})

t.test('a number in a message is the key of its handler', async t => {
  const schema = Type.Union([Type.Object({ op: Type.Literal(1) }), Type.Object({ op: Type.Literal(2) })])
  const contract = receiveContract<string>(schema, { 1: 'one', 2: 'two' })
  t.equal(take(contract, { op: 2 }).handler, 'two')
  t.throws(() => take(contract, { op: '2' }), { code: 'FST_ERR_WS_UNKNOWN_TYPE' }, 'a string is not the number')
})

t.test('an error speaks of the member that the message names, and of no other', async t => {
  const contract = receiveContract<string>(Type.Union([Join, Say]), both)
  t.throws(() => take(contract, { type: 'say', text: 'too long' }), {
    code: 'FST_ERR_WS_INVALID_MESSAGE',
    closeCode: 1008,
    message: 'message/text must NOT have more than 5 characters',
    errors: [{ instancePath: '/text', keyword: 'maxLength', params: { limit: 5 } }]
  })
})

t.test('an error does not tell where in the schema it was found', async t => {
  const contract = receiveContract<string>(Type.Union([Join, Say]), both)
  try {
    take(contract, { type: 'join' })
    t.fail('was let through')
  } catch (error) {
    const [finding] = (error as { errors: object[] }).errors
    t.same(Object.keys(finding), ['instancePath', 'keyword', 'params', 'message'])
  }
})

t.test('a type that nobody declared is refused with those that are', async t => {
  const contract = receiveContract<string>(Type.Union([Join, Say]), both)
  const message = 'message/type is "shout", expected one of "join", "say"'
  t.throws(() => contract.kindOf({ type: 'shout' }), { code: 'FST_ERR_WS_UNKNOWN_TYPE', closeCode: 1008, message })
})

t.test('a message without the property is refused, whatever it is', async t => {
  const contract = receiveContract<string>(Type.Union([Join, Say]), both)
  for (const message of [{}, null, 'join', 1, [], ['join'], true, undefined]) {
    t.throws(() => contract.kindOf(message), { message: 'message/type is missing, expected one of "join", "say"' }, JSON.stringify(message))
  }
})

t.test('an unknown type is repeated to the client in 64 characters at most', async t => {
  const contract = receiveContract<string>(Type.Union([Join, Say]), both)
  t.throws(() => contract.kindOf({ type: 'x'.repeat(1_000_000) }), { message: `message/type is "${'x'.repeat(64)}", expected one of "join", "say"` })
})

t.test('names of Object.prototype are types like others: unknown unless declared', async t => {
  const contract = receiveContract<string>(Type.Union([Join, Say]), both)
  for (const type of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
    t.throws(() => contract.kindOf({ type }), { code: 'FST_ERR_WS_UNKNOWN_TYPE' }, type)
  }
})

t.test('a property that only the prototype has does not name the type', async t => {
  const schema = (type: string): object => ({ type: 'object', required: ['constructor'], properties: { constructor: { const: type } } })
  const contract = receiveContract<string>({ anyOf: [schema('a'), schema('b')] }, { a: 'a', b: 'b' })
  t.throws(() => contract.kindOf({}), { message: 'message/constructor is missing, expected one of "a", "b"' })
  t.equal(contract.kindOf(JSON.parse('{"constructor":"b"}')).handler, 'b')
})

t.test('types named __proto__ and constructor can be declared and handled', async t => {
  const schema = Type.Union([Type.Object({ type: Type.Literal('__proto__') }), Type.Object({ type: Type.Literal('constructor') })])
  const contract = receiveContract<string>(schema, JSON.parse('{"__proto__":"of __proto__","constructor":"of constructor"}'))
  t.equal(take(contract, { type: '__proto__' }).handler, 'of __proto__')
  t.equal(take(contract, { type: 'constructor' }).handler, 'of constructor')
})

t.test('a type named __proto__ or toString without a handler is a start-up error', async t => {
  for (const type of ['__proto__', 'toString']) {
    t.throws(() => receiveContract<string>(Type.Object({ type: Type.Literal(type) }), {}), { message: `no handler for type ${type}` })
  }
})

t.test('nothing is coerced', async t => {
  const contract = receiveContract(Type.Object({ n: Type.Number() }), () => {})
  t.throws(() => take(contract, { n: '5' }), { code: 'FST_ERR_WS_INVALID_MESSAGE', message: 'message/n must be number' })
})

t.test('nothing is stripped', async t => {
  const contract = receiveContract(Type.Object({ n: Type.Number() }), () => {})
  t.same(take(contract, { n: 5, extra: 1 }).message, { n: 5, extra: 1 })
})

t.test('additionalProperties: false refuses what it does not declare, and strips nothing', async t => {
  const contract = receiveContract(Type.Object({ n: Type.Number() }, { additionalProperties: false }), () => {})
  t.throws(() => take(contract, { n: 5, extra: 1 }), { message: 'message must NOT have additional properties' })
})

t.test('defaults are filled in', async t => {
  const contract = receiveContract(Type.Object({ n: Type.Number({ default: 7 }) }), () => {})
  t.same(take(contract, {}).message, { n: 7 })
})

t.test('without a schema every message passes', async t => {
  const handler = (): void => {}
  t.same(take(receiveContract(undefined, handler), 'anything'), { handler, message: 'anything' })
})

t.test('a function handles every member of a union, each checked by its own validator', async t => {
  const handler = (): void => {}
  const contract = receiveContract(Type.Union([Join, Say]), handler)
  t.equal(take(contract, { type: 'say', text: 'hi' }).handler, handler)
  t.throws(() => take(contract, { type: 'join' }), { message: "message must have required property 'room'" })
})

t.test('a function may handle messages of a schema that is no union', async t => {
  const contract = receiveContract(Type.Array(Type.Integer()), () => {})
  t.same(take(contract, [1, 2]).message, [1, 2])
  t.throws(() => take(contract, [1, 'a']), { message: 'message/1 must be integer' })
})

t.test('a union without a discriminator is checked as a whole', async t => {
  const contract = receiveContract(Type.Union([Type.String(), Type.Object({ a: Type.Integer() })]), () => {})
  t.same(take(contract, 'text').message, 'text')
  t.same(take(contract, { a: 1 }).message, { a: 1 })
  t.throws(() => take(contract, { a: 'x' }), { code: 'FST_ERR_WS_INVALID_MESSAGE' })
})

t.test('the keys of a handler map pick the property, where several tell the members apart', async t => {
  const schema = Type.Union([
    Type.Object({ version: Type.Literal('1'), type: Type.Literal('join') }),
    Type.Object({ version: Type.Literal('2'), type: Type.Literal('say') })
  ])
  const message = { version: '2', type: 'say' }
  t.equal(take(receiveContract<string>(schema, both), message).handler, 'say handler')
  t.equal(take(receiveContract<string>(schema, { 1: 'one', 2: 'two' }), message).handler, 'two')
})

t.test('a handler that is missing is named at start-up', async t => {
  t.throws(() => receiveContract<string>(Type.Union([Join, Say]), { join: '' }), { message: 'no handler for type say' })
})

t.test('a handler of nothing is named at start-up', async t => {
  t.throws(() => receiveContract<string>(Type.Union([Join, Say]), { ...both, shout: '' }), { message: 'no message of type shout' })
  t.throws(() => receiveContract<string>(Type.Union([Join, Say]), { join: '', shout: '' }), { message: 'no handler for type say; no message of type shout' })
})

t.test('a handler map needs a schema that tells messages apart', async t => {
  const message = 'an object of handlers needs a schema.receive whose members share a property with a distinct const'
  for (const schema of [undefined, Type.String(), Type.Object({ a: Type.String() }), Type.Union([Join, Type.Object({ a: Type.String() })])]) {
    t.throws(() => receiveContract<string>(schema, both), { message })
  }
})

t.test('members, and what they refer to, may be shared schemas', async t => {
  const shared = [
    { $id: 'room', type: 'string', maxLength: 3 },
    { $id: 'join', type: 'object', required: ['type', 'room'], properties: { type: { const: 'join' }, room: { $ref: 'room#' } } }
  ]
  const contract = receiveContract<string>({ anyOf: [{ $ref: 'join#' }, Say] }, both, shared)
  t.equal(take(contract, { type: 'join', room: 'abc' }).handler, 'join handler')
  t.throws(() => take(contract, { type: 'join', room: 'abcd' }), { message: 'message/room must NOT have more than 3 characters' })
})

t.test('a whole schema may be a reference, to a union or to one object', async t => {
  const join = { ...Join, $id: 'join' }
  const incoming = { $id: 'incoming', definitions: { Say }, anyOf: [{ $ref: 'join#' }, { $ref: '#/definitions/Say' }] }
  const union = receiveContract<string>({ $ref: 'incoming#' }, both, [join, incoming])
  t.throws(() => take(union, { type: 'say', text: 'too long' }), { message: 'message/text must NOT have more than 5 characters' })
  const one = receiveContract<string>({ $ref: 'join#' }, { join: 'join handler' }, [join])
  t.throws(() => take(one, { type: 'join' }), { message: "message must have required property 'room'" })
})

t.test('members may have an $id of their own, shared or not', async t => {
  const named = [{ ...Join, $id: 'join' }, { ...Say, $id: 'say' }]
  const contract = receiveContract<string>({ anyOf: named }, both, [named[0]])
  t.equal(take(contract, { type: 'join', room: 'a' }).handler, 'join handler')
  t.equal(take(contract, { type: 'say', text: 'a' }).handler, 'say handler')
})

t.test('members may refer to definitions of the union', async t => {
  const schema = {
    $defs: { Room: { type: 'string', maxLength: 3 }, Join: { type: 'object', required: ['type'], properties: { type: { const: 'join' }, room: { $ref: '#/$defs/Room' } } } },
    oneOf: [{ $ref: '#/$defs/Join' }, Say]
  }
  t.throws(() => take(receiveContract<string>(schema, both), { type: 'join', room: 'abcd' }), { message: 'message/room must NOT have more than 3 characters' })
})

t.test('what a union says beside its members is checked too', async t => {
  const schema = { type: 'object', required: ['token'], properties: { token: { type: 'string' } }, anyOf: [Join, Say] }
  const contract = receiveContract<string>(schema, both)
  t.throws(() => take(contract, { type: 'join', room: 'a' }), { message: "message must have required property 'token'" })
  t.throws(() => take(contract, { type: 'join', token: 'a' }), { message: "message must have required property 'room'" })
  t.ok(take(contract, { type: 'join', room: 'a', token: 'a' }))
})

t.test('a schema is compiled once a member, and never again for a message', async t => {
  const compiled: unknown[] = []
  const contract = ReceiveContract.compile<string>(Type.Union([Join, Say]), both, schema => {
    compiled.push(schema)
    return () => true
  }, {})
  for (let i = 0; i < 100; i++) take(contract, { type: 'join' })
  t.equal(compiled.length, 2)
})

t.test('a validator may answer true, or a value to hand on', async t => {
  const message = { type: 'join' }
  t.equal(take(answering(true), message).message, message)
  t.same(take(answering({ value: { type: 'join', made: true } }), message).message, { type: 'join', made: true })
  t.equal(take(answering({ value: undefined }), message).message, undefined)
})

t.test('a validator may refuse with false, an error, or a list of errors', async t => {
  const refusals = [false, { error: new Error('bad') }, { error: [{ message: 'bad', path: '/a' }] }, { error: { errors: [{ message: 'bad' }] } }, { error: 'bad', value: 1 }]
  for (const answer of refusals) {
    t.throws(() => take(answering(answer), { type: 'join' }), { code: 'FST_ERR_WS_INVALID_MESSAGE' }, JSON.stringify(answer))
  }
})

t.test('a validator that answers anything else is refused loudly', async t => {
  for (const answer of [Promise.resolve(true), undefined, null, 1, 'yes', {}]) {
    t.throws(() => take(answering(answer), { type: 'join' }), { code: 'FST_ERR_WS_VALIDATOR_RESULT' }, String(answer))
  }
})

t.test('the promise of a validator that is refused may reject without harm', async t => {
  const unhandled: unknown[] = []
  const listener = (reason: unknown): void => { unhandled.push(reason) }
  process.on('unhandledRejection', listener)
  t.teardown(() => process.off('unhandledRejection', listener))
  t.throws(() => take(answering(Promise.reject(new Error('invalid'))), { type: 'join' }), { code: 'FST_ERR_WS_VALIDATOR_RESULT' })
  await new Promise(resolve => setImmediate(resolve))
  t.same(unhandled, [])
})
