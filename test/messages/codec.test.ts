import { decode, encode } from '@msgpack/msgpack'
import { Type } from '@sinclair/typebox'
import t from 'tap'
import { codecFor, Codecs } from '../../lib/messages/codec.ts'
import type { MessageCodec } from '../../lib/messages/codec.ts'
import { SendContract } from '../../lib/messages/send-contract.ts'
import type { Codec, CodecOption, Payload } from '../../types/codec.ts'
import { sendContract } from '../helpers/contracts.ts'

const strict = new Codecs({ protoAction: 'error', constructorAction: 'error' })
const msgpack: Codec = { decode: payload => decode(payload as Buffer), encode: value => encode(value) as Buffer, binary: true }
const reversed: Codec = { decode: payload => [...payload as string].reverse().join(''), encode: value => String(value), binary: false }
const { undeclared } = SendContract

function one (option: CodecOption): MessageCodec {
  return strict.select(option).fallback
}

t.test('json parses text messages', async t => {
  t.same(strict.json.decode('{"a":[1,"ü"]}'), { a: [1, 'ü'] })
})

t.test('what is not JSON is refused with 1007', async t => {
  for (const text of ['', 'hello', '{', '{"a":1,}', '\'a\'', 'undefined', 'NaN']) {
    t.throws(() => strict.json.decode(text), { code: 'FST_ERR_WS_INVALID_JSON', closeCode: 1007, message: 'the message is not valid JSON', errors: [] }, text)
  }
})

t.test('json refuses binary messages with 1003', async t => {
  t.throws(() => strict.json.decode(Buffer.from('{}')), { code: 'FST_ERR_WS_UNSUPPORTED_DATA', closeCode: 1003 })
})

t.test('json refuses to be poisoned', async t => {
  for (const text of ['{"__proto__":{"admin":true}}', '{"a":[{"__proto__":1}]}', '{"constructor":{"prototype":{"admin":true}}}', '{"\\u005f_proto__":1}']) {
    t.throws(() => strict.json.decode(text), { code: 'FST_ERR_WS_INVALID_JSON' }, text)
  }
  t.same(strict.json.decode('{"constructor":"Ford"}'), { constructor: 'Ford' }, 'a constructor without a prototype is a word like others')
})

t.test('json removes poison where it is told to', async t => {
  const { json } = new Codecs({ protoAction: 'remove', constructorAction: 'remove' })
  t.same(json.decode('{"a":1,"__proto__":{"admin":true},"constructor":{"prototype":{}}}'), { a: 1 })
})

t.test('json lets poison pass where it is told to', async t => {
  const { json } = new Codecs({ protoAction: 'ignore', constructorAction: 'ignore' })
  t.same(Object.keys(json.decode('{"__proto__":1,"constructor":{"prototype":2}}') as object), ['__proto__', 'constructor'])
})

/** Poison as text: at the top, nested, in arrays, escaped in part or wholly, with space where JSON allows it. */
const proto = [
  '{"__proto__":{"admin":true}}', ' {"__proto__":1}', '{"a":1,"__proto__" : 1}', '{"a":{"__proto__":1}}', '[{"__proto__":1}]', '[[],[{"a":[{"__proto__":1}]}]]',
  '{"\\u005f_proto__":1}', '{"\\u005F_proto__":1}', '{"a":{"_\\u005fproto__":1}}', '{"__\\u0070roto__":1}', '[{"__prot\\u006f__":1}]',
  '{"\\u005f\\u005f\\u0070\\u0072\\u006f\\u0074\\u006f\\u005f\\u005f":1}'
]
const constructed = [
  '{"constructor":{"prototype":{"admin":true}}}', ' {"constructor":{"prototype":1}}', '{"a":1,"constructor" : {"prototype":1}}', '{"a":{"constructor":{"prototype":1}}}',
  '[{"constructor":{"prototype":1}}]', '{"\\u0063onstructor":{"prototype":1}}', '{"a":[{"constructo\\u0072":{"\\u0070rototype":1}}]}'
]

t.test('json finds poison wherever it is, and however it is written', async t => {
  for (const text of [...proto, ...constructed]) {
    t.throws(() => strict.json.decode(text), { code: 'FST_ERR_WS_INVALID_JSON', closeCode: 1007 }, text)
    t.throws(() => strict.json.decode(`\ufeff${text}`), { code: 'FST_ERR_WS_INVALID_JSON' }, `${text} behind a byte order mark`)
  }
})

t.test('json removes it there too, and nobody inherits from it', async t => {
  const { json } = new Codecs({ protoAction: 'remove', constructorAction: 'remove' })
  for (const text of [...proto, ...constructed]) {
    const decoded = JSON.stringify(json.decode(text))
    t.notMatch(decoded, /proto|constructor/, text)
  }
  t.equal((json.decode('{"\\u005f_proto__":{"admin":true}}') as { admin?: boolean }).admin, undefined)
})

