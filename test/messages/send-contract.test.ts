import { Type } from '@sinclair/typebox'
import t from 'tap'
import { idOf, SendContract } from '../../lib/messages/send-contract.ts'
import type { MessageId } from '../../lib/messages/send-contract.ts'
import { sendContract } from '../helpers/contracts.ts'

const Joined = Type.Object({ type: Type.Literal('joined'), members: Type.Integer() })
const Said = Type.Object({ type: Type.Literal('said'), from: Type.Object({ name: Type.String() }) })
const said = { type: 'said', from: { name: 'Ann', password: 'secret' }, secret: 1 }

/** The JSON text of a reply, checked to be JSON in which no key stands twice. */
function reply (schema: unknown, message: unknown, id: MessageId): unknown {
  const contract = schema === undefined ? SendContract.undeclared : sendContract(schema)
  const text = contract.serializeReply(message, id)
  const value = JSON.parse(text)
  if (text.match(/"id":/g)?.length !== 1 && typeof value === 'object') throw new Error(`one id expected in ${text}`)
  return value
}

t.test('fields that the schema does not declare do not leave', async t => {
  t.same(JSON.parse(sendContract(Said).serialize(said)), { type: 'said', from: { name: 'Ann' } })
})

t.test('a union is serialized by the member that the message names', async t => {
  const contract = sendContract(Type.Union([Joined, Said]))
  t.same(JSON.parse(contract.serialize(said)), { type: 'said', from: { name: 'Ann' } })
  t.same(JSON.parse(contract.serialize({ type: 'joined', members: 2, from: 'x' })), { type: 'joined', members: 2 })
})

t.test('undeclared fields do not leave from arrays, references, compositions and unions inside', async t => {
  const user = { $id: 'user', type: 'object', properties: { name: { type: 'string' } } }
  const cases: Array<[object, unknown, unknown]> = [
    [{ type: 'array', items: { $ref: 'user#' } }, [{ name: 'a', secret: 1 }], [{ name: 'a' }]],
    [{ allOf: [{ $ref: 'user#' }, { type: 'object', properties: { age: { type: 'integer' } } }] }, { name: 'a', age: 1, secret: 1 }, { name: 'a', age: 1 }],
    [{ type: 'object', properties: { user: { anyOf: [{ $ref: 'user#' }, { type: 'null' }] } } }, { user: { name: 'a', secret: 1 } }, { user: { name: 'a' } }]
  ]
  for (const [schema, message, expected] of cases) {
    t.same(JSON.parse(sendContract(schema, [user]).serialize(message)), expected)
  }
})

t.test('a message of a kind that the union does not have is refused', async t => {
  const contract = sendContract(Type.Union([Joined, Said]))
  for (const message of [{ type: 'other' }, {}, null, 'joined', [], undefined, { type: '__proto__' }, { type: 'toString' }]) {
    t.throws(() => contract.serialize(message), { code: 'FST_ERR_WS_SEND_INVALID', message: /schema\.send has no message whose type is .*, only joined, said/ })
  }
})

t.test('the kind is read from the message itself, not from its prototype', async t => {
  const contract = sendContract(Type.Union([Joined, Said]))
  t.throws(() => contract.serialize(Object.create({ type: 'joined', members: 1 })), { code: 'FST_ERR_WS_SEND_INVALID' })
})

t.test('a message that the serializer can not write is refused', async t => {
  t.throws(() => sendContract(Joined).serialize({ type: 'joined', members: 'many' }), { code: 'FST_ERR_WS_SEND_INVALID', message: /^cannot send: / })
  t.throws(() => sendContract(Joined).serialize({ type: 'joined' }), { code: 'FST_ERR_WS_SEND_INVALID', message: /"members" is required/ })
})

t.test('without a schema everything leaves as it is', async t => {
  for (const message of [{ a: 1 }, [1], 'text', 1, null, true]) {
    t.equal(SendContract.undeclared.serialize(message), JSON.stringify(message))
  }
})

t.test('what has no JSON is refused', async t => {
  const circle: Record<string, unknown> = {}
  circle.self = circle
  for (const message of [undefined, () => {}, Symbol('a'), 1n, circle]) {
    t.throws(() => SendContract.undeclared.serialize(message), { code: 'FST_ERR_WS_SEND_INVALID' }, typeof message)
  }
})

t.test('a serializer that answers no string is refused', async t => {
  const contract = SendContract.compile({}, () => () => undefined as never, {})
  t.throws(() => contract.serialize({}), { code: 'FST_ERR_WS_SEND_INVALID' })
})

