import { Type } from '@sinclair/typebox'
import t from 'tap'
import { refusesId, withoutId } from '../../lib/messages/closed-schema.ts'

const closed = { type: 'object', properties: { n: { type: 'integer' } }, additionalProperties: false }
const open = { type: 'object', properties: { n: { type: 'integer' } } }
const closedWithId = { type: 'object', properties: { id: { type: 'string' } }, additionalProperties: false }

const cases: Record<string, { refuses: unknown[], takes: unknown[] }> = {
  'a closed schema refuses an id, unless it declares one': {
    refuses: [closed, { additionalProperties: false }, Type.Object({ n: Type.Integer() }, { additionalProperties: false })],
    takes: [open, closedWithId, { ...closed, additionalProperties: true }, { ...closed, additionalProperties: { type: 'integer' } }, { ...closed, properties: { id: false } }, { type: 'string' }, true, false, undefined, null]
  },
  'a pattern may declare it': {
    refuses: [{ ...closed, patternProperties: { '^x-': {} } }],
    takes: [{ ...closed, patternProperties: { '^i': {} } }, { ...closed, patternProperties: { '^(?:id|a\\-b)$': {} } }]
  },
  'whoever compiles the schema says what is no pattern': {
    refuses: [{ ...closed, patternProperties: { '^a\\-b$': {}, '(': {} } }],
    takes: []
  },
  'each part of allOf holds': {
    refuses: [{ allOf: [open, closed] }, { allOf: [closedWithId, closed] }, { ...closedWithId, allOf: [{ allOf: [closed] }] }],
    takes: [{ allOf: [open, closedWithId] }, { allOf: [] }]
  },
  'one member of a union that takes it is enough': {
    refuses: [{ anyOf: [closed, closed] }, { oneOf: [closed, { anyOf: [closed] }] }, { ...closed, anyOf: [open] }],
    takes: [{ anyOf: [closed, open] }, { oneOf: [closedWithId, closed] }, { anyOf: [] }]
  },
  'unevaluatedProperties closes what no part says anything of': {
    refuses: [
      { type: 'object', allOf: [open], unevaluatedProperties: false },
      Type.Intersect([Type.Object({ n: Type.Integer() }), Type.Object({ s: Type.String() })], { unevaluatedProperties: false })
    ],
    takes: [
      { ...closedWithId, additionalProperties: undefined, unevaluatedProperties: false },
      { allOf: [open, { properties: { id: {} } }], unevaluatedProperties: false },
      { anyOf: [open, { allOf: [{ properties: { id: {} } }] }], unevaluatedProperties: false },
      { $defs: { open }, allOf: [{ $ref: '#/$defs/open', properties: { id: {} } }], unevaluatedProperties: false },
      { ...open, dependentSchemas: { n: { properties: { id: {} } } }, unevaluatedProperties: false },
      { if: open, then: { properties: { id: {} } }, unevaluatedProperties: false },
      { allOf: [{ additionalProperties: {} }], unevaluatedProperties: false },
      { allOf: [{ $ref: '#/nowhere' }], unevaluatedProperties: false }
    ]
  },
  'references are followed, and those that lead round end': {
    refuses: [
      { $ref: 'shared#' },
      { $defs: { closed }, $ref: '#/$defs/closed' },
      { $defs: { closed }, allOf: [{ $ref: '#/$defs/closed' }] },
      { allOf: [{ $ref: '#' }, closed] }
    ],
    takes: [{ $ref: 'nothing#' }, { allOf: [{ $ref: '#' }] }, { anyOf: [{ $ref: '#' }], unevaluatedProperties: false, properties: { id: {} } }]
  }
}

for (const [title, { refuses, takes }] of Object.entries(cases)) {
  t.test(title, async t => {
    const shared = { shared: closed }
    for (const schema of refuses) t.ok(refusesId(schema, shared), JSON.stringify(schema))
    for (const schema of takes) t.notOk(refusesId(schema, shared), JSON.stringify(schema))
  })
}

t.test('a message without its id has all else, and is a copy', async t => {
  const message = Object.freeze({ id: 7, type: 'say', nested: { id: 8 } })
  t.same(withoutId(message), { type: 'say', nested: { id: 8 } })
  t.equal(message.id, 7)
})

t.test('it is what it was: an object without a prototype, keys that look like one, or an object of a class, which stays as it is', async t => {
  const bare: object = Object.assign(Object.create(null), { id: 7, type: 'say' })
  t.equal(Object.getPrototypeOf(withoutId(bare)), null)
  t.same({ ...withoutId(bare) }, { type: 'say' })
  const poisoned: object = JSON.parse('{ "id": 7, "__proto__": { "admin": true } }')
  t.same(Object.keys(withoutId(poisoned)), ['__proto__'])
  t.notOk('admin' in withoutId(poisoned))
  class Say { id = 7; get text (): string { return 'hello' } }
  const say = new Say()
  t.equal(withoutId(say), say)
})
