import { Type } from '@sinclair/typebox'
import fc from 'fast-check'
import Fastify from 'fastify'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import type { Test } from 'tap'
import asyncapi from '../../lib/asyncapi/index.ts'
import { Schemas } from '../../lib/asyncapi/schemas.ts'
import typedWs from '../../lib/index.ts'
import { scopeOf } from '../../lib/messages/references.ts'
import type { AsyncApiDocument } from '../../types/asyncapi.ts'
import { logLines } from '../helpers/app.ts'
import { at, documentOf, faultsOf, namesOf, validDocumentOf } from '../helpers/asyncapi.ts'
import { holdsLater } from '../helpers/property.ts'

const anything = { validatorCompiler: () => () => true, serializerCompiler: () => JSON.stringify }

/** The payload of the only message that a route receives. */
async function payloadOf (t: Test, receive: unknown): Promise<unknown> {
  const document = await documentOf(t, app => { app.ws('/x', { ...anything, schema: { receive, send: { type: 'null' } } }, () => {}) })
  const [name] = namesOf(document.operations.receiveX.messages)
  return at(document.channels.x, 'messages', name).payload
}

function schemasOf (document: AsyncApiDocument): Record<string, unknown> {
  return at(document, 'components', 'schemas')
}

t.test('shared schemas are components, and what they refer to is, too', async t => {
  const document = await documentOf(t, app => {
    app.addSchema({ $id: 'https://example.com/schemas/user.json', type: 'object', properties: { address: { $ref: 'address.json' }, tags: { $ref: '#/definitions/tags' } }, definitions: { tags: { type: 'array' } } })
    app.addSchema({ $id: 'https://example.com/schemas/address.json', type: 'object', properties: { street: { type: 'string' } } })
    app.ws('/x', { schema: { receive: { type: 'object', properties: { user: { $ref: 'https://example.com/schemas/user.json#' } } } } }, () => {})
  })
  t.same(schemasOf(document), {
    user: { type: 'object', properties: { address: { $ref: '#/components/schemas/address' }, tags: { $ref: '#/components/schemas/tags' } } },
    address: { type: 'object', properties: { street: { type: 'string' } } },
    tags: { type: 'array' }
  })
})

t.test('different schemas of one name are told apart, the same one is there once', async t => {
  const document = await validDocumentOf(t, async app => {
    app.addSchema({ $id: 'same', type: 'boolean' })
    const receive = { type: 'object', properties: { item: { $ref: 'item#' }, same: { $ref: 'same#' } } }
    for (const type of ['string', 'number', 'string']) {
      await app.register(async scope => {
        scope.addSchema({ $id: 'item', type })
        scope.ws(`/${Object.keys(app.wsRoutes).length}`, { schema: { receive } }, () => {})
      })
    }
  })
  t.same(schemasOf(document), { item: { type: 'string' }, same: { type: 'boolean' }, item2: { type: 'number' } })
  t.same(Object.values(document.channels).map(channel => at(channel, 'messages', 'message', 'payload', 'properties', 'item').$ref), [
    '#/components/schemas/item', '#/components/schemas/item2', '#/components/schemas/item'
  ])
})

t.test('a shared schema that refers to what each scope has is another one in each', async t => {
  const document = await documentOf(t, async app => {
    app.addSchema({ $id: 'list', type: 'array', items: { $ref: 'item#' } })
    for (const type of ['string', 'number']) {
      await app.register(async scope => {
        scope.addSchema({ $id: 'item', type })
        scope.ws(`/${type}`, { schema: { receive: { type: 'object', properties: { list: { $ref: 'list#' } } } } }, () => {})
      })
    }
  })
  t.same(schemasOf(document), {
    list: { type: 'array', items: { $ref: '#/components/schemas/item' } },
    item: { type: 'string' },
    list2: { type: 'array', items: { $ref: '#/components/schemas/item2' } },
    item2: { type: 'number' }
  })
})