t.test('a serializer is compiled once a member, and never again for a message', async t => {
  let compiled = 0
  const contract = SendContract.compile(Type.Union([Joined, Said]), () => { compiled++; return JSON.stringify }, {})
  for (let i = 0; i < 100; i++) contract.serialize(said)
  t.equal(compiled, 2)
})

t.test('a reply carries the id of its message though the schema declares none', async t => {
  const message = { type: 'joined', members: 2 }
  t.same(reply(Joined, message, 'a"b'), { ...message, id: 'a"b' })
  t.same(reply(Type.Union([Joined, Said]), message, 7), { ...message, id: 7 })
  t.same(reply(Type.Object({}), {}, 7), { id: 7 })
})

t.test('a reply carries the id of its message when the schema declares one', async t => {
  const schema = Type.Object({ id: Type.Integer(), a: Type.Integer() })
  t.same(reply(schema, { a: 1 }, 7), { id: 7, a: 1 })
  t.same(reply(schema, { a: 1, id: 99 }, 7), { id: 7, a: 1 }, 'the message\'s id, not one that the handler made up')
})

t.test('a reply carries the very id of its message though the schema declares another type of id', async t => {
  t.same(reply(Type.Object({ id: Type.Optional(Type.String()) }), {}, 7), { id: 7 })
  t.same(reply(Type.Object({ id: Type.Optional(Type.Integer()) }), {}, 'seven'), { id: 'seven' })
})

t.test('a reply carries one id where the schema is composed, open or empty', async t => {
  const id = Type.Object({ id: Type.Optional(Type.Integer()) })
  const a = Type.Object({ a: Type.Integer() })
  const schemas = [
    Type.Intersect([a, id]), Type.Intersect([a]), Type.Union([a, Type.Null()]), {}, undefined,
    Type.Object({ a: Type.Integer() }, { additionalProperties: true }), Type.Record(Type.String(), Type.Integer()),
    { type: 'object', additionalProperties: { type: 'integer' } }
  ]
  for (const schema of schemas) t.same(reply(schema, { a: 1, id: 99 }, 7), { a: 1, id: 7 }, JSON.stringify(schema))
  for (const schema of schemas) t.same(reply(schema, { a: 1 }, 7), { a: 1, id: 7 }, JSON.stringify(schema))
})

t.test('a reply carries one id though the serializer of the application declares nothing', async t => {
  const contract = SendContract.compile(Type.Object({ a: Type.Integer() }), () => JSON.stringify, {})
  t.equal(contract.serializeReply({ a: 1, id: 99 }, 7), '{"a":1,"id":7}')
})

t.test('a reply that is no object is sent without an id', async t => {
  t.equal(SendContract.undeclared.serializeReply('pong', 7), '"pong"')
  t.equal(SendContract.undeclared.serializeReply([1], 7), '[1]')
  t.equal(SendContract.undeclared.serializeReply(null, 7), 'null')
  t.equal(sendContract(Type.Array(Type.Integer())).serializeReply([1], 7), '[1]')
})

t.test('a reply that writes itself otherwise than as an object is sent without an id', async t => {
  const date = new Date(0)
  t.equal(SendContract.undeclared.serializeReply(date, 7), JSON.stringify(date))
  t.equal(sendContract(Type.String({ format: 'date-time' })).serializeReply(date, 7), JSON.stringify(date))
})

t.test('a reply that writes itself by toJSON carries the id too', async t => {
  class Point { toJSON (): object { return { x: 1 } } }
  t.same(reply(undefined, new Point(), 7), { x: 1, id: 7 })
})

t.test('an undeclared field does not leave in a reply either', async t => {
  t.same(reply(Joined, { type: 'joined', members: 2, secret: 1 }, 7), { type: 'joined', members: 2, id: 7 })
})

t.test('an id is a string of at most 64 characters, or a safe integer', async t => {
  for (const id of ['', 'a', 'x'.repeat(64), 0, -1, Number.MAX_SAFE_INTEGER]) t.equal(idOf({ id }), id)
  for (const id of ['x'.repeat(65), 1.5, 2 ** 53, NaN, Infinity, true, null, {}, ['a'], undefined]) t.equal(idOf({ id }), undefined)
})

t.test('only a message with an id of its own has one', async t => {
  for (const message of [null, undefined, 'id', 7, [], Object.create({ id: 7 })]) t.equal(idOf(message), undefined)
})
