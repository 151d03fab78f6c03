import t from 'tap'
import { addressOf, findingsOf, fits, fromHex, isSameJson, toHex } from '../../../../lib/asyncapi/page/model/value.ts'

t.test('errors of Ajv and of TypeBox say where and what', async t => {
  t.same(findingsOf([
    { instancePath: '/tags/0', message: 'must be string' },
    { instancePath: '/a~1b', params: { missingProperty: 'name' }, message: 'must have required property \'name\'' },
    { instancePath: '', params: { additionalProperty: 'x' }, message: 'must NOT have additional properties' },
    { path: '/text', message: 'Expected string' },
    'no error'
  ]), [
    { path: ['tags', '0'], message: 'must be string' },
    { path: ['a/b', 'name'], message: 'is required' },
    { path: ['x'], message: 'is not known' },
    { path: ['text'], message: 'Expected string' },
    { path: [], message: 'is not valid' }
  ])
  t.same(findingsOf(undefined), [])
})

t.test('a value fits the member of a union whose kind it is', async t => {
  const link = { type: 'object', required: ['kind'], properties: { kind: { const: 'link' } } }
  const cases: Array<[unknown, unknown, boolean]> = [
    [{ kind: 'link' }, link, true],
    [{ kind: 'poll' }, link, false],
    [{}, link, false],
    [[], link, false],
    ['a', { type: 'string' }, true],
    [1, { type: 'string' }, false],
    [1, { type: 'integer' }, true],
    [true, { type: 'boolean' }, true],
    [[], { type: 'array', items: {} }, true],
    [{}, { type: 'object', additionalProperties: {} }, true],
    ['a', { enum: ['a', 'b'] }, true],
    ['c', { enum: ['a', 'b'] }, false],
    ['a', { const: 'a' }, true],
    [null, { type: ['string', 'null'] }, true],
    [null, { type: 'string' }, false],
    [{ kind: 'link' }, { anyOf: [{ type: 'string' }, link] }, true],
    [1, { anyOf: [{ type: 'string' }, link] }, false],
    [1, {}, true]
  ]
  for (const [value, schema, expected] of cases) t.equal(fits(value, schema, {}), expected, JSON.stringify([value, schema]))
})

t.test('JSON is the same in whichever order its properties are', async t => {
  t.ok(isSameJson({ a: 1, b: { c: [1], d: 2 } }, { b: { d: 2, c: [1] }, a: 1 }))
  t.notOk(isSameJson({ a: [1, 2] }, { a: [2, 1] }))
  t.notOk(isSameJson({ a: 1 }, { a: 1, b: null }))
})

t.test('an address is filled in, and nothing in it is taken for more than it is', async t => {
  t.equal(addressOf('/rooms/{room}/{wildcard}', { room: 'a/b?', wildcard: 'c/d e' }, { name: 'Ada & co', tags: ['x', 'y'], filter: { z: 1 } }, ''), '/rooms/a%2Fb%3F/c/d%20e?name=Ada+%26+co&tags=x&tags=y&filter=%7B%22z%22%3A1%7D')
  t.equal(addressOf('/chat', {}, undefined, ''), '/chat')
  t.equal(addressOf('/chat', {}, { a: 1 }, 'token=t'), '/chat?token=t&a=1')
  t.equal(addressOf('/{missing}', {}, undefined, ''), '/')
})

t.test('bytes are written in hexadecimal, and read again', async t => {
  t.equal(toHex(Uint8Array.of(0, 171, 255)), '00 ab ff')
  t.same(fromHex('00AB\nff'), Uint8Array.of(0, 171, 255))
  t.same(fromHex(''), new Uint8Array())
  for (const text of ['0', 'xy', '0x00']) t.throws(() => fromHex(text), /hexadecimal/)
})