t.test('schemas of TypeBox that refer to themselves and to each other end', async t => {
  const Tree = Type.Recursive(This => Type.Object({ type: Type.Literal('tree'), children: Type.Array(This) }), { $id: 'Tree' })
  const Parts = Type.Module({
    Ping: Type.Object({ type: Type.Literal('ping'), pong: Type.Optional(Type.Ref('Pong')) }),
    Pong: Type.Object({ type: Type.Literal('pong'), ping: Type.Optional(Type.Ref('Ping')) }),
    Any: Type.Union([Type.Ref('Ping'), Type.Ref('Pong')])
  })
  const document = await validDocumentOf(t, app => {
    app.ws('/tree', { ...anything, schema: { receive: Tree } }, () => {})
    app.ws('/parts', { ...anything, schema: { receive: Parts.Import('Any') } }, () => {})
  })
  t.same(Object.keys(schemasOf(document)), ['Tree', 'Ping', 'Pong'])
  t.match(schemasOf(document).Tree, { properties: { children: { items: { $ref: '#/components/schemas/Tree' } } } })
  t.match(schemasOf(document).Ping, { properties: { pong: { $ref: '#/components/schemas/Pong' } } })
  t.same(namesOf(document.operations.receiveParts.messages), ['ping', 'pong'])
})

t.test('definitions, anchors and the schema itself can be named', async t => {
  const document = await documentOf(t, app => {
    app.ws('/x', {
      ...anything,
      schema: {
        receive: {
          anyOf: [{ $ref: '#/$defs/a~1b' }, { $ref: '#plain' }],
          $defs: { 'a/b': { type: 'object', properties: { self: { $ref: '#' } } }, c: { $anchor: 'plain', type: 'array' } }
        }
      }
    }, () => {})
  })
  t.same(Object.keys(schemasOf(document)), ['a_b', 'schema', 'plain'])
})

t.test('what stands beside a $ref counts', async t => {
  const payload = await payloadOf(t, { type: 'object', properties: { a: { $ref: '#/definitions/n', title: 'A' } }, definitions: { n: { type: 'number' } } })
  t.same(at(payload, 'properties', 'a'), { title: 'A', allOf: [{ $ref: '#/components/schemas/n' }] })
})

t.test('types that are none of JSON Schema become what they are on the way', async t => {
  const Strange = Type.Object({ date: Type.Date({ minimumTimestamp: 1 }), bytes: Type.Uint8Array(), big: Type.BigInt({ default: 7n }), nothing: Type.Undefined(), never: Type.Never() })
  t.match(await payloadOf(t, Strange), {
    properties: {
      date: { type: 'string', format: 'date-time' },
      bytes: { type: 'string', format: 'binary' },
      big: { type: 'integer', format: 'int64', default: 7 },
      nothing: {},
      never: { not: {} }
    }
  })
  t.same(await payloadOf(t, { type: 'string', nullable: true }), { type: ['string', 'null'] })
  t.same(await payloadOf(t, { type: 'object', discriminator: { propertyName: 'kind' } }), { type: 'object', discriminator: 'kind' })
})

t.test('a schema that is true or false is an object where it is a component', async t => {
  const document = await validDocumentOf(t, app => {
    const receive = { type: 'object', properties: { any: { $ref: '#/definitions/any' }, none: { $ref: '#/definitions/none' } }, definitions: { any: true, none: false } }
    app.ws('/x', { ...anything, schema: { receive } }, () => {})
  })
  t.same(schemasOf(document), { any: {}, none: { not: {} } })
})

t.test('values are not taken for schemas', async t => {
  const payload = { type: 'object', const: { $ref: 'nowhere', type: 'Date' }, properties: { $id: { type: 'string' } } }
  t.same(await payloadOf(t, payload), payload)
})