t.test('each kind of poison is treated as its own option says', async t => {
  const removing = new Codecs({ protoAction: 'remove', constructorAction: 'error' }).json
  for (const text of proto) t.doesNotThrow(() => removing.decode(text), text)
  for (const text of constructed) t.throws(() => removing.decode(text), { code: 'FST_ERR_WS_INVALID_JSON' }, text)
  const ignoring = new Codecs({ protoAction: 'error', constructorAction: 'ignore' }).json
  for (const text of proto) t.throws(() => ignoring.decode(text), { code: 'FST_ERR_WS_INVALID_JSON' }, text)
  for (const text of constructed) t.same(ignoring.decode(text), JSON.parse(text), text)
})

t.test('what only mentions the words is no poison', async t => {
  for (const text of [
    '{"a":"__proto__"}', '{"a":"constructor"}', '{"a":"\\"__proto__\\":"}', '["__proto__","constructor"]', '{"my__proto__":1}', '{"constructors":{"prototype":1}}',
    '{"__Proto__":1}', '{"constructor":1,"prototype":2}', '{"constructor":[{"prototype":1}]}', '{"proto":{"prototype":{}}}', '"__proto__"', '{"a":"\\u005f\\n\\\\"}'
  ]) t.same(strict.json.decode(text), JSON.parse(text), text)
})

t.test('json need not be an object', async t => {
  for (const text of ['[]', '[1,{"a":[null]}]', '"text"', '1', '-1.5e3', 'true', 'null', ' {} ', '\t[ ]\r\n', '{}']) t.same(strict.json.decode(text), JSON.parse(text), text)
})

t.test('one byte order mark is no part of the JSON, as Fastify has it for bodies', async t => {
  for (const text of ['{"a":1}', '[1]', '"a"']) t.same(strict.json.decode(`\ufeff${text}`), JSON.parse(text))
  for (const text of ['\ufeff', '\ufeff\ufeff{}', '{}\ufeff', '{\ufeff}']) t.throws(() => strict.json.decode(text), { code: 'FST_ERR_WS_INVALID_JSON' })
})

t.test('json encodes as the contract says', async t => {
  t.equal(strict.json.encode({ a: 1, secret: 2 }, sendContract(Type.Object({ a: Type.Integer() }))), '{"a":1}')
  t.equal(strict.json.encodeReply({ a: 1 }, undeclared, 7), '{"a":1,"id":7}')
  t.equal(strict.json.encodePlain({ type: 'error' }), '{"type":"error"}')
})

t.test('raw hands text and bytes through, both ways', async t => {
  const raw = one('raw')
  const bytes = Buffer.from([0, 255])
  t.equal(raw.decode('text'), 'text')
  t.equal(raw.decode(bytes), bytes)
  t.equal(raw.encode('text', undeclared), 'text')
  t.equal(raw.encode(bytes, undeclared), bytes)
  t.equal(raw.encodeReply('text', undeclared, 7), 'text')
})

t.test('raw sends views as the bytes that they show', async t => {
  const memory = new Uint8Array([1, 2, 3, 4, 5, 6])
  t.same(one('raw').encode(memory.subarray(1, 3), undeclared), Buffer.from([2, 3]))
  t.same(one('raw').encode(new Uint16Array(memory.buffer, 2, 1), undeclared), Buffer.from([3, 4]))
  t.same(one('raw').encode(new DataView(memory.buffer, 4), undeclared), Buffer.from([5, 6]))
})

t.test('raw refuses everything else', async t => {
  for (const [message, name] of [[{ a: 1 }, 'object'], [null, 'null'], [1, 'number'], [[], 'object'], [undefined, 'undefined']]) {
    t.throws(() => one('raw').encode(message, undeclared), { code: 'FST_ERR_WS_SEND_INVALID', message: `cannot send: codec raw sends strings and Buffers, not ${name}` })
  }
})

t.test('a codec of one\'s own encodes and decodes values', async t => {
  const codec = one(msgpack)
  const payload = codec.encode({ a: [1, 'ü'] }, undeclared)
  t.ok(Buffer.isBuffer(payload))
  t.same(codec.decode(payload), { a: [1, 'ü'] })
})

t.test('a codec of one\'s own is given the declared fields only', async t => {
  const payload = one(msgpack).encode({ a: 1, secret: 2 }, sendContract(Type.Object({ a: Type.Integer() })))
  t.same(decode(payload as Buffer), { a: 1 })
})

t.test('a codec of one\'s own gets the id of a reply as a field', async t => {
  const reply = (message: unknown, contract = undeclared): unknown => decode(one(msgpack).encodeReply(message, contract, 'x') as Buffer)
  t.same(reply({ a: 1 }), { a: 1, id: 'x' })
  t.same(reply({ a: 1, secret: 2 }, sendContract(Type.Object({ a: Type.Integer() }))), { a: 1, id: 'x' })
})

