import { Type } from '@sinclair/typebox'
import { TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox'
import t from 'tap'
import type { FastifyInstance } from 'fastify'
import type { InjectedConnection } from '../../types/index.ts'
import { buildApp } from '../helpers/app.ts'

const numbered = { type: 'object', required: ['n'], additionalProperties: false, properties: { n: { type: 'integer' }, size: { type: 'integer', default: 10 } } } as const

/** Whether the message was refused as invalid. */
async function isRefused (connection: InjectedConnection, message: unknown): Promise<boolean> {
  connection.send(message)
  const reply = await connection.receive<{ code?: string }>()
  return reply.code === 'FST_ERR_WS_INVALID_MESSAGE'
}

/** Echoes what is valid. */
function echo (app: FastifyInstance, url: string, options: object): FastifyInstance {
  return app.ws(url, options, message => ({ echo: message }))
}

t.test('nothing is coerced', async t => {
  const app = echo(await buildApp(t), '/', { schema: { receive: numbered } })
  const connection = await app.injectWS('/')
  for (const n of ['5', true, null, [5]]) t.ok(await isRefused(connection, { n }), JSON.stringify(n))
  connection.send({ n: 5 })
  t.match(await connection.receive(), { echo: { n: 5 } })
})

t.test('nothing is stripped: what is not declared is refused where that is said, and kept elsewhere', async t => {
  const app = await buildApp(t)
  echo(app, '/closed', { schema: { receive: numbered } })
  echo(app, '/open', { schema: { receive: { ...numbered, additionalProperties: true } } })
  t.ok(await isRefused(await app.injectWS('/closed'), { n: 5, extra: 1 }))
  const open = await app.injectWS('/open')
  open.send({ n: 5, extra: 1 })
  t.match(await open.receive(), { echo: { n: 5, extra: 1 } })
})

t.test('nor is anything once a REST route with a schema was declared before', async t => {
  const app = await buildApp(t)
  app.get('/rest', { schema: { querystring: numbered, response: { 200: { type: 'object' } } } }, async () => ({}))
  app.ws('/first', { schema: { querystring: { type: 'object', properties: { a: { type: 'integer' } } }, receive: numbered } }, () => 1)
  await app.after()
  echo(app, '/', { schema: { receive: numbered } })
  t.ok(await isRefused(await app.injectWS('/'), { n: '5' }), 'not coerced')
  t.ok(await isRefused(await app.injectWS('/'), { n: 5, extra: 1 }), 'not stripped')
  t.ok(await isRefused(await app.injectWS('/first?a=1'), { n: '5' }), 'not coerced where the query is')
})

t.test('nor in a scope below one with a REST route', async t => {
  const app = await buildApp(t)
  app.get('/rest', { schema: { querystring: numbered } }, async () => ({}))
  app.register(async scope => {
    scope.get('/scoped', { schema: { querystring: numbered } }, async () => ({}))
    await scope.register(async inner => { echo(inner, '/', { schema: { receive: numbered } }) })
  })
  t.ok(await isRefused(await app.injectWS('/'), { n: '5' }))
})

t.test('the requests of such a route are coerced as ever', async t => {
  const app = await buildApp(t)
  app.ws('/', { schema: { querystring: { type: 'object', properties: { n: { type: 'integer' } } }, receive: numbered }, onOpen: (connection, request) => { connection.send(request.query) } }, () => 1)
  const connection = await app.injectWS('/?n=5')
  t.same(await connection.receive(), { n: 5 })
})

t.test('shared schemas are known, of the instance and of the scope, also those added after the route', async t => {
  const app = await buildApp(t)
  app.addSchema({ $id: 'n', type: 'integer' })
  app.register(async scope => {
    echo(scope, '/', { schema: { receive: { type: 'object', required: ['n', 's'], properties: { n: { $ref: 'n#' }, s: { $ref: 's#' } } } } })
    scope.addSchema({ $id: 's', type: 'string' })
  })
  const connection = await app.injectWS('/')
  t.ok(await isRefused(connection, { n: 5, s: 5 }))
  t.notOk(await isRefused(connection, { n: 5, s: 'five' }))
})

t.test('a shared schema of one scope is not that of another', async t => {
  const app = await buildApp(t)
  for (const type of ['string', 'integer']) {
    app.register(async scope => {
      scope.addSchema({ $id: 'value', type })
      echo(scope, `/${type}`, { schema: { receive: { type: 'object', properties: { value: { $ref: 'value#' } } } } })
    })
  }
  t.notOk(await isRefused(await app.injectWS('/string'), { value: 'a' }))
  t.ok(await isRefused(await app.injectWS('/integer'), { value: 'a' }))
})

/** A validator compiler that lets through what has the word in it. */
const wants = (word: string) => () => (message: unknown) => JSON.stringify(message).includes(word)

t.test("the application's validator compiler makes the validators: the route's, else the scope's, else the instance's", async t => {
  const app = await buildApp(t)
  app.setValidatorCompiler(wants('instance'))
  app.register(async scope => {
    scope.setValidatorCompiler(wants('scope'))
    echo(scope, '/scope', { schema: { receive: numbered } })
    echo(scope, '/route', { schema: { receive: numbered }, validatorCompiler: wants('route') })
  })
  echo(app, '/instance', { schema: { receive: numbered } })
  for (const name of ['instance', 'scope', 'route']) {
    const connection = await app.injectWS(`/${name}`)
    t.notOk(await isRefused(connection, { word: name }), name)
    t.ok(await isRefused(connection, { word: 'other' }), name)
  }
})

t.test('a validator compiler set after the route, in the same scope, counts', async t => {
  const app = await buildApp(t)
  app.register(async scope => {
    echo(scope, '/', { schema: { receive: numbered } })
    scope.setValidatorCompiler(wants('scope'))
  })
  t.notOk(await isRefused(await app.injectWS('/'), { word: 'scope' }))
})

t.test("TypeBox's own compiler works, and does not coerce messages", async t => {
  const app = await buildApp(t)
  app.setValidatorCompiler(TypeBoxValidatorCompiler)
  echo(app, '/', { schema: { receive: Type.Object({ n: Type.Integer() }) } })
  const connection = await app.injectWS('/')
  t.ok(await isRefused(connection, { n: '5' }))
  t.notOk(await isRefused(connection, { n: 5 }))
})

t.test('validators and serializers are compiled at start-up, once a schema, not a message', async t => {
  const app = await buildApp(t)
  let validators = 0
  let serializers = 0
  app.ws('/', {
    schema: { receive: numbered, send: numbered },
    validatorCompiler: () => { validators++; return () => true },
    serializerCompiler: () => { serializers++; return (message: unknown) => JSON.stringify(message) }
  }, () => ({ n: 1 }))
  await app.ready()
  const compiled = [validators, serializers]
  const connection = await app.injectWS('/')
  for (let n = 0; n < 3; n++) {
    connection.send({ n })
    await connection.receive()
  }
  t.ok(validators > 0 && serializers > 0)
  t.same([validators, serializers], compiled)
})

t.test('what the send schema does not declare never leaves', async t => {
  const app = await buildApp(t)
  app.ws('/', { schema: { send: { type: 'object', properties: { name: { type: 'string' } } } }, onOpen: connection => { connection.send({ name: 'Ann', password: 'secret' } as never) } }, () => 1)
  t.same(await (await app.injectWS('/')).receive(), { name: 'Ann' })
})

t.test("the application's serializer compiler makes the serializers", async t => {
  const app = await buildApp(t)
  app.setSerializerCompiler(() => message => JSON.stringify({ by: 'own', message }))
  app.ws('/', { schema: { send: { type: 'object' } } }, () => ({ n: 1 }))
  const connection = await app.injectWS('/')
  connection.send(1)
  t.same(await connection.receive(), { by: 'own', message: { n: 1 } })
})

t.test('the option ajv brings plugins and options to the validators of messages', async t => {
  const even = (ajv: { addKeyword (keyword: object): unknown }): unknown =>
    ajv.addKeyword({ keyword: 'even', validate: (_schema: unknown, data: number) => data % 2 === 0 })
  const app = await buildApp(t, { ajv: { customOptions: { allErrors: true }, plugins: [even as never] } })
  echo(app, '/', { schema: { receive: { type: 'object', required: ['a', 'b'], properties: { n: { type: 'integer', even: true } } } } })
  const connection = await app.injectWS('/')
  connection.send({ n: 3 })
  const { errors } = await connection.receive<{ errors: Array<{ keyword: string }> }>()
  t.same(errors.map(error => error.keyword).sort(), ['even', 'required', 'required'])
})

t.test('no option of ajv makes it coerce or strip', async t => {
  const app = await buildApp(t, { ajv: { customOptions: { coerceTypes: true, removeAdditional: 'all' } } })
  echo(app, '/', { schema: { receive: numbered } })
  const connection = await app.injectWS('/')
  t.ok(await isRefused(connection, { n: '5' }))
  t.ok(await isRefused(connection, { n: 5, extra: 1 }))
})

t.test('two servers with different options of ajv in one process do not share validators', async t => {
  const strict = echo(await buildApp(t, { ajv: { customOptions: { allErrors: true } } }), '/', { schema: { receive: { ...numbered, required: ['n', 'm'] } } })
  const lax = echo(await buildApp(t), '/', { schema: { receive: { ...numbered, required: ['n', 'm'] } } })
  const counts: number[] = []
  for (const app of [strict, lax]) {
    const connection = await app.injectWS('/')
    connection.send({})
    counts.push((await connection.receive<{ errors: unknown[] }>()).errors.length)
  }
  t.same(counts, [2, 1])
})

/** The plugin's options, and how many Ajvs were made with them. */
function countedAjvs (): { options: object, count: () => number } {
  let made = 0
  return { options: { ajv: { onCreate: () => { made++ } } }, count: () => made }
}

t.test('routes that know the same shared schemas share an Ajv, also across scopes', async t => {
  const { options, count } = countedAjvs()
  const app = await buildApp(t, options)
  app.addSchema({ $id: 'n', type: 'integer' })
  const receive = { type: 'object', properties: { n: { $ref: 'n#' } } }
  for (const url of ['/a', '/b']) {
    echo(app, url, { schema: { receive } })
    app.register(async scope => { echo(scope, `/scope${url}`, { schema: { receive: { ...receive } } }) })
  }
  for (const url of ['/a', '/b', '/scope/a', '/scope/b']) t.ok(await isRefused(await app.injectWS(url), { n: 'five' }))
  t.equal(count(), 1)
})

t.test('a scope with shared schemas of its own has its own', async t => {
  const { options, count } = countedAjvs()
  const app = await buildApp(t, options)
  echo(app, '/', { schema: { receive: numbered } })
  app.register(async scope => {
    scope.addSchema({ $id: 'n', type: 'integer' })
    echo(scope, '/scope', { schema: { receive: numbered } })
  })
  await app.ready()
  t.equal(count(), 2)
})

t.test('two routes may have different schemas of one $id, be it inside', async t => {
  const app = await buildApp(t)
  for (const type of ['string', 'integer']) {
    echo(app, `/${type}`, { schema: { receive: { $id: 'message', type: 'object', properties: { value: { type } } } } })
    echo(app, `/inside/${type}`, { schema: { receive: { type: 'object', properties: { value: { $id: 'value', type } } } } })
  }
  for (const base of ['', '/inside']) {
    t.notOk(await isRefused(await app.injectWS(`${base}/string`), { value: 'a' }))
    t.ok(await isRefused(await app.injectWS(`${base}/integer`), { value: 'a' }))
    t.notOk(await isRefused(await app.injectWS(`${base}/integer`), { value: 1 }))
  }
})

t.test('an $id that a route declares is not known to the others', async t => {
  const app = await buildApp(t)
  echo(app, '/a', { schema: { receive: { $id: 'secret', type: 'object' } } })
  echo(app, '/b', { schema: { receive: { type: 'object', properties: { value: { $ref: 'secret#' } } } } })
  await t.rejects(async () => { await app.ready() }, { code: 'FST_ERR_WS_SCHEMA' })
})

t.test('one schema may serve many routes, with an $id or without', async t => {
  const { options, count } = countedAjvs()
  const app = await buildApp(t, options)
  const named = { ...numbered, $id: 'numbered' }
  for (const url of ['/a', '/b']) {
    echo(app, url, { schema: { receive: numbered } })
    echo(app, `/named${url}`, { schema: { receive: named } })
  }
  for (const url of ['/a', '/b', '/named/a', '/named/b']) t.ok(await isRefused(await app.injectWS(url), { n: 'five' }))
  t.equal(count(), 2, 'one for those without, one for that with')
})

t.test('a schema that is sent and has the $id of a shared one hides that from no other route', async t => {
  const app = await buildApp(t)
  app.addSchema({ $id: 'n', type: 'integer' })
  app.ws('/own', { schema: { send: { $id: 'n', type: 'string' } }, onOpen: connection => { connection.send('own' as never) } }, () => 1)
  app.ws('/shared', { schema: { send: { type: 'object', properties: { n: { $ref: 'n#' } } } }, onOpen: connection => { connection.send({ n: '5' } as never) } }, () => 1)
  t.equal(await (await app.injectWS('/own')).receive(), 'own')
  t.same(await (await app.injectWS('/shared')).receive(), { n: 5 })
})
