import { Type } from '@sinclair/typebox'
import t from 'tap'
import { Broadcast } from '../../lib/messages/broadcast.ts'
import { Codecs } from '../../lib/messages/codec.ts'
import type { MessageCodec } from '../../lib/messages/codec.ts'
import { SendContract } from '../../lib/messages/send-contract.ts'
import type { Codec } from '../../types/codec.ts'
import { readFrame } from '../helpers/bytes.ts'
import { sendContract } from '../helpers/contracts.ts'

const codecs = new Codecs({ protoAction: 'error', constructorAction: 'error' })
const { json } = codecs
const raw = codecs.select('raw').fallback
const { undeclared } = SendContract

/** A codec that counts what it encodes. */
function counting (): { codec: MessageCodec, encoded: unknown[] } {
  const encoded: unknown[] = []
  const codec: Codec = { binary: false, decode: payload => payload, encode (value) { encoded.push(value); return `<${JSON.stringify(value)}>` } }
  return { codec: codecs.select(codec).fallback, encoded }
}

function payloadOf (broadcast: Broadcast, codec: MessageCodec): string | undefined {
  return readFrame(broadcast.frameFor(codec))?.frame.payload.toString()
}

t.test('a message is serialized once and framed once, however many get it', async t => {
  let serialized = 0
  const contract = SendContract.compile({}, () => value => { serialized++; return JSON.stringify(value) }, {})
  const broadcast = Broadcast.of({ a: 1 }, contract)
  const frame = broadcast.frameFor(json)
  for (let i = 0; i < 100; i++) t.equal(broadcast.frameFor(json), frame)
  t.equal(serialized, 1)
})

t.test('a message is encoded once for each codec, in whatever order connections come', async t => {
  const { codec, encoded } = counting()
  const broadcast = Broadcast.of({ a: 1 }, undeclared)
  for (let i = 0; i < 10; i++) {
    t.equal(payloadOf(broadcast, codec), '<{"a":1}>')
    t.equal(payloadOf(broadcast, json), '{"a":1}')
  }
  t.equal(encoded.length, 1)
})

t.test('undeclared fields leave by no codec', async t => {
  const { codec } = counting()
  const broadcast = Broadcast.of({ a: 1, secret: 2 }, sendContract(Type.Object({ a: Type.Integer() })))
  t.equal(payloadOf(broadcast, json), '{"a":1}')
  t.equal(payloadOf(broadcast, codec), '<{"a":1}>')
  t.match(broadcast.content, { payload: '{"a":1}' })
})

t.test('a message that the contract refuses is refused at once', async t => {
  const contract = sendContract(Type.Object({ a: Type.Integer() }))
  t.throws(() => Broadcast.of({ a: 'x' }, contract), { code: 'FST_ERR_WS_SEND_INVALID' })
  t.throws(() => Broadcast.of({ n: 1n }, undeclared), { code: 'FST_ERR_WS_SEND_INVALID' })
})

t.test('a text is sent as it is by raw, and as JSON by json', async t => {
  const broadcast = Broadcast.of('hello', undeclared)
  t.equal(payloadOf(broadcast, raw), 'hello')
  t.equal(payloadOf(broadcast, json), '"hello"')
})

t.test('bytes are sent as a binary message', async t => {
  const frame = readFrame(Broadcast.of(Buffer.from([1, 2]), undeclared).frameFor(raw))?.frame
  t.match(frame, { opcode: 2, payload: Buffer.from([1, 2]) })
})

t.test('a codec that can not encode the message throws for its connection only', async t => {
  const broadcast = Broadcast.of({ a: 1 }, undeclared)
  t.throws(() => broadcast.frameFor(raw), { code: 'FST_ERR_WS_SEND_INVALID' })
  t.equal(payloadOf(broadcast, json), '{"a":1}')
})

t.test('other processes get what was encoded, with its kind', async t => {
  t.same(Broadcast.of({ a: 1 }, undeclared).content, { kind: 'json', payload: '{"a":1}' })
  t.same(Broadcast.of('hello', undeclared).content, { kind: 'text', payload: 'hello' })
  t.same(Broadcast.of(Buffer.from('a'), undeclared).content, { kind: 'binary', payload: Buffer.from('a') })
})

t.test('an event of a history carries its eventId, for connections of every codec', async t => {
  const { codec } = counting()
  const broadcast = Broadcast.ofEvent('{"a":1}', 'e-7')
  t.equal(payloadOf(broadcast, json), '{"a":1,"eventId":"e-7"}')
  t.equal(payloadOf(broadcast, codec), '<{"a":1,"eventId":"e-7"}>')
  t.equal(payloadOf(Broadcast.ofEvent('{}', 'e-7'), json), '{"eventId":"e-7"}')
})

t.test('an eventId of the application does not stand for that of the history', async t => {
  t.same(Broadcast.ofEvent('{"eventId":"mine"}', 'e-7').message, { eventId: 'e-7' })
})

t.test('what another process published reaches connections of every codec', async t => {
  const { codec } = counting()
  for (const message of [{ a: 1 }, 'hello', [1, 2], null]) {
    const { content } = Broadcast.of(message, undeclared)
    t.equal(payloadOf(Broadcast.from(content), json), JSON.stringify(message))
    t.equal(payloadOf(Broadcast.from(content), codec), `<${JSON.stringify(message)}>`)
  }
})

t.test('bytes that another process published are sent as they are', async t => {
  const { content } = Broadcast.of(Buffer.from('abc'), undeclared)
  t.equal(payloadOf(Broadcast.from(content), raw), 'abc')
})