t.test('a reply without fields reaches a codec of one\'s own as it is', async t => {
  for (const message of ['pong', 1, null, [1, 2], new Uint8Array([1, 2]), new Date(0)]) {
    t.same(decode(one(msgpack).encodeReply(message, undeclared, 'x') as Buffer), message)
  }
})

t.test('a text codec of one\'s own is given text, a binary one bytes; the other is refused with 1003', async t => {
  t.equal(one(reversed).decode('abc'), 'cba')
  t.throws(() => one(reversed).decode(Buffer.from('abc')), { code: 'FST_ERR_WS_UNSUPPORTED_DATA', closeCode: 1003, message: 'expected a text message' })
  t.throws(() => one(msgpack).decode('abc'), { code: 'FST_ERR_WS_UNSUPPORTED_DATA', closeCode: 1003, message: 'expected a binary message' })
})

t.test('what a codec of one\'s own can not decode is an invalid message', async t => {
  t.throws(() => one(msgpack).decode(Buffer.from([0xc1])), { code: 'FST_ERR_WS_INVALID_MESSAGE', closeCode: 1008, message: 'the message cannot be decoded' })
})

t.test('what a codec of one\'s own can not encode is refused', async t => {
  const broken = one({ ...reversed, encode () { throw new Error('too big') } })
  t.throws(() => broken.encode({}, undeclared), { code: 'FST_ERR_WS_SEND_INVALID', message: 'cannot send: too big' })
})

t.test('a codec that encodes to the wrong kind of payload is refused', async t => {
  const answers: Array<[boolean, unknown, string]> = [[true, 'text', 'Buffer'], [false, Buffer.from('a'), 'string'], [true, undefined, 'Buffer'], [false, {}, 'string'], [false, Promise.resolve('a'), 'string']]
  for (const [binary, answer, name] of answers) {
    const codec = one({ binary, decode: payload => payload, encode: () => answer as Payload })
    t.throws(() => codec.encode({}, undeclared), { code: 'FST_ERR_WS_SEND_INVALID', message: `cannot send: the codec must encode to a ${name}` })
  }
})

t.test('a codec that encodes to a view sends the bytes that it shows', async t => {
  const view = new Uint8Array([1, 2, 3]).subarray(1)
  t.same(one({ ...msgpack, encode: () => view as Buffer }).encode({}, undeclared), Buffer.from([2, 3]))
})

t.test('a codec may use its memory again for the next message', async t => {
  const memory = Buffer.alloc(16 * 1024)
  const codec = one({ decode: payload => payload, encode: value => memory.fill(String(value)), binary: true })
  const first = codec.encode('a', undeclared)
  codec.encode('b', undeclared)
  t.same(first, Buffer.alloc(16 * 1024, 'a'))
})

t.test('errors are JSON where the codec is raw, and encoded by a codec of one\'s own', async t => {
  t.equal(one('raw').encodePlain({ type: 'error' }), '{"type":"error"}')
  t.same(decode(one(msgpack).encodePlain({ type: 'error' }) as Buffer), { type: 'error' })
})

t.test('a codec that encodes to a promise is refused, and a rejection of that is nobody\'s', async t => {
  const encode = (): never => Promise.reject(new Error('nobody hears of it')) as never
  t.throws(() => one({ ...msgpack, encode }).encode({}, undeclared), { code: 'FST_ERR_WS_SEND_INVALID' })
  await new Promise(resolve => setImmediate(resolve))
})

t.test('the same option gives the same codec, so that a room frames once for all who use it', async t => {
  t.equal(strict.select(msgpack).fallback, strict.select(msgpack).fallback)
  t.equal(strict.select('json').fallback, strict.json)
  t.equal(strict.select({ a: msgpack }).bySubprotocol?.get('a'), strict.select(msgpack).fallback)
  t.not(strict.select({ ...msgpack }).fallback, strict.select(msgpack).fallback)
})

t.test('a map chooses by subprotocol, and is json without one', async t => {
  const choice = strict.select({ json: 'json', 'msgpack.v1': msgpack, bytes: 'raw' })
  t.equal(codecFor(choice, 'msgpack.v1'), one(msgpack))
  t.equal(codecFor(choice, 'bytes'), one('raw'))
  t.equal(codecFor(choice, ''), strict.json)
  t.equal(codecFor(choice, 'constructor'), strict.json)
})

t.test('what is no codec is refused at start-up', async t => {
  const { encode, decode, binary } = msgpack
  for (const option of ['yaml', {}, null, 1, [], { encode, decode }, { encode, binary }, { decode, binary }, { a: 'yaml' }, { a: {} }]) {
    t.throws(() => strict.select(option as CodecOption), { code: 'FST_ERR_WS_OPTION', message: /^option codec: must be 'json', 'raw'/ })
  }
})
