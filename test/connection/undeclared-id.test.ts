import { decode, encode } from '@msgpack/msgpack'
import type { FastifyInstance } from 'fastify'
import { Type } from '@sinclair/typebox'
import { TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox'
import t from 'tap'
import type { Codec } from '../../types/index.ts'
import { buildApp } from '../helpers/app.ts'

/* A client adds an `id` to whatever it wants an answer to. A schema that lists all fields of its messages does not list that one. */

const strict = { additionalProperties: false }
const Ask = Type.Object({ type: Type.Literal('ask'), n: Type.Integer() }, strict)
const Tell = Type.Object({ type: Type.Literal('tell'), id: Type.String() }, strict)
const Received = Type.Union([Ask, Tell])
const msgpack: Codec = { decode: payload => decode(payload as Buffer), encode: value => encode(value) as Buffer, binary: true }

/** What is no pattern where patterns are Unicode. */
const Dashed = Type.Object({ 'a-b': Type.Optional(Type.Integer()) }, { ...strict, patternProperties: { '^x\\-': {} } })

const compilers = {
  'the usual compiler': {},
  'the compiler of TypeBox': { validatorCompiler: TypeBoxValidatorCompiler }
}

/** What is answered to each of these messages. */
async function answers (app: FastifyInstance, messages: readonly unknown[]): Promise<unknown[]> {
  const client = await app.injectWS('/')
  const all = []
  for (const message of messages) {
    client.send(message as object)
    all.push(await client.receive())
  }
  return all
}

for (const [name, compiler] of Object.entries(compilers)) {
  t.test(`${name}: a message of a closed schema may have an id, which its reply has and its handler does not see`, async t => {
    const app = await buildApp(t)
    const handler = (message: unknown): object => ({ seen: message })
    app.ws('/', { schema: { receive: Received }, ...compiler }, { ask: handler, tell: handler })
    t.same(await answers(app, [{ type: 'ask', n: 1, id: 7 }, { id: 'a', type: 'ask', n: 1 }, { type: 'ask', n: 1 }]), [
      { seen: { type: 'ask', n: 1 }, id: 7 },
      { seen: { type: 'ask', n: 1 }, id: 'a' },
      { seen: { type: 'ask', n: 1 } }
    ])
  })

  t.test(`${name}: an id that the schema declares stays, and is checked`, async t => {
    const app = await buildApp(t)
    app.ws('/', { schema: { receive: Received }, ...compiler }, { ask: message => message, tell: message => ({ seen: message.id }) })
    const [reply, refused] = await answers(app, [{ type: 'tell', id: 'a' }, { type: 'tell', id: 5 }])
    t.same(reply, { seen: 'a', id: 'a' })
    t.match(refused, { type: 'error', code: 'FST_ERR_WS_INVALID_MESSAGE', id: 5 })
  })

  t.test(`${name}: what is no id, and whatever else is not declared, is refused as before`, async t => {
    const app = await buildApp(t)
    app.ws('/', { schema: { receive: Received }, ...compiler }, () => 'handled')
    const refused = [{ id: 'x'.repeat(65) }, { id: 1.5 }, { id: null }, { id: {} }, { id: 7, other: 1 }, { Id: 7 }].map(beside => ({ type: 'ask', n: 1, ...beside }))
    for (const answer of await answers(app, refused)) t.match(answer, { type: 'error', code: 'FST_ERR_WS_INVALID_MESSAGE' })
  })

  t.test(`${name}: a closed schema that is no union takes an id as well`, async t => {
    const app = await buildApp(t)
    app.ws('/', { schema: { receive: Type.Object({ n: Type.Integer() }, strict) }, ...compiler }, message => ({ seen: message }))
    t.same(await answers(app, [{ n: 1, id: 7 }]), [{ seen: { n: 1 }, id: 7 }])
  })
}

t.test('an open schema leaves an id where it is', async t => {
  const app = await buildApp(t)
  app.ws('/', { schema: { receive: Type.Object({ n: Type.Integer() }) } }, message => ({ seen: message }))
  t.same(await answers(app, [{ n: 1, id: 7 }]), [{ seen: { n: 1, id: 7 }, id: 7 }])
})

t.test('a codec that is not JSON has it likewise', async t => {
  const app = await buildApp(t)
  app.ws('/', { schema: { receive: Received }, codec: msgpack }, message => ({ seen: message }))
  const [reply] = await answers(app, [Buffer.from(encode({ type: 'ask', n: 1, id: 7 }))])
  t.same(decode(reply as Buffer), { seen: { type: 'ask', n: 1 }, id: 7 })
})

t.test('a pattern that is none in Unicode is up to the compiler', async t => {
  const app = await buildApp(t, { ajv: { customOptions: { unicodeRegExp: false } } })
  app.ws('/', { schema: { receive: Dashed } }, message => ({ seen: message }))
  app.ws('/typebox', { schema: { receive: Dashed }, validatorCompiler: TypeBoxValidatorCompiler }, message => ({ seen: message }))
  t.same(await answers(app, [{ 'a-b': 1, 'x-': 2, id: 7 }]), [{ seen: { 'a-b': 1, 'x-': 2 }, id: 7 }])
})
