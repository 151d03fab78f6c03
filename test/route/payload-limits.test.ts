import { Type } from '@sinclair/typebox'
import t from 'tap'
import type { Test } from 'tap'
import type { Codec, RouteLimitsOption, WsCommonOptions } from '../../types/index.ts'
import { buildApp, listen } from '../helpers/app.ts'
import { frame, text } from '../helpers/bytes.ts'
import { deflated } from '../helpers/deflate.ts'
import { RawClient } from '../helpers/raw-client.ts'

const Say = Type.Object({ type: Type.Literal('say'), text: Type.String() })
const Upload = Type.Object({ type: Type.Literal('upload'), text: Type.String() })
const receive = Type.Union([Say, Upload])

/** The JSON of a message of `size` bytes. */
function sized (type: string, size: number, character = 'x'): string {
  const empty = JSON.stringify({ type, text: '' })
  return JSON.stringify({ type, text: character.repeat(Math.max(0, size - empty.length) / Buffer.byteLength(character)) })
}

async function connect (t: Test, limits: RouteLimitsOption, more: WsCommonOptions = {}): Promise<{ client: RawClient, handled: string[] }> {
  const app = await buildApp(t)
  const handled: string[] = []
  const handle = ({ type }: { type: string }): string => {
    handled.push(type)
    return 'handled'
  }
  app.ws('/', { ...more, schema: { receive }, limits }, { say: handle, upload: handle })
  const client = await RawClient.open(await listen(app), '/', { headers: { 'Sec-WebSocket-Extensions': 'permessage-deflate' } })
  return { client, handled }
}

t.test('a message may have the bytes of its type, and not one more', async t => {
  const { client, handled } = await connect(t, { payload: { say: 100 } })
  client.write(text(sized('say', 100)))
  t.equal(await client.message<unknown>(), 'handled')
  client.write(text(sized('say', 101)))
  t.same(await client.message(), { type: 'error', code: 'FST_ERR_WS_MESSAGE_TOO_BIG', message: 'the message is larger than the 100 bytes of its type', errors: [] })
  client.write(text(sized('upload', 50_000)))
  t.equal(await client.message<unknown>(), 'handled', 'other types have the bytes of the route')
  t.same(handled, ['say', 'upload'])
})

t.test('characters count as many bytes as they have in UTF-8', async t => {
  const { client } = await connect(t, { payload: { say: 100 } })
  const empty = sized('say', 0).length
  for (const character of ['é', '€', '😀']) {
    const width = Buffer.byteLength(character)
    const most = Math.floor((100 - empty) / width)
    client.write(text(sized('say', empty + most * width, character)))
    t.equal(await client.message<unknown>(), 'handled', character)
    client.write(text(sized('say', empty + (most + 1) * width, character)))
    t.match(await client.message(), { code: 'FST_ERR_WS_MESSAGE_TOO_BIG' }, character)
  }
})

t.test('the answer carries the id of the message', async t => {
  const { client } = await connect(t, { payload: { say: 10 } })
  client.send({ type: 'say', id: 7, text: 'x' })
  t.match(await client.message(), { type: 'error', id: 7, code: 'FST_ERR_WS_MESSAGE_TOO_BIG' })
})

t.test('compressed messages count as they are once inflated', async t => {
  const { client } = await connect(t, { payload: { say: 1_000 } }, { perMessageDeflate: { threshold: 1_000_000 } })
  client.write(frame({ opcode: 1, rsv: 4, payload: deflated(sized('say', 1_001)) }))
  t.match(await client.message(), { code: 'FST_ERR_WS_MESSAGE_TOO_BIG' })
  client.write(frame({ opcode: 1, rsv: 4, payload: deflated(sized('say', 1_000)) }))
  t.equal(await client.message<unknown>(), 'handled')
})

t.test('it is treated as an invalid message: closed with 1009 where those close', async t => {
  const { client, handled } = await connect(t, { payload: { say: 100 } }, { onInvalid: 'close' })
  client.write(text(sized('say', 101)))
  t.same(await client.closeFrame(), { code: 1009, reason: 'the message is larger than the 100 bytes of its type' })
  t.same(handled, [])
})

t.test('the validator does no work for a message that is too big', async t => {
  const app = await buildApp(t)
  let validations = 0
  app.ws('/', {
    schema: { receive },
    limits: { payload: { say: 100 } },
    validatorCompiler: () => () => {
      validations++
      return true
    }
  }, () => 'handled')
  const client = await app.injectWS('/')
  client.send({ type: 'say', text: 'x'.repeat(100) })
  t.match(await client.receive(), { code: 'FST_ERR_WS_MESSAGE_TOO_BIG' })
  t.equal(validations, 0)
  client.send({ type: 'say', text: 'x' })
  t.equal(await client.receive(), 'handled')
  t.equal(validations, 1)
})

t.test('binary messages of a codec count their bytes, and types may be numbers', async t => {
  const app = await buildApp(t)
  const codec: Codec = { binary: true, decode: payload => ({ op: payload[0] }), encode: value => Buffer.from(JSON.stringify(value)) }
  app.ws('/', {
    codec,
    schema: { receive: Type.Union([Type.Object({ op: Type.Literal(1) }), Type.Object({ op: Type.Literal(2) })]) },
    limits: { payload: { 1: 10 } }
  }, () => 'handled')
  const client = await app.injectWS('/')
  for (const [bytes, answer] of [[Buffer.alloc(10, 1), 'handled'], [Buffer.alloc(11, 1), 'FST_ERR_WS_MESSAGE_TOO_BIG'], [Buffer.alloc(11, 2), 'handled']] as const) {
    client.send(bytes)
    t.match(String(await client.receive()), answer)
  }
})

t.test('a type that is not in the schema is an error of start-up', async t => {
  for (const handlers of [() => {}, { say: () => {}, upload: () => {} }]) {
    const app = await buildApp(t)
    app.ws('/', { schema: { receive }, limits: { payload: { say: 10, shout: 10 } } }, handlers as () => void)
    await t.rejects(async () => { await app.ready() }, { code: 'FST_ERR_WS_OPTION', message: 'option limits.payload.shout: is no message of schema.receive: type is say, upload' })
  }
})

t.test('a limit by type needs types', async t => {
  for (const schema of [undefined, { receive: Type.Object({ text: Type.String() }) }]) {
    const app = await buildApp(t)
    app.ws('/', { schema, limits: { payload: { say: 10 } } }, () => {})
    await t.rejects(async () => { await app.ready() }, { code: 'FST_ERR_WS_OPTION', message: /^option limits\.payload\.say: needs a schema\.receive/ })
  }
})

t.test('names that every object has are no types', async t => {
  const app = await buildApp(t)
  app.ws('/', { schema: { receive }, limits: { payload: { constructor: 10 } as RouteLimitsOption['payload'] } }, () => {})
  await t.rejects(async () => { await app.ready() }, { code: 'FST_ERR_WS_OPTION' })
})