t.test('a reference that leads nowhere is logged, and no fault of the document', async t => {
  const { lines, stream } = logLines()
  const app = Fastify({ logger: { stream } })
  t.after(() => app.close())
  await app.register(typedWs)
  await app.register(asyncapi, { page: false })
  app.ws('/x', { ...anything, schema: { receive: { type: 'object', properties: { a: { $ref: 'elsewhere#' } } } } }, () => {})
  await app.ready()
  t.match(lines.find(({ ref }) => ref !== undefined), { ref: 'elsewhere#', level: 40 })
  t.same(await faultsOf(app.asyncapi()), [])
})

/** Schemas of all shapes, which refer to each other as they like. */
const shape = fc.letrec(tie => ({
  schema: fc.oneof({ maxDepth: 3 },
    fc.constantFrom<object | boolean>(true, { type: 'string' }, { type: 'integer', minimum: 1 }, { enum: ['a', null, 1] }, { const: false }),
    fc.constantFrom('#', '#/definitions/a', '#/definitions/b', 'shared#', 'shared#/properties/x').map($ref => ({ $ref })),
    fc.record({ type: fc.constant('array'), items: tie('schema') }),
    fc.record({ type: fc.constant('object'), title: fc.string(), properties: fc.dictionary(fc.string({ minLength: 1, maxLength: 5 }), tie('schema'), { maxKeys: 3 }), additionalProperties: tie('schema') }),
    fc.record({ anyOf: fc.array(tie('schema'), { minLength: 1, maxLength: 3 }) }),
    fc.record({ allOf: fc.array(tie('schema'), { minLength: 1, maxLength: 2 }), description: fc.string() }),
    fc.record({ not: tie('schema') })
  )
})).schema

t.test('whatever schemas there are, AsyncAPI takes the document', async t => {
  await holdsLater(t, fc.asyncProperty(shape, shape, shape, shape, async (receive, send, a, b) => {
    const app: FastifyInstance = Fastify()
    try {
      await app.register(typedWs)
      await app.register(asyncapi, { page: false })
      app.addSchema({ $id: 'shared', type: 'object', properties: { x: a } })
      const definitions = { a, b }
      app.ws('/x/:id', { ...anything, schema: { receive: { anyOf: [receive, a], definitions }, send: { allOf: [send], definitions } } }, () => {})
      await app.ready()
      return (await faultsOf(app.asyncapi())).length === 0
    } finally {
      await app.close()
    }
  }), { numRuns: 6 })
})

t.test('nothing is said of schemas of other libraries, which are objects of classes', async t => {
  class Schema {
    readonly description = 'What somebody says'
    readonly definition: unknown
    constructor (other: unknown) { this.definition = [this, other] }
  }
  const document = await validDocumentOf(t, app => {
    app.ws('/x', { ...anything, schema: { receive: new Schema(1), send: new Schema(2), replies: {} } }, () => {})
  })
  t.match(at(document.channels.x, 'messages', 'message'), { description: 'What somebody says', payload: {} })
  t.notMatch(JSON.stringify(document), /definition"/)
})

t.test('what leads back to where it is ends there', async t => {
  const tree: Record<string, unknown> = { type: 'object', 'x-note': { text: 'kept' } }
  tree.properties = { child: tree, label: { type: 'string' } }
  tree['x-parent'] = tree
  t.same(await payloadOf(t, tree), { type: 'object', 'x-note': { text: 'kept' }, 'x-parent': { type: 'object', 'x-note': { text: 'kept' }, properties: { label: { type: 'string' } } }, properties: { child: {}, label: { type: 'string' } } })
})

t.test('what many routes share is converted once, whoever has a copy of the list', async t => {
  let reads = 0
  const user = { $id: 'user', get description () { return `read ${++reads} times` } }
  const schemas = new Schemas(() => {})
  for (let route = 0; route < 20; route++) schemas.convert({ $ref: 'user#' }, scopeOf({}, { user }))
  t.same(schemas.finish(), { user: { description: 'read 1 times' } })
  t.equal(reads, 1)
})
