import { Type } from '@sinclair/typebox'
import t from 'tap'
import type { SharedSchemas } from '../../lib/messages/references.ts'
import { readUnion } from '../../lib/messages/union.ts'
import type { Literal } from '../../lib/messages/union.ts'

const any = (): boolean => true

/** The property that tells the members apart, and its values; null where there is none. */
function discriminator (schema: unknown, shared: SharedSchemas = {}): { property: string, literals: Literal[] } | null {
  const union = readUnion(schema, shared, any)
  return union === null ? null : { property: union.property, literals: [...union.members.keys()] }
}

/** A schema of an object with one required constant. */
function member (property: string, value: unknown): object {
  return { type: 'object', required: [property], properties: { [property]: { const: value } } }
}

const joinAndSay = { property: 'type', literals: ['join', 'say'] }

t.test('anyOf whose members share a property with a distinct const is a union', async t => {
  t.same(discriminator({ anyOf: [member('type', 'join'), member('type', 'say')] }), joinAndSay)
})

t.test('oneOf is as good as anyOf', async t => {
  t.same(discriminator({ oneOf: [member('type', 'join'), member('type', 'say')] }), joinAndSay)
})

t.test('the property may have any name', async t => {
  for (const name of ['op', '@kind', '__proto__', 'constructor', '']) {
    const schema = (value: string): unknown => JSON.parse(`{"type":"object","required":[${JSON.stringify(name)}],"properties":{${JSON.stringify(name)}:{"const":"${value}"}}}`)
    t.same(discriminator({ anyOf: [schema('a'), schema('b')] }), { property: name, literals: ['a', 'b'] }, JSON.stringify(name))
  }
})

t.test('a literal may be a number', async t => {
  t.same(discriminator({ anyOf: [member('op', 1), member('op', 0)] }), { property: 'op', literals: [1, 0] })
})

t.test('members that refer to definitions share them: a union of thousands costs no more than it has', async t => {
  const names = Array.from({ length: 5000 }, (_, index) => `m${index}`)
  for (const keyword of ['definitions', '$defs']) {
    const definitions = Object.fromEntries(names.map(name => [name, member('type', name)]))
    const union = readUnion({ anyOf: names.map(name => ({ $ref: `#/${keyword}/${name}` })), [keyword]: definitions }, {}, any)
    const members = [...union?.members.values() ?? []]
    t.equal(members.length, names.length)
    t.equal(new Set(members.map(each => each[keyword])).size, 1)
  }
})

t.test('an enum of one value is a const', async t => {
  const schema = (value: string): object => ({ type: 'object', required: ['type'], properties: { type: { enum: [value] } } })
  t.same(discriminator({ anyOf: [schema('join'), schema('say')] }), joinAndSay)
})

t.test('one object with a const is a union of one', async t => {
  t.same(discriminator(member('type', 'ping')), { property: 'type', literals: ['ping'] })
})

t.test('booleans, null and objects discriminate nothing', async t => {
  for (const [a, b] of [[true, false], [null, 'x'], [{}, []]]) {
    t.equal(discriminator({ anyOf: [member('type', a), member('type', b)] }), null)
  }
})

t.test('a const that stands twice discriminates nothing', async t => {
  t.equal(discriminator({ anyOf: [member('type', 'join'), member('type', 'join')] }), null)
})

t.test('an optional const discriminates nothing', async t => {
  const optional = { type: 'object', properties: { type: { const: 'join' } } }
  t.equal(discriminator({ anyOf: [optional, member('type', 'say')] }), null)
})

t.test('a property that only some members have discriminates nothing', async t => {
  t.equal(discriminator({ anyOf: [member('type', 'join'), member('kind', 'say')] }), null)
})

t.test('a schema that is no union of objects is none', async t => {
  for (const schema of [{}, true, { type: 'string' }, { anyOf: [] }, { anyOf: [{ type: 'string' }, { type: 'number' }] }, { type: 'object' }]) {
    t.equal(discriminator(schema), null)
  }
})

t.test('of several properties that qualify the first that is accepted counts', async t => {
  const schema = Type.Union([
    Type.Object({ version: Type.Literal(1), type: Type.Literal('join') }),
    Type.Object({ version: Type.Literal(2), type: Type.Literal('say') })
  ])
  t.equal(readUnion(schema, {}, any)?.property, 'version')
  t.equal(readUnion(schema, {}, literals => literals.includes('say'))?.property, 'type')
  t.equal(readUnion(schema, {}, () => false), null)
})

t.test('members may be references to the schema\'s own definitions', async t => {
  for (const keyword of ['$defs', 'definitions']) {
    const schema = {
      [keyword]: { Join: member('type', 'join'), Say: member('type', 'say') },
      anyOf: [{ $ref: `#/${keyword}/Join` }, { $ref: `#/${keyword}/Say` }]
    }
    t.same(discriminator(schema), joinAndSay, keyword)
  }
})

t.test('members may be references to shared schemas', async t => {
  const shared = { join: { $id: 'join', ...member('type', 'join') }, all: { $id: 'all', definitions: { Say: member('type', 'say') } } }
  t.same(discriminator({ anyOf: [{ $ref: 'join#' }, { $ref: 'all#/definitions/Say' }] }, shared), joinAndSay)
  t.same(discriminator({ anyOf: [{ $ref: 'join' }, { $ref: 'all#/definitions/Say' }] }, shared), joinAndSay)
})

