import t from 'tap'
import { asParsed } from '../../../../lib/asyncapi/page/model/parsed.ts'

const tree = { type: 'object', properties: { children: { type: 'array', items: { $ref: '#/components/schemas/Tree' } } } }
const document = {
  asyncapi: '3.0.0',
  channels: { c: { address: '/c', messages: { m: { $ref: '#/components/messages/m' } } } },
  operations: { r: { action: 'receive', channel: { $ref: '#/channels/c' }, messages: [{ $ref: '#/channels/c/messages/m' }] } },
  components: { messages: { m: { payload: { $ref: '#/components/schemas/Tree' } } }, schemas: { Tree: tree } }
}

t.test('a reference is the object that it names, wherever it is named', async t => {
  const { channels, operations, components } = asParsed(document) as Record<'channels' | 'operations' | 'components', any>
  t.equal(operations.r.channel, channels.c)
  t.equal(operations.r.messages[0], components.messages.m)
  t.equal(channels.c.messages.m, components.messages.m)
  t.equal(components.messages.m.payload, components.schemas.Tree)
  t.equal(components.schemas.Tree.properties.children.items, components.schemas.Tree, 'a schema may contain itself')
})

t.test('what is named knows its name, and the document that it was read', async t => {
  const parsed = asParsed(document) as Record<string, any>
  t.equal(parsed.channels.c['x-parser-unique-object-id'], 'c')
  t.equal(parsed.operations.r['x-parser-unique-object-id'], 'r')
  t.equal(parsed.components.messages.m['x-parser-unique-object-id'], 'm')
  t.equal(parsed.components.schemas.Tree['x-parser-schema-id'], 'Tree')
  t.match(parsed, { 'x-parser-spec-parsed': true, 'x-parser-api-version': 3 })
})

t.test('the document itself is left as it is', async t => {
  const before = JSON.stringify(document)
  asParsed(document)
  t.equal(JSON.stringify(document), before)
})

t.test('a name that means something to JavaScript is a name', async t => {
  const parsed = asParsed(JSON.parse('{ "components": { "schemas": { "__proto__": { "type": "string" } } } }')) as Record<string, any>
  t.same(Object.keys(parsed.components.schemas), ['__proto__'])
  t.equal(({} as Record<string, unknown>).type, undefined)
})
