import { text } from '../helpers/bytes.ts'
import { hostile } from '../helpers/hostile.ts'
import { RawClient } from '../helpers/raw-client.ts'

/** An object of objects of its own kind. */
const tree = { $ref: '#/definitions/tree', definitions: { tree: { type: 'object', properties: { a: { $ref: '#/definitions/tree' } } } } }

/** As deep as fits into the largest message that is received by default. */
const depth = 170_000

const nested = (inmost: string): string => '{"a":'.repeat(depth) + inmost + '}'.repeat(depth)

const deep: ReadonlyArray<readonly [string, string]> = [
  ['arrays', '['.repeat(depth) + ']'.repeat(depth)],
  ['objects', nested('1')],
  ['poison', nested('{"__proto__":1}')],
  ['what only looks like poison', nested('{"b":"__proto__"}')]
]

for (const [what, message] of deep) {
  hostile(`${what}, nested ${depth} deep: the message is lost, and neither the connection nor the process`, async (t, { port }) => {
    for (const path of ['/echo', '/checked', '/declared', '/room']) {
      const client = await RawClient.open(port, path)
      client.write(text(message))
      t.ok((await client.frame()).payload.length < 1000, path)
      client.send({ a: {} })
      t.same(await client.message(), { a: {} }, path)
    }
  }, {
    routes: app => app
      .ws('/echo', m => m)
      .ws('/checked', { schema: { receive: tree } }, m => m)
      .ws('/declared', { schema: { send: tree } }, m => m)
      .ws('/room', { onOpen: connection => { void connection.join('all') } }, message => { void app.room('all').send(message) })
  })
}

/** Of which JSON.parse makes something else than a reader expects. */
const strange = ['1e999', '-0', '{"a":1,"a":2}', '"\\ud800"', '9007199254740993', '{"":{}}', '{"constructor":{"x":1}}', '{"hasOwnProperty":1,"toString":2}']

hostile('numbers beyond all bounds, fields that stand twice and halves of characters are values like others', async (t, { port }) => {
  const client = await RawClient.open(port, '/')
  for (const json of strange) {
    client.write(text(json))
    t.same(await client.message(), JSON.parse(JSON.stringify(JSON.parse(json))), json)
  }
}, { routes: app => app.ws('/', m => m) })