t.test('the whole union may be a reference to a shared schema', async t => {
  const shared = { messages: { $id: 'messages', $defs: { Join: member('type', 'join') }, anyOf: [{ $ref: '#/$defs/Join' }, member('type', 'say')] } }
  t.same(discriminator({ $ref: 'messages#' }, shared), joinAndSay)
})

t.test('the union may be a definition of a shared schema, and its members definitions beside it', async t => {
  const messages = {
    $id: 'messages',
    definitions: {
      Join: member('type', 'join'),
      Say: member('type', 'say'),
      Incoming: { anyOf: [{ $ref: '#/definitions/Join' }, { $ref: '#/definitions/Say' }] }
    }
  }
  t.same(discriminator({ $ref: 'messages#/definitions/Incoming' }, { messages }), joinAndSay)
})

t.test('the const itself may be a reference', async t => {
  const schema = {
    $defs: { JoinType: { const: 'join' }, SayType: { const: 'say' } },
    anyOf: ['JoinType', 'SayType'].map(name => ({ type: 'object', required: ['type'], properties: { type: { $ref: `#/$defs/${name}` } } }))
  }
  t.same(discriminator(schema), joinAndSay)
})

t.test('a reference may lead to another', async t => {
  const shared = { a: { $id: 'a', $ref: 'b#/$defs/Join' }, b: { $id: 'b', $defs: { Join: { $ref: '#/$defs/Real' }, Real: member('type', 'join') } } }
  t.same(discriminator({ $ref: 'a#' }, shared), { property: 'type', literals: ['join'] })
})

t.test('a reference that leads nowhere, or in a circle, is no union', async t => {
  t.equal(discriminator({ $ref: 'nobody#' }), null)
  t.equal(discriminator({ $ref: '#/$defs/None' }), null)
  t.equal(discriminator({ $ref: 'toString#' }), null, 'own properties only')
  const circle = { $defs: { A: { $ref: '#/$defs/B' }, B: { $ref: '#/$defs/A' } }, $ref: '#/$defs/A' }
  t.equal(discriminator(circle), null)
})

t.test('a member keeps the definitions that it may refer to', async t => {
  const Room = { type: 'string' }
  const schema = { $defs: { Room }, anyOf: [member('type', 'join'), member('type', 'say')] }
  t.same(readUnion(schema, {}, any)?.members.get('join'), { $defs: { Room }, ...member('type', 'join') })
})

t.test('what a union says beside anyOf holds for each member', async t => {
  const beside = { required: ['id'], properties: { id: { type: 'integer' } } }
  const schema = { ...beside, anyOf: [member('type', 'join'), member('type', 'say')] }
  t.match(readUnion(schema, {}, any)?.members.get('say'), { ...beside, allOf: [member('type', 'say')] })
})

t.test('a reference may point to a name with escaped characters', async t => {
  const schema = { $defs: { 'a/b': { '~c d': member('type', 'join') } }, anyOf: [{ $ref: '#/$defs/a~1b/~0c%20d' }, member('type', 'say')] }
  t.same(discriminator(schema), joinAndSay)
})

t.test('a const in a part of allOf counts: Type.Intersect of a base and a member', async t => {
  const base = Type.Object({ at: Type.Integer() })
  const union = Type.Union(['join', 'say'].map(type => Type.Intersect([base, Type.Object({ type: Type.Literal(type) })])))
  t.same(discriminator(union), joinAndSay)
})

t.test('members of a union inside the union count as its own', async t => {
  t.same(discriminator({ anyOf: [{ oneOf: [member('type', 'join'), member('type', 'say')] }, member('type', 'leave')] }), {
    property: 'type', literals: ['join', 'say', 'leave']
  })
})

t.test('what an inner and an outer union say beside their members holds for each', async t => {
  const inner = { anyOf: [member('type', 'join')], required: ['room'] }
  const union = readUnion({ anyOf: [inner], maxProperties: 2 }, {}, any)
  t.same(union?.members.get('join'), { maxProperties: 2, allOf: [{ required: ['room'], allOf: [member('type', 'join')] }] })
})

t.test('an object that is a part of itself ends', async t => {
  t.same(discriminator({ ...member('type', 'join'), allOf: [{ $ref: '#' }] }), { property: 'type', literals: ['join'] })
  t.same(discriminator({ allOf: [{ $ref: '#/definitions/a' }], definitions: { a: { allOf: [{ $ref: '#' }], ...member('type', 'join') } } }), { property: 'type', literals: ['join'] })
})

t.test('a schema is found by its $id and its $anchor, wherever it stands', async t => {
  const inner = { $id: 'https://example.com/join', ...member('type', 'join') }
  const outer = { $anchor: 'say', ...member('type', 'say') }
  t.same(discriminator({
    $id: 'https://example.com/all',
    anyOf: [{ $ref: 'join' }, { $ref: '#say' }],
    properties: { here: inner, there: { items: outer } }
  }), joinAndSay)
})

t.test('a union that is a member of itself discriminates nothing', async t => {
  t.equal(discriminator({ $id: 'u', anyOf: [{ $ref: 'u#' }, member('type', 'join')] }, { u: { $id: 'u', anyOf: [{ $ref: 'u#' }, member('type', 'join')] } }), null)
})

t.test('members of a TypeBox module are found by the $id of their definition', async t => {
  const module = Type.Module({ Join: Type.Object({ type: Type.Literal('join') }), Say: Type.Object({ type: Type.Literal('say') }) })
  t.same(discriminator(Type.Union([module.Import('Join'), module.Import('Say')])), joinAndSay)
})
