import t from 'tap'
import { constantsOf, readField, takes, titleOf } from '../../../../lib/asyncapi/page/model/schema.ts'

const root = {
  components: {
    schemas: {
      Name: { type: 'string', minLength: 1 },
      Tree: { type: 'object', required: ['name', 'children'], properties: { name: { $ref: '#/components/schemas/Name' }, children: { type: 'array', items: { $ref: '#/components/schemas/Tree' } } } },
      Loop: { $ref: '#/components/schemas/Loop' },
      'a/b c': { type: 'boolean' }
    }
  }
}

const kindOf = (schema: unknown): string => readField(schema, root).kind

t.test('each type has its kind of field', async t => {
  t.equal(kindOf({ type: 'string' }), 'text')
  t.equal(kindOf({ type: 'number' }), 'number')
  t.equal(kindOf({ type: 'integer' }), 'number')
  t.equal(kindOf({ type: 'boolean' }), 'boolean')
  t.equal(kindOf({ const: 'a' }), 'constant')
  t.equal(kindOf({ enum: ['a', 'b'] }), 'choice')
  t.equal(kindOf({ enum: ['a'] }), 'constant')
  t.equal(kindOf({ type: 'array', items: { type: 'string' } }), 'array')
  t.equal(kindOf({ type: 'object', properties: { a: {} } }), 'object')
  t.equal(kindOf({ type: 'object', additionalProperties: { type: 'integer' } }), 'record')
  t.equal(kindOf({ type: 'object', patternProperties: { '^(.*)$': { type: 'integer' } } }), 'record')
  t.equal(kindOf({ properties: { a: {} } }), 'object', 'a type that is not said is understood')
  t.equal(kindOf({ items: {} }), 'array')
})

t.test('what has no kind of field is written as JSON', async t => {
  for (const schema of [{}, true, undefined, { type: 'object' }, { type: 'array' }, { type: 'array', items: [{}, {}] }, { type: 'null' }, { $ref: '#/nowhere' }, { $ref: '#/components/schemas/Loop' }]) {
    t.equal(kindOf(schema), 'json', JSON.stringify(schema))
  }
})

t.test('a union is one of its members; of literals, a choice', async t => {
  t.match(readField({ anyOf: [{ const: 'a' }, { const: 2 }] }, root), { kind: 'choice', values: ['a', 2] })
  const field = readField({ type: 'object', required: ['x'], anyOf: [{ properties: { kind: { const: 'a' } }, required: ['kind'] }, { title: 'Other', properties: { y: {} } }] }, root)
  t.match(field, { kind: 'union', members: [{ title: 'a' }, { title: 'Other' }] })
  if (field.kind === 'union') t.match(readField(field.members[1].schema, root), { kind: 'object', title: 'Other' }, 'what the union says is said of each member')
  t.match(readField({ type: ['string', 'integer'] }, root), { kind: 'union', members: [{ title: 'string' }, { title: 'integer' }] })
})

t.test('null is beside what a value is', async t => {
  for (const schema of [{ anyOf: [{ type: 'string' }, { type: 'null' }] }, { type: ['string', 'null'] }, { type: 'string', nullable: true }, { oneOf: [{ const: null }, { type: 'string' }] }]) {
    t.match(readField(schema, root), { kind: 'text', nullable: true }, JSON.stringify(schema))
  }
  t.match(readField({ enum: ['a', 'b', null] }, root), { kind: 'choice', nullable: true, values: ['a', 'b'] })
  t.equal(readField({ type: 'string' }, root).nullable, false)
})

t.test('references and allOf are followed, and what stands beside them is kept', async t => {
  t.match(readField({ $ref: '#/components/schemas/Name', description: 'of a leaf' }, root), { kind: 'text', description: 'of a leaf', hints: ['at least 1 character'] })
  t.equal(kindOf({ $ref: '#/components/schemas/a~1b%20c' }), 'boolean')
  const field = readField({ allOf: [{ $ref: '#/components/schemas/Tree' }, { properties: { extra: { type: 'integer' } }, required: ['extra'] }] }, root)
  t.match(field, { kind: 'object', properties: [{ name: 'name', required: true }, { name: 'children', required: true }, { name: 'extra', required: true }] }, 'properties of all parts')
})

t.test('a schema that contains itself is read one level at a time', async t => {
  const tree = readField({ $ref: '#/components/schemas/Tree' }, root)
  t.equal(tree.kind, 'object')
  const children = tree.kind === 'object' ? readField(tree.properties[1].schema, root) : tree
  t.equal(children.kind, 'array')
  if (children.kind === 'array') t.equal(kindOf(children.items), 'object')
})

t.test('what is asked of a value is said in words', async t => {
  t.same(readField({ type: 'integer', minimum: 0, exclusiveMaximum: 10, multipleOf: 2 }, root).hints, ['a whole number', '≥ 0', '< 10', 'a multiple of 2'])
  t.same(readField({ type: 'string', format: 'email', maxLength: 80, pattern: '^a' }, root).hints, ['email', 'at most 80 characters', 'matches ^a'])
  t.same(readField({ type: 'array', items: {}, minItems: 1, maxItems: 3 }, root).hints, ['at least 1 item', 'at most 3 items'])
  t.same(readField({ type: 'object', additionalProperties: {}, minProperties: 1, maxProperties: 2 }, root).hints, ['at least 1 entry', 'at most 2 entries'])
})

t.test('bounds, examples and defaults are those of the schema', async t => {
  t.match(readField({ type: 'integer', minimum: 1, maximum: 5 }, root), { step: '1', least: 1, most: 5 })
  t.match(readField({ type: 'number', multipleOf: 0.5 }, root), { step: '0.5' })
  t.match(readField({ type: 'string', format: 'date', examples: ['2030-01-31'] }, root), { format: 'date', example: '2030-01-31', isLong: false })
  t.match(readField({ type: 'string', maxLength: 5000 }, root), { isLong: true })
  t.equal(readField({ type: 'string', default: 'a' }, root).initial, 'a')
  t.match(readField({ type: 'array', items: {}, minItems: 2 }, root), { least: 2 })
})

t.test('a member is told from the others by its title, its constants, its name or its type', async t => {
  t.equal(titleOf({ title: 'A', type: 'string' }, root), 'A')
  t.equal(titleOf({ properties: { type: { const: 'join' } }, required: ['type'] }, root), 'join')
  t.equal(titleOf({ $ref: '#/components/schemas/Tree' }, root), 'Tree')
  t.equal(titleOf({ type: 'string' }, root), 'string')
  t.equal(titleOf({ const: false }, root), 'false')
  t.equal(titleOf({}, root), undefined)
})

t.test('constants are required properties with one value', async t => {
  t.same(constantsOf({ properties: { a: { const: 1 }, b: { enum: ['x'] }, c: { const: 2 }, d: {} }, required: ['a', 'b', 'd'] }, root), { a: 1, b: 'x' })
})

t.test('an object takes a property that is declared, or that nothing forbids', async t => {
  t.ok(takes({ type: 'object', properties: {} }, 'id', root))
  t.ok(takes({ type: 'object', properties: { id: {} }, additionalProperties: false }, 'id', root))
  t.notOk(takes({ type: 'object', additionalProperties: false }, 'id', root))
  t.notOk(takes({ type: 'object', unevaluatedProperties: false }, 'id', root))
  t.notOk(takes({ type: 'string' }, 'id', root))
})
