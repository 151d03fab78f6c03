import assert from 'node:assert/strict'
import { Type } from '@sinclair/typebox'
import t from 'tap'
import { SendContract } from '../../lib/messages/send-contract.ts'
import { sendContract } from '../helpers/contracts.ts'

const User = Type.Object({ name: Type.String() })
const user = { name: 'Ann', password: 'secret' }

/** What a codec that encodes values itself is given of `value`: never more than the serializer would write. */
function project (schema: unknown, value: unknown, shared?: readonly object[]): unknown {
  const contract = sendContract(schema, shared)
  const projected = contract.project(value)
  assert.deepEqual(JSON.parse(JSON.stringify(projected)), JSON.parse(contract.serialize(value)), 'not what the serializer writes')
  return projected
}

t.test('the declared fields of an object pass, others do not', async t => {
  t.same(project(User, user), { name: 'Ann' })
})

t.test('undeclared fields do not pass at any depth', async t => {
  const schema = Type.Object({ users: Type.Array(Type.Object({ user: User })) })
  t.same(project(schema, { users: [{ user, secret: 1 }, { user }] }), { users: [{ user: { name: 'Ann' } }, { user: { name: 'Ann' } }] })
})

t.test('an object that declares no fields passes none', async t => {
  t.same(project({ type: 'object' }, user), {})
})

t.test('a field that is absent or undefined stays absent', async t => {
  t.same(Object.keys(project(Type.Object({ a: Type.Optional(Type.Integer()), b: Type.Optional(Type.Integer()) }), { a: undefined }) as object), [])
})

t.test('the message itself is not changed', async t => {
  const message = { name: 'Ann', secret: 1 }
  project(User, message)
  t.same(message, { name: 'Ann', secret: 1 })
})

t.test('additionalProperties lets fields pass', async t => {
  t.same(project(Type.Object({ name: Type.String() }, { additionalProperties: true }), user), user)
})

t.test('the values of additionalProperties and of records are projected too', async t => {
  t.same(project({ type: 'object', additionalProperties: User }, { a: user }), { a: { name: 'Ann' } })
  t.same(project({ type: 'object', properties: { a: { type: 'integer' } }, additionalProperties: User }, { a: 1, b: user }), { a: 1, b: { name: 'Ann' } })
  t.same(project(Type.Record(Type.String(), User), { a: user }), { a: { name: 'Ann' } })
})

t.test('of a union the fields of the member that the message names pass', async t => {
  const schema = Type.Union([Type.Object({ type: Type.Literal('a'), x: Type.Integer() }), Type.Object({ type: Type.Literal('b'), y: Type.Integer() })])
  t.same(project(schema, { type: 'b', x: 1, y: 2 }), { type: 'b', y: 2 })
})

t.test('a union inside, such as one with null, lets no undeclared field pass', async t => {
  const schema = Type.Object({ user: Type.Union([User, Type.Null()]) })
  t.same(project(schema, { user }), { user: { name: 'Ann' } })
  t.same(project(schema, { user: null }), { user: null })
  t.same(project(Type.Union([User, Type.String()]), user), { name: 'Ann' })
})

t.test('the fields of all parts of a composition pass', async t => {
  t.same(project(Type.Intersect([User, Type.Object({ age: Type.Integer() })]), { ...user, age: 3 }), { name: 'Ann', age: 3 })
})

t.test('references are followed, to definitions and to shared schemas', async t => {
  const shared = [{ ...User, $id: 'user' }, { $id: 'all', definitions: { user: { $ref: 'user#' }, users: { type: 'array', items: { $ref: '#/definitions/user' } } } }]
  t.same(project({ $ref: 'user#' }, user, shared), { name: 'Ann' })
  t.same(project({ $ref: 'all#/definitions/users' }, [user], shared), [{ name: 'Ann' }])
  t.same(project({ $defs: { User }, type: 'object', properties: { user: { $ref: '#/$defs/User' } } }, { user }), { user: { name: 'Ann' } })
})

t.test('a schema that refers to itself is followed as deep as the message', async t => {
  const List = { $id: 'list', type: 'object', properties: { name: { type: 'string' }, next: { $ref: '#' } } }
  const deep = (depth: number): object => depth === 0 ? user : { ...user, next: deep(depth - 1) }
  let level = project({ $ref: 'list#' }, deep(50), [List]) as { next?: object }
  for (let i = 0; i < 50; i++) {
    t.same(Object.keys(level), ['name', 'next'])
    level = level.next as { next?: object }
  }
  t.same(level, { name: 'Ann' })
})

t.test('a schema that refers to itself more than once is read a few times only', async t => {
  let reads = 0
  const properties = {
    get left () { if (++reads > 1000) throw new Error('read without end'); return { $ref: '#' } },
    right: { $ref: '#' }
  }
  t.ok(SendContract.compile({ type: 'object', properties }, () => JSON.stringify, {}))
})

t.test('bytes and dates pass as what they are', async t => {
  const schema = Type.Object({ bytes: Type.Unsafe<Buffer>({}), at: Type.Any() })
  const message = { bytes: Buffer.from('abc'), at: new Date(0), secret: 1 }
  const projected = project(schema, message) as typeof message
  t.equal(projected.bytes, message.bytes)
  t.equal(projected.at, message.at)
  t.notOk('secret' in projected)
})

t.test('bytes and dates pass as what they are where the schema is a union too', async t => {
  const schema = Type.Object({ value: Type.Union([Type.Object({ bytes: Type.Any() }), Type.Null()]) })
  const bytes = Buffer.from('abc')
  t.equal((project(schema, { value: { bytes, secret: 1 } }) as { value: { bytes: Buffer } }).value.bytes, bytes)
})

t.test('an instance of a class passes its declared fields only', async t => {
  class Entity { name = 'Ann'; password = 'secret' }
  t.same(project(Type.Object({ user: User }), { user: new Entity() }), { user: { name: 'Ann' } })
})

t.test('a field named __proto__ changes no prototype', async t => {
  const schema = JSON.parse('{"type":"object","properties":{"a":{"type":"integer"}},"additionalProperties":true}')
  const projected = project(schema, JSON.parse('{"a":1,"__proto__":{"admin":true}}')) as { admin?: boolean }
  t.equal(projected.admin, undefined)
})

t.test('fields of Object.prototype pass only where the message has its own', async t => {
  const schema = { type: 'object', properties: { constructor: { type: 'string' }, a: { type: 'integer' } } }
  t.same(Object.keys(sendContract(schema).project({ a: 1 }) as object), ['a'])
})

t.test('a message of an undeclared kind is refused', async t => {
  const schema = Type.Union([Type.Object({ type: Type.Literal('a') }), Type.Object({ type: Type.Literal('b') })])
  t.throws(() => project(schema, { type: 'c' }), { code: 'FST_ERR_WS_SEND_INVALID' })
})
