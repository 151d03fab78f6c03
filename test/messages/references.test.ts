import t from 'tap'
import { resolve, scopeOf } from '../../lib/messages/references.ts'

/** What a schema is in the end, references followed; null where they lead nowhere. */
function resolved (schema: unknown, shared = {}): unknown {
  return resolve(schema, scopeOf(schema, shared))?.schema ?? null
}

const text = { type: 'string' }

t.test('a JSON Pointer may have escapes of its own and of URLs', async t => {
  for (const [name, written] of [['a/b', 'a~1b'], ['a~b', 'a~0b'], ['~1', '~01'], ['a b', 'a%20b'], ['ä', '%C3%A4'], ['a/b', 'a%7E1b'], ['__proto__', '__proto__']]) {
    t.equal(resolved({ $ref: `#/definitions/${written}`, definitions: Object.fromEntries([[name, text]]) }), text, written)
  }
})

t.test('a sign of per cent that encodes nothing stands for itself', async t => {
  t.equal(resolved({ $ref: '#/definitions/100%', definitions: { '100%': text } }), text)
  t.equal(resolved({ $ref: '#/definitions/%zz' }), null)
})

t.test('what is inherited is no definition', async t => {
  for (const ref of ['#/constructor', '#/definitions/toString', 'toString', '#toString']) t.equal(resolved({ $ref: ref, definitions: {} }), null, ref)
})

t.test('a schema that has changed since is read anew', async t => {
  const definitions: Record<string, unknown> = {}
  const schema = { allOf: [{ $ref: 'text' }], definitions }
  const meant = (): unknown => resolve(schema.allOf[0], scopeOf(schema, {}))?.schema ?? null
  t.equal(meant(), null)
  definitions.text = { $id: 'text', ...text }
  t.equal(meant(), definitions.text)
})

t.test('a schema of another library, whose parts lead back to it, is looked into once', async t => {
  const circular: Record<string, unknown> = { $ref: 'named', parts: [{ $id: 'named', ...text }] }
  circular.self = circular
  t.match(resolved(circular), text)
  t.equal(resolved({ $ref: 'nowhere', circular }), null)
})
